//! What every driver of this crate is held to: the conformance kit, with every closure that it can use and nothing left out.
//!
//! A driver has one function here, which says how its connections are used, dirtied, severed and counted.
#![cfg(all(feature = "test-util", feature = "sqlite"))]

use fairpool::Manager;
use fairpool::test_util::Conformance;

/// No check may fail, warn or be skipped, unless the driver says why.
fn conforms<M: Manager>(kit: Conformance<M>, left_out: &[&str]) {
    let report = kit.run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    let skipped: Vec<_> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(skipped, left_out, "{report}");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::conforms;
    use fairpool::drivers::sqlite::rusqlite::{self, OptionalExtension};
    use fairpool::drivers::sqlite::{Connection, Sqlite};
    use fairpool::test_util::{Answer, Conformance};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS t (a); CREATE TEMP TABLE session (a)";

    /// Counts connections as SQLite does: a hook that lives as long as its connection holds a session.
    #[derive(Clone)]
    struct Sessions(Arc<AtomicU64>);

    struct Session(Sessions);

    impl Drop for Session {
        fn drop(&mut self) {
            self.0.0.fetch_sub(1, Relaxed);
        }
    }

    impl Sessions {
        fn begin(&self, db: &mut rusqlite::Connection) -> rusqlite::Result<()> {
            self.0.fetch_add(1, Relaxed);
            let session = Session(self.clone());
            let held = move |_, _: &str, _: &str, _| {
                let _ = &session;
            };
            db.update_hook(Some(held))
        }
    }

    async fn exercise(conn: &mut Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let read = |db: &mut rusqlite::Connection| {
            let rows: i64 = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
            db.query_row("SELECT ?1 + 1", [rows], |row| row.get::<_, i64>(0))
                .optional()
                .map(|sum| (rows, sum))
        };
        let (rows, sum) = conn.call(read).await?;
        assert_eq!(sum, Some(rows + 1));
        Ok(())
    }

    async fn dirty(conn: &mut Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // It may be left by an earlier call of this closure, in the same lease.
        let begin = |db: &mut rusqlite::Connection| match db.is_autocommit() {
            true => db.execute_batch("BEGIN; SELECT count(*) FROM t"),
            false => Ok(()),
        };
        Ok(conn.call(begin).await?)
    }

    fn kit(db: Sqlite) -> Conformance<Sqlite> {
        let sessions = Sessions(Arc::default());
        let count = sessions.clone();
        let setup = move |db: &mut rusqlite::Connection| {
            sessions.begin(db)?;
            db.execute_batch(SCHEMA)
        };
        Conformance::new(db.setup(setup))
            .exercise(|conn| Box::pin(exercise(conn)))
            .dirty(|conn| Box::pin(dirty(conn)))
            .is_clean(|conn| -> Answer<'_, bool> {
                Box::pin(async move { Ok(conn.run(|db| db.is_autocommit()).await?) })
            })
            // SQLite has no network; what ends one of its connections is a panic on its thread.
            .sever(|conn| -> Answer<'_> {
                Box::pin(async move {
                    let panicked = conn.run(|_| std::panic::resume_unwind(Box::new("planned"))).await;
                    panicked.map_or(Ok(()), |()| Err("it lives on".into()))
                })
            })
            .sessions(move |_| {
                let count = count.0.load(Relaxed);
                Box::pin(async move { Ok(count) })
            })
            .permanent(Sqlite::file("/no/such/directory/a.db"))
    }

    #[test]
    fn sqlite_in_a_file_conforms() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let transient = busy(&dir.path().join("busy.db"));
        let kit = kit(Sqlite::file(dir.path().join("a.db"))).transient(transient.0);
        conforms(kit, &[]);
    }

    #[test]
    fn sqlite_in_memory_conforms() {
        conforms(kit(Sqlite::in_memory("conformance")), &["transient-error"]);
    }

    /// A file that somebody has locked, so that opening it may go better later.
    fn busy(path: &std::path::Path) -> (Sqlite, rusqlite::Connection) {
        let lock = rusqlite::Connection::open(path).expect("a database");
        lock.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE t (a)")
            .expect("locked");
        (Sqlite::file(path).busy_timeout(std::time::Duration::ZERO), lock)
    }
}
