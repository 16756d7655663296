//! Family 2 over HTTP, as far as no server is asked: every documented answer, in the family's shape.

use crate::kit::{Answered, KEY, OPERATE, READ, WRITE, keys, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::resource::models::DatabaseDefinition;
use fairpool::resource::registry::{Declared, Registry};
use fairpool::server::{RateLimits, RouterOptions, databases};
use serde_json::{Value, json};

pub(crate) const ORDERS: &str = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30";
const ONE: &str = "/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30";
const POOLS: &str = "/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30/pools";

/// One database of each engine, none of which is there.
pub(crate) async fn registry() -> Registry {
    let all = [
        (
            ORDERS,
            "pg",
            "postgres://doadmin:hush@db.example:25060/defaultdb?sslmode=require",
        ),
        ("cache", "redis", "redis://app:hush@127.0.0.1:1/0"),
        ("shop", "mysql", "mysql://app:hush@127.0.0.1:1/shop"),
        ("log", "kafka", "kafka://app:hush@127.0.0.1:1"),
    ];
    let declared = all.into_iter().fold(Declared::new(), |declared, (id, engine, url)| {
        let definition = json!({"id": id, "name": id, "engine": engine, "url": url});
        declared.database(DatabaseDefinition::try_from(&definition).expect("a database"))
    });
    let registry = Registry::builder().fixed(declared).open().await;
    registry.expect("an empty store")
}

async fn family() -> Router {
    databases(&registry().await, keys(), RouterOptions::new())
}

pub(crate) fn asking(method: Method, path: &str, key: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("authorization", format!("Bearer {key}"));
    request.body(body.into()).expect("a request")
}

pub(crate) async fn ask(router: &Router, method: Method, path: &str, body: Value) -> Answered {
    send(router, asking(method, path, KEY, body.to_string())).await
}

pub(crate) async fn look(router: &Router, path: &str) -> Answered {
    send(router, asking(Method::GET, path, READ, Body::empty())).await
}

/// A refusal has the documented fields and no others, and the request's own id.
#[track_caller]
pub(crate) fn refused(answered: &Answered, status: u16, id: &str, message: &str) {
    let request = answered.header("x-request-id").expect("an id").to_owned();
    let expected = json!({"id": id, "message": message, "request_id": request});
    assert_eq!((answered.status, answered.json()), (status, expected));
    counted(answered);
}

/// What every answer of the family bears.
#[track_caller]
fn counted(answered: &Answered) {
    for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        let value = answered.header(name).unwrap_or_else(|| panic!("no {name}"));
        assert!(value.parse::<u64>().is_ok(), "{name}: {value}");
    }
    assert_eq!(answered.header("retry-after").is_some(), answered.status == 429);
}

#[track_caller]
pub(crate) fn done(answered: &Answered) {
    assert_eq!((answered.status, &*answered.bytes), (204, &b""[..]));
    assert_eq!(answered.header("content-type"), None);
    counted(answered);
}

const NOWHERE: &str = "The resource you requested could not be found.";
const UNREADABLE: &str = "error parsing request body";

