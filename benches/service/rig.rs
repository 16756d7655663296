//! 10,000 pools, the service over them and the bare handlers, each on a port.

use super::subject::{By, ONE, Subject};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use fairpool::resource::registry::Registry;
use fairpool::resource::store::{Change, Document, Kind, MemoryStore, Store};
use fairpool::server::auth::{AnyOf, ApiKeys, Authority, Scope, Scopes};
use fairpool::server::{
    Entry, Journal, RateLimits, Readiness, RouterOptions, ServeOptions, connection_pools, connection_settings,
    connections, databases, fallback, health, operations, serve,
};
use serde_json::json;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::net::TcpListener;
use tower::ServiceExt;

pub(crate) const POOLS: u64 = 10_000;
pub(crate) const KEY: &str = "5c0f41d2e9b7a836-service";

/// Servers on a thread of theirs, until the process ends.
pub(crate) struct Rig {
    bare: SocketAddr,
    axum: SocketAddr,
    service: SocketAddr,
}

/// As a program would have one that tells only of changes: it looks at every request.
#[derive(Default)]
struct Changes(AtomicU64);

impl Journal for Changes {
    fn answered(&self, entry: &Entry<'_>) {
        if entry.method != "GET" || entry.status >= 400 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Rig {
    /// The servers, and how many bytes the pools weigh.
    pub(crate) fn start() -> (Self, u64) {
        let (tell, told) = std::sync::mpsc::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(async {
                let before = resident();
                let registry = registry().await;
                let weight = resident().saturating_sub(before);
                let service = service(&registry);
                let bare = bare(&service).await;
                let mut addresses = Vec::new();
                for by in [By::Bare, By::Axum, By::Service] {
                    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
                    addresses.push(listener.local_addr().expect("it is bound"));
                    let router = if by == By::Service { &service } else { &bare }.clone();
                    if by == By::Axum {
                        tokio::spawn(async { axum::serve(listener, router).await });
                    } else {
                        tokio::spawn(async move { serve(listener, router, &ServeOptions::new(), pending()).await });
                    }
                }
                tell.send((addresses, weight)).expect("somebody waits");
                pending::<()>().await;
            });
        };
        thread::Builder::new()
            .name("servers".to_owned())
            .spawn(run)
            .expect("a thread starts");
        let (addresses, weight) = told.recv().expect("the servers start");
        let rig = Rig {
            bare: addresses[0],
            axum: addresses[1],
            service: addresses[2],
        };
        (rig, weight)
    }

    pub(crate) fn url(&self, subject: &Subject) -> String {
        let address = match subject.by {
            By::Bare => self.bare,
            By::Axum => self.axum,
            By::Service => self.service,
        };
        format!("http://{address}{}", subject.path)
    }
}

pub(crate) async fn registry() -> Registry {
    let store = MemoryStore::new();
    let at = "2026-11-21T04:38:36.000000Z";
    let create = |number: u64| {
        let name = format!("a pool with a name of usual length, number {number}");
        let fields =
            json!({"name": name, "limit": 1 + number % 500, "timeout": 30, "created_at": at, "updated_at": at});
        let (kind, body) = (
            Kind::ConnectionPool,
            Document::new(&fields).expect("it is a record's JSON"),
        );
        Change::Create { kind, body }
    };
    store
        .commit((1..=POOLS).map(create).collect())
        .await
        .expect("the store is empty");
    Registry::builder()
        .store(store)
        .open()
        .await
        .expect("its records are right")
}

/// What `fairpool serve` serves, with rate limits on every family, which nobody reaches here.
pub(crate) fn service(registry: &Registry) -> Router {
    let mut keys = ApiKeys::new();
    keys.add(KEY, Scopes::ALL).expect("it is long enough");
    keys.add("0c4be1f7d29a8356-another", Scope::Read)
        .expect("it is long enough");
    let auth: Arc<dyn Authority> = Arc::new(AnyOf(vec![Arc::new(keys)]));
    let auth = || auth.clone();
    let options = || {
        let options = RouterOptions::new().journal(Changes::default());
        options.rate_limits(RateLimits::new(u32::MAX, u32::MAX))
    };
    health(&Readiness::new(true), options())
        .merge(connection_pools(registry, auth(), options()))
        .merge(databases(registry, auth(), options()))
        .merge(connection_settings(registry, auth(), options()))
        .merge(connections(registry, auth(), options()))
        .merge(operations(registry, auth(), options()))
        .merge(fallback(options()))
}

/// A handler that returns what the service says of one pool.
pub(crate) async fn bare(service: &Router) -> Router {
    let bytes = ask(service, ONE).await;
    let handler = move || async move { ([(CONTENT_TYPE, "application/json")], bytes) };
    Router::new().route("/api/v1/connection-pools/{id}", get(handler))
}

/// One request, in process.
pub(crate) async fn ask(router: &Router, target: &str) -> Bytes {
    let request = Request::get(target)
        .header("host", "localhost:8080")
        .header(AUTHORIZATION, KEY)
        .body(Body::empty())
        .expect("a request");
    let answer = router.clone().oneshot(request).await.expect("a router does not fail");
    assert_eq!(answer.status(), StatusCode::OK, "{target}");
    to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("the body is in memory")
}

/// The resident memory of this process, in bytes; 0 where nobody tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
