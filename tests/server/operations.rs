//! Family 5 over HTTP: connectors, what is declared, status, and what operators do to what is live.

use crate::kit::{KEY, READ, WRITE, delete, get, keys, post, put, registry, request, send};
use axum::Router;
use axum::http::Method;
use fairpool::resource::models::NewConnectionPool;
use fairpool::resource::registry::Registry;
use fairpool::server::{RouterOptions, operations};
use serde_json::{Value, json};

const ALL: &str = "/fairpool/v1/connectors";

async fn family() -> (Registry, Router) {
    let registry = registry().await;
    let router = operations(&registry, keys(), RouterOptions::new());
    (registry, router)
}

async fn pool(registry: &Registry, name: &str) -> Value {
    let new = NewConnectionPool::try_from(&json!({"name": name, "limit": 1})).expect("a pool");
    let pool = registry.create_connection_pool(new).await.expect("stored");
    json!(pool.id())
}

#[tokio::test]
async fn a_connector_lives_from_post_to_delete() {
    let (registry, router) = family().await;
    let id = pool(&registry, "one").await;
    let connector =
        json!({"name": "till", "connection": "backend", "connection_pool_id": id, "mode": "CUSTOM", "size": 2});
    let made = post(&router, ALL, connector.clone()).await;
    assert_eq!((made.status, made.json()), (201, json!({"data": connector})));
    let path = format!("{ALL}/till");
    assert_eq!(get(&router, &path).await.json(), json!({"data": connector}));
    let changed = put(&router, &path, json!({"connection_pool_id": null, "mode": "GENERAL"})).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["data"].get("connection_pool_id"), None);
    let all = get(&router, ALL).await.json();
    let names: Vec<_> = all["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["MyProject/MyAPI", "till"]);
    let gone = delete(&router, &path).await;
    assert!(gone.status == 200 && gone.json()["message"].is_string());
    for call in [
        get(&router, &path).await,
        put(&router, &path, json!({})).await,
        delete(&router, &path).await,
    ] {
        assert_eq!((call.status, call.json()), (404, json!({"message": "Not found."})));
    }
}

#[tokio::test]
async fn a_connector_that_breaks_rules_is_refused() {
    let (_registry, router) = family().await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": "a", "connection": "nowhere"}), "connection"),
        (
            json!({"name": "a", "connection": "backend", "connection_pool_id": 99}),
            "connection_pool_id",
        ),
        (json!({"name": "a", "connection": "backend", "mode": "CUSTOM"}), "size"),
        (json!({"name": "MyProject/MyAPI", "connection": "backend"}), "name"),
    ] {
        let refused = post(&router, ALL, body.clone()).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(refused.json()["errors"][field].is_array(), "{body}: {}", refused.json());
    }
    // What the file declares is fixed.
    let path = format!("{ALL}/MyProject%2FMyAPI");
    assert_eq!(get(&router, &path).await.status, 200);
    assert_eq!(put(&router, &path, json!({"mode": "NONE"})).await.status, 409);
    assert_eq!(delete(&router, &path).await.status, 409);
}

#[tokio::test]
async fn what_is_declared_is_listed() {
    let (_registry, router) = family().await;
    let projects = get(&router, "/fairpool/v1/projects").await;
    assert_eq!(
        (projects.status, projects.json()),
        (200, json!({"data": [{"name": "MyProject"}]}))
    );
    let proxies = get(&router, "/fairpool/v1/projects/MyProject/apiProxies").await.json();
    let expected = json!([{"name": "MyAPI", "connection": "backend", "connector": "MyProject/MyAPI"}]);
    assert_eq!(proxies["data"], expected);
    assert_eq!(get(&router, "/fairpool/v1/projects/Yours/apiProxies").await.status, 404);
}

#[tokio::test]
async fn everything_live_has_a_status() {
    let (registry, router) = family().await;
    pool(&registry, "a b/c").await;
    let all = get(&router, "/fairpool/v1/status").await.json();
    let seen: Vec<_> = all["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(seen, ["connection-pools", "connections", "connectors"]);
    for (path, name) in [
        ("connection-pools/1", "a b/c"),
        ("connection-pools/a%20b%2Fc", "a b/c"),
        ("connections/backend", "backend"),
        ("connectors/MyProject%2FMyAPI", "MyProject/MyAPI"),
    ] {
        let one = get(&router, &format!("/fairpool/v1/status/{path}")).await;
        assert_eq!(
            (one.status, one.json()["data"]["name"].as_str()),
            (200, Some(name)),
            "{path}"
        );
        assert_eq!(one.json()["data"]["state"], "open");
    }
    for path in ["connectors/nobody", "projects/MyProject", "dragons/x", "connectors"] {
        assert_eq!(
            get(&router, &format!("/fairpool/v1/status/{path}")).await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn operations_act_and_report() {
    let (registry, router) = family().await;
    pool(&registry, "one").await;
    let state = async || get(&router, "/fairpool/v1/status/connection-pools/one").await.json()["data"]["state"].clone();
    let act = async |operation: &str, body: Option<Value>| {
        let path = format!("/fairpool/v1/connection-pools/one/{operation}");
        send(&router, request(Method::POST, &path, Some(KEY), body.as_ref())).await
    };
    assert_eq!(act("clear", None).await.json(), json!({"data": {"cleared": 0}}));
    assert_eq!(act("pause", None).await.status, 200);
    assert_eq!(state().await, "paused");
    assert_eq!(act("resume", None).await.status, 200);
    assert_eq!(state().await, "open");
    let drained = act("drain", Some(json!({"patience": 1.0}))).await.json();
    assert_eq!(drained["data"]["completed"], true);
    assert_eq!(state().await, "closed");
    act("resume", None).await;
    assert_eq!(act("drain", None).await.status, 200);
    act("resume", None).await;
    assert_eq!(state().await, "open");
    let refused = act("invalidate", None).await;
    assert_eq!((refused.status, refused.json()["errors"].clone()), (422, Value::Null));

    for (body, text) in [
        (json!({"patience": 0}), "The patience field must be at least 1."),
        (
            json!({"patience": 1e30}),
            "The patience field must not be greater than 3600.",
        ),
        (json!({"patience": -1e30}), "The patience field must be at least 1."),
        (json!({"patience": "5"}), "The patience field must be an integer."),
        (json!([]), "The body field must be an object."),
    ] {
        let refused = act("drain", Some(body.clone())).await;
        assert_eq!(
            (refused.status, &refused.json()["message"]),
            (422, &json!(text)),
            "{body}"
        );
    }
    assert_eq!(state().await, "open");
}

#[tokio::test]
async fn an_operation_wants_its_scope_and_its_target() {
    let (_registry, router) = family().await;
    let ask = async |path: &str, key: Option<&str>| send(&router, request(Method::POST, path, key, None)).await;
    let clear = "/fairpool/v1/connectors/MyProject%2FMyAPI/clear";
    assert_eq!(ask(clear, None).await.status, 401);
    for key in [READ, WRITE] {
        assert_eq!(ask(clear, Some(key)).await.status, 403);
    }
    assert_eq!(ask(clear, Some(KEY)).await.status, 200);
    assert_eq!(ask("/fairpool/v1/connectors/nobody/drain", Some(KEY)).await.status, 404);
    for path in [
        "connectors/x/melt",
        "projects/x/clear",
        "connectors//clear",
        "connectors/x/clear/",
        "",
    ] {
        assert_eq!(ask(&format!("/fairpool/v1/{path}"), None).await.status, 404, "{path}");
    }
}