#[tokio::test]
async fn a_pool_lives_from_post_to_delete() {
    let router = family().await;
    assert_eq!(look(&router, POOLS).await.json(), json!({"pools": []}));
    let posted =
        json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "defaultdb", "user": "doadmin"});
    let made = ask(&router, Method::POST, POOLS, posted.clone()).await;
    let mut shown = posted.clone();
    shown["connection"] = json!({
        "host": "db.example", "port": 25060, "database": "defaultdb", "user": "doadmin", "ssl": true,
        "uri": "postgres://doadmin@db.example:25060/defaultdb?sslmode=require",
    });
    assert_eq!((made.status, made.json()), (201, json!({"pool": shown})));
    counted(&made);

    let path = format!("{POOLS}/backend-pool");
    let one = look(&router, &path).await;
    assert_eq!((one.status, one.json()), (200, json!({"pool": shown})));
    // Pages are not known here, and so are ignored.
    let all = look(&router, &format!("{POOLS}?page=7&per_page=x")).await;
    assert_eq!((all.status, all.json()), (200, json!({"pools": [shown]})));
    counted(&all);

    // All of it is replaced: without a user, everybody comes as himself.
    let put = json!({"mode": "session", "size": 8.0, "db": "other", "more": {"ignored": true}});
    done(&ask(&router, Method::PUT, &path, put).await);
    let now = look(&router, &path).await.json()["pool"].clone();
    assert_eq!(
        now["connection"]["uri"],
        "postgres://db.example:25060/other?sslmode=require"
    );
    let fields = ["mode", "size", "db", "user"].map(|field| now[field].clone());
    assert_eq!(fields, [json!("session"), json!(8), json!("other"), Value::Null]);
    assert!(now.get("user").is_none() && now["connection"].get("user").is_none());

    done(&send(&router, asking(Method::DELETE, &path, WRITE, Body::empty())).await);
    assert_eq!(look(&router, POOLS).await.json(), json!({"pools": []}));
    let put = json!({"mode": "session", "size": 8, "db": "other"});
    for (method, body) in [
        (Method::GET, json!(null)),
        (Method::PUT, put),
        (Method::DELETE, json!(null)),
    ] {
        let missing = ask(&router, method, &path, body).await;
        refused(&missing, 404, "not_found", NOWHERE);
    }
}

#[tokio::test]
async fn a_pool_that_breaks_rules_is_refused_and_nothing_changes() {
    let router = family().await;
    let base = json!({"name": "one", "mode": "session", "size": 1, "db": "a"});
    assert_eq!(ask(&router, Method::POST, POOLS, base.clone()).await.status, 201);
    let taken = ask(&router, Method::POST, POOLS, base.clone()).await;
    refused(&taken, 422, "unprocessable_entity", "pool name is not available");
    let before = look(&router, POOLS).await.json();
    let path = format!("{POOLS}/one");
    let long = "n".repeat(61);
    for (field, value, message) in [
        ("name", json!("no"), "name must be at least 3 characters"),
        ("name", json!(long), "name must not be greater than 60 characters"),
        ("name", json!("a b c"), "name must be letters, digits, - and _"),
        ("name", json!(7), "name must be a string"),
        (
            "mode",
            json!("eternal"),
            "mode must be one of session, transaction, statement",
        ),
        ("size", json!(0), "size must be at least 1"),
        ("size", json!(65_537), "size must not be greater than 65536"),
        ("size", json!("5"), "size must be an integer"),
        ("size", json!(1e300), "size must not be greater than 65536"),
        ("db", json!(""), "db must be at least 1 characters"),
        ("user", json!(3), "user must be a string"),
    ] {
        let mut body = base.clone();
        body["name"] = json!("two");
        body[field] = value;
        let answered = ask(&router, Method::POST, POOLS, body.clone()).await;
        refused(&answered, 422, "unprocessable_entity", message);
        if field != "name" {
            let answered = ask(&router, Method::PUT, &path, body).await;
            refused(&answered, 422, "unprocessable_entity", message);
        }
    }
    for field in ["name", "mode", "size", "db"] {
        let mut body = base.clone();
        body.as_object_mut().expect("an object").remove(field);
        let answered = ask(&router, Method::POST, POOLS, body.clone()).await;
        refused(&answered, 422, "unprocessable_entity", &format!("{field} is required"));
    }
    assert_eq!(look(&router, POOLS).await.json(), before);
}

