//! A secret in every place that takes one, and everything that can be heard of the service listened to: answers, the journal with all
//! other events of `tracing`, metrics, the OpenAPI documents, errors, `Debug`, panics.

use crate::ears::Ears;
use crate::kit::{Answered, FAMILIES, Mount, request, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fairpool::doc::Demo;
use fairpool::export::PrometheusExporter;
use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionType, QueryHost};
use fairpool::resource::registry::{Declared, Registry};
use fairpool::server::auth::{ApiKeys, Authority, JwtHs256, Scopes};
use fairpool::server::{RouterOptions, TracingJournal, metrics};
use ring::hmac;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// In everything that is secret, and in nothing else.
const WORD: &str = "sesame";
const KEY: &str = "sesame-of-an-administrator";
const SIGNING: &str = "sesame: thirty-two bytes for signing, and more";

/// Where connections can hide something, with how it is spelled there.
const HOSTS: [(&str, &str); 14] = [
    ("http", "http://me:sesame@h:80"),
    ("http", "http://sesame@h:80/path?password=sesame&x=1"),
    ("http", "http://me:a@sesame@h"),
    ("http", "http://me:sesame@/"),
    ("http", "http://me:a/sesame@h"),
    ("http", "me:sesame@h:80"),
    ("postgres", "postgres://me:sesame@127.0.0.1:1/d"),
    ("postgres", "postgres://me:sesame@127.0.0.1:port/d"),
    ("postgres", "postgres://127.0.0.1:1/d?user=me&password=sesame"),
    ("postgres", "postgres://me:sesame@127.0.0.1:1/d?nonsense=1"),
    ("mysql", "mysql://me:sesame@127.0.0.1:1/d"),
    ("mysql", "mysql://me:sesame@127.0.0.1:1/d?nonsense=1"),
    ("redis", "redis://:sesame@127.0.0.1:1/0"),
    ("redis", "redis://me:sesame@127.0.0.1:1/nonsense"),
];

fn token() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"exp": 9_999_999_999_u64, "aud": "fairpool", "scope": "read operate write"});
    let signed = format!("{}.{}", part(json!({"alg": "HS256"})), part(claims));
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, SIGNING.as_bytes()),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn authority(ears: &Ears) -> Arc<dyn Authority> {
    let mut keys = ApiKeys::new();
    keys.add(KEY, Scopes::ALL).expect("long enough");
    let jwt = JwtHs256::new(SIGNING.as_bytes(), "fairpool").expect("long enough");
    ears.hear(&(
        &keys,
        &jwt,
        ApiKeys::new().add("sesame", Scopes::ALL),
        JwtHs256::new(b"sesame", "x").err(),
    ));
    keys.or(jwt)
}

fn sample(name: &str, kind: &str, host: &str) -> Value {
    json!({
        "name": name, "type": kind, "queryHosts": [host], "protocol": "tls", "ca": "a", "cert": "b", "key": "sesame-key",
        "passphrase": "sesame-phrase", "sockHost": "s:1080", "sockUsername": "me", "sockPassword": "sesame-sock",
    })
}

async fn registry(ears: &Ears) -> Registry {
    let heard = ears.clone();
    let demo = move |connection: &Connection, host: &QueryHost| {
        heard.hear(&(connection, host, host.to_string()));
        match connection.name().as_str() {
            "panic" => panic!("a driver that panics with {connection:?} and {host}"),
            "refused" => Err(format!("a driver that refuses {connection:?} with {host}")),
            _ => Ok(Demo),
        }
    };
    let fixed =
        ConnectionDefinition::try_from(sample("fixed", "http", "http://me:sesame@fixed:80")).expect("a definition");
    let declared = Declared::new()
        .connection(fixed.clone())
        .api_proxy("P", "A", fixed.name().clone());
    ears.hear(&(&fixed, &declared));
    let builder = Registry::builder()
        .driver(ConnectionType::Http, demo)
        .fixed(declared.expect("names"));
    ears.hear(&builder);
    builder.open().await.expect("an empty store")
}

/// Whatever is asked, by whichever credential, and what it is answered.
struct Service {
    router: Router,
    ears: Ears,
}

