//! The whole service in process under any bytes: requests one after the other, while somebody holds connections and others wait.
//!
//! | after each request | |
//! |---|---|
//! | it was answered | not with a 5xx, and in JSON where it is ours |
//! | a refusal or a question | has changed nothing: not the store, not what is live, not who waits |
//! | whatever it was | no secret is in the answer or in the journal |
//! | at the end | what the store has is what was shown |
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the service, and what has to hold |
//! | `input.rs`, `calls.rs` | bytes as requests; what they can ask for |
//!
//! The clock is paused, so that a request which would wait for ever is found at once. Used by `tests/service_fuzz.rs` and by the
//! fuzz target `service`.

mod calls;
pub(crate) mod input;

use axum::Router;
use axum::body::to_bytes;
use axum::http::Method;
use fairpool::doc::Demo;
use fairpool::export::PrometheusExporter;
use fairpool::resource::models::{
    Bounded, Connection, ConnectionDefinition, ConnectionName, ConnectionType, ConnectorDefinition, DatabaseDefinition,
    ListQuery, NewConnectionPool, QueryHost, Stored,
};
use fairpool::resource::registry::{Declared, Registry};
use fairpool::resource::store::{Contents, MemoryStore, Store};
use fairpool::server::auth::{ApiKeys, Authority, Scope, Scopes};
use fairpool::server::{
    Entry, Journal, RateLimits, Readiness, RouterOptions, connection_pools, connection_settings, connections,
    databases, fallback, health, metrics, operations,
};
use input::{Input, KEY, OTHER_KEYS, SECRET, Sent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

/// How often each status came.
pub(crate) type Seen = BTreeMap<u16, u64>;

/// No more requests are made of one input.
const MOST: usize = 64;

/// Longer than anything takes that ends.
const NEVER: Duration = Duration::from_secs(100_000);

/// Of so many only, each may take or wait for a connection.
const MOST_USERS: usize = 6;

struct World {
    registry: Registry,
    store: MemoryStore,
    router: Router,
    has_told: Arc<AtomicBool>,
    users: VecDeque<JoinHandle<()>>,
    sent: Vec<Sent>,
    seen: Seen,
    /// How things are, while nobody has done anything since.
    now: Option<Moment>,
}

/// What there is at one moment.
#[derive(PartialEq, Debug)]
struct Moment {
    at: Instant,
    stored: Contents,
    resources: Vec<Value>,
    live: Vec<Value>,
}

/// Panics with what was sent, if anything does not hold.
#[allow(dead_code, reason = "the fuzzer's way in")]
pub(crate) fn run_bytes(data: &[u8]) {
    if let Err(failure) = read_bytes(data) {
        panic!("\n{failure}");
    }
}

/// Which statuses came, or what does not hold.
pub(crate) fn read_bytes(data: &[u8]) -> Result<Seen, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut input = Input(data);
        let mut world = World::new(input.once_in(16)).await;
        let played = world.play(&mut input).await;
        played.map_err(|failure| {
            let sent: Vec<_> = world.sent.iter().map(|sent| format!("  {sent:?}\n")).collect();
            format!("{failure}\nafter\n{}", sent.concat())
        })?;
        Ok(world.seen)
    })
}

/// Hashed once: it is slow under a sanitizer.
static KEYS: LazyLock<Arc<dyn Authority>> = LazyLock::new(|| {
    let mut keys = ApiKeys::new();
    let scopes: [Scopes; 4] = [
        Scopes::ALL,
        Scope::Read.into(),
        Scope::Operate.into(),
        Scope::Write.into(),
    ];
    for (key, scopes) in [KEY].into_iter().chain(OTHER_KEYS).zip(scopes) {
        keys.add(key, scopes).expect("long enough");
    }
    Arc::new(keys)
});

/// Notes whether it was told a secret or a key.
struct Ears(Arc<AtomicBool>);

impl Journal for Ears {
    fn answered(&self, entry: &Entry<'_>) {
        let told = format!("{entry:?}");
        if told.contains(SECRET) || told.contains(KEY) {
            self.0.store(true, Relaxed);
        }
    }
}

async fn open(store: &MemoryStore) -> Registry {
    let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    let backend = ConnectionName::new("backend").expect("a name");
    let connection = ConnectionDefinition::new(backend.clone(), ConnectionType::Http, ["backend:80"]);
    // Nobody is there, and nobody asks for a connection: its pools are made, changed and ended.
    let url = format!("postgres://doadmin:{SECRET}@127.0.0.1:1/d");
    let orders = json!({"id": "orders", "engine": "pg", "url": url});
    let declared = Declared::new()
        .connection(connection.expect("a connection"))
        .database(DatabaseDefinition::try_from(orders).expect("a database"))
        .api_proxy("MyProject", "MyAPI", backend);
    let builder = Registry::builder()
        .store(store.clone())
        .driver(ConnectionType::Http, demo);
    let opened = builder.fixed(declared.expect("names")).open().await;
    opened.expect("what was acknowledged can be read")
}

