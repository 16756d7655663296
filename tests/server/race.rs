//! Writers that race over real sockets: each changes fields of its own of one resource, and none is lost.

use crate::kit::{FAMILIES, KEY, keys, registry};
use crate::socket::started;
use axum::Router;
use fairpool::server::{RouterOptions, ServeOptions};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection that is kept, and asks one thing after the other.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn to(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("a server");
        socket.set_nodelay(true).expect("a socket");
        Client(BufReader::new(socket))
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\nx-imply-api-token: {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await.expect("a server");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.expect("a server");
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().expect("a status");
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("a whole body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }
}

/// How often each writer writes.
const ROUNDS: u64 = 200;

/// Each writer sets its own field to 1, 2, 3 and so on, all of them at once. After each round every field has its writer's number.
async fn race(method: &'static str, path: &'static str, make: Option<(&str, Value)>, fields: &'static [&'static str]) {
    let registry = registry().await;
    let families = FAMILIES.map(|(_, mount)| mount(&registry, keys(), RouterOptions::new()));
    let router = families.into_iter().fold(Router::new(), Router::merge);
    let served = started(router, ServeOptions::new()).await;
    let mut reader = Client::to(served.address).await;
    if let Some((path, body)) = make {
        let (status, made) = reader.ask("POST", path, &body).await;
        assert!(status == 200 || status == 201, "{made}");
    }
    let mut writers = Vec::new();
    for _ in fields {
        writers.push(Client::to(served.address).await);
    }
    for round in 1..=ROUNDS {
        let mut tasks = Vec::new();
        for (field, mut writer) in fields.iter().zip(writers.drain(..)) {
            tasks.push(tokio::spawn(async move {
                let (status, answer) = writer.ask(method, path, &json!({*field: round})).await;
                assert_eq!(status, 200, "{field}: {answer}");
                writer
            }));
        }
        for task in tasks {
            writers.push(task.await.expect("no panic"));
        }
        let (_, shown) = reader.ask("GET", path, &Value::Null).await;
        let shown = shown.get("data").unwrap_or(&shown);
        for field in fields {
            assert_eq!(shown[*field], round, "{field} is lost: {shown}");
        }
    }
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_connection_pool_lose_no_field() {
    let make = ("/api/v1/connection-pools", json!({"name": "one", "limit": 1}));
    race("PUT", "/api/v1/connection-pools/1", Some(make), &["limit", "timeout"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_one_proxys_settings_lose_no_field() {
    let path = "/apiops/projects/MyProject/apiProxies/MyAPI/settings/connection/";
    let fields = &[
        "connectTimeout",
        "readTimeout",
        "connectionRequestTimeout",
        "customConnectionPoolSize",
    ];
    race("PATCH", path, None, fields).await;
}

/// Of two that make the same name, one has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_make_one_name_one_is_refused() {
    let registry = registry().await;
    let (_, mount) = FAMILIES[0];
    let served = started(mount(&registry, keys(), RouterOptions::new()), ServeOptions::new()).await;
    let (mut one, mut other) = (Client::to(served.address).await, Client::to(served.address).await);
    for round in 0..ROUNDS {
        let body = json!({"name": format!("pool {round}"), "limit": 1});
        let path = "/api/v1/connection-pools";
        let ((a, _), (b, _)) = tokio::join!(one.ask("POST", path, &body), other.ask("POST", path, &body));
        assert!(a.min(b) == 200 && a.max(b) == 422, "{a} and {b}");
    }
    let (_, list) = one.ask("GET", "/api/v1/connection-pools", &Value::Null).await;
    assert_eq!(list["meta"]["total"], ROUNDS);
    served.stop().await;
}
