//! SQLite through a pool: what one lease leaves, and what the next one finds.
#![cfg(feature = "sqlite")]

use fairpool::drivers::sqlite::rusqlite::{self, ErrorCode, StatementStatus};
use fairpool::drivers::sqlite::{Connection, Error, Sqlite};
use fairpool::{AcquireError, Pool};
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

/// So long that reaching it means failure.
const NEVER: Duration = Duration::from_secs(3600);

fn pool(db: Sqlite, limit: u32) -> Pool<Sqlite> {
    Pool::builder(db).limit(limit).build().expect("good options")
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

async fn execute(conn: &mut Connection, sql: &'static str) -> Result<(), Error> {
    conn.call(move |db| db.execute_batch(sql)).await
}

async fn number(conn: &mut Connection, sql: &'static str) -> Result<i64, Error> {
    conn.call(move |db| db.query_row(sql, [], |row| row.get(0))).await
}

/// Sends the work of a call, without waiting for it.
fn begin<F: Future>(call: std::pin::Pin<&mut F>) {
    assert!(
        matches!(call.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending),
        "the call has ended at once"
    );
}

#[test]
fn connections_and_leases_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Connection>();
    is_send::<fairpool::Pooled<'_, Sqlite>>();
    is_send::<fairpool::OwnedPooled<Sqlite>>();
}