#[tokio::test]
async fn what_is_no_json_is_a_bad_request_after_its_resource() {
    let router = family().await;
    let bodies: [&[u8]; 4] = [b"{\"name\": ", b"", b"\xff", b"[1, 2"];
    for path in ["pools", "upgrade", "topics"] {
        let method = if path == "upgrade" { Method::PUT } else { Method::POST };
        for body in bodies {
            let sent = asking(method.clone(), &format!("{ONE}/{path}"), KEY, body);
            refused(&send(&router, sent).await, 400, "bad_request", UNREADABLE);
            let nowhere = asking(method.clone(), &format!("/v2/databases/nowhere/{path}"), KEY, body);
            refused(&send(&router, nowhere).await, 404, "not_found", NOWHERE);
        }
    }
    for (id, setting) in [("cache", "eviction_policy"), ("shop", "sql_mode")] {
        let path = format!("/v2/databases/{id}/{setting}");
        let answered = send(&router, asking(Method::PUT, &path, KEY, "{")).await;
        refused(&answered, 400, "bad_request", UNREADABLE);
        for (body, message) in [
            (json!([]), "body must be an object".to_owned()),
            (json!({}), format!("{setting} is required")),
            (json!({ setting: 5 }), format!("{setting} must be a string")),
        ] {
            let answered = ask(&router, Method::PUT, &path, body).await;
            refused(&answered, 422, "unprocessable_entity", &message);
        }
    }
    let answered = ask(
        &router,
        Method::PUT,
        "/v2/databases/cache/eviction_policy",
        json!({"eviction_policy": "allkeys-lru"}),
    )
    .await;
    let policies = "noeviction, allkeys_lru, allkeys_random, volatile_lru, volatile_random, volatile_ttl";
    refused(
        &answered,
        422,
        "unprocessable_entity",
        &format!("eviction_policy must be one of {policies}"),
    );
    let quoted = json!({"sql_mode": "ANSI'; DROP TABLE orders"});
    let answered = ask(&router, Method::PUT, "/v2/databases/shop/sql_mode", quoted).await;
    refused(
        &answered,
        422,
        "unprocessable_entity",
        "sql_mode must be SQL modes separated by commas",
    );
}

#[tokio::test]
async fn a_call_that_does_not_fit_the_engine_is_refused_with_the_reason() {
    let router = family().await;
    for (id, engine) in [(ORDERS, "pg"), ("cache", "redis"), ("shop", "mysql"), ("log", "kafka")] {
        for (setting, value, wanted) in [
            ("eviction_policy", "noeviction", "redis"),
            ("sql_mode", "ANSI", "mysql"),
        ] {
            if engine == wanted {
                continue;
            }
            let path = format!("/v2/databases/{id}/{setting}");
            let message = format!("{setting} is a setting of the engine {wanted}, and this database is of {engine}");
            refused(&look(&router, &path).await, 422, "unprocessable_entity", &message);
            let put = ask(&router, Method::PUT, &path, json!({ setting: value })).await;
            refused(&put, 422, "unprocessable_entity", &message);
        }
        let topics = match engine {
            "kafka" => "topics are not supported yet: there is no driver for kafka".to_owned(),
            other => format!("topics belong to the engine kafka, and this database is of {other}"),
        };
        for (method, path) in [
            (Method::GET, "topics"),
            (Method::POST, "topics"),
            (Method::GET, "topics/orders"),
            (Method::PUT, "topics/orders"),
            (Method::DELETE, "topics/orders"),
        ] {
            let path = format!("/v2/databases/{id}/{path}");
            let body = json!({"name": "orders", "partition_count": 3});
            let answered = ask(&router, method, &path, body).await;
            refused(&answered, 422, "unprocessable_entity", &topics);
        }
    }
}

