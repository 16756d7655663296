//! A server on a real socket: clients that dawdle, requests under way when it stops, handlers that panic.

use crate::kit::{KEY, keys, registry};
use axum::Router;
use axum::routing::get;
use fairpool::server::{RouterOptions, ServeOptions, ServeReport, connection_pools, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No test waits so long for anything that comes.
const NEVER: Duration = Duration::from_secs(30);

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<ServeReport>,
}

pub(crate) async fn started(router: Router, options: ServeOptions) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let end = tokio::spawn(async move {
        let told = async move { drop(stopped.await) };
        serve(listener, router, &options, told).await
    });
    Served { address, stop, end }
}

impl Served {
    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a server")
    }

    pub(crate) async fn stop(self) -> ServeReport {
        drop(self.stop);
        timeout(NEVER, self.end).await.expect("an end").expect("no panic")
    }
}

/// All that comes until the server closes the connection.
async fn rest(client: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = timeout(NEVER, client.read_to_end(&mut text)).await;
    // A reset is an end, too.
    let _ = read.expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

async fn pools() -> Router {
    let options = RouterOptions::new().body_timeout(Duration::from_millis(100));
    connection_pools(&registry().await, keys(), options)
}

#[tokio::test]
async fn a_request_is_served_and_its_connection_kept() {
    let options = ServeOptions::new().head_timeout(NEVER * 2).shutdown_timeout(NEVER / 2);
    let served = started(pools().await, options).await;
    let mut client = served.client().await;
    for _ in 0..3 {
        let head = format!("GET /api/v1/connection-pools HTTP/1.1\r\nhost: a\r\nauthorization: {KEY}\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("a server");
        let mut answer = vec![0; 4096];
        let length = timeout(NEVER, client.read(&mut answer))
            .await
            .expect("an answer")
            .expect("a server");
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(
            answer.contains("\"path\":\"http://a/api/v1/connection-pools\""),
            "{answer}"
        );
    }
    // Idle, it is closed at once.
    assert_eq!(served.stop().await.cut, 0);
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn a_client_that_sends_its_head_slowly_is_cut() {
    let options = ServeOptions::new().head_timeout(Duration::from_millis(200));
    let served = started(pools().await, options).await;
    let mut client = served.client().await;
    client
        .write_all(b"GET /api/v1/connection-pools HTTP/1.1\r\nx-a: ")
        .await
        .expect("a server");
    let dribble = async {
        while client.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(NEVER, dribble).await.expect("the server closes");
    // Nor does one that says nothing stay for ever.
    assert_eq!(rest(&mut served.client().await).await, "");
    assert_eq!(served.stop().await.cut, 0);
}

#[tokio::test]
async fn a_client_that_sends_its_body_slowly_is_refused_and_cut() {
    let served = started(pools().await, ServeOptions::new()).await;
    let mut client = served.client().await;
    let head = format!(
        "POST /api/v1/connection-pools HTTP/1.1\r\nhost: a\r\nauthorization: {KEY}\r\ncontent-length: 50\r\n\r\n{{"
    );
    client.write_all(head.as_bytes()).await.expect("a server");
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    served.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut() {
    const LENGTH: usize = 64 << 20;
    let router = Router::new().route("/", get(async || "a".repeat(LENGTH)));
    let options = ServeOptions::new().write_timeout(Duration::from_millis(200));
    let served = started(router, options).await;
    let mut client = served.client().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("a server");
    let mut first = [0; 1];
    timeout(NEVER, client.read_exact(&mut first))
        .await
        .expect("an answer")
        .expect("a server");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(rest(&mut client).await.len() < LENGTH);
    assert_eq!(served.stop().await.cut, 0);
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_read() {
    let served = started(pools().await, ServeOptions::new()).await;
    let mut client = served.client().await;
    let head = format!(
        "POST /api/v1/connection-pools HTTP/1.1\r\nhost: a\r\nauthorization: {KEY}\r\ncontent-length: 99999999999\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.expect("a server");
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    served.stop().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_before_it_is_held() {
    let served = started(pools().await, ServeOptions::new().head_timeout(NEVER * 2)).await;
    let mut client = served.client().await;
    // It does not end: who waits for more of it waits for ever.
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}", "a".repeat(64 << 10));
    // Not more than is read, since what is left over would have the answer lost on its way.
    client.write_all(&head.as_bytes()[..64 << 10]).await.expect("a server");
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let mut client = served.client().await;
    let path = "a".repeat(32 << 10);
    let head = format!("GET /{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    client.write_all(head.as_bytes()).await.expect("a server");
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 404 "));
    served.stop().await;
}

/// A handler that says that it has begun, and answers when it is allowed to.
fn slow(begun: Arc<Notify>, go_on: Arc<Notify>) -> Router {
    let handler = async move || {
        begun.notify_one();
        go_on.notified().await;
        "done"
    };
    Router::new().route("/slow", get(handler))
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let options = ServeOptions::new().head_timeout(NEVER * 2);
    let served = started(slow(begun.clone(), go_on.clone()), options).await;
    let (mut client, mut idle) = (served.client().await, served.client().await);
    client
        .write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("a server");
    begun.notified().await;
    let address = served.address;
    let end = tokio::spawn(served.stop());
    // The idle one is closed, and nobody new is let in, while the slow one is still served.
    assert_eq!(rest(&mut idle).await, "");
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    go_on.notify_one();
    let answer = rest(&mut client).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"),
        "{answer}"
    );
    assert_eq!(end.await.expect("no panic").cut, 0);
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_deadline() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let options = ServeOptions::new().shutdown_timeout(Duration::from_millis(100));
    let served = started(slow(begun.clone(), go_on), options).await;
    let mut client = served.client().await;
    client
        .write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("a server");
    begun.notified().await;
    assert_eq!(served.stop().await.cut, 1);
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let options = ServeOptions::new()
        .connection_limit(1)
        .head_timeout(Duration::from_millis(300));
    let served = started(pools().await, options).await;
    let silent = served.client().await;
    let mut second = served.client().await;
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("a server");
    // It is answered when the silent one has been cut.
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 404 "));
    drop(silent);
    served.stop().await;
}
