//! Family 4 over HTTP: every documented answer, and no secret in any.

use crate::kit::{Answered, KEY, READ, keys, registry, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::resource::models::ConnectorDefinition;
use fairpool::resource::registry::Registry;
use fairpool::server::{RouterOptions, connections};
use serde_json::{Value, json};

const ALL: &str = "/api/v1/connections";

async fn family() -> (Registry, Router) {
    let registry = registry().await;
    let router = connections(&registry, keys(), RouterOptions::new());
    (registry, router)
}

async fn ask(router: &Router, method: Method, path: &str, key: &str, body: Option<&Value>) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("x-imply-api-token", key);
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    send(router, request.body(body).expect("a request")).await
}

/// The sample of the document, of a type that can be reached here.
fn sample() -> Value {
    json!({
        "name": "string", "type": "http", "queryHosts": ["example.com"], "title": "string", "version": "string",
        "timeout": 0, "sqlTimeout": 0, "protocol": "plain", "ca": "string", "cert": "string", "key": "secret-key",
        "passphrase": "secret-phrase", "decorator": "string", "decoratorOptions": "string",
        "sockPassword": "secret-sock", "sockHost": "string", "sockUsername": "string",
    })
}

#[tokio::test]
async fn a_type_without_a_driver_is_refused_with_the_reason() {
    let (registry, router) = family().await;
    for kind in ["druid", "druidsql"] {
        let mut druid = sample();
        druid["type"] = kind.into();
        let refused = ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": druid}))).await;
        let reason = format!("connections of type {kind} are not supported here");
        assert_eq!((refused.status, refused.json()), (422, json!({"error": reason})));
    }
    assert_eq!(registry.connections().len(), 1);
}

#[tokio::test]
async fn a_connection_lives_from_post_to_delete() {
    let (registry, router) = family().await;
    let posted = ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": sample()}))).await;
    assert_eq!(posted.status, 200, "{}", posted.json());
    let mut shown = sample();
    for secret in ["key", "passphrase", "sockPassword"] {
        shown[secret] = "********".into();
    }
    assert_eq!(posted.json(), json!({"connection": shown}));
    let one = ask(&router, Method::GET, "/api/v1/connections/string", READ, None).await;
    assert_eq!((one.status, one.json()), (200, shown.clone()));
    let all = ask(&router, Method::GET, ALL, READ, None).await.json();
    let names: Vec<_> = all
        .as_array()
        .expect("a bare array")
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["backend", "string"]);

    // What was shown comes back and changes no secret.
    let again = ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": shown}))).await;
    assert_eq!(again.json(), json!({"connection": shown}));
    let stored = registry.connection("string").expect("stored");
    assert_eq!(
        stored.key().map(|key| key.reveal().to_owned()).as_deref(),
        Some("secret-key")
    );

    let gone = ask(&router, Method::DELETE, "/api/v1/connections/string", KEY, None).await;
    assert_eq!((gone.status, gone.json()), (200, json!({})));
    for method in [Method::GET, Method::DELETE] {
        let missing = ask(&router, method, "/api/v1/connections/string", KEY, None).await;
        assert_eq!((missing.status, missing.json()), (404, json!({"error": "Not found."})));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_rules_is_refused() {
    let (_registry, router) = family().await;
    for (body, text) in [
        (json!([]), "body must be an object"),
        (json!({}), "connection is required"),
        (json!({"connection": 7}), "connection must be an object"),
        (
            json!({"connection": {"name": "a", "type": "http"}}),
            "queryHosts is required",
        ),
    ] {
        let refused = ask(&router, Method::POST, ALL, KEY, Some(&body)).await;
        assert_eq!(
            (refused.status, refused.json()),
            (400, json!({"error": text})),
            "{body}"
        );
    }
    let request = Request::post(ALL)
        .header("x-imply-api-token", KEY)
        .body(Body::from("{"));
    let refused = send(&router, request.expect("a request")).await;
    assert_eq!(
        (refused.status, refused.json()),
        (400, json!({"error": "The request body is not valid JSON."}))
    );
    let mut secret = sample();
    secret["queryHosts"] = json!(["http://me:hunter2@a b"]);
    let refused = ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": secret}))).await;
    assert_eq!(refused.status, 400);
    assert!(!refused.json().to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_masked_secret_for_another_host_is_refused_with_the_fields_name() {
    let (registry, router) = family().await;
    let posted = ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": sample()}))).await;
    let mut elsewhere = posted.json();
    elsewhere["connection"]["sockHost"] = "elsewhere.example".into();
    elsewhere["connection"]["key"] = "new".into();
    elsewhere["connection"]["passphrase"] = "new".into();
    let refused = ask(&router, Method::POST, ALL, KEY, Some(&elsewhere)).await;
    let text = "sockPassword is masked, and must be sent in full since sockHost changes";
    assert_eq!((refused.status, refused.json()), (400, json!({"error": text})));
    let stored = registry.connection("string").expect("what was posted first");
    assert_eq!(stored.sock_host().map(|(host, _)| host), Some("string"));
}

#[tokio::test]
async fn who_may_not_ask_is_told_so() {
    let (_registry, router) = family().await;
    let request = Request::get(ALL).header("authorization", KEY).body(Body::empty());
    let refused = send(&router, request.expect("a request")).await;
    assert_eq!(
        (refused.status, refused.json()),
        (401, json!({"error": "Unauthorized."}))
    );
    let refused = ask(&router, Method::POST, ALL, READ, Some(&json!({"connection": sample()}))).await;
    assert_eq!((refused.status, refused.json()), (403, json!({"error": "Forbidden."})));
    let refused = ask(&router, Method::DELETE, ALL, KEY, None).await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, POST"))
    );
}

#[tokio::test]
async fn what_is_fixed_or_in_use_stays() {
    let (registry, router) = family().await;
    let refused = ask(&router, Method::DELETE, "/api/v1/connections/backend", KEY, None).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.json()["error"]
            .as_str()
            .is_some_and(|text| text.contains("configuration file"))
    );

    ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": sample()}))).await;
    let connector = json!({"name": "till", "connection": "string"});
    let connector = ConnectorDefinition::try_from(&connector).expect("a connector");
    registry.create_connector(connector).await.expect("stored");
    let refused = ask(&router, Method::DELETE, "/api/v1/connections/string", KEY, None).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.json()["error"]
            .as_str()
            .is_some_and(|text| text.contains("\"till\"")),
        "{}",
        refused.json()
    );
}

#[tokio::test]
async fn a_name_in_a_path_is_decoded_once_and_pretty_indents() {
    let (_registry, router) = family().await;
    let mut odd = sample();
    odd["name"] = "a b/c".into();
    ask(&router, Method::POST, ALL, KEY, Some(&json!({"connection": odd}))).await;
    let shown = ask(&router, Method::GET, "/api/v1/connections/a%20b%2Fc", KEY, None).await;
    assert_eq!((shown.status, shown.json()["name"].as_str()), (200, Some("a b/c")));
    assert_eq!(
        ask(&router, Method::GET, "/api/v1/connections/a%2520b%252Fc", KEY, None)
            .await
            .status,
        404
    );
    let pretty = ask(&router, Method::GET, "/api/v1/connections/a%20b%2Fc?pretty", KEY, None).await;
    assert!(pretty.bytes.starts_with(b"{\n  \"name\""));
    assert_eq!(pretty.json(), shown.json());
}