#[tokio::test]
async fn who_asks_is_judged_before_what_is_there() {
    let router = family().await;
    let unknown = "/v2/databases/nowhere/pools";
    for key in [None, Some(KEY), Some("Bearer wrong"), Some("Basic a2V5")] {
        let mut request = Request::get(unknown);
        if let Some(key) = key {
            request = request.header("authorization", key);
        }
        let answered = send(&router, request.body(Body::empty()).expect("a request")).await;
        refused(&answered, 401, "unauthorized", "Unable to authenticate you.");
    }
    let answered = send(&router, asking(Method::PATCH, unknown, "wrong", "{")).await;
    refused(
        &answered,
        405,
        "method_not_allowed",
        "This method is not supported here. Supported: GET, HEAD, POST.",
    );
    assert_eq!(answered.header("allow"), Some("GET, HEAD, POST"));
    for path in [
        "",
        "/x",
        "/x/pools/",
        "/x/pools//",
        "//pools",
        "/x/pools/y/z",
        "/x/sql_mode/y",
    ] {
        let answered = send(
            &router,
            asking(Method::GET, &format!("/v2/databases{path}"), "wrong", ""),
        )
        .await;
        refused(&answered, 404, "not_found", NOWHERE);
    }
    for path in [
        "pools",
        "pools/any",
        "eviction_policy",
        "sql_mode",
        "topics",
        "topics/any",
    ] {
        let answered = look(&router, &format!("/v2/databases/nowhere/{path}")).await;
        refused(&answered, 404, "not_found", NOWHERE);
    }
    let large = "x".repeat((1 << 20) + 1);
    let answered = send(&router, asking(Method::POST, unknown, KEY, large)).await;
    refused(&answered, 413, "request_too_large", "The request body is too large.");
}

#[tokio::test]
async fn each_call_has_its_scope() {
    let router = family().await;
    let forbidden = "You are not authorized to perform this operation.";
    let calls = [
        ("pools", "GET POST"),
        ("pools/any", "GET PUT DELETE"),
        ("eviction_policy", "GET PUT"),
        ("sql_mode", "GET PUT"),
        ("upgrade", "PUT"),
        ("topics", "GET POST"),
        ("topics/any", "GET PUT DELETE"),
    ];
    for (path, methods) in calls {
        for method in methods.split(' ') {
            let (right, wrong) = if method == "GET" { (READ, WRITE) } else { (WRITE, READ) };
            let call = |key| {
                let method = Method::from_bytes(method.as_bytes()).expect("a method");
                send(
                    &router,
                    asking(method, &format!("/v2/databases/nowhere/{path}"), key, "{"),
                )
            };
            refused(&call(wrong).await, 403, "forbidden", forbidden);
            refused(&call(OPERATE).await, 403, "forbidden", forbidden);
            refused(&call(right).await, 404, "not_found", NOWHERE);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_has_250_requests_a_minute_and_is_told_how_many_are_left() {
    let router = family().await;
    for left in (4750..5000).rev() {
        let answered = look(&router, POOLS).await;
        assert_eq!(answered.status, 200);
        assert_eq!(answered.header("ratelimit-limit"), Some("5000"));
        assert_eq!(answered.header("ratelimit-remaining"), Some(&*left.to_string()));
        counted(&answered);
    }
    let answered = look(&router, POOLS).await;
    refused(&answered, 429, "too_many_requests", "API rate limit exceeded.");
    assert_eq!(answered.header("ratelimit-limit"), Some("250"));
    assert_eq!(answered.header("retry-after"), Some("60"));
    let other = ask(&router, Method::GET, POOLS, json!(null)).await;
    assert_eq!((other.status, other.header("ratelimit-remaining")), (200, Some("4999")));

    let options = RouterOptions::new().rate_limits(RateLimits::new(1, 7));
    let router = databases(&registry().await, keys(), options);
    assert_eq!(look(&router, POOLS).await.header("ratelimit-limit"), Some("7"));
    assert_eq!(look(&router, POOLS).await.status, 429);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_unavailable() {
    let router = family().await;
    for (id, body) in [
        ("cache", json!({"eviction_policy": "noeviction"})),
        ("shop", json!({"sql_mode": "ANSI"})),
    ] {
        let setting = body.as_object().and_then(|body| body.keys().next()).expect("a field");
        let path = format!("/v2/databases/{id}/{setting}");
        for answered in [
            look(&router, &path).await,
            ask(&router, Method::PUT, &path, body.clone()).await,
        ] {
            refused(&answered, 503, "service_unavailable", "The service is unavailable.");
        }
    }
}
