//! What the tests of managed databases share.

mod modes;
mod operations;
mod pools;
mod races;
mod upgrade;

use crate::servers::postgres::Postgres as Server;
use fairpool::Manager;
use fairpool::drivers::postgres::{Connection, Postgres, Session};
use fairpool::resource::models::{DatabaseDefinition, DatabasePoolDefinition, DatabasePoolReplacement};
use fairpool::resource::registry::{Declared, Registry};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome = Result<(), Failure>;

/// Long enough for any server, and never waited for by a test that passes.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

/// Users besides `app`, whose password is in the URLs: alice's is declared, bob's and carol's are not.
const ROLES: &str = "
CREATE ROLE alice LOGIN PASSWORD 'of alice'; CREATE ROLE bob LOGIN PASSWORD 'of bob'; CREATE ROLE carol LOGIN PASSWORD 'of carol';
CREATE DATABASE second OWNER app;
";

/// One server for all tests; gone with this process. `None` where it is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| prepared(Server::start(&[]))).as_ref()
}

/// The same of another major version.
pub(crate) fn other_server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| prepared(Server::another(&[]))).as_ref()
}

pub(crate) fn prepared(server: Option<Server>) -> Option<Server> {
    let server = server?;
    server.psql(ROLES);
    Some(server)
}

/// A name that no other test has, for its connections at the server.
pub(crate) fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("town{}", COUNT.fetch_add(1, Relaxed))
}

/// As the user `app`, whose connections call themselves so.
pub(crate) fn url(server: &Server, name: &str) -> String {
    format!("{}?application_name={name}", server.url())
}

/// The database `orders` at this URL, with these further servers.
pub(crate) fn orders(url: &str, servers: &[(&str, &str)]) -> DatabaseDefinition {
    let servers: Vec<Value> = servers
        .iter()
        .map(|(version, url)| json!({"version": version, "url": url}))
        .collect();
    let body = json!({
        "id": "orders", "engine": "postgres", "url": url, "server": servers,
        "user": [{"name": "alice", "password": "of alice"}],
    });
    DatabaseDefinition::try_from(body).unwrap()
}

/// A registry that knows `orders`, in memory.
pub(crate) async fn registry(orders: DatabaseDefinition) -> Registry {
    let declared = Declared::new().database(orders);
    Registry::builder().fixed(declared).open().await.unwrap()
}

pub(crate) fn pool(name: &str, rest: Value) -> DatabasePoolDefinition {
    let mut body = rest;
    body["name"] = json!(name);
    DatabasePoolDefinition::try_from(body).unwrap()
}

pub(crate) fn rest(body: Value) -> DatabasePoolReplacement {
    DatabasePoolReplacement::try_from(body).unwrap()
}

/// Mode and size, to the database `app`, as the user `app`.
pub(crate) fn as_app(mode: &str, size: u32) -> Value {
    json!({"mode": mode, "size": size, "db": "app", "user": "app"})
}

/// Mode and size, to the database `app`, as whoever comes in.
pub(crate) fn as_anybody(mode: &str, size: u32) -> Value {
    json!({"mode": mode, "size": size, "db": "app"})
}

/// Who counts at the server, over a connection of its own.
pub(crate) struct Counter {
    conn: Connection,
    name: String,
}

impl Counter {
    pub(crate) async fn new(server: &Server, name: &str) -> Counter {
        let conn = Postgres::from_url(&server.trusted()).unwrap().connect().await;
        Counter {
            conn: conn.unwrap(),
            name: name.to_owned(),
        }
    }

    /// How many connections of this name the server has.
    pub(crate) async fn count(&self) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        let row = self.conn.query_one(sql, &[&self.name]).await;
        row.unwrap().get(0)
    }

    /// Waits until it has so many.
    pub(crate) async fn until(&self, count: i64) {
        let since = std::time::Instant::now();
        while self.count().await != count {
            assert!(since.elapsed() < NEVER, "never {count} connections");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The most that it sees while this goes on.
    pub(crate) async fn most<T>(&self, work: impl Future<Output = T>) -> (T, i64) {
        let mut work = std::pin::pin!(work);
        let mut most = 0;
        loop {
            tokio::select! {
                done = &mut work => return (done, most),
                count = self.count() => most = most.max(count),
            }
        }
    }
}

pub(crate) async fn one<T>(session: &mut Session, sql: &str) -> Result<T, Failure>
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    Ok(session.query_one(sql, &[]).await?.get(0))
}

pub(crate) async fn who(session: &mut Session) -> Result<String, Failure> {
    one(session, "SELECT current_user::text").await
}

/// The process at the server.
pub(crate) async fn process(session: &mut Session) -> Result<i32, Failure> {
    one(session, "SELECT pg_backend_pid()").await
}

/// Waits for what happens in the background.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < NEVER, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
