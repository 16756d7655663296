//! SQLite by rusqlite on threads of its own: the driver's connection in every pool. Its reset costs nothing as long as a
//! lease leaves no transaction open, so there is nothing to turn off.

use super::entry::Entry;
use super::pools;
use super::work::{Client, ROWS, Work};
use fairpool::drivers::sqlite::rusqlite::{self, TransactionBehavior::Immediate};
use fairpool::drivers::sqlite::{Connection, Error, Sqlite, Synchronous};
use tempfile::TempDir;

pub(crate) const NAME: &str = "sqlite";

const READ: &str = "SELECT hits FROM item WHERE id = ?1";
const UPDATE: &str = "UPDATE item SET hits = hits + 1 WHERE id = ?1";

pub(crate) struct File {
    dir: TempDir,
}

/// A file in a temporary folder.
pub(crate) fn start() -> File {
    let dir = TempDir::new().expect("a temporary directory");
    let db = rusqlite::Connection::open(dir.path().join("items.db")).expect("a new file");
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; CREATE TABLE item (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL);
         WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < {ROWS})
         INSERT INTO item SELECT id, 0 FROM ids;"
    ))
    .expect("a table");
    File { dir }
}

pub(crate) fn subjects(file: &File) -> Vec<Entry> {
    let manager = Sqlite::file(file.dir.path().join("items.db")).synchronous(Synchronous::Off);
    pools::four("as needed", &manager)
}

impl Client for Connection {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key).await.expect("the file is there");
    }
}

async fn act(conn: &mut Connection, work: Work, key: u32) -> Result<(), Error> {
    let read = move |db: &rusqlite::Connection| db.prepare_cached(READ)?.query_row([key], |row| row.get::<_, u32>(0));
    match work {
        Work::Select => {
            conn.call(|db| db.prepare_cached("SELECT 1")?.query_row([], |row| row.get::<_, u32>(0)))
                .await
        }
        Work::Read => conn.call(move |db| read(db)).await,
        Work::Transaction => {
            let change = conn.call(move |db| {
                let transaction = db.transaction_with_behavior(Immediate)?;
                transaction.prepare_cached(UPDATE)?.execute([key])?;
                let hits = read(&transaction)?;
                transaction.commit()?;
                Ok(hits)
            });
            change.await
        }
    }
    .map(drop)
}
