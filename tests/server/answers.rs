//! Every route of every family with every status that its OpenAPI document names, each brought about and held to its schema; and the
//! order of judgement on every route, by requests that break all rules from one on.

use crate::kit::{Answered, FAMILIES, KEY, Mount, keys, registry_over, send};
use crate::schema::misfit;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use fairpool::resource::models::{
    ConnectionDefinition, ConnectorDefinition, DatabasePoolDefinition, NewConnectionPool,
};
use fairpool::resource::registry::Registry;
use fairpool::resource::store::MemoryStore;
use fairpool::server::auth::{Authority, Grant, Scopes};
use fairpool::server::{RateLimits, RouterOptions};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// One call of a document.
struct Call {
    mount: Mount,
    document: Value,
    path: String,
    method: Method,
}

/// Whom a request comes from.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Nobody,
    /// Whose key opens nothing.
    Idle,
    Administrator,
}

/// What a request has for a body.
enum With {
    Nothing,
    Json(Value),
    /// No JSON.
    Noise,
    /// One that never comes.
    Silence,
}

const IDLE: &str = "the-key-of-nobody-at-all";

/// Breaks a rule of every call that reads a body.
fn wrong() -> Value {
    json!({"limit": 0, "readTimeout": 0, "mode": "x", "patience": 0})
}

/// Longer than any body may be here, and wrong as well.
fn long() -> Value {
    json!({"limit": 0, "padding": "x".repeat(BODY)})
}

const BODY: usize = 1024;

async fn calls() -> Vec<Call> {
    let registry = stocked().await;
    let mut calls = Vec::new();
    // Without its driver a database has no pools to speak of.
    let has_drivers = cfg!(all(feature = "postgres", feature = "redis", feature = "mysql"));
    for (name, mount) in FAMILIES {
        if name == "databases" && !has_drivers {
            continue;
        }
        let router = mount(&registry, keys(), RouterOptions::new());
        let request = Request::get(format!("/openapi/{name}.json")).body(Body::empty());
        let document = send(&router, request.expect("a request")).await.json();
        for (path, operations) in document["paths"].as_object().expect("an object") {
            for method in operations.as_object().expect("an object").keys() {
                calls.push(Call {
                    mount,
                    document: document.clone(),
                    path: path.clone(),
                    method: Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method"),
                });
            }
        }
    }
    calls
}

/// A registry with one of everything that paths below name, and a connection with its connector that are not live.
async fn stocked() -> Registry {
    let store = MemoryStore::new();
    let before = registry_over(store.clone(), true).await;
    let pool = NewConnectionPool::try_from(json!({"name": "one", "limit": 1})).expect("a pool");
    let id = before.create_connection_pool(pool).await.expect("stored").id();
    assert_eq!(id.value(), 1);
    for (name, kind) in [("spare", "http"), ("dead", "druid")] {
        let connection = json!({"name": name, "type": kind, "queryHosts": ["a:80"]});
        let connection = ConnectionDefinition::try_from(connection).expect("a connection");
        before.put_connection(connection).await.expect("stored");
    }
    for (name, connection) in [("till", "backend"), ("dead", "dead")] {
        let connector = json!({"name": name, "connection": connection, "connection_pool_id": id});
        let connector = ConnectorDefinition::try_from(connector).expect("a connector");
        before.create_connector(connector).await.expect("stored");
    }
    let web = json!({"name": "web", "mode": "session", "size": 1, "db": "app"});
    let web = DatabasePoolDefinition::try_from(&web).expect("a pool");
    let made = before.create_database_pool("orders", web).await;
    assert_eq!(made.is_ok(), cfg!(feature = "postgres"));
    // Now without the driver for one of them.
    registry_over(store, false).await
}

impl Call {
    fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn said(&self) -> &Value {
        &self.document["paths"][&self.path][self.method.as_str().to_lowercase()]
    }

