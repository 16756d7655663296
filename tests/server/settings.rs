//! Family 3 over HTTP: every documented answer.

use crate::kit::{Answered, KEY, READ, keys, registry, request, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::server::{RouterOptions, connection_settings};
use serde_json::{Value, json};

const PATH: &str = "/apiops/projects/MyProject/apiProxies/MyAPI/settings/connection/";

async fn family() -> Router {
    connection_settings(&registry().await, keys(), RouterOptions::new())
}

async fn patch(router: &Router, path: &str, body: Value) -> Answered {
    let key = format!("Bearer {KEY}");
    send(router, request(Method::PATCH, path, Some(&key), Some(&body))).await
}

async fn settings(router: &Router) -> Value {
    let key = format!("Bearer {READ}");
    let shown = send(router, request(Method::GET, PATH, Some(&key), None)).await;
    assert_eq!(shown.status, 200);
    shown.json()
}

#[tokio::test]
async fn a_patch_changes_only_what_it_gives() {
    let router = family().await;
    let first = settings(&router).await;
    assert_eq!(
        (&first["connectTimeout"], &first["connectionPoolManagementType"]),
        (&json!(30), &json!("GENERAL"))
    );
    // The two examples of the document.
    let body = json!({
        "connectionSettingsEnabled": true, "connectTimeout": 30, "readTimeout": 60, "connectionRequestTimeout": 30,
        "retryCount": 3, "failoverRetryCount": 2,
    });
    let changed = patch(&router, PATH, body).await;
    assert_eq!((changed.status, changed.json()), (200, json!({"success": true})));
    let body = json!({
        "connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 20,
        "connectTimeout": 60, "readTimeout": 120,
    });
    let without_slash = PATH.trim_end_matches('/');
    assert_eq!(
        patch(&router, without_slash, body).await.json(),
        json!({"success": true})
    );
    let now = settings(&router).await;
    let seen = [
        "connectTimeout",
        "readTimeout",
        "connectionRequestTimeout",
        "retryCount",
        "customConnectionPoolSize",
    ];
    assert_eq!(
        seen.map(|field| now[field].clone()),
        [60, 120, 30, 3, 20].map(|value| json!(value))
    );
    assert_eq!(patch(&router, PATH, json!({})).await.status, 200);
    assert_eq!(settings(&router).await, now);
}

#[tokio::test]
async fn nothing_changes_when_any_field_is_refused() {
    let router = family().await;
    let before = settings(&router).await;
    let custom = "Custom connection pool size is required when connectionPoolManagementType is CUSTOM";
    for (body, text) in [
        (
            json!({"readTimeout": 9, "connectionPoolManagementType": "CUSTOM"}),
            custom,
        ),
        (
            json!({"readTimeout": 9, "connectTimeout": 0}),
            "connectTimeout must be at least 1",
        ),
        (
            json!({"readTimeout": 9, "connectTimeout": null}),
            "connectTimeout must not be null",
        ),
        (json!([]), "body must be an object"),
    ] {
        let refused = patch(&router, PATH, body.clone()).await;
        let expected = json!({"error": "bad_request", "error_description": text});
        assert_eq!((refused.status, refused.json()), (400, expected), "{body}");
        assert_eq!(settings(&router).await, before);
    }
    let request = Request::patch(PATH).header("authorization", format!("Bearer {KEY}"));
    let refused = send(
        &router,
        request.body(Body::from("{\"readTimeout\": 9}")).expect("a request"),
    )
    .await;
    let text = "The content type must be application/json.";
    assert_eq!(
        (refused.status, &refused.json()["error_description"]),
        (400, &json!(text))
    );
}

#[tokio::test]
async fn what_is_not_found_is_named() {
    let router = family().await;
    for (path, text) in [
        (
            "/apiops/projects/MyProject/apiProxies/Your%20API/settings/connection/",
            "ApiProxy (name: Your API) was not found!",
        ),
        (
            "/apiops/projects/YourProject/apiProxies/MyAPI/settings/connection",
            "Project 'YourProject' not found",
        ),
    ] {
        // The resource is judged before the body.
        let missing = patch(&router, path, json!({"readTimeout": "x"})).await;
        let expected = json!({"error": "not_found", "error_description": text});
        assert_eq!((missing.status, missing.json()), (404, expected));
    }
    for path in [
        "/apiops/projects",
        "/apiops/projects/MyProject/apiProxies//settings/connection/",
    ] {
        assert_eq!(patch(&router, path, json!({})).await.status, 404);
    }
}

#[tokio::test]
async fn who_may_not_ask_is_told_so() {
    let router = family().await;
    for key in [None, Some(KEY), Some("Bearer wrong")] {
        let refused = send(&router, request(Method::GET, PATH, key, None)).await;
        let expected = json!({"error": "unauthorized_client", "error_description": "Invalid token"});
        assert_eq!((refused.status, refused.json()), (401, expected));
    }
    let key = format!("Bearer {READ}");
    let refused = send(&router, request(Method::PATCH, PATH, Some(&key), Some(&json!({})))).await;
    assert_eq!((refused.status, &refused.json()["error"]), (403, &json!("forbidden")));
    let refused = send(&router, request(Method::PUT, PATH, Some(&key), Some(&json!({})))).await;
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, PATCH"))
    );
}
