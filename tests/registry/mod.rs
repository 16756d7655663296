//! What the tests of the registry share: a backend in memory that says by which definition it was opened, and short words for
//! resources.
#![allow(dead_code)]

pub(crate) mod moody;

use fairpool::Manager;
use fairpool::resource::models::{
    Bounded, Connection, ConnectionDefinition, ConnectionPool, ConnectionPoolChange, ConnectionType, Connector,
    ConnectorChange, ConnectorDefinition, NewConnectionPool, PoolName, QueryHost,
};
use fairpool::resource::registry::{Handle, Leased, Registry, RegistryBuilder};
use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Longer than anything in these tests takes, in whichever time they run.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// What has become of the connections of one registry.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) opened: AtomicUsize,
    pub(crate) closed: AtomicUsize,
    /// Hosts that do not answer, or refuse.
    silent: Mutex<Vec<String>>,
    refusing: Mutex<Vec<String>>,
    /// How long an attempt takes.
    delay: Mutex<Duration>,
    /// Who closed what: the title of the definition that opened a connection, and of the one that was asked to close it.
    pub(crate) farewells: Mutex<Vec<(String, String)>>,
}

impl Books {
    pub(crate) fn open(&self) -> usize {
        self.opened.load(Relaxed) - self.closed.load(Relaxed)
    }

    pub(crate) fn silence(&self, host: &str) {
        self.silent.lock().unwrap().push(host.to_owned());
    }

    pub(crate) fn refuse(&self, host: &str) {
        self.refusing.lock().unwrap().push(host.to_owned());
    }

    pub(crate) fn delay(&self, time: Duration) {
        *self.delay.lock().unwrap() = time;
    }

    pub(crate) fn heal(&self) {
        self.silent.lock().unwrap().clear();
        self.refusing.lock().unwrap().clear();
    }
}

/// A manager in memory for one host of one definition.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) host: String,
    pub(crate) title: String,
    books: Arc<Books>,
}

#[derive(Debug)]
pub(crate) struct Conn {
    /// Of the host that it leads to, and of the definition by which it was opened.
    pub(crate) host: String,
    pub(crate) title: String,
    books: Arc<Books>,
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.books.closed.fetch_add(1, Relaxed);
    }
}

impl Manager for Memory {
    type Connection = Conn;
    type Error = std::io::Error;

    async fn connect(&self) -> Result<Conn, std::io::Error> {
        if self.books.silent.lock().unwrap().contains(&self.host) {
            std::future::pending::<()>().await;
        }
        if self.books.refusing.lock().unwrap().contains(&self.host) {
            return Err(std::io::ErrorKind::ConnectionRefused.into());
        }
        let delay = *self.books.delay.lock().unwrap();
        if delay > Duration::ZERO {
            tokio::time::sleep(delay).await;
        }
        self.books.opened.fetch_add(1, Relaxed);
        Ok(Conn {
            host: self.host.clone(),
            title: self.title.clone(),
            books: self.books.clone(),
        })
    }

    fn close(&self, conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        let names = (conn.title.clone(), self.title.clone());
        self.books.farewells.lock().unwrap().push(names);
        drop(conn);
        None::<std::future::Ready<()>>
    }
}

/// The same behind another type.
#[derive(Debug, Clone)]
pub(crate) struct Other(Memory);

impl Manager for Other {
    type Connection = (Conn, &'static str);
    type Error = std::io::Error;

    async fn connect(&self) -> Result<Self::Connection, std::io::Error> {
        Ok((self.0.connect().await?, "other"))
    }
}

/// A registry whose `http` connections are [`Memory`], and whose `druid` ones are [`Other`].
pub(crate) fn builder() -> (RegistryBuilder, Arc<Books>) {
    let books = Arc::new(Books::default());
    let memory = {
        let books = books.clone();
        move |connection: &Connection, host: &QueryHost| {
            let title = connection.title().unwrap_or_default().to_owned();
            if title == "misunderstood" {
                return Err("nobody understands it".to_owned());
            }
            Ok(Memory {
                host: host.host().unwrap_or_default().to_owned(),
                title,
                books: books.clone(),
            })
        }
    };
    let other = {
        let memory = memory.clone();
        move |connection: &Connection, host: &QueryHost| memory(connection, host).map(Other)
    };
    let builder = Registry::builder()
        .driver(ConnectionType::Http, memory)
        .driver(ConnectionType::Druid, other);
    (builder, books)
}

pub(crate) async fn open() -> (Registry, Arc<Books>) {
    let (builder, books) = builder();
    (builder.open().await.expect("a registry opens in memory"), books)
}

pub(crate) fn definition(fields: Value) -> ConnectionDefinition {
    ConnectionDefinition::try_from(fields).expect("a definition")
}

/// Of one host, `title` first.
pub(crate) fn http(name: &str, title: &str) -> ConnectionDefinition {
    definition(json!({"name": name, "type": "http", "title": title, "queryHosts": ["a:80"]}))
}

pub(crate) fn connector(fields: Value) -> ConnectorDefinition {
    ConnectorDefinition::try_from(fields).expect("a connector")
}

pub(crate) fn change(fields: Value) -> ConnectorChange {
    ConnectorChange::try_from(fields).expect("a change")
}

pub(crate) fn pool_change(fields: Value) -> ConnectionPoolChange {
    ConnectionPoolChange::try_from(fields).expect("a change")
}

pub(crate) fn new_pool(name: &str, limit: u64) -> NewConnectionPool {
    NewConnectionPool::new(PoolName::new(name).unwrap(), Bounded::new(limit).unwrap())
}

/// A connection `orders`, a pool `gate` with this limit, a connector `shop` of the one under the other.
pub(crate) async fn shop(registry: &Registry, limit: u64) -> (ConnectionPool, Connector, Handle<Memory>) {
    registry.put_connection(http("orders", "first")).await.unwrap();
    let pool = registry.create_connection_pool(new_pool("gate", limit)).await.unwrap();
    let definition = connector(json!({"name": "shop", "connection": "orders", "connection_pool_id": pool.id()}));
    let shop = registry.create_connector(definition).await.unwrap();
    let handle = registry.handle("shop").unwrap();
    (pool, shop, handle)
}

pub(crate) type Request = Pin<Box<dyn Future<Output = Result<Leased<Memory>, String>> + Send>>;

/// A request that has been polled, so that it stands in its line, or is done.
pub(crate) async fn begin(handle: &Handle<Memory>) -> (Request, Option<Result<Leased<Memory>, String>>) {
    let handle = handle.clone();
    let mut request: Request = Box::pin(async move { handle.acquire().await.map_err(|error| error.to_string()) });
    let now = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx)));
    let outcome = match now.await {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    };
    (request, outcome)
}

/// The same for one that has to wait.
pub(crate) async fn wait(handle: &Handle<Memory>) -> Request {
    let (request, outcome) = begin(handle).await;
    assert!(outcome.is_none(), "the request has to wait: {outcome:?}");
    request
}

/// Whether a request is done now, with other tasks given their turns.
pub(crate) async fn is_done(request: &mut Request) -> Option<Result<Leased<Memory>, String>> {
    for _ in 0..100 {
        let now = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx)));
        if let Poll::Ready(outcome) = now.await {
            return Some(outcome);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Gives tasks in the background their turn until this holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if holds() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {what}");
}