impl Service {
    async fn ask(&self, method: Method, path: &str, key: &str, body: Body) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .header("x-imply-api-token", key);
        let answered = send(&self.router, request.body(body).expect("a request")).await;
        self.ears.hear(&(
            answered.status,
            &answered.headers,
            String::from_utf8_lossy(&answered.bytes),
        ));
        answered
    }

    async fn post(&self, connection: &Value) -> u16 {
        let body = json!({"connection": connection}).to_string();
        self.ask(Method::POST, "/api/v1/connections", KEY, body.into())
            .await
            .status
    }

    async fn get(&self, path: &str) {
        self.ask(Method::GET, path, KEY, Body::empty()).await;
    }
}

#[tokio::test]
async fn a_secret_is_heard_of_nowhere() {
    let ears = Ears::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false);
    let _events = tracing::subscriber::set_default(subscriber.with_writer(ears.clone()).finish());
    listen_to_panics(&ears);

    let (auth, registry) = (authority(&ears), registry(&ears).await);
    let options = || RouterOptions::new().journal(TracingJournal::new()).body_limit(4096);
    ears.hear(&options());
    let mount = |router: Router, (_, mount): (&str, Mount)| router.merge(mount(&registry, auth.clone(), options()));
    let router = FAMILIES.into_iter().fold(Router::new(), mount);
    let exporter = PrometheusExporter::new();
    let router = router.merge(metrics(&exporter, auth.clone(), options()));
    let service = Service {
        router,
        ears: ears.clone(),
    };

    define(&service).await;
    let stored = registry.connection("whole").expect("stored");
    let secrets = [stored.key(), stored.passphrase(), stored.sock_password()];
    let texts = secrets.map(|secret| secret.map(|secret| secret.reveal().to_owned()).unwrap_or_default());
    assert_eq!(texts, ["sesame-key", "sesame-phrase", "sesame-sock"]);
    use_them(&service, &registry).await;
    look_around(&service, &registry).await;
    present_credentials(&service).await;

    for proof in [
        "a driver that refuses",
        "a driver that panics",
        "request failed",
        "***@h",
        "********",
        "127.0.0.1:1",
    ] {
        ears.heard(proof);
    }
    let mut words = [WORD, &STANDARD.encode(WORD)[..6], "736573616d65"]
        .map(str::to_owned)
        .to_vec();
    words.extend(token().split('.').skip(1).map(str::to_owned));
    ears.heard_nothing_of(&words);
}

/// Those of this thread, which is this test's, and of the driver, which has a thread of its own.
fn listen_to_panics(ears: &Ears) {
    let (before, ears, here) = (std::panic::take_hook(), ears.clone(), std::thread::current().id());
    std::panic::set_hook(Box::new(move |panic| {
        let panicked = panic.to_string();
        if std::thread::current().id() == here || panicked.contains("a driver that panics") {
            ears.hear(&panicked);
        }
        before(panic);
    }));
}

/// Connections as they should be, and wrong in every way around their secrets.
async fn define(service: &Service) {
    assert_eq!(
        service.post(&sample("whole", "http", "http://me:sesame@h:80")).await,
        200
    );
    assert_eq!(service.post(&sample("whole", "http", "http://***@h:80")).await, 200);
    assert_eq!(
        service.post(&sample("refused", "http", "http://me:sesame@h:80")).await,
        400
    );
    assert_eq!(
        service.post(&sample("panic", "http", "http://me:sesame@h:80")).await,
        500
    );
    for (at, (kind, host)) in HOSTS.into_iter().enumerate() {
        service
            .post(&json!({"name": format!("host {at}"), "type": kind, "queryHosts": [host]}))
            .await;
        service.post(&sample(&format!("more {at}"), kind, host)).await;
    }
    let nested = [
        json!(["sesame"]),
        json!({"sesame": "sesame"}),
        json!("sesame\u{0}"),
        json!("sesame".repeat(500)),
    ];
    for field in ["key", "passphrase", "sockPassword"] {
        for value in nested.clone() {
            let mut wrong = sample("wrong", "http", "h:80");
            wrong[field] = value;
            service.post(&wrong).await;
        }
    }
    for body in [
        "{\"connection\": {\"key\": \"sesame",
        "sesame",
        "[\"sesame\"]",
        "{\"sesame\": 1}",
    ] {
        for (method, path) in [
            (Method::POST, "/api/v1/connections"),
            (Method::POST, "/api/v1/connection-pools"),
            (Method::PATCH, "/apiops/projects/P/apiProxies/A/settings/connection/"),
            (Method::POST, "/fairpool/v1/connectors"),
        ] {
            service.ask(method, path, KEY, Body::from(body)).await;
        }
    }
}