    fn has_names(&self) -> bool {
        self.path.contains('{')
    }

    fn is_of_database(&self) -> bool {
        self.path.starts_with("/v2/")
    }

    fn reads_body(&self) -> bool {
        self.said()["requestBody"].is_object()
    }

    /// The path of something that is there.
    fn known(&self) -> String {
        let kind = |kind: &str| self.path.contains(&format!("/{kind}/{{name}}"));
        let name = match () {
            () if kind("connectors") => "till",
            () if kind("connections") => "spare",
            () if kind("database-pools") => "orders%2Fweb",
            () => "one",
        };
        let path = self.path_of(["1", "MyProject", "MyAPI", "MyProject", name]);
        in_database(&path, self.database())
    }

    /// One of the engine that the call is about.
    fn database(&self) -> &'static str {
        match self.path.rsplit('/').next() {
            Some("eviction_policy") => "cache",
            Some("sql_mode") => "shop",
            _ => "orders",
        }
    }

    /// The path of nothing.
    fn unknown(&self) -> String {
        let path = self.path_of(["99", "Nowhere", "Nothing", "Nowhere", "nobody"]);
        in_database(&path, "nowhere")
    }

    fn path_of(&self, names: [&str; 5]) -> String {
        let parameters = ["connection_pool", "projectName", "apiProxyName", "project", "name"];
        let fill = |path: String, (parameter, name): (&str, &str)| path.replace(&format!("{{{parameter}}}"), name);
        parameters.into_iter().zip(names).fold(self.path.clone(), fill)
    }

    /// What it takes.
    fn body(&self) -> With {
        With::Json(match self.title().as_str() {
            "POST /api/v1/connection-pools" => json!({"name": "two", "limit": 1}),
            "PUT /api/v1/connection-pools/{connection_pool}" => json!({"limit": 2}),
            "POST /api/v1/connections" => return connection("http"),
            "POST /fairpool/v1/connectors" => json!({"name": "c", "connection": "backend"}),
            "PUT /fairpool/v1/connectors/{name}" => json!({"mode": "NONE"}),
            title if title.starts_with("PATCH ") => json!({"readTimeout": 60}),
            title if title.ends_with("/eviction_policy") => json!({"eviction_policy": "noeviction"}),
            title if title.ends_with("/sql_mode") => json!({"sql_mode": "ANSI"}),
            title if title.contains("/pools") => json!({"name": "two", "mode": "session", "size": 2, "db": "app"}),
            _ => return With::Nothing,
        })
    }

    /// Asked of a service of its own, so that no call is in another's way.
    async fn ask(&self, options: RouterOptions, path: &str, by: By, with: With) -> Answered {
        let router = (self.mount)(&stocked().await, Arc::new(Keys), options);
        self.ask_of(&router, self.method.clone(), path, by, with).await
    }

    async fn ask_of(&self, router: &Router, method: Method, path: &str, by: By, with: With) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if by != By::Nobody {
            let key = if by == By::Idle { IDLE } else { KEY };
            let headers = [
                ("authorization", format!("Bearer {key}")),
                ("x-imply-api-token", key.to_owned()),
            ];
            request = headers
                .into_iter()
                .fold(request, |request, (name, value)| request.header(name, value));
        }
        request = request.header("content-type", "application/json");
        let body = match with {
            With::Nothing => Body::empty(),
            With::Json(body) => Body::from(body.to_string()),
            With::Noise => Body::from("{"),
            With::Silence => Body::from_stream(futures::stream::pending::<Result<&str, Infallible>>()),
        };
        send(router, request.body(body).expect("a request")).await
    }

    /// The answer with this status, if anything can bring it about.
    async fn brought_about(&self, status: &str) -> Option<Answered> {
        use By::*;
        let options = || {
            RouterOptions::new()
                .body_limit(BODY)
                .body_timeout(Duration::from_secs(1))
        };
        let ask = async |path: &str, by, with| Some(self.ask(options(), path, by, with).await);
        let known = self.known();
        match status {
            "200" | "201" | "204" => ask(&known, Administrator, self.body()).await,
            "401" => ask(&known, Nobody, self.body()).await,
            "403" => ask(&known, Idle, self.body()).await,
            "404" => ask(&self.unknown(), Administrator, self.body()).await,
            "408" => ask(&known, Administrator, With::Silence).await,
            // What the file declares is fixed.
            "409" => {
                ask(
                    &self.path_of(["", "", "", "", "MyProject%2FMyAPI"]),
                    Administrator,
                    self.body(),
                )
                .await
            }
            "400" if self.is_of_database() => ask(&known, Administrator, With::Noise).await,
            // Nobody has a driver for it.
            "422" if self.path == "/api/v1/connections" => ask(&known, Administrator, connection("druid")).await,
            "422" if self.is_of_database() && !self.reads_body() => {
                let other = if self.database() == "cache" { "orders" } else { "cache" };
                ask(&in_database(&self.path, other), Administrator, With::Nothing).await
            }
            "503" if self.is_of_database() => ask(&known, Administrator, self.body()).await,
            "400" if self.method == Method::DELETE => {
                ask(&self.path_of(["", "", "", "", "backend"]), Administrator, With::Nothing).await
            }
            "413" => ask(&known, Administrator, With::Json(long())).await,
            "400" | "422" if self.method == Method::GET => {
                ask(&format!("{known}?page=0"), Administrator, With::Nothing).await
            }
            "400" | "422" => ask(&known, Administrator, With::Json(wrong())).await,
            "429" => {
                let options = options().rate_limits(RateLimits::new(0, 0));
                Some(self.ask(options, &known, Administrator, self.body()).await)
            }
            "500" => {
                let router = (self.mount)(&stocked().await, Arc::new(Bug), options());
                Some(
                    self.ask_of(&router, self.method.clone(), &known, Administrator, self.body())
                        .await,
                )
            }
            "503" => ask(&self.path_of(["", "", "", "", "dead"]), Administrator, With::Nothing).await,
            other => panic!("{}: {other} is new", self.title()),
        }
    }

    /// Why a documented status cannot come; the documents say what their family may answer, not what each call does.
    fn excuse(&self, status: &str) -> Option<&'static str> {
        let operation = self.path.rsplit('/').next().unwrap_or_default();
        let is_operation = ["clear", "drain", "pause", "resume", "invalidate"].contains(&operation);
        let needs_backend = is_operation && (operation == "invalidate" || self.path.contains("/connections/"));
        let asks_engine = ["eviction_policy", "sql_mode"].contains(&operation);
        match status {
            "200" | "201" | "204" if self.path.contains("/topics") => Some("there are no topics yet"),
            "200" | "204" if asks_engine => Some("it needs a server: `engines.rs`"),
            "204" if operation == "upgrade" => Some("it needs two servers: `managed.rs`"),
            "409" if is_operation => Some("nothing is still out"),
            "503" if asks_engine => None,
            "503" if self.path.contains("/database-pools/") => Some("a pool whose database is declared is live"),
            "503" if !needs_backend => Some("it needs nothing that could be unavailable"),
            "400" if self.path.starts_with("/api/v1/connections") && self.method == Method::GET => {
                Some("the only parameter of its query is right with any value")
            }
            "422" if is_operation && operation != "drain" => Some("it reads nothing of its body"),
            _ => None,
        }
    }
}

