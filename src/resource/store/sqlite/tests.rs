//! What needs a hand inside: migrations, a disk that is full or takes no writes, a connection that has to be opened again.

use super::opener::Opener;
use super::schema::MIGRATIONS;
use super::store::SqliteStore;
use crate::drivers::sqlite::rusqlite::Connection;
use crate::resource::store::{Change, Contents, Document, Kind, Store, StoreError};
use std::path::{Path, PathBuf};
use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// So long that reaching it means failure.
const NEVER: Duration = Duration::from_secs(60);

/// Two more versions, as some day's program would have them.
static THREE: [&str; 3] = [
    MIGRATIONS[0],
    "ALTER TABLE records ADD COLUMN note TEXT; UPDATE records SET note = 'from 1'",
    "CREATE TABLE notes AS SELECT key, note FROM records",
];
static BROKEN: [&str; 3] = [MIGRATIONS[0], THREE[1], "CREATE TABLE half (a); nonsense"];

fn home() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("fairpool.db");
    (dir, path)
}

async fn with(path: &Path, steps: &'static [&'static str]) -> Result<SqliteStore, StoreError> {
    SqliteStore::with(Opener::with(path, steps)?).await
}

fn topic(bytes: usize) -> Vec<Change> {
    let body = Document::new(&"x".repeat(bytes)).expect("JSON");
    vec![Change::Create {
        kind: Kind::Topic,
        body,
    }]
}

async fn execute(store: &SqliteStore, sql: &'static str) -> Outcome {
    let mut conn = store.lease(NEVER).await?;
    Ok(conn.call(move |db| db.execute_batch(sql)).await?)
}

