//! What stands before every handler: the order of judgement, who may ask, ids, methods, limits of the body.

use crate::kit::{Answered, KEY, OPERATE, POOLS, READ, WRITE, get, keys, pools, post, registry, request, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::server::auth::{AnyOf, Authority, Grant, Insecure, JwtHs256, Scopes};
use fairpool::server::{Entry, Journal, RateLimits, Readiness, RouterOptions, connection_pools, fallback, health};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A request for something that a later judgement would refuse, too: what is said first.
#[tokio::test]
async fn judgements_come_in_their_order() {
    let registry = registry().await;
    let options = RouterOptions::new().body_limit(100);
    let router = connection_pools(&registry, keys(), options);
    let long = json!({"limit": "x".repeat(200)});
    let wrong = json!({"limit": "x"});
    let patch = Method::PATCH;
    let put = || Method::PUT;
    let rows: [(u16, Method, &str, Option<&str>, &Value); 8] = [
        (404, patch.clone(), "/api/v1/connection-pools/1/melt", None, &long),
        (405, patch, "/api/v1/connection-pools/99", None, &long),
        (401, put(), "/api/v1/connection-pools/99", None, &long),
        (
            401,
            put(),
            "/api/v1/connection-pools/99",
            Some("another-key-than-the-right"),
            &long,
        ),
        (403, put(), "/api/v1/connection-pools/99", Some(READ), &long),
        (413, put(), "/api/v1/connection-pools/99", Some(WRITE), &long),
        (404, put(), "/api/v1/connection-pools/99", Some(WRITE), &wrong),
        (422, put(), "/api/v1/connection-pools/1", Some(WRITE), &wrong),
    ];
    post(&router, POOLS, json!({"name": "one", "limit": 1})).await;
    for (status, method, path, key, body) in rows {
        let answered = send(&router, request(method, path, key, Some(body))).await;
        assert_eq!(answered.status, status, "{path} {key:?}: {}", answered.json());
        assert!(answered.json()["message"].is_string());
    }
}

/// A list of ten thousand pools is no reason to hold a megabyte of whatever came with the question.
#[tokio::test]
async fn what_comes_with_a_question_is_not_read() {
    let (_registry, router) = pools().await;
    for method in [Method::GET, Method::HEAD] {
        let mut asked = request(method, POOLS, Some(READ), None);
        type Piece = Option<Result<Vec<u8>, Infallible>>;
        let unread = futures::stream::poll_fn(|_| -> Poll<Piece> { panic!("somebody reads it") });
        *asked.body_mut() = Body::from_stream(unread);
        assert_eq!(send(&router, asked).await.status, 200);
    }
}

#[tokio::test]
async fn each_scope_opens_its_own_calls() {
    let (_registry, router) = pools().await;
    post(&router, POOLS, json!({"name": "one", "limit": 1})).await;
    let one = format!("{POOLS}/1");
    let clear = format!("{POOLS}/1/clear");
    let body = json!({"name": "one"});
    for (method, path, right) in [
        (Method::GET, POOLS, READ),
        (Method::HEAD, POOLS, READ),
        (Method::GET, &one, READ),
        (Method::POST, &clear, OPERATE),
        (Method::PUT, &one, WRITE),
    ] {
        for key in [KEY, READ, OPERATE, WRITE] {
            let answered = send(&router, request(method.clone(), path, Some(key), Some(&body))).await;
            let expected = if key == KEY || key == right { 200 } else { 403 };
            assert_eq!(answered.status, expected, "{method} {path} {key}");
        }
    }
}

#[tokio::test]
async fn a_credential_is_read_from_authorization_only() {
    let (_registry, router) = pools().await;
    let with = async |name: &str, values: &[&str]| {
        let mut request = Request::get(POOLS);
        for value in values {
            request = request.header(name, *value);
        }
        send(&router, request.body(Body::empty()).expect("a request")).await
    };
    assert_eq!(with("authorization", &[KEY]).await.status, 200);
    assert_eq!(with("authorization", &[&format!("Bearer {KEY}")]).await.status, 200);
    for (name, values) in [
        ("authorization", vec![""]),
        ("authorization", vec!["Bearer"]),
        ("authorization", vec![&KEY[1..]]),
        ("authorization", vec![KEY, KEY]),
        ("x-imply-api-token", vec![KEY]),
        ("x-api-key", vec![KEY]),
    ] {
        let refused = with(name, &values).await;
        assert_eq!(
            (refused.status, refused.json()),
            (401, json!({"message": "Unauthenticated."})),
            "{name} {values:?}"
        );
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    let in_query = Request::get(format!("{POOLS}?token={KEY}")).body(Body::empty());
    assert_eq!(send(&router, in_query.expect("a request")).await.status, 401);
}

#[tokio::test]
async fn several_authorities_stand_behind_one_trait() {
    struct Guest;
    impl Authority for Guest {
        fn grant(&self, credential: &str) -> Option<Grant> {
            (credential == "guest").then(|| Grant::new(Scopes::NONE, b"guest"))
        }
    }
    let jwt = JwtHs256::new(&[7; 32], "fairpool").expect("long enough");
    let auth = AnyOf(vec![keys(), Arc::new(jwt), Arc::new(Guest)]);
    let registry = registry().await;
    let router = connection_pools(&registry, Arc::new(auth), RouterOptions::new());
    for (key, status) in [(KEY, 200), ("guest", 403), ("Bearer a.b.c", 401), ("ghost", 401)] {
        let answered = send(&router, request(Method::GET, POOLS, Some(key), None)).await;
        assert_eq!(answered.status, status, "{key}");
    }
    let open = connection_pools(&registry, Arc::new(Insecure), RouterOptions::new());
    let asked = Request::get(POOLS).body(Body::empty()).expect("a request");
    assert_eq!(send(&open, asked).await.status, 200);
}

/// Stands for any bug in a handler: it is called where they are.
#[tokio::test]
async fn a_panic_becomes_a_500_without_its_text() {
    struct Bug;
    impl Authority for Bug {
        fn grant(&self, credential: &str) -> Option<Grant> {
            panic!("a bug that shows {credential}")
        }
    }
    struct Causes(Arc<Mutex<Vec<String>>>);
    impl Journal for Causes {
        fn answered(&self, entry: &Entry<'_>) {
            self.0.lock().extend(entry.cause.map(str::to_owned));
        }
    }
    let causes = Arc::default();
    let options = RouterOptions::new().journal(Causes(Arc::clone(&causes)));
    let router = connection_pools(&registry().await, Arc::new(Bug), options);
    let failed = send(&router, request(Method::GET, POOLS, Some("sesame"), None)).await;
    assert_eq!(
        (failed.status, failed.json()),
        (500, json!({"message": "Server error."}))
    );
    assert!(failed.header("x-request-id").is_some());
    assert_eq!(*causes.lock(), ["a handler panicked"]);
}

#[tokio::test]
async fn an_unknown_path_below_the_base_is_the_familys_404() {
    let (_registry, router) = pools().await;
    for path in [
        "/api/v1/connection-pools/",
        "/api/v1/connection-pools/1/",
        "/api/v1/connection-pools//clear",
    ] {
        assert_eq!(get(&router, path).await.status, 404, "{path}");
    }
    for path in ["/api/v1/connection-pools/1/clear/now", "/api/v1/connection-pools/%ff"] {
        let answered = send(&router, request(Method::GET, path, None, None)).await;
        assert_eq!(
            (answered.status, answered.json()),
            (404, json!({"message": "Not found."})),
            "{path}"
        );
    }
}

#[tokio::test]
async fn another_method_is_405_with_those_that_are_allowed() {
    let (_registry, router) = pools().await;
    for (method, path, allowed) in [
        ("OPTIONS", "/api/v1/connection-pools", "GET, HEAD, POST"),
        ("BREW", "/api/v1/connection-pools", "GET, HEAD, POST"),
        ("POST", "/api/v1/connection-pools/1", "GET, HEAD, PUT, DELETE"),
        ("PATCH", "/api/v1/connection-pools/x", "GET, HEAD, PUT, DELETE"),
        ("GET", "/api/v1/connection-pools/1/clear", "POST"),
        ("HEAD", "/api/v1/connection-pools/1/clear", "POST"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let is_head = method == Method::HEAD;
        let refused = send(&router, request(method, path, None, None)).await;
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some(allowed)),
            "{path}"
        );
        assert!(is_head || refused.json()["message"].is_string());
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let (_registry, router) = pools().await;
    let whole = get(&router, POOLS).await;
    let head = send(&router, request(Method::HEAD, POOLS, Some(KEY), None)).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(
        head.header("content-length"),
        Some(whole.bytes.len().to_string().as_str())
    );
    assert_eq!(head.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn every_answer_has_an_id_that_the_journal_knows() {
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<String>>>);
    impl Journal for Notes {
        fn answered(&self, entry: &Entry<'_>) {
            let line = format!("{} {} {} {}", entry.request_id, entry.method, entry.path, entry.status);
            self.0.lock().push(line);
            assert!(entry.status != 401, "a journal that panics");
        }
    }
    let notes = Notes::default();
    let options = RouterOptions::new().journal(notes.clone());
    let router = connection_pools(&registry().await, keys(), options);
    let ask = async |id: &str, key: Option<&str>, path: &str| {
        let mut request = request(Method::GET, path, key, None);
        request
            .headers_mut()
            .insert("x-request-id", id.parse().expect("a value"));
        send(&router, request).await
    };
    let id = |answered: &Answered| answered.header("x-request-id").expect("an id").to_owned();
    assert_eq!(
        id(&ask("abc-1", Some(KEY), &format!("{POOLS}?sort=secret")).await),
        "abc-1"
    );
    assert_eq!(id(&ask("abc-2", None, POOLS).await), "abc-2");
    assert_eq!(id(&ask("abc-3", None, "/api/v1/connection-pools/a%20b").await), "abc-3");
    let made = id(&ask("no id {}", Some(KEY), POOLS).await);
    assert_eq!(made.len(), 36);
    let expected = [
        format!("abc-1 GET {POOLS} 200"),
        format!("abc-2 GET {POOLS} 401"),
        format!("abc-3 GET {POOLS}/a%20b 401"),
        format!("{made} GET {POOLS} 200"),
    ];
    assert_eq!(*notes.0.lock(), expected);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_often_is_told_when_to_come_back() {
    let registry = registry().await;
    let options = RouterOptions::new().rate_limits(RateLimits::new(2, 100));
    let router = connection_pools(&registry, keys(), options);
    let ask = async |key: Option<&str>| send(&router, request(Method::GET, POOLS, key, None)).await;
    let left = |answered: &Answered| answered.header("ratelimit-remaining").map(str::to_owned);
    let first = ask(Some(READ)).await;
    assert_eq!(
        (first.header("ratelimit-limit"), left(&first).as_deref()),
        (Some("100"), Some("99"))
    );
    assert!(
        first
            .header("ratelimit-reset")
            .is_some_and(|reset| reset.parse::<u64>().is_ok())
    );
    assert_eq!(first.header("retry-after"), None);
    // A request for which the scope is missing counts as well.
    assert_eq!(ask(Some(WRITE)).await.status, 403);
    assert_eq!(ask(Some(READ)).await.status, 200);
    let refused = ask(Some(READ)).await;
    assert_eq!(
        (refused.status, refused.json()),
        (429, json!({"message": "API rate limit exceeded."}))
    );
    assert_eq!(
        (refused.header("retry-after"), left(&refused).as_deref()),
        (Some("60"), Some("0"))
    );
    assert_eq!(ask(Some(WRITE)).await.status, 403);
    assert_eq!(ask(Some(WRITE)).await.status, 429);
    let stranger = ask(None).await;
    assert_eq!((stranger.status, left(&stranger).as_deref()), (401, Some("100")));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(left(&ask(Some(READ)).await).as_deref(), Some("97"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_408_and_one_too_long_413() {
    let registry = registry().await;
    let options = RouterOptions::new().body_limit(64).body_timeout(Duration::from_secs(3));
    let router = connection_pools(&registry, keys(), options);
    let ask = async |body: Body| {
        let request = Request::post(POOLS)
            .header("authorization", KEY)
            .header("content-type", "application/json");
        send(&router, request.body(body).expect("a request")).await
    };
    let first = futures::stream::once(async { Ok::<_, Infallible>("{\"limit\": 1, ") });
    let silent = futures::StreamExt::chain(first, futures::stream::pending());
    let refused = ask(Body::from_stream(silent)).await;
    assert_eq!((refused.status, refused.header("connection")), (408, Some("close")));

    let endless = futures::stream::repeat_with(|| Ok::<_, Infallible>("[1, "));
    assert_eq!(ask(Body::from_stream(endless)).await.status, 413);
    assert_eq!(ask(Body::from(" ".repeat(65))).await.status, 413);
    assert_eq!(ask(Body::from(" ".repeat(64))).await.status, 422);
}

#[tokio::test]
async fn a_router_works_inside_a_service() {
    let registry = registry().await;
    let options = RouterOptions::new().public_url("https://shop.example");
    let inside = connection_pools(&registry, keys(), options);
    let readiness = Readiness::new(false);
    let service = Router::new()
        .route("/", axum::routing::get(async || "the shop"))
        .nest("/admin", inside)
        .merge(health(&readiness, RouterOptions::new()))
        .merge(fallback(RouterOptions::new()));
    let list = get(&service, "/admin/api/v1/connection-pools").await;
    assert_eq!(list.status, 200);
    let path = "https://shop.example/admin/api/v1/connection-pools";
    assert_eq!(list.json()["meta"]["path"], path);
    assert_eq!(get(&service, "/").await.bytes, b"the shop");

    let open = async |path: &str| send(&service, request(Method::GET, path, None, None)).await;
    assert_eq!(open("/healthz").await.json(), json!({"status": "ok"}));
    assert_eq!(open("/readyz").await.status, 503);
    readiness.set(true);
    assert_eq!(open("/readyz").await.json(), json!({"status": "ready"}));
    for path in ["/readyz/now", "/nothing", "/"] {
        let expected = if path == "/" { 200 } else { 404 };
        assert_eq!(open(path).await.status, expected, "{path}");
    }
    assert_eq!(open("/nothing").await.json(), json!({"message": "Not found."}));
    let posted = send(&service, request(Method::POST, "/healthz", None, None)).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
}
