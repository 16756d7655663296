//! Whatever is sent: never a 5xx, always JSON in the family's shape, and nothing changed by what was refused.

use crate::kit::{Answered, KEY, OPERATE, READ, WRITE, keys, registry, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Uri};
use fairpool::resource::registry::Registry;
use fairpool::server::Readiness;
use fairpool::server::{RouterOptions, connection_pools, connection_settings, connections, health, operations};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// One request, as it comes out of anywhere.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    path: String,
    key: Option<&'static str>,
    kind: Option<&'static str>,
    body: Vec<u8>,
}

fn methods() -> impl Strategy<Value = String> {
    let known = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
    ];
    prop_oneof![9 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[A-Z]{1,9}"]
}

/// Paths of the routes and near them, with anything in place of what they name.
fn paths() -> impl Strategy<Value = String> {
    let name = || {
        let known = [
            "1",
            "2",
            "0",
            "backend",
            "till",
            "MyProject",
            "MyAPI",
            "MyProject%2FMyAPI",
            "99999999999999999999",
        ];
        prop_oneof![6 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 2 => "[!-~&&[^/?#]]{0,8}", 1 => "(%[0-9a-fA-F]{2}){1,6}"]
    };
    let query = prop_oneof![
        3 => Just(String::new()),
        1 => "\\?[!-~&&[^#]]{0,20}",
        1 => "\\?(page|per_page|sort|include|filter\\[name\\])=[!-~&&[^#&]]{0,12}",
    ];
    let path = prop_oneof![
        Just("/api/v1/connection-pools".to_owned()),
        name().prop_map(|id| format!("/api/v1/connection-pools/{id}")),
        name().prop_map(|id| format!("/api/v1/connection-pools/{id}/clear")),
        Just("/api/v1/connections".to_owned()),
        name().prop_map(|name| format!("/api/v1/connections/{name}")),
        (name(), name()).prop_map(|(a, b)| format!("/apiops/projects/{a}/apiProxies/{b}/settings/connection/")),
        Just("/apiops/projects/MyProject/apiProxies/MyAPI/settings/connection".to_owned()),
        Just("/fairpool/v1/connectors".to_owned()),
        name().prop_map(|name| format!("/fairpool/v1/connectors/{name}")),
        (
            name(),
            "(connection-pools|connections|connectors)",
            "(clear|pause|resume|invalidate|melt)"
        )
            .prop_map(|(name, kind, operation)| format!("/fairpool/v1/{kind}/{name}/{operation}")),
        (name(), "(connection-pools|connections|connectors|dragons)")
            .prop_map(|(name, kind)| format!("/fairpool/v1/status/{kind}/{name}")),
        "(/healthz|/readyz|/fairpool/v1/status|/fairpool/v1/projects)",
        "(/[!-~&&[^/?#]]{0,6}){0,7}",
    ];
    (path, query).prop_map(|(path, query)| path + &query)
}