impl World {
    /// With a pool that admits one, a connector under it, and a rate limit if it `is_limited`.
    async fn new(is_limited: bool) -> Self {
        let store = MemoryStore::new();
        let registry = open(&store).await;
        let pool = NewConnectionPool::try_from(json!({"name": "one", "limit": 1})).expect("a pool");
        registry.create_connection_pool(pool).await.expect("stored");
        let till =
            json!({"name": "till", "connection": "backend", "connection_pool_id": 1, "mode": "CUSTOM", "size": 2});
        let till = ConnectorDefinition::try_from(till).expect("a connector");
        registry.create_connector(till).await.expect("stored");

        let has_told = Arc::new(AtomicBool::new(false));
        let mut options = RouterOptions::new().body_limit(8192).journal(Ears(has_told.clone()));
        if is_limited {
            options = options.rate_limits(RateLimits::new(3, 5));
        }
        let (auth, more) = (KEYS.clone(), || options.clone());
        let router = connection_pools(&registry, auth.clone(), more())
            .merge(connections(&registry, auth.clone(), more()))
            .merge(connection_settings(&registry, auth.clone(), more()))
            .merge(operations(&registry, auth.clone(), more()))
            .merge(databases(&registry, auth.clone(), more()))
            .merge(metrics(&PrometheusExporter::new(), auth, more()))
            .merge(health(&Readiness::new(true), more()))
            .merge(fallback(more()));
        World {
            registry,
            store,
            router,
            has_told,
            users: VecDeque::new(),
            sent: Vec::new(),
            seen: Seen::new(),
            now: None,
        }
    }

    async fn play(&mut self, input: &mut Input<'_>) -> Result<(), String> {
        while !input.is_empty() && self.sent.len() < MOST {
            let what = input.byte() % 8;
            if what < 2 {
                self.now = None;
            }
            match what {
                0 => self.take(input.one_of(&["till", "MyProject/MyAPI", "backend", "a b/c%"])),
                1 => {
                    if let Some(user) = self.users.pop_front() {
                        user.abort();
                    }
                }
                _ => {
                    if let Some(sent) = input.request() {
                        self.ask(sent).await?;
                    }
                }
            }
        }
        let (shown, kept) = (resources(&self.registry), resources(&open(&self.store).await));
        if shown != kept {
            return Err(format!("{shown:?} was shown, and {kept:?} is in the store"));
        }
        Ok(())
    }

    /// Somebody takes a connection, or waits for one, until he goes.
    fn take(&mut self, connector: &str) {
        if self.users.len() == MOST_USERS {
            return;
        }
        if let Ok(handle) = self.registry.any_handle(connector) {
            self.users.push_back(tokio::spawn(async move {
                let _lease = handle.acquire().await;
                std::future::pending().await
            }));
        }
    }

    async fn ask(&mut self, sent: Sent) -> Result<(), String> {
        let before = match self.now.take() {
            Some(now) => now,
            None => self.moment().await,
        };
        let (request, method) = (sent.request(), sent.method.clone());
        self.sent.push(sent);
        let answered = timeout(NEVER, self.router.clone().oneshot(request)).await;
        let Ok(response) = answered.map_err(|_| "it is not answered")?;
        let (parts, body) = response.into_parts();
        let body = timeout(NEVER, to_bytes(body, usize::MAX))
            .await
            .map_err(|_| "its answer has no end")?;
        let body = body.map_err(|error| format!("its answer breaks off: {error}"))?;
        let status = parts.status.as_u16();
        *self.seen.entry(status).or_default() += 1;
        let text = String::from_utf8_lossy(&body);
        if status >= 500 {
            return Err(format!("{status}: {text}"));
        }
        let is_ours = parts.headers.contains_key("x-request-id");
        let is_json = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind == "application/json");
        if is_ours && is_json && method != Method::HEAD && serde_json::from_slice::<Value>(&body).is_err() {
            return Err(format!("{status}: no JSON: {text}"));
        }
        if text.contains(SECRET) || format!("{:?}", parts.headers).contains(SECRET) || self.has_told.load(Relaxed) {
            return Err(format!("{status} tells a secret: {text} {:?}", parts.headers));
        }
        let is_question = method == Method::GET || method == Method::HEAD;
        if status >= 400 || is_question {
            let after = self.moment().await;
            if let Some(change) = before.change(&after) {
                return Err(format!("{status} has changed something: {change}"));
            }
            self.now = Some(after);
        }
        Ok(())
    }

    /// When those in the background have had their turns.
    async fn moment(&self) -> Moment {
        for _ in 0..32 {
            tokio::task::yield_now().await;
        }
        let live = self.registry.status().into_iter().map(|one| {
            json!([
                one.kind,
                one.name,
                one.state,
                one.limit,
                one.generation,
                one.in_use,
                one.pending
            ])
        });
        Moment {
            at: Instant::now(),
            stored: self.store.load().await.expect("it is in memory"),
            resources: resources(&self.registry),
            live: live.collect(),
        }
    }
}

impl Moment {
    /// What has become another. While a body was waited for, the clock has gone on, and others may have done so.
    fn change(&self, after: &Moment) -> Option<String> {
        if self.stored != after.stored || self.resources != after.resources {
            return Some(format!(
                "{:?} {:?}, now {:?} {:?}",
                self.stored, self.resources, after.stored, after.resources
            ));
        }
        (self.at == after.at && self.live != after.live).then(|| format!("{:?}, now {:?}", self.live, after.live))
    }
}

/// With secrets.
fn resources(registry: &Registry) -> Vec<Value> {
    let all = ListQuery::default().per_page(Bounded::new(100).expect("a size"));
    let pools = registry.connection_pools(&all).items;
    let pools = pools.iter().map(Stored::to_store);
    let connections = registry.connections();
    let connections = connections.iter().map(|one| one.to_store());
    let connectors = registry.connectors();
    let connectors = connectors.iter().map(Stored::to_store);
    let settings = registry
        .connection_settings("MyProject", "MyAPI")
        .expect("it is declared");
    let database_pools = registry.database_pools("orders").expect("it is declared");
    let all: Vec<Value> = pools.chain(connections).chain(connectors).collect();
    all.into_iter()
        .chain([json!(settings), json!(database_pools)])
        .collect()
}