fn number(path: &Path, sql: &str) -> i64 {
    let db = Connection::open(path).expect("a database");
    db.query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[tokio::test]
async fn an_older_file_is_brought_up_to_date_and_an_older_program_refuses_it_then() -> Outcome {
    let (_dir, path) = home();
    let store = with(&path, &MIGRATIONS).await?;
    store.commit(topic(1)).await?;
    let before = store.load().await?;
    store.close().await;
    let store = with(&path, &THREE).await?;
    assert_eq!(store.load().await?, before);
    store.close().await;
    assert_eq!(number(&path, "SELECT count(*) FROM notes WHERE note = 'from 1'"), 1);
    assert_eq!(number(&path, "PRAGMA user_version"), 3);
    let error = with(&path, &MIGRATIONS).await.expect_err("it is newer");
    assert!(matches!(error, StoreError::Newer { found: 3, known: 1, .. }), "{error}");
    assert_eq!(with(&path, &THREE).await?.load().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_version_before_it_from_which_it_goes_on() -> Outcome {
    let (_dir, path) = home();
    let store = with(&path, &MIGRATIONS).await?;
    store.commit(topic(1)).await?;
    store.close().await;
    let error = with(&path, &BROKEN).await.expect_err("nonsense");
    assert!(error.to_string().contains("syntax error"), "{error}");
    assert_eq!(number(&path, "PRAGMA user_version"), 2);
    assert_eq!(
        number(&path, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"),
        0
    );
    assert_eq!(with(&path, &THREE).await?.load().await?.records.len(), 1);
    Ok(())
}

/// Commits until one fails; says which error that was, and what the store held before it.
async fn until_refused(store: &SqliteStore) -> Result<(StoreError, Contents), StoreError> {
    loop {
        let before = store.load().await?;
        assert!(before.records.len() < 1000, "nothing is ever refused");
        if let Err(error) = store.commit(topic(3000)).await {
            return Ok((error, before));
        }
    }
}

#[tokio::test]
async fn a_full_or_read_only_disk_acknowledges_nothing_and_loses_nothing() -> Outcome {
    let (_dir, path) = home();
    let store = with(&path, &MIGRATIONS).await?;
    let faults = [
        (
            "PRAGMA max_page_count = 40",
            "database or disk is full",
            "PRAGMA max_page_count = 100000",
        ),
        (
            "PRAGMA query_only = 1",
            "attempt to write a readonly database",
            "PRAGMA query_only = 0",
        ),
    ];
    for (fault, said, cure) in faults {
        execute(&store, fault).await?;
        let (error, before) = until_refused(&store).await?;
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("{}: {said}", path.display()));
        assert_eq!(store.load().await?, before, "{fault}");
        execute(&store, cure).await?;
        let made = store.commit(topic(1)).await?;
        assert_eq!(made.version.number(), before.version.number() + 1, "{fault}");
        assert_eq!(made.created, [(before.records.len() + 1).to_string()]);
    }
    let before = store.load().await?;
    store.close().await;
    assert_eq!(with(&path, &MIGRATIONS).await?.load().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_connection_that_was_lost_is_opened_again_unless_another_process_had_the_file() -> Outcome {
    let (_dir, path) = home();
    let store = with(&path, &MIGRATIONS).await?;
    store.commit(topic(1)).await?;
    for _ in 0..3 {
        store.pool.invalidate();
        store.commit(topic(1)).await?;
    }
    assert_eq!(number_of_openings(&store).await?, 1);

    store.pool.invalidate();
    let other = with(&path, &MIGRATIONS).await?;
    let meanwhile = store.commit(topic(1)).await;
    assert!(matches!(meanwhile, Err(StoreError::InUse { .. })), "{meanwhile:?}");
    other.close().await;
    // For the length of a backoff the pool gives its last answer.
    let refused = async {
        while let Err(error) = store.commit(topic(1)).await {
            match error {
                StoreError::InUse { .. } => tokio::time::sleep(Duration::from_millis(20)).await,
                error => return error,
            }
        }
        panic!("two stores wrote one file");
    };
    let refused = tokio::time::timeout(NEVER, refused).await?;
    assert!(matches!(refused, StoreError::Replaced { .. }), "{refused:?}");
    assert_eq!(with(&path, &MIGRATIONS).await?.load().await?.records.len(), 4);
    Ok(())
}

#[tokio::test]
async fn an_older_copy_put_in_the_files_place_is_not_gone_on_with() -> Outcome {
    let (dir, path) = home();
    let store = with(&path, &MIGRATIONS).await?;
    store.commit(topic(1)).await?;
    // A copy made by the same opening.
    let copy = dir.path().join("copy.db");
    let text = format!("VACUUM INTO '{}'", copy.display());
    let mut conn = store.lease(NEVER).await?;
    conn.call(move |db| db.execute_batch(&text)).await?;
    drop(conn);
    store.commit(topic(1)).await?;
    for companion in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("fairpool.db{companion}")));
    }
    #[cfg(unix)]
    std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    std::fs::rename(&copy, &path)?;
    let late = store.commit(topic(1)).await;
    assert!(matches!(late, Err(StoreError::Replaced { .. })), "{late:?}");
    assert_eq!(with(&path, &MIGRATIONS).await?.load().await?.records.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_journal_that_a_killed_stranger_left_is_played_back_and_no_more() -> Outcome {
    let (dir, path) = home();
    let other = dir.path().join("other.db");
    let db = Connection::open(&other)?;
    db.execute_batch(
        "CREATE TABLE t (a); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) \
         INSERT INTO t SELECT randomblob(3000) FROM n; \
         PRAGMA cache_size = 2; BEGIN; UPDATE t SET a = zeroblob(3000)",
    )?;
    // As a kill would leave them: in the middle of the transaction.
    std::fs::copy(&other, &path)?;
    std::fs::copy(
        dir.path().join("other.db-journal"),
        dir.path().join("fairpool.db-journal"),
    )?;
    #[cfg(unix)]
    for name in ["fairpool.db", "fairpool.db-journal"] {
        std::fs::set_permissions(
            dir.path().join(name),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )?;
    }
    let error = with(&path, &MIGRATIONS).await.expect_err("a stranger's");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(number(&path, "SELECT count(*) FROM t WHERE a <> zeroblob(3000)"), 200);
    assert_eq!(
        number(
            &path,
            "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'delete'"
        ),
        1
    );
    Ok(())
}

async fn number_of_openings(store: &SqliteStore) -> Result<i64, Box<dyn std::error::Error>> {
    let mut conn = store.lease(NEVER).await?;
    let work = conn.call(|db| db.query_row("SELECT opening FROM store", [], |row| row.get(0)));
    Ok(work.await?)
}
