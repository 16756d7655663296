//! The driver without a pool: opening, calling, calling off, panics and closing. What a lease sees is in
//! `tests/sqlite.rs`.

use super::{Connection, Error, Journal, Sqlite};
use crate::Manager;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use std::{future::Future, pin::pin};

pub(super) type Outcome = Result<(), Error>;

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

pub(super) fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Sends the work of a call, without waiting for it.
fn begin<F: Future>(call: std::pin::Pin<&mut F>) {
    assert!(
        matches!(call.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending),
        "the call has ended at once"
    );
}

pub(super) async fn execute(conn: &mut Connection, sql: &'static str) -> Outcome {
    conn.call(move |db| db.execute_batch(sql)).await
}

pub(super) async fn number(conn: &mut Connection, sql: &'static str) -> Result<i64, Error> {
    conn.call(move |db| db.query_row(sql, [], |row| row.get(0))).await
}

pub(super) async fn reset(db: &Sqlite, conn: &mut Connection) -> Outcome {
    db.reset(conn).expect("something to reset").await
}

fn assert_sync_and_send<T: Send + Sync>(_: &T) {}

#[tokio::test]
async fn a_connection_can_move_and_be_shared_between_threads() -> Outcome {
    let mut conn = Sqlite::in_memory("send").connect().await?;
    assert_sync_and_send(&conn);
    assert_sync_and_send(&conn.call(|_| Ok(())));
    Ok(())
}

#[test]
fn no_runtime_is_needed() -> Outcome {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut work = pin!(async {
        let mut conn = Sqlite::in_memory("no runtime").connect().await?;
        assert_eq!(number(&mut conn, "SELECT 1").await?, 1);
        conn.close().await;
        Ok(())
    });
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test]
async fn a_file_opens_with_the_promised_settings() -> Outcome {
    let dir = directory();
    let mut conn = Sqlite::file(dir.path().join("a.db"))
        .pragma("cache_size", -77)
        .connect()
        .await?;
    let mode: String = conn
        .call(|db| db.pragma_query_value(None, "journal_mode", |row| row.get(0)))
        .await?;
    assert_eq!(mode, "wal");
    assert_eq!(number(&mut conn, "PRAGMA synchronous").await?, 1);
    assert_eq!(number(&mut conn, "PRAGMA foreign_keys").await?, 1);
    assert_eq!(number(&mut conn, "PRAGMA cache_size").await?, -77);
    Ok(())
}