#[tokio::test]
async fn rows_survive_the_pool_that_wrote_them() -> Outcome {
    let dir = directory();
    let path = dir.path().join("a.db");
    for rows in 1..=2 {
        let pool = pool(Sqlite::file(&path), 2);
        let mut conn = pool.acquire().await?;
        execute(&mut conn, "CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)").await?;
        assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, rows);
        drop(conn);
        assert!(pool.drain(NEVER).await.completed);
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_does_not_wait_for_a_writer() -> Outcome {
    let dir = directory();
    let pool = pool(Sqlite::file(dir.path().join("a.db")).busy_timeout(Duration::ZERO), 2);
    let (mut writer, mut reader) = (pool.acquire().await?, pool.acquire().await?);
    execute(
        &mut writer,
        "CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)",
    )
    .await?;
    assert_eq!(number(&mut reader, "SELECT count(*) FROM t").await?, 0);
    execute(&mut writer, "COMMIT").await?;
    assert_eq!(number(&mut reader, "SELECT count(*) FROM t").await?, 1);
    Ok(())
}

#[tokio::test]
async fn two_writers_take_turns() -> Outcome {
    let dir = directory();
    for db in [Sqlite::file(dir.path().join("a.db")), Sqlite::in_memory("writers")] {
        let pool = pool(db.busy_timeout(NEVER), 2);
        execute(&mut *pool.acquire().await?, "CREATE TABLE t (a)").await?;
        let write = || async {
            let mut conn = pool.acquire().await?;
            for _ in 0..100 {
                execute(
                    &mut conn,
                    "BEGIN IMMEDIATE; INSERT INTO t SELECT count(*) FROM t; COMMIT",
                )
                .await?;
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        };
        tokio::try_join!(write(), write())?;
        assert_eq!(
            number(&mut *pool.acquire().await?, "SELECT count(DISTINCT a) FROM t").await?,
            200
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_a_lease_left_open_is_rolled_back_before_the_next_one() -> Outcome {
    let dir = directory();
    let pool = pool(Sqlite::file(dir.path().join("a.db")), 1);
    let mut conn = pool.acquire().await?;
    execute(&mut conn, "CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1)").await?;
    drop(conn);
    let mut conn = pool.acquire().await?;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 0);
    assert_eq!(pool.status().totals.opened, 1, "it is the same connection");
    assert!(conn.run(|db| db.is_autocommit()).await?);
    Ok(())
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_gives_its_connection_back() -> Outcome {
    let pool = pool(Sqlite::in_memory("cancelled"), 1);
    let mut conn = pool.acquire().await?;
    execute(&mut conn, "CREATE TABLE t (a)").await?;
    let (tell, begun) = mpsc::channel();
    {
        let mut call = pin!(conn.call(move |db| {
            db.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")?;
            tell.send(()).expect("told");
            db.query_row(ENDLESS, [], |_| Ok(()))
        }));
        begin(call.as_mut());
        begun.recv()?;
    }
    drop(conn);
    let mut conn = pool.acquire().await?;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 0);
    assert_eq!(pool.status().totals.opened, 1, "it is the same connection");
    Ok(())
}

#[tokio::test]
async fn cached_statements_survive_their_lease() -> Outcome {
    let pool = pool(Sqlite::in_memory("statements"), 1);
    for runs in 1..=3 {
        let mut conn = pool.acquire().await?;
        let counted = conn.call(|db| {
            let mut statement = db.prepare_cached("SELECT 1")?;
            statement.query_row([], |_| Ok(()))?;
            Ok(statement.get_status(StatementStatus::Run))
        });
        assert_eq!(counted.await?, runs);
    }
    Ok(())
}

#[tokio::test]
async fn a_read_only_database_refuses_writes_and_breaks_nothing() -> Outcome {
    let dir = directory();
    let path = dir.path().join("a.db");
    let writers = pool(Sqlite::file(&path), 1);
    execute(&mut *writers.acquire().await?, "CREATE TABLE t (a)").await?;
    let readers = pool(Sqlite::read_only(&path), 1);
    let mut conn = readers.acquire().await?;
    let error = execute(&mut conn, "INSERT INTO t VALUES (1)")
        .await
        .expect_err("read only");
    assert_eq!(
        error.to_string(),
        format!("{}: attempt to write a readonly database", path.display())
    );
    assert_eq!(
        error.sqlite().and_then(rusqlite::Error::sqlite_error_code),
        Some(ErrorCode::ReadOnly)
    );
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_database_in_memory_is_shared_by_its_connections_and_gone_with_them() -> Outcome {
    for _ in 0..2 {
        let last = Arc::new(());
        let gone = Arc::downgrade(&last);
        let keep = move |_: &mut rusqlite::Connection| {
            let _ = &last;
            Ok(())
        };
        let pool = pool(Sqlite::in_memory("shared").setup(keep), 2);
        let (mut one, mut two) = (pool.acquire().await?, pool.acquire().await?);
        execute(&mut one, "CREATE TABLE t (a); INSERT INTO t VALUES (1)").await?;
        assert_eq!(number(&mut two, "SELECT count(*) FROM t").await?, 1);
        drop((one, two));
        // The connections close, but the manager keeps the database.
        pool.invalidate();
        let mut one = pool.acquire().await?;
        assert_eq!(number(&mut one, "SELECT count(*) FROM t").await?, 1);
        drop(one);
        pool.drain(NEVER).await;
        drop(pool);
        while gone.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_opened_fails_the_acquire_at_once_and_in_one_line() {
    let dir = directory();
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, [7; 4096]).expect("written");
    for path in [dir.path(), &garbage, &dir.path().join("none/a.db")] {
        let pool = Pool::builder(Sqlite::file(path))
            .acquire_timeout(NEVER)
            .build()
            .expect("good options");
        let error = pool.acquire().await.expect_err("no database");
        assert!(matches!(error, AcquireError::Connect(_)), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("cannot open {}: ", path.display())) && text.lines().count() == 1,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_panic_in_a_closure_costs_one_connection_and_nobody_else() -> Outcome {
    let pool = pool(Sqlite::in_memory("panic"), 2);
    let (mut one, mut two) = (pool.acquire().await?, pool.acquire().await?);
    let error = one.run(|_| -> () { panic!("planned") }).await.expect_err("panicked");
    assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    assert_eq!(number(&mut two, "SELECT 1").await?, 1);
    drop((one, two));
    let (mut one, mut two) = (pool.acquire().await?, pool.acquire().await?);
    assert_eq!(number(&mut one, "SELECT 1").await?, 1);
    assert_eq!(number(&mut two, "SELECT 1").await?, 1);
    assert_eq!(pool.status().totals.opened, 3);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_its_lease_altered_is_not_lent_again_where_that_is_asked_for() -> Outcome {
    let pool = pool(Sqlite::in_memory("altered").retire_altered(true), 1);
    execute(&mut *pool.acquire().await?, "CREATE TEMP TABLE left_over (a)").await?;
    let mut conn = pool.acquire().await?;
    assert_eq!(number(&mut conn, "SELECT count(*) FROM sqlite_temp_schema").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_lease_can_be_dropped_on_a_plain_thread() -> Outcome {
    let pool = pool(Sqlite::in_memory("plain"), 1);
    for open_too in [false, true] {
        let mut conn = pool.acquire_owned().await?;
        if open_too {
            execute(&mut conn, "CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1)").await?;
        }
        std::thread::spawn(move || drop(conn)).join().expect("no panic");
        assert!(pool.acquire().await?.run(|db| db.is_autocommit()).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_drain_leaves_no_thread_and_no_log() -> Outcome {
    let dir = directory();
    let path = dir.path().join("drained");
    let log = dir.path().join("drained-wal");
    let pool = pool(Sqlite::file(&path), 4);
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pool.acquire().await?);
    }
    execute(&mut leases[0], "CREATE TABLE t (a); INSERT INTO t VALUES (1)").await?;
    assert!(log.exists());
    drop(leases);
    let report = pool.drain(NEVER).await;
    assert!(report.completed && report.closed == 4, "{report}");
    assert!(!log.exists());
    // The last steps of a thread, after its file was closed, are the system's.
    while threads("sqlite drained") > 0 {
        std::thread::yield_now();
    }
    Ok(())
}

/// How many threads of this process have the name, where the system tells.
fn threads(name: &str) -> usize {
    let Ok(all) = Path::new("/proc/self/task").read_dir() else {
        return 0;
    };
    all.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim() == name)
        .count()
}
