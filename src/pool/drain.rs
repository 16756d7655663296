//! The orderly end: admit nobody new, let the line and the leases finish until a deadline, then close.

use super::clock::{between, nanos};
use super::handle::Pool;
use super::lookout::Lookout;
use super::manager::Manager;
use super::tally::Work;
use crate::observe::CloseReason;
use crate::sync::primitives::Ordering::Relaxed;
use futures::future::{Either, select};
use std::fmt;
use std::pin::pin;
use std::time::Duration;

/// What a [`Pool::drain`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainReport {
    /// Nothing was cut off, and every connection was closed in time.
    pub completed: bool,
    /// Connections closed meanwhile.
    pub closed: u64,
    /// Connections that somebody still held when the patience ended; they close when they come back.
    pub still_out: u32,
    /// Connections whose opening, cleaning or closing had not ended.
    pub unfinished: u32,
    /// Requests that were failed because the patience ended.
    pub failed: usize,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for DrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DrainReport {
            completed,
            closed,
            still_out,
            unfinished,
            failed,
            took,
        } = self;
        let how = if *completed { "drained" } else { "gave up draining" };
        write!(
            f,
            "{how} after {took:?}: {closed} closed, {still_out} still out, {unfinished} unfinished, {failed} requests failed"
        )
    }
}

/// The furthest deadline; one later means that no drain goes on.
const NO_HURRY: u64 = u64::MAX - 1;

impl<M: Manager> Pool<M> {
    /// Admits nobody new; lets those in line and all leases finish however long that takes, then closes. For a pool whose users
    /// have gone another way.
    pub(crate) fn retire(&self) {
        let shared = &self.shared;
        shared.live.drain_until.fetch_min(NO_HURRY, Relaxed);
        let idle = shared.line.drain(|| shared.now());
        shared.dismiss(idle, CloseReason::Retired);
        shared.tell_the_lineless();
        let counts = shared.line.counts();
        if counts.occupied == 0 && counts.pending == 0 {
            shared.close();
        }
        // Whoever is left has the supervisor see to the end.
        shared.poke();
    }

    /// Admits nobody new, lets those in line and all leases finish, and closes every connection; what has not finished when
    /// `patience` is over is cut off as by [`close`](Pool::close). Returns within `patience` in any case. A paused pool
    /// resumes. Of several drains at once the least patient counts.
    ///
    /// # Cancel safety
    ///
    /// A dropped drain goes on: the pool stays draining and closes when it is empty or when the patience is over.
    ///
    /// ```
    /// # use fairpool::doc::{pool, block_on};
    /// # use std::time::Duration;
    /// # block_on(async {
    /// let pool = pool();
    /// drop(pool.acquire().await?);
    /// let report = pool.drain(Duration::from_secs(10)).await;
    /// assert!(report.completed);
    /// assert_eq!(report.closed, 1);
    /// # Ok(()) });
    /// ```
    pub async fn drain(&self, patience: Duration) -> DrainReport {
        let shared = &self.shared;
        let began = shared.now();
        let until = began.saturating_add(nanos(patience)).min(NO_HURRY);
        let closed_before = shared.tally.closed.load(Relaxed);
        let cut_off_before = shared.line.cut_off();
        shared.live.drain_until.fetch_min(until, Relaxed);
        let idle = shared.line.drain(|| shared.now());
        shared.dismiss(idle, CloseReason::Retired);
        shared.tell_the_lineless();
        let mut lookout = Lookout::default();
        let mut look_at = lookout.next(began);
        loop {
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            let counts = shared.line.counts();
            if counts.occupied == 0 && counts.pending == 0 {
                break;
            }
            // Without any runtime there is nothing to wait with.
            let now = shared.now();
            if now >= until || !shared.staff() {
                break;
            }
            if now >= look_at {
                lookout.look(shared);
                look_at = lookout.next(now);
            }
            shared.poke();
            // Nothing is held here: a drain dropped now goes on in the supervisor's hands.
            match select(
                changed,
                pin!(shared.desk.sleep_until(shared.clock.instant(until.min(look_at)))),
            )
            .await
            {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
        // Whoever closed: this call, the supervisor at the same moment, or a less patient drain.
        let failed = shared.close() - cut_off_before;
        let status = shared.status();
        let at = |work| shared.tally.at(work);
        DrainReport {
            completed: failed == 0 && status.occupied() == 0,
            closed: shared.tally.closed.load(Relaxed) - closed_before,
            still_out: status.in_use,
            unfinished: at(Work::Connecting) + at(Work::Validating) + at(Work::Resetting) + at(Work::Closing),
            failed,
            took: between(began, shared.now()),
        }
    }
}
