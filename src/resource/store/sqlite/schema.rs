//! Whose file it is, and how its tables came about: numbered steps, the number of those taken is the file's `user_version`.

use super::failure::Failure;
use crate::drivers::sqlite::rusqlite;
use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "fair", in ASCII: what SQLite's `application_id` says of a store.
const APPLICATION: i64 = 0x6661_6972;

/// Step `n` leads from version `n` to `n + 1`, in one transaction. A step that was released never changes; another kind of
/// record is another step, if only an empty one.
pub(super) const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE store (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        opening INTEGER NOT NULL,   -- how often it was opened
        revision INTEGER NOT NULL   -- the version of the last commit
    ) STRICT;
    INSERT INTO store VALUES (1, 0, 0);
    CREATE TABLE records (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL CHECK (version > 0),
        body TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE numbers (
        kind TEXT PRIMARY KEY,
        last INTEGER NOT NULL CHECK (last > 0)
    ) STRICT, WITHOUT ROWID;
"];

/// Whether this is a store of a version up to `known`, and sound. Writes nothing.
pub(super) fn look(db: &Connection, known: usize) -> Result<(), Failure> {
    version(db, known)?;
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Failure::Damaged(found))
    }
}

/// Takes the steps that the file has not taken yet.
pub(super) fn migrate(db: &mut Connection, steps: &[&str]) -> Result<(), Failure> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = version(&tx, steps.len())?;
        let Some(step) = steps.get(version) else { return Ok(()) };
        tx.execute_batch(step)?;
        mark(&tx, version + 1)?;
        tx.commit()?;
    }
}

fn mark(tx: &Transaction<'_>, version: usize) -> rusqlite::Result<()> {
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", i64::try_from(version).unwrap_or(i64::MAX))
}

/// How many steps the file has taken: none if it is empty.
fn version(db: &Connection, known: usize) -> Result<usize, Failure> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION {
        let is_empty = !db.prepare("SELECT 1 FROM sqlite_schema")?.exists([])?;
        return if is_empty && application == 0 && version == 0 {
            Ok(0)
        } else {
            Err(Failure::Foreign(format!(
                "it is a database of another application (application_id {application:#x})"
            )))
        };
    }
    match usize::try_from(version) {
        Ok(version) if version > known => Err(Failure::Newer { found: version, known }),
        Ok(version) if version > 0 => Ok(version),
        _ => Err(Failure::Damaged(format!("its schema has version {version}"))),
    }
}