/// What is live under secrets fails to connect, is operated on, is in use.
async fn use_them(service: &Service, registry: &Registry) {
    let pool = json!({"name": "one", "limit": 1}).to_string();
    service
        .ask(Method::POST, "/api/v1/connection-pools", KEY, pool.into())
        .await;
    for connection in registry.connections() {
        let name = connection.name().as_str();
        let connector = json!({"name": format!("c {name}"), "connection": name, "connection_pool_id": 1});
        let made = service
            .ask(
                Method::POST,
                "/fairpool/v1/connectors",
                KEY,
                connector.to_string().into(),
            )
            .await;
        assert_eq!(made.status, 201);
        let handle = registry.any_handle(&format!("c {name}")).expect("it is there");
        let outcome = timeout(Duration::from_millis(300), handle.acquire()).await;
        if let Ok(Err(error)) = outcome {
            service.ears.hear(&(error.to_string(), &error));
        }
        let path = format!("/api/v1/connections/{}", name.replace(' ', "%20"));
        service.ask(Method::DELETE, &path, KEY, Body::empty()).await;
        for operation in ["invalidate", "clear", "pause", "resume"] {
            let path = format!("/fairpool/v1/connections/{}/{operation}", name.replace(' ', "%20"));
            service.ask(Method::POST, &path, KEY, Body::empty()).await;
        }
    }
}

async fn look_around(service: &Service, registry: &Registry) {
    for path in [
        "/api/v1/connections",
        "/api/v1/connections?pretty",
        "/api/v1/connections/whole",
        "/api/v1/connections/fixed?pretty",
        "/api/v1/connection-pools?include=connectors.system",
        "/api/v1/connection-pools/1?include=connectors.system",
        "/fairpool/v1/connectors",
        "/fairpool/v1/projects/P/apiProxies",
        "/fairpool/v1/status",
        "/fairpool/v1/status/connections/whole",
        "/apiops/projects/P/apiProxies/A/settings/connection/",
        "/metrics",
    ] {
        assert_eq!(
            service.ask(Method::GET, path, KEY, Body::empty()).await.status,
            200,
            "{path}"
        );
    }
    for (name, _) in FAMILIES {
        service.get(&format!("/openapi/{name}.json")).await;
    }
    service.ears.hear(&(
        registry,
        registry.problems(),
        registry.status(),
        registry.connections(),
        registry.connectors(),
    ));
}

/// Right ones, nearly right ones, and in places where none is looked for.
async fn present_credentials(service: &Service) {
    let token = token();
    for key in [
        KEY.to_owned(),
        token.clone(),
        KEY[1..].to_owned(),
        format!("{KEY}x"),
        format!("{token}x"),
        token[1..].to_owned(),
    ] {
        for path in [
            "/api/v1/connections",
            "/api/v1/connection-pools",
            "/fairpool/v1/status",
            "/metrics",
            "/nothing",
        ] {
            service.ask(Method::GET, path, &key, Body::empty()).await;
            service.ask(Method::DELETE, path, &key, Body::from(key.clone())).await;
            let in_query = format!("{path}?token={key}&sort={key}&filter[name]=a");
            service
                .ask(Method::GET, &in_query, "no-key-at-all", Body::empty())
                .await;
        }
        let plain = request(Method::GET, "/api/v1/connection-pools", Some(&key), None);
        let answered = send(&service.router, plain).await;
        service.ears.hear(&(
            answered.status,
            &answered.headers,
            String::from_utf8_lossy(&answered.bytes),
        ));
    }
    let long = json!({"connection": sample("long", "http", &"sesame".repeat(1000))});
    assert_eq!(
        service
            .ask(Method::POST, "/api/v1/connections", KEY, Body::from(long.to_string()))
            .await
            .status,
        413
    );
}
