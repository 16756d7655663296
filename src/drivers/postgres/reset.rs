//! What is undone between two leases, and at what price.

use super::link::{ALTERED, IDLE, Link, Now, SENT};
use super::settings::Settings;
use std::fmt::Write;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// What is undone when a connection comes back. In all of them what still runs is cancelled, and an open transaction rolled
/// back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reset {
    /// Everything that a session can be left with and SQL can undo, in one round trip; after a lease that asked for nothing,
    /// none.
    ///
    /// Not undone is what no SQL undoes: loaded libraries, a random seed, variables of procedural languages,
    /// connections of `dblink`.
    #[default]
    Full,
    /// The same, but only after a lease whose commands say that they leave something: anything but queries, INSERT, UPDATE,
    /// DELETE, MERGE, COPY, TRUNCATE, NOTIFY and the commands of transactions. After other leases there is no round trip.
    ///
    /// **Gaps**: what functions do in a query, such as `set_config`, `pg_advisory_lock` or `nextval` (whose result `currval`
    /// remembers), unless the server reports the change of a parameter; `SELECT INTO` or `CREATE TABLE AS` of a temporary
    /// table, which say that they are queries. And a `RowStream` that somebody keeps after its lease, with its answer arrived but
    /// not read to the end: the queries of the next lease wait until it is read or dropped.
    Observed,
    /// Nothing more than said above.
    ///
    /// **Gaps**: all else. Parameters, roles, temporary tables, locks, cursors and listening stay for the next lease, and a
    /// `RowStream` that somebody keeps makes it wait, as for `Observed`.
    Rollback,
}

/// Undoes all of it, on behalf of the user who connected, but for SQL's prepared statements: the last query says which there are,
/// from the function under the view `pg_prepared_statements`, which takes the server a seventh less time for all of this.
/// `DISCARD ALL` would take the driver's own along, and leave the role that the connection was opened with unset.
const FULL: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; \
    SELECT name AS prepared_by_sql FROM pg_catalog.pg_prepared_statement() WHERE from_sql";
const ROLLBACK: &str = "ROLLBACK; ";

/// Whether there is anything to await.
pub(super) fn is_due(reset: Reset, now: Now) -> bool {
    !now.is_quiet() || now.status() != IDLE || is_wanted(reset, now)
}

fn is_wanted(reset: Reset, now: Now) -> bool {
    match reset {
        Reset::Full => now.has(SENT),
        Reset::Observed => now.has(ALTERED),
        Reset::Rollback => false,
    }
}

/// Undoes what a quiet connection was left with.
pub(super) async fn undo(client: &Client, link: &Link, settings: &Settings) -> Result<(), Error> {
    let now = link.now();
    let mut sql = String::new();
    if now.status() != IDLE {
        sql.push_str(ROLLBACK);
    }
    if is_wanted(settings.reset, now) {
        sql.push_str(FULL);
        for setup in &settings.setup {
            let _ = write!(sql, ";\n{}", setup.0);
        }
    }
    if sql.is_empty() {
        return Ok(());
    }
    let prepared = prepared(&client.simple_query(&sql).await?);
    if !prepared.is_empty() {
        client.batch_execute(&prepared).await?;
    }
    Ok(())
}

/// The SQL that ends the statements which the answer names.
fn prepared(answer: &[SimpleQueryMessage]) -> String {
    let mut sql = String::new();
    for message in answer {
        if let SimpleQueryMessage::Row(row) = message {
            if let Ok(Some(name)) = row.try_get("prepared_by_sql") {
                let _ = write!(sql, "DEALLOCATE \"{}\"; ", name.replace('"', "\"\""));
            }
        }
    }
    sql
}
