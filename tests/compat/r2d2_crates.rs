//! r2d2_sqlite: on a file, whose open descriptors are its sessions.

use super::*;
use fairpool::compat::Error;
use fairpool::compat::r2d2::{Connection, R2d2};
use r2d2_sqlite::SqliteConnectionManager as Theirs;
use r2d2_sqlite::rusqlite::{self, OpenFlags};
use std::path::Path;

/// How many connections to the file this process has open.
fn sessions(file: &Path) -> u64 {
    let open = std::fs::read_dir("/proc/self/fd").expect("Linux");
    open.filter(|fd| {
        let fd = fd.as_ref().expect("listed").path();
        std::fs::read_link(fd).is_ok_and(|target| target == file)
    })
    .count() as u64
}

async fn work(conn: &mut Connection<rusqlite::Connection>) -> Outcome {
    let rows = conn.call(|db| -> rusqlite::Result<i64> {
        let transaction = db.transaction()?;
        transaction.execute("INSERT INTO t VALUES (1)", [])?;
        let rows = transaction.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
        transaction.commit()?;
        Ok(rows)
    });
    assert!(rows.await? > 0);
    Ok(())
}

fn setup(db: &mut rusqlite::Connection) -> rusqlite::Result<()> {
    db.busy_timeout(Duration::from_secs(60))?;
    db.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS t (a)")
}

#[tokio::test]
async fn r2d2_sqlite_works_for_a_crowd_with_as_many_connections_as_the_pool_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().canonicalize().unwrap().join("a.db");
    let pool = pool(R2d2::new(Theirs::file(&file).with_init(setup)));
    crowd(pool, work, || sessions(&file)).await;
    let rows: u32 = rusqlite::Connection::open(&file)
        .unwrap()
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, TASKS * LEASES);
}

#[tokio::test]
async fn r2d2_sqlite_works_in_memory_and_its_errors_come_through() {
    let pool = pool(R2d2::new(Theirs::memory().with_init(setup)));
    let mut conn = pool.acquire().await.unwrap();
    work(&mut conn).await.unwrap();
    let error = conn.call(|db| db.execute("nonsense", [])).await.unwrap_err();
    assert!(error.downcast_ref::<rusqlite::Error>().is_some());
    assert!(error.to_string().starts_with("near \"nonsense\""), "{error}");
    work(&mut conn).await.unwrap();

    let missing = Theirs::file("/no/such/directory/a.db").with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY);
    let error: Arc<Error> = refused(R2d2::new(missing).permanent_if(|_| true)).await;
    let said = error.to_string();
    assert!(
        said.starts_with("unable to open database file: /no/such/directory/a.db"),
        "{said}"
    );
}

#[test]
fn r2d2_sqlite_works_for_threads_that_take_the_connection_as_it_is() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let theirs = Theirs::file(dir.path().join("a.db")).with_init(setup);
    let builder = Pool::builder(R2d2::new(theirs)).limit(2);
    let pool = builder.runtime(runtime.handle().clone()).build().unwrap();
    let insert = || {
        for _ in 0..20 {
            let mut lease = pool.acquire_blocking().unwrap();
            let db: &mut rusqlite::Connection = lease.blocking().unwrap();
            db.execute("INSERT INTO t VALUES (1)", []).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(insert);
        }
    });
    let count = |db: &rusqlite::Connection| db.query_row("SELECT count(*) FROM t", [], |row| row.get(0));
    let rows: u32 = count(pool.acquire_blocking().unwrap().blocking().unwrap()).unwrap();
    assert_eq!(rows, 80);
}

#[cfg(feature = "test-util")]
#[test]
fn r2d2_sqlite_works_and_conforms() {
    use fairpool::test_util::{Answer, Conformance};

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().canonicalize().unwrap().join("a.db");
    let missing = || R2d2::new(Theirs::file("/no/such/directory/a.db"));
    let kit = Conformance::new(R2d2::new(Theirs::file(&file).with_init(setup)))
        .exercise(|conn| -> Answer<'_> {
            Box::pin(async {
                let sum = conn.call(|db| db.query_row("SELECT count(*) + 1 FROM t", [], |row| row.get::<_, i64>(0)));
                assert_eq!(sum.await?, 1);
                Ok(())
            })
        })
        // SQLite has no network; a panic ends a connection.
        .sever(|conn| -> Answer<'_> {
            Box::pin(async {
                let panicked = conn.run(|_| std::panic::resume_unwind(Box::new("planned"))).await;
                panicked.map_or(Ok(()), |()| Err("it lives on".into()))
            })
        })
        .sessions(move |_| Box::pin(std::future::ready(Ok(sessions(&file)))))
        .permanent(missing().permanent_if(|_| true))
        .transient(missing());
    conforms(kit, &DIRT);
}
