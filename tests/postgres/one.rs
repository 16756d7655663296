//! One server for all tests of a file, and pools of one connection: what the next lease gets is what the last one has left.
#![allow(dead_code, reason = "each test file uses its part")]

use super::servers::postgres::Postgres as Server;
use fairpool::drivers::postgres::tokio_postgres::SimpleQueryMessage;
use fairpool::drivers::postgres::{Connection, Postgres, Reset};
use fairpool::{Pool, Pooled};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// So long that reaching it means failure.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

/// Started by whoever comes first; it ends with the process.
pub(crate) fn server() -> Option<&'static Arc<Server>> {
    static SERVER: OnceLock<Option<Arc<Server>>> = OnceLock::new();
    SERVER
        .get_or_init(|| Server::start(&["log_min_duration_statement=0"]).map(Arc::new))
        .as_ref()
}

/// The superuser's, who may leave everything behind.
pub(crate) fn superuser(server: &Server) -> Postgres {
    Postgres::from_url(&server.trusted()).expect("a good URL")
}

/// A pool with this one connection.
pub(crate) fn single(manager: Postgres) -> Pool<Postgres> {
    Pool::builder(manager)
        .limit(1)
        .acquire_timeout(Some(NEVER))
        .reset_timeout(NEVER)
        .build()
        .expect("good options")
}

/// All that the server answers to `sql`, in words.
pub(crate) async fn ask(conn: &Connection, sql: &str) -> String {
    let answer = tokio::time::timeout(NEVER, conn.simple_query(sql)).await;
    let answer = answer.expect("an answer before the end of days").expect("an answer");
    let mut words = Vec::new();
    for message in &answer {
        if let SimpleQueryMessage::Row(row) = message {
            words.extend((0..row.len()).map(|at| row.get(at).unwrap_or("NULL").to_owned()));
        }
    }
    words.join(" ")
}

/// The next lease: sound, outside of any transaction, and on the same session.
pub(crate) async fn same<'p>(pool: &'p Pool<Postgres>, process: i32) -> Pooled<'p, Postgres> {
    let conn = pool.acquire().await.expect("a connection");
    assert_eq!(conn.process_id(), process, "the connection was replaced");
    assert!(!conn.is_in_transaction());
    assert_eq!(ask(&conn, "SELECT 6 * 7").await, "42", "an answer to another question");
    conn
}

/// Whether what `leave` does is undone by this reset, on the very same session. `look` asks for what it changes.
pub(crate) async fn is_undone(reset: Reset, leave: &str, look: &str) -> Option<bool> {
    let pool = single(superuser(server()?).reset(reset));
    let conn = pool.acquire().await.expect("a connection");
    let before = ask(&conn, look).await;
    conn.batch_execute(leave).await.expect("done");
    let left = ask(&conn, look).await;
    assert_ne!(left, before, "nothing was changed, so nothing can be shown");
    let process = conn.process_id();
    drop(conn);
    let after = ask(&*same(&pool, process).await, look).await;
    assert!(
        after == before || after == left,
        "{after:?} is neither as before nor as it was left"
    );
    Some(after == before)
}
