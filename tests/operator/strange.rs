//! Servers that are none of ours, or mean harm.

use crate::kit::{Served, fairpool, ran, refused};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Redirect;
use axum::routing::{any, get, put};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// Clears the screen, names the window, turns the writing.
const EVIL: &str = "a\u{1b}[2J\u{1b}]0;b\u{7}\u{9b}31m\u{202e}c\n\u{7f}";

fn server(router: Router) -> Served {
    Served::router(Runtime::new().expect("a runtime"), router)
}

fn json_answer(status: StatusCode, body: &Value) -> impl axum::response::IntoResponse + Clone + use<> {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string())
}

#[test]
fn names_with_escape_sequences_are_shown_escaped_everywhere() {
    let pool = json!({"id": 1, "name": EVIL, "limit": EVIL, EVIL: EVIL});
    let status = json!({"data": [{"kind": EVIL, "name": EVIL, "state": EVIL, "reason": EVIL, "in_use": 1, "pending": 1, "totals": {}}]});
    let connections = json!([{"name": EVIL, "type": EVIL, "queryHosts": [EVIL], "title": EVIL}]);
    let page = json!({"data": [pool], "meta": {"last_page": 1}});
    let evil = json!({"message": EVIL, "errors": {EVIL: [EVIL, EVIL]}});
    let evil = json_answer(StatusCode::UNPROCESSABLE_ENTITY, &evil);
    let router = Router::new()
        .route("/api/v1/connection-pools", get(json_answer(StatusCode::OK, &page)))
        .route(
            "/api/v1/connection-pools/1",
            put(evil.clone()).get(json_answer(StatusCode::OK, &json!({"data": pool}))),
        )
        .route("/fairpool/v1/status", get(json_answer(StatusCode::OK, &status)))
        .route("/api/v1/connections", get(json_answer(StatusCode::OK, &connections)))
        .fallback(any(evil));
    let served = server(router);
    for arguments in [
        &["pools", "list"][..],
        &["pools", "list", "--json"],
        &["pools", "show", EVIL],
        &["pools", "show", "1", "--json"],
        &["pools", "set", EVIL, "--limit", "1"],
        &["connections", "list"],
        &["connections", "list", "--json"],
        &["connectors", "show", EVIL],
        &["proxies", "set", "a\u{1b}/b", "readTimeout=1"],
        &["pools", "pause", EVIL],
        &["databases", "pools", "show", "a\u{9b}/b"],
        &["top", "--once", "--interval", "0.1"],
        &["top", "--once", "--json"],
    ] {
        let ran = ran(served.command(arguments));
        for text in [&ran.out, &ran.error] {
            let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!text.contains(raw), "{arguments:?}: {text:?}");
        }
        assert!((ran.out.clone() + &ran.error).contains("\\u"), "{arguments:?}: {ran:?}");
        assert!(ran.error.lines().count() <= 1, "{ran:?}");
    }
    // For scripts it is still the same text.
    assert_eq!(served.json(&["connections", "list"])[0]["name"], EVIL);
}

#[test]
fn a_key_does_not_follow_a_redirect() {
    let heard: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let note = heard.clone();
    let thief = server(Router::new().fallback(any(async move |headers: HeaderMap| {
        note.lock().expect("no panic").push(headers);
        "{}"
    })));
    let to = format!("{}/gotcha", thief.url());
    let served = server(Router::new().fallback(any(async move || Redirect::temporary(&to))));
    let said = served.refuses(&["connections", "list"]);
    let expected = format!(
        "error: {}: it redirects to {}/gotcha, which gets no key: name the server itself (307)",
        served.url(),
        thief.url()
    );
    assert_eq!(said, expected);
    assert!(heard.lock().expect("no panic").is_empty());

    // Nor to a proxy that the environment names.
    let mut command = fairpool(&[
        "pools",
        "list",
        "--server",
        "http://127.0.0.1:1",
        "--api-key",
        "some-key-or-other",
    ]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, thief.url());
    }
    assert_eq!(
        refused(command, 1),
        "error: cannot reach http://127.0.0.1:1: connection refused"
    );
    assert!(heard.lock().expect("no panic").is_empty());
}

#[test]
fn an_answer_that_is_none_of_ours_is_said_to_be_so() {
    let page = (StatusCode::BAD_GATEWAY, "<html><h1>502</h1></html>");
    let served = server(Router::new().fallback(any(page)));
    let said = served.refuses(&["pools", "list"]);
    assert_eq!(
        said,
        format!(
            "error: {}: it answers no JSON: is it a fairpool server? (502)",
            served.url()
        )
    );
    let failed = (
        StatusCode::INTERNAL_SERVER_ERROR,
        [("x-request-id", "r-17")],
        json!({"message": "Server error."}).to_string(),
    );
    let served = server(Router::new().fallback(any(failed)));
    assert_eq!(
        served.refuses(&["pools", "clear", "a"]),
        "error: connection pool a: Server error. Request r-17. (500)"
    );
}
