//! Load and commit, as SQL. The rules of versions and numbers are those of every store.

use super::super::change::{Change, Committed, Version, judge};
use super::super::contents::{Contents, Record};
use super::super::document::Document;
use super::super::kind::Kind;
use super::super::numbers;
use super::failure::Failure;
use crate::drivers::sqlite::rusqlite;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

/// Everything, in one transaction.
pub(super) fn load(db: &mut Connection) -> Result<Contents, Failure> {
    let tx = db.transaction()?;
    let revision: i64 = tx.query_row("SELECT revision FROM store", [], |row| row.get(0))?;
    let mut records = Vec::new();
    let mut all = tx.prepare_cached("SELECT kind, key, version, body FROM records ORDER BY kind, key")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let Some(kind) = Kind::from_name(&name) else {
            return Err(Failure::Damaged(format!(
                "it has a record of the unknown kind {name:?}"
            )));
        };
        records.push(Record {
            kind,
            key: row.get(1)?,
            version: version(row.get(2)?),
            body: Document::kept(row.get(3)?),
        });
    }
    // Stable, and SQLite compares keys as Rust does: by their bytes.
    records.sort_by_key(|record| record.kind);
    Ok(Contents {
        version: version(revision),
        records,
    })
}

/// All changes or none.
pub(super) fn commit(db: &mut Connection, changes: &[Change]) -> Result<Committed, Failure> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let revision: i64 = tx
        .prepare_cached("UPDATE store SET revision = revision + 1 RETURNING revision")?
        .query_row([], |row| row.get(0))?;
    let mut created = Vec::new();
    for change in changes {
        match change {
            Change::Create { kind, body } => {
                let key = numbers::next(*kind, last_drawn(&tx, *kind)?)?.to_string();
                insert(&tx, *kind, &key, revision, body)?;
                created.push(key);
            }
            Change::Insert { kind, key, body } => insert(&tx, *kind, key, revision, body)?,
            Change::Update { kind, key, from, body } => {
                judge(*kind, key, Some(*from), found(&tx, *kind, key)?)?;
                tx.prepare_cached("UPDATE records SET version = ?3, body = ?4 WHERE kind = ?1 AND key = ?2")?
                    .execute(params![kind.name(), key, revision, body.text()])?;
            }
            Change::Delete { kind, key, from } => {
                judge(*kind, key, Some(*from), found(&tx, *kind, key)?)?;
                tx.prepare_cached("DELETE FROM records WHERE kind = ?1 AND key = ?2")?
                    .execute([kind.name(), key])?;
            }
        }
    }
    tx.commit()?;
    Ok(Committed {
        version: version(revision),
        created,
    })
}

fn insert(tx: &Transaction<'_>, kind: Kind, key: &str, revision: i64, body: &Document) -> Result<(), Failure> {
    judge(kind, key, None, found(tx, kind, key)?)?;
    tx.prepare_cached("INSERT INTO records (kind, key, version, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![kind.name(), key, revision, body.text()])?;
    if let Some(number) = numbers::spelled(key) {
        tx.prepare_cached(
            "INSERT INTO numbers (kind, last) VALUES (?1, CAST(?2 AS INTEGER)) \
             ON CONFLICT (kind) DO UPDATE SET last = max(last, excluded.last)",
        )?
        .execute([kind.name(), &number.to_string()])?;
    }
    Ok(())
}

fn found(tx: &Transaction<'_>, kind: Kind, key: &str) -> rusqlite::Result<Option<Version>> {
    tx.prepare_cached("SELECT version FROM records WHERE kind = ?1 AND key = ?2")?
        .query_row([kind.name(), key], |row| row.get(0).map(version))
        .optional()
}

fn last_drawn(tx: &Transaction<'_>, kind: Kind) -> rusqlite::Result<u64> {
    let last: Option<i64> = tx
        .prepare_cached("SELECT last FROM numbers WHERE kind = ?1")?
        .query_row([kind.name()], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

/// The schema lets none be negative.
fn version(number: i64) -> Version {
    Version::new(number.unsigned_abs())
}
