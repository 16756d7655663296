//! Serves a router on a listener until it is told to stop, with patience for slow clients that ends.
//!
//! Promises: a client that does not finish a request's head in time, or takes nothing of its answer, loses its connection; when told to stop,
//! nobody new is let in, requests under way are answered, and those that are not done by the deadline are cut.

use super::stream::Stream;
use axum::Router;
use futures::future::{Either, select};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// So much memory a connection can have us hold without a key. A longer head is answered with 431.
const LONGEST_HEAD: usize = 64 << 10;

/// How connections are served. The head of a request may have 64 KiB; a longer one is answered with 431.
///
/// | option | default | |
/// |---|---|---|
/// | `head_timeout` | 10 s | for the head of a request, from the end of the one before |
/// | `write_timeout` | 30 s | for a client to take anything more of its answer |
/// | `shutdown_timeout` | 30 s | for requests under way when the server is told to stop |
/// | `connection_limit` | 10,000 | more clients wait to be accepted |
#[derive(Debug, Clone)]
pub struct ServeOptions {
    head_timeout: Duration,
    write_timeout: Duration,
    shutdown_timeout: Duration,
    connection_limit: usize,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeReport {
    /// Connections that were cut at the deadline, with a request under way.
    pub cut: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            connection_limit: 10_000,
        }
    }
}

impl ServeOptions {
    /// The defaults.
    pub fn new() -> Self {
        ServeOptions::default()
    }

    /// How long a client may take for the head of a request, or do nothing on a connection that it keeps.
    #[must_use]
    pub fn head_timeout(self, timeout: Duration) -> Self {
        ServeOptions {
            head_timeout: timeout,
            ..self
        }
    }

    /// How long a client may take nothing of its answer.
    #[must_use]
    pub fn write_timeout(self, timeout: Duration) -> Self {
        ServeOptions {
            write_timeout: timeout,
            ..self
        }
    }

    /// How long requests under way may take when the server is told to stop.
    #[must_use]
    pub fn shutdown_timeout(self, timeout: Duration) -> Self {
        ServeOptions {
            shutdown_timeout: timeout,
            ..self
        }
    }

    /// How many connections are served at once, at least 1.
    #[must_use]
    pub fn connection_limit(self, connections: usize) -> Self {
        ServeOptions {
            connection_limit: connections.max(1),
            ..self
        }
    }
}

/// Serves the router until `shutdown` is done, and then until the requests under way are answered or cut.
///
/// ```
/// use fairpool::server::{Readiness, RouterOptions, ServeOptions, health, serve};
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let readiness = Readiness::new(true);
/// let app = health(&readiness, RouterOptions::new());
/// let told_to_stop = async move { readiness.set(false) }; // in a service: a signal
/// let report = serve(listener, app, &ServeOptions::new(), told_to_stop).await;
/// assert_eq!(report.cut, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future cuts every connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: &ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> ServeReport {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = match select(&mut shutdown, pin!(next(&listener, &mut connections, options))).await {
            Either::Left(_) => break,
            Either::Right((stream, _)) => stream,
        };
        connections.spawn(connection(stream, router.clone(), options.clone(), stopped.clone()));
    }
    drop(listener);
    stop.send_replace(true);
    let all_done = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(options.shutdown_timeout, all_done).await;
    let cut = connections.len();
    connections.shutdown().await;
    ServeReport { cut }
}

/// The next client, when there is room for one.
async fn next(listener: &TcpListener, connections: &mut JoinSet<()>, options: &ServeOptions) -> TcpStream {
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= options.connection_limit {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // A client that gave up is no reason to wait. Without descriptors, a loop would only be hot.
            Err(error) if is_the_clients(&error) => {}
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(socket: TcpStream, router: Router, options: ServeOptions, mut stopped: watch::Receiver<bool>) {
    // An answer is written at once; without this, small ones wait for an acknowledgement.
    let _ = socket.set_nodelay(true);
    let stream = TokioIo::new(Stream::new(socket, options.write_timeout));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(LONGEST_HEAD);
    let served = http.serve_connection(stream, TowerToHyperService::new(router));
    let mut served = pin!(served);
    let told = pin!(async {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    let is_told = matches!(select(served.as_mut(), told).await, Either::Right(_));
    if is_told {
        served.as_mut().graceful_shutdown();
        // How a connection ends is its client's affair.
        let _ = served.await;
    }
}

fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
