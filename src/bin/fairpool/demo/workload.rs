//! The load: tasks that each ask for a connection, do one operation and ask again, until the pool closes.
//!
//! What a task does depends on its number alone: every run asks for the same work.

use super::Options;
use super::database::{Database, ROWS};
use super::figures::{LoadFigures, WholeFigures};
use super::interrupt::Interrupt;
use super::record::Recorder;
use super::screen::Screen;
use anyhow::{Context, Result};
use fairpool::drivers::sqlite::{Connection, Error, Sqlite};
use fairpool::{AcquireError, OrderChecker, Pool};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Percentages of all operations; the rest are point reads.
pub(super) const RANGE_READS: u32 = 20;
pub(super) const WRITES: u32 = 5;

/// Rows of a range read.
pub(super) const RANGE: i64 = 100;

/// How often the display changes.
const TICK: Duration = Duration::from_millis(100);

/// How long a task rests after a failure, so that a broken database is not asked a million times.
const REST: Duration = Duration::from_millis(10);

/// The running tasks, and the pool that they share.
pub(super) struct Load {
    pub(super) pool: Pool<Sqlite>,
    pub(super) recorder: Arc<Recorder>,
    order: Arc<OrderChecker>,
    tasks: JoinSet<()>,
    size: u32,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PointRead,
    RangeRead,
    Write,
}

impl Load {
    pub(super) fn start(database: &Database, options: &Options) -> Result<Self> {
        let order = OrderChecker::new();
        let pool = Pool::builder(database.manager())
            .limit(options.limit)
            .observer(order.clone())
            .build()?;
        let recorder = Arc::new(Recorder::new(options.tasks)?);
        let mut tasks = JoinSet::new();
        for task in 0..options.tasks {
            tasks.spawn(work(pool.clone(), recorder.clone(), task));
        }
        Ok(Load {
            pool,
            recorder,
            order,
            tasks,
            size: options.tasks,
        })
    }

    /// Shows the load for so long; `false` if the user interrupted.
    pub(super) async fn go_on(
        &self,
        what: &'static str,
        time: Duration,
        screen: &Screen,
        interrupt: &Interrupt,
    ) -> bool {
        let (began, done) = (Instant::now(), self.recorder.done());
        loop {
            let left = time.saturating_sub(began.elapsed());
            if left.is_zero() {
                return true;
            }
            tokio::select! {
                () = interrupt.once() => return false,
                () = tokio::time::sleep(left.min(TICK)) => {}
            }
            let rate = rate(self.recorder.done() - done, began.elapsed());
            screen.progress(what, began.elapsed(), time, rate, &self.pool.status());
        }
    }

    /// Ends the measurement, and leaves the tasks running.
    pub(super) fn measured(&self) -> Result<LoadFigures> {
        let elapsed = self.recorder.finish();
        let totals = self.pool.status().totals;
        Ok(LoadFigures {
            elapsed,
            grants: self.order.grants(),
            overlaps: self.order.overlaps(),
            overtakings: self.order.overtakings(),
            opened: totals.opened,
            connect_failures: totals.connect_failures,
            ..self.recorder.figures(self.size)?
        })
    }

    /// Waits for the tasks, which end when their pool has; what hangs on a connection that did not come back is cut off.
    pub(super) async fn end(&mut self, drained: bool) -> Result<()> {
        if !drained {
            self.tasks.abort_all();
        }
        while let Some(task) = self.tasks.join_next().await {
            match task {
                Err(error) if error.is_panic() => return Err(error).context("a task panicked"),
                _ => {}
            }
        }
        Ok(())
    }

    /// What can be said when all is over.
    pub(super) async fn whole(&self, database: &Database) -> Result<WholeFigures> {
        let (balances, expected) = database.balances().await?;
        let (failures, first_failure) = self.recorder.failures();
        Ok(WholeFigures {
            operations: self.recorder.done(),
            writes: self.recorder.writes(),
            failures,
            first_failure,
            grants: self.order.grants(),
            overlaps: self.order.overlaps(),
            overtakings: self.order.overtakings(),
            balances,
            expected,
        })
    }
}

async fn work(pool: Pool<Sqlite>, recorder: Arc<Recorder>, task: u32) {
    let mut dice = fastrand::Rng::with_seed(u64::from(task));
    loop {
        let operation = Operation::draw(&mut dice);
        let asked = Instant::now();
        let mut conn = match pool.acquire().await {
            Ok(conn) => conn,
            Err(AcquireError::Closed(_)) => return,
            Err(AcquireError::Cleared) => {
                recorder.told();
                continue;
            }
            Err(error) => {
                recorder.failed(&error);
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let granted = Instant::now();
        let outcome = operation.run(&mut conn).await;
        let in_database = granted.elapsed();
        drop(conn);
        match outcome {
            Ok(()) => recorder.served(task, operation.kind, granted - asked, in_database),
            Err(error) => {
                recorder.failed(&error);
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// One operation: its kind, and the accounts that it is about.
struct Operation {
    kind: Kind,
    account: i64,
    other: i64,
    amount: i64,
}

impl Operation {
    fn draw(dice: &mut fastrand::Rng) -> Self {
        let kind = match dice.u32(0..100) {
            percent if percent < WRITES => Kind::Write,
            percent if percent < WRITES + RANGE_READS => Kind::RangeRead,
            _ => Kind::PointRead,
        };
        Operation {
            kind,
            account: dice.i64(1..=ROWS),
            other: dice.i64(1..=ROWS),
            amount: dice.i64(1..=100),
        }
    }

    async fn run(&self, conn: &mut Connection) -> Result<(), Error> {
        match self.kind {
            Kind::PointRead => read_account(conn, self.account).await,
            Kind::RangeRead => read_range(conn, self.account.min(ROWS - RANGE + 1)).await,
            Kind::Write => transfer(conn, self.account, self.other, self.amount).await,
        }
    }
}

async fn read_account(conn: &mut Connection, account: i64) -> Result<(), Error> {
    conn.call(move |db| {
        let mut query = db.prepare_cached("SELECT owner, balance FROM accounts WHERE id = ?1")?;
        query.query_row([account], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
    })
    .await
    .map(drop)
}

async fn read_range(conn: &mut Connection, first: i64) -> Result<(), Error> {
    conn.call(move |db| {
        let mut query = db.prepare_cached("SELECT balance FROM accounts WHERE id BETWEEN ?1 AND ?2")?;
        let mut rows = query.query([first, first + RANGE - 1])?;
        let mut sum = 0;
        while let Some(row) = rows.next()? {
            sum += row.get::<_, i64>(0)?;
        }
        Ok(sum)
    })
    .await
    .map(drop)
}

/// Moves an amount. Where a step fails the transaction stays open, and the pool's reset rolls it back.
async fn transfer(conn: &mut Connection, from: i64, to: i64, amount: i64) -> Result<(), Error> {
    conn.call(move |db| {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut add = db.prepare_cached("UPDATE accounts SET balance = balance + ?2 WHERE id = ?1")?;
        add.execute([from, -amount])?;
        add.execute([to, amount])?;
        db.prepare_cached("COMMIT")?.execute([]).map(drop)
    })
    .await
}

/// Operations per second.
pub(super) fn rate(operations: u64, time: Duration) -> f64 {
    operations as f64 / time.as_secs_f64().max(1e-9)
}