#[tokio::test]
async fn connections_that_make_a_file_together_do_not_refuse_each_other() -> Outcome {
    // Without the retry of the journal mode about three rounds of a hundred fail.
    for _ in 0..60 {
        let dir = directory();
        let db = Sqlite::file(dir.path().join("new.db"));
        futures::future::try_join_all((0..8).map(|_| db.connect())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_opened_says_why_in_one_line_and_for_good() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("garbage"), [7; 4096]).expect("written");
    let misspelt = Sqlite::in_memory("x").pragma("no such pragma", 1);
    let cases = [
        (
            Sqlite::file(at("none/a.db")),
            "unable to open database file (no directory ",
        ),
        (
            Sqlite::file(dir.path()),
            "unable to open database file (it is a directory)",
        ),
        (Sqlite::file(at("garbage")), "file is not a database"),
        (Sqlite::read_only(at("garbage")), "file is not a database"),
        (
            Sqlite::file(at("absent")).create(false),
            "unable to open database file (No such file or directory",
        ),
        (
            Sqlite::read_only(at("absent")),
            "unable to open database file (No such file or directory",
        ),
        (
            Sqlite::file(":memory:"),
            "each connection would have a database of its own, use Sqlite::in_memory",
        ),
        (Sqlite::file(""), "each connection would have a database of its own"),
        (Sqlite::file("a\0b"), "nul byte found"),
        (misspelt, "Invalid pragma \"no such pragma\""),
        (
            Sqlite::in_memory("x").setup(|db| db.execute_batch("SELECT *\nFROM none")),
            "no such table: none",
        ),
    ];
    for (db, reason) in cases {
        let error = db.connect().await.expect_err(reason);
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot open {}: ", db.database())), "{text}");
        assert!(text.contains(reason), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!db.is_transient(&error), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_only_locked_may_open_later() -> Outcome {
    let dir = directory();
    let db = Sqlite::file(dir.path().join("a.db"))
        .journal(Journal::Delete)
        .busy_timeout(Duration::ZERO);
    let mut owner = db.connect().await?;
    execute(&mut owner, "BEGIN EXCLUSIVE").await?;
    let error = db.connect().await.expect_err("locked");
    assert!(db.is_transient(&error) && error.is_busy(), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_dropped_call_is_interrupted_and_the_next_one_runs() -> Outcome {
    let mut conn = Sqlite::in_memory("interrupted").connect().await?;
    for sql in [ENDLESS, "SELECT 1"] {
        let (tell, begun) = mpsc::channel();
        {
            let mut call = pin!(conn.call(move |db| {
                tell.send(()).expect("told");
                // In the second round no statement is long, so only looks in between can end this.
                loop {
                    db.prepare_cached(sql)?.query_row([], |_| Ok(()))?;
                }
                #[expect(unreachable_code)]
                Ok(())
            }));
            begin(call.as_mut());
            begun.recv().expect("begun");
        }
        assert_eq!(number(&mut conn, "SELECT 2").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_call_commits_nothing_more() -> Outcome {
    let db = Sqlite::in_memory("no commit");
    let mut conn = db.connect().await?;
    execute(&mut conn, "CREATE TABLE t (a)").await?;
    let ((tell, begun), (go_on, wait)) = (mpsc::channel(), mpsc::channel());
    {
        let mut call = pin!(conn.call(move |db| {
            tell.send(()).expect("told");
            wait.recv().expect("told");
            db.execute("INSERT INTO t VALUES (1)", [])
        }));
        begin(call.as_mut());
        begun.recv().expect("begun");
    }
    go_on.send(()).expect("waiting");
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 0);
    assert!(db.reset(&mut conn).is_none(), "nothing is left open");
    Ok(())
}

#[tokio::test]
async fn a_dropped_call_that_has_not_begun_never_does() -> Outcome {
    let mut conn = Sqlite::in_memory("not begun").connect().await?;
    let (go_on, wait) = mpsc::channel();
    let mut leaked = Box::pin(conn.run(move |_| wait.recv()));
    begin(leaked.as_mut());
    std::mem::forget(leaked);
    let (touch, touched) = mpsc::channel();
    begin(pin!(conn.run(move |_| touch.send(()))));
    go_on.send(()).expect("waiting");
    assert!(touched.recv().is_err(), "it ran");
    assert_eq!(number(&mut conn, "SELECT 1").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_call_that_was_leaked_is_called_off_by_the_reset() -> Outcome {
    let db = Sqlite::in_memory("leaked");
    let mut conn = db.connect().await?;
    let mut leaked = Box::pin(conn.call(|db| db.query_row(ENDLESS, [], |_| Ok(()))));
    begin(leaked.as_mut());
    std::mem::forget(leaked);
    reset(&db, &mut conn).await?;
    assert!(db.reset(&mut conn).is_none());
    Ok(())
}

#[tokio::test]
async fn a_writer_waits_for_the_lock_until_it_is_free_or_unwanted_or_out_of_time() -> Outcome {
    let dir = directory();
    for place in [Sqlite::file(dir.path().join("a.db")), Sqlite::in_memory("lock")] {
        let patient = place.clone().busy_timeout(Duration::from_secs(3600));
        let (mut owner, mut writer) = (patient.connect().await?, patient.connect().await?);
        let mut hasty = place.busy_timeout(Duration::ZERO).connect().await?;
        execute(
            &mut owner,
            "CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)",
        )
        .await?;
        {
            let (tell, begun) = mpsc::channel();
            let mut unwanted = pin!(writer.call(move |db| {
                tell.send(()).expect("told");
                db.execute_batch("BEGIN IMMEDIATE")
            }));
            begin(unwanted.as_mut());
            begun.recv().expect("begun");
        }
        execute(&mut writer, "SELECT 1").await?;
        assert!(
            execute(&mut hasty, "BEGIN IMMEDIATE")
                .await
                .expect_err("locked")
                .is_busy()
        );
        {
            let mut write = pin!(execute(&mut writer, "INSERT INTO t VALUES (2)"));
            begin(write.as_mut());
            execute(&mut owner, "COMMIT").await?;
            write.await?;
        }
        assert_eq!(number(&mut owner, "SELECT count(*) FROM t").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_is_needed_only_for_an_open_transaction() -> Outcome {
    let db = Sqlite::in_memory("reset");
    let mut conn = db.connect().await?;
    assert!(db.reset(&mut conn).is_none());
    execute(&mut conn, "CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1)").await?;
    drop(db.reset(&mut conn)); // asking does nothing by itself
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 1);
    reset(&db, &mut conn).await?;
    assert!(db.reset(&mut conn).is_none());
    assert_eq!(number(&mut conn, "SELECT count(*) FROM t").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_panic_is_an_error_breaks_its_connection_and_frees_its_locks() -> Outcome {
    let db = Sqlite::in_memory("panic");
    let (mut conn, mut other) = (db.connect().await?, db.connect().await?);
    execute(&mut conn, "CREATE TABLE t (a); BEGIN IMMEDIATE").await?;
    let error = conn
        .run(|_| -> () { panic!("as {}", "planned") })
        .await
        .expect_err("panicked");
    assert_eq!(error.to_string(), "panic: a job panicked: as planned");
    assert!(db.is_broken(&mut conn));
    assert!(matches!(
        execute(&mut conn, "SELECT 1").await,
        Err(Error::Closed { .. })
    ));
    execute(&mut other, "INSERT INTO t VALUES (1)").await?;
    assert!(!db.is_broken(&mut other));
    conn.close().await;

    let error = db.setup(|_| panic!("in setup")).connect().await.expect_err("panicked");
    assert_eq!(error.to_string(), "panic: a job panicked: in setup");
    Ok(())
}

#[tokio::test]
async fn databases_in_memory_are_told_apart_by_their_names() -> Outcome {
    let names = ["", "a", "a?b=c", "a#", "ä", "/", "\0", "\0a"];
    let mut kept = Vec::new();
    for name in names {
        let db = Sqlite::in_memory(name);
        let (mut one, mut two) = (db.connect().await?, db.connect().await?);
        assert_eq!(
            number(&mut one, "SELECT count(*) FROM sqlite_schema").await?,
            0,
            "{name:?} is a new one"
        );
        execute(&mut one, "CREATE TABLE t (a)").await?;
        assert_eq!(
            number(&mut two, "SELECT count(*) FROM sqlite_schema").await?,
            1,
            "{name:?} is shared"
        );
        kept.push(db);
    }
    Ok(())
}

#[tokio::test]
async fn connections_closed_together_leave_no_log() -> Outcome {
    let dir = directory();
    let path = dir.path().join("a.db");
    let log = dir.path().join("a.db-wal");
    let db = Sqlite::file(&path);
    for round in 0..20 {
        let mut all = [
            db.connect().await?,
            db.connect().await?,
            db.connect().await?,
            db.connect().await?,
        ];
        for conn in &mut all {
            execute(conn, "CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)").await?;
        }
        assert!(log.exists());
        let [a, b, c, d] = all;
        tokio::join!(a.close(), b.close(), c.close(), d.close());
        assert!(!log.exists(), "round {round}");
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connect_that_is_given_up_ends_its_thread_though_the_file_is_locked() -> Outcome {
    let threads = || {
        let all = std::fs::read_dir("/proc/self/task").expect("threads");
        all.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
            .filter(|name| name.trim() == "sqlite given-up")
            .count()
    };
    let dir = directory();
    let path: &Path = &dir.path().join("given-up");
    let db = Sqlite::file(path)
        .journal(Journal::Delete)
        .busy_timeout(Duration::from_secs(3600));
    let mut owner = db.connect().await?;
    execute(&mut owner, "BEGIN EXCLUSIVE").await?;
    {
        let mut connect = pin!(db.connect());
        begin(connect.as_mut());
        while threads() < 2 {
            std::thread::yield_now();
        }
    }
    while threads() > 1 {
        std::thread::yield_now();
    }
    Ok(())
}