fn connection(kind: &str) -> With {
    With::Json(json!({"connection": {"name": "c", "type": kind, "queryHosts": ["a:80"]}}))
}

fn in_database(path: &str, id: &str) -> String {
    let path = path.replace("{database_cluster_uuid}", id);
    path.replace("{pool_name}", "web").replace("{topic_name}", "any")
}

/// The keys, one more, and as many requests as anybody likes.
struct Keys;

impl Authority for Keys {
    fn grant(&self, credential: &str) -> Option<Grant> {
        match credential {
            IDLE => Some(Grant::new(Scopes::NONE, b"idle")),
            _ => keys().grant(credential),
        }
    }
}

struct Bug;

impl Authority for Bug {
    fn grant(&self, _credential: &str) -> Option<Grant> {
        panic!("a bug")
    }
}

/// Why an answer is not what the document says of this status.
fn why_wrong(call: &Call, status: &str, documented: &Value, answered: &Answered) -> Option<String> {
    let text = String::from_utf8_lossy(&answered.bytes);
    if answered.status.to_string() != status {
        return Some(format!("{}: {text}", answered.status));
    }
    if answered.header("x-request-id").is_none() {
        return Some("it has no id".to_owned());
    }
    let schema = &documented["content"]["application/json"]["schema"];
    if schema.is_null() {
        return (!text.is_empty()).then(|| format!("a body: {text}"));
    }
    if answered.header("content-type") != Some("application/json") {
        return Some("another type".to_owned());
    }
    misfit(&call.document, schema, &answered.json())
}