fn values() -> impl Strategy<Value = Value> {
    let known = [
        "", "a", "till", "backend", "http", "postgres", "CUSTOM", "NONE", "host:80", "********", "tls",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..10u32).prop_map(Value::from),
        proptest::sample::select(known.to_vec()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| vec(inner, 0..3).prop_map(Value::from))
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let fields = [
        "name",
        "limit",
        "timeout",
        "connection",
        "connection_pool_id",
        "mode",
        "size",
        "type",
        "queryHosts",
        "protocol",
        "key",
        "connectTimeout",
        "connectionPoolManagementType",
        "customConnectionPoolSize",
        "connectionSettingsEnabled",
        "patience",
    ];
    let field = (proptest::sample::select(fields.to_vec()), values());
    let object = vec(field, 0..6).prop_map(|fields| {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Object(fields.collect())
    });
    let object = object.boxed();
    let plausible = prop_oneof![
        Just(json!({"name": "a", "limit": 3})),
        Just(json!({"name": "till", "connection": "backend"})),
        Just(json!({"connection": {"name": "c", "type": "http", "queryHosts": ["host:80"]}})),
        Just(json!({"readTimeout": 60})),
        object.clone(),
        object.prop_map(|object| json!({"connection": object})),
        values(),
    ];
    prop_oneof![
        1 => Just(Vec::new()),
        1 => vec(any::<u8>(), 0..64),
        6 => plausible.prop_map(|value| value.to_string().into_bytes()),
        1 => (1..4000usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

/// What a client could mean.
fn sensible() -> impl Strategy<Value = (String, String, Vec<u8>)> {
    let pool = r#"{"name": "a", "limit": 3}"#;
    let till = r#"{"name": "till", "connection": "backend"}"#;
    let connection = r#"{"connection": {"name": "c", "type": "http", "queryHosts": ["host:80"]}}"#;
    let calls = [
        ("POST /api/v1/connection-pools", pool),
        ("GET /api/v1/connection-pools?include=connectors.system&sort=-name", ""),
        ("GET /api/v1/connection-pools/1", ""),
        ("PUT /api/v1/connection-pools/1", pool),
        ("DELETE /api/v1/connection-pools/2", ""),
        ("POST /api/v1/connection-pools/1/clear", ""),
        ("POST /api/v1/connections", connection),
        ("GET /api/v1/connections/c?pretty", ""),
        ("DELETE /api/v1/connections/backend", ""),
        ("DELETE /api/v1/connections/c", ""),
        (
            "PATCH /apiops/projects/MyProject/apiProxies/MyAPI/settings/connection/",
            r#"{"readTimeout": 60}"#,
        ),
        (
            "GET /apiops/projects/MyProject/apiProxies/MyAPI/settings/connection",
            "",
        ),
        ("POST /fairpool/v1/connectors", till),
        ("PUT /fairpool/v1/connectors/till", r#"{"mode": "NONE"}"#),
        ("DELETE /fairpool/v1/connectors/MyProject%2FMyAPI", ""),
        ("POST /fairpool/v1/connectors/till/pause", ""),
        ("POST /fairpool/v1/connection-pools/1/resume", ""),
        ("GET /fairpool/v1/status", ""),
    ];
    let body = prop_oneof![Just(None), bodies().prop_map(Some)];
    (proptest::sample::select(calls.to_vec()), body).prop_map(|((call, fitting), other)| {
        let (method, path) = call.split_once(' ').expect("two words");
        let body = other.unwrap_or_else(|| fitting.as_bytes().to_vec());
        (method.to_owned(), path.to_owned(), body)
    })
}

fn requests() -> impl Strategy<Value = Sent> {
    let all = Some(KEY);
    let keys = [
        all,
        all,
        all,
        all,
        Some(READ),
        Some(OPERATE),
        Some(WRITE),
        Some("wrong"),
        None,
    ];
    let json = Some("application/json");
    let kinds = [json, json, json, Some("text/plain"), None];
    let call = prop_oneof![2 => sensible(), 1 => (methods(), paths(), bodies())];
    let (keys, kinds) = (
        proptest::sample::select(keys.to_vec()),
        proptest::sample::select(kinds.to_vec()),
    );
    (call, keys, kinds).prop_map(|((method, path, body), key, kind)| Sent {
        method,
        path,
        key,
        kind,
        body,
    })
}

fn service(registry: &Registry) -> Router {
    let options = RouterOptions::new().body_limit(2048);
    connection_pools(registry, keys(), options.clone())
        .merge(connections(registry, keys(), options.clone()))
        .merge(connection_settings(registry, keys(), options.clone()))
        .merge(operations(registry, keys(), options.clone()))
        .merge(health(&Readiness::new(true), options))
}

async fn answered(router: &Router, sent: &Sent) -> Option<Answered> {
    let uri: Uri = sent.path.parse().ok()?;
    let method = Method::from_bytes(sent.method.as_bytes()).ok()?;
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(key) = sent.key {
        request = request
            .header("authorization", format!("Bearer {key}"))
            .header("x-imply-api-token", key);
    }
    if let Some(kind) = sent.kind {
        request = request.header("content-type", kind);
    }
    let request = request.body(Body::from(sent.body.clone())).ok()?;
    Some(
        timeout(Duration::from_secs(60), send(router, request))
            .await
            .expect("no request hangs"),
    )
}

/// All that can be seen: the resources, and what is live.
fn contents(registry: &Registry) -> String {
    let pools = registry.connection_pools(&Default::default());
    let settings = registry.connection_settings("MyProject", "MyAPI").expect("declared");
    let live: Vec<_> = registry
        .status()
        .into_iter()
        .map(|one| (one.kind, one.name, one.state, one.generation))
        .collect();
    format!(
        "{pools:?} {:?} {:?} {settings:?} {live:?}",
        registry.connections(),
        registry.connectors()
    )
}

/// Sends these one after the other, and notes which statuses came.
async fn probe(requests: &[Sent], seen: &mut BTreeMap<u16, u32>) -> Result<(), TestCaseError> {
    let registry = registry().await;
    let router = service(&registry);
    for sent in requests {
        let before = contents(&registry);
        let Some(answered) = answered(&router, sent).await else {
            continue;
        };
        let status = answered.status;
        *seen.entry(status).or_default() += 1;
        prop_assert!(status < 500, "{status} for {sent:?}");
        let is_ours = answered.header("x-request-id").is_some();
        if is_ours && sent.method != "HEAD" {
            let body = serde_json::from_slice::<Value>(&answered.bytes);
            prop_assert!(body.is_ok(), "{sent:?}");
        }
        if status >= 400 || sent.method == "GET" || sent.method == "HEAD" {
            prop_assert_eq!(contents(&registry), before, "{} for {:?}", status, sent);
        }
    }
    Ok(())
}

#[test]
fn nothing_sent_breaks_the_server_or_changes_what_was_refused() {
    let config = ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let seen = RefCell::new(BTreeMap::new());
    let done = TestRunner::new(config).run(&vec(requests(), 1..40), |requests| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let mut seen = seen.borrow_mut();
        runtime.expect("a runtime").block_on(probe(&requests, &mut seen))
    });
    if let Err(failure) = done {
        panic!("{failure}");
    }
    // It has met every kind of answer, so it could have seen what it looks for.
    let seen = seen.into_inner();

    for status in [200, 201, 400, 401, 403, 404, 405, 409, 413, 422] {
        assert!(seen.contains_key(&status), "never {status}: {seen:?}");
    }
}
