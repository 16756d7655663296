//! A server in process: what one request is answered, and the keys that may make it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use fairpool::doc::Demo;
use fairpool::resource::models::{
    Connection, ConnectionDefinition, ConnectionName, ConnectionType, DatabaseDefinition, QueryHost,
};
use fairpool::resource::registry::{Declared, Registry};
use fairpool::resource::store::MemoryStore;
use fairpool::server::auth::{ApiKeys, Authority, Scope, Scopes};
use fairpool::server::{RouterOptions, connection_pools, connection_settings, connections, databases, operations};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

/// May do everything.
pub(crate) const KEY: &str = "the-key-of-an-administrator";
/// May only look.
pub(crate) const READ: &str = "the-key-of-a-spectator-only";
/// May only clear, pause and the like.
pub(crate) const OPERATE: &str = "the-key-of-an-operator-only";
/// May change but not look.
pub(crate) const WRITE: &str = "the-key-of-a-blind-writer-1";

pub(crate) const POOLS: &str = "/api/v1/connection-pools";

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answered {
    /// The body, which is JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.bytes) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("visible"))
    }
}

pub(crate) fn keys() -> Arc<dyn Authority> {
    let mut keys = ApiKeys::new();
    let all: [(&str, Scopes); 4] = [
        (KEY, Scopes::ALL),
        (READ, Scope::Read.into()),
        (OPERATE, Scope::Operate.into()),
        (WRITE, Scope::Write.into()),
    ];
    for (key, scopes) in all {
        keys.add(key, scopes).expect("long enough");
    }
    Arc::new(keys)
}

/// A family's router, made.
pub(crate) type Mount = fn(&Registry, Arc<dyn Authority>, RouterOptions) -> Router;

/// All families, by the names of their OpenAPI documents.
pub(crate) const FAMILIES: [(&str, Mount); 5] = [
    ("connection-pools", connection_pools),
    ("connection-settings", connection_settings),
    ("connections", connections),
    ("operations", operations),
    ("databases", databases),
];

/// Where nobody answers.
const DATABASES: [(&str, &str, &str); 3] = [
    ("orders", "pg", "postgres://app:hush@127.0.0.1:1/app"),
    ("cache", "redis", "redis://app:hush@127.0.0.1:1/0"),
    ("shop", "mysql", "mysql://app:hush@127.0.0.1:1/shop"),
];

/// With a driver for connections of type `http` that reaches everything, an API proxy, and databases of which none is there.
pub(crate) async fn registry() -> Registry {
    registry_over(MemoryStore::new(), false).await
}

/// The same over a store that may have something already, and with a driver for connections of type `druid` if it `has_druid`.
pub(crate) async fn registry_over(store: MemoryStore, has_druid: bool) -> Registry {
    let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    let backend = ConnectionName::new("backend").expect("a name");
    let connection = ConnectionDefinition::new(backend.clone(), ConnectionType::Http, ["backend:80"]);
    let declared = Declared::new()
        .connection(connection.expect("a connection"))
        .api_proxy("MyProject", "MyAPI", backend)
        .expect("names");
    let declared = DATABASES.into_iter().fold(declared, |declared, (id, engine, url)| {
        let database = json!({"id": id, "engine": engine, "url": url});
        declared.database(DatabaseDefinition::try_from(&database).expect("a database"))
    });
    let mut builder = Registry::builder()
        .store(store)
        .driver(ConnectionType::Http, demo)
        .fixed(declared);
    if has_druid {
        builder = builder.driver(ConnectionType::Druid, demo);
    }
    builder.open().await.expect("an empty store")
}

/// The first family over an empty registry.
pub(crate) async fn pools() -> (Registry, Router) {
    let registry = registry().await;
    let router = connection_pools(&registry, keys(), RouterOptions::new());
    (registry, router)
}

/// A request in the making.
pub(crate) fn request(method: Method, path: &str, key: Option<&str>, body: Option<&Value>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "pools.example");
    if let Some(key) = key {
        request = request.header("authorization", key);
    }
    match body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .expect("a request")
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answered {
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body in memory");
    Answered {
        status: parts.status.as_u16(),
        headers: parts.headers,
        bytes: bytes.to_vec(),
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Answered {
    send(router, request(Method::GET, path, Some(KEY), None)).await
}

pub(crate) async fn delete(router: &Router, path: &str) -> Answered {
    send(router, request(Method::DELETE, path, Some(KEY), None)).await
}

pub(crate) async fn post(router: &Router, path: &str, body: Value) -> Answered {
    send(router, request(Method::POST, path, Some(KEY), Some(&body))).await
}

pub(crate) async fn put(router: &Router, path: &str, body: Value) -> Answered {
    send(router, request(Method::PUT, path, Some(KEY), Some(&body))).await
}