#[tokio::test(start_paused = true)]
async fn every_route_gives_every_documented_answer() {
    let (mut seen, mut excused, mut wrong) = (0, 0, Vec::new());
    for call in calls().await {
        let responses = call.said()["responses"].as_object().expect("an object").clone();
        for (status, response) in &responses {
            let title = format!("{} {status}", call.title());
            if call.excuse(status).is_some() {
                excused += 1;
                continue;
            }
            let answered = call.brought_about(status).await.expect("an answer");
            let why = why_wrong(&call, status, response, &answered);
            wrong.extend(why.map(|why| format!("{title}: {why}")));
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{seen} answers, {excused} that cannot come");
    assert!(seen > 150, "only {seen}");
}

/// Each request breaks every rule from one on, so that the first of these must be what is said.
#[tokio::test(start_paused = true)]
async fn every_route_judges_in_the_same_order() {
    use By::*;
    for call in calls().await {
        let shape = call.path.starts_with("/apiops") || call.path.starts_with("/api/v1/connections");
        let invalid = if shape { 400 } else { 422 };
        let options = || RouterOptions::new().body_limit(BODY);
        let none_left = options().rate_limits(RateLimits::new(0, 0));
        let open = (call.mount)(&stocked().await, Arc::new(Keys), options());
        let spent = (call.mount)(&stocked().await, Arc::new(Keys), none_left);
        let (unknown, known) = (call.unknown(), call.known());
        let nowhere = format!("{}/melt/", unknown.trim_end_matches('/'));
        let (method, brew) = (call.method.clone(), Method::from_bytes(b"BREW").expect("a method"));
        let mut rows: Vec<(u16, &Router, &Method, &str, By, Value)> = vec![
            (404, &spent, &brew, &nowhere, Nobody, long()),
            (405, &spent, &brew, &unknown, Nobody, long()),
            (401, &spent, &method, &unknown, Nobody, long()),
            (429, &spent, &method, &unknown, Idle, long()),
            (403, &open, &method, &unknown, Idle, long()),
        ];
        if method != Method::GET {
            rows.push((413, &open, &method, &unknown, Administrator, long()));
        }
        if call.has_names() {
            rows.push((404, &open, &method, &unknown, Administrator, wrong()));
        }
        if call.reads_body() && call.excuse("422").is_none() {
            rows.push((invalid, &open, &method, &known, Administrator, wrong()));
        }
        for (status, router, method, path, by, body) in rows {
            let answered = call.ask_of(router, method.clone(), path, by, With::Json(body)).await;
            let text = String::from_utf8_lossy(&answered.bytes).into_owned();
            assert_eq!(answered.status, status, "{} by {method} {path}: {text}", call.title());
        }
    }
}
