//! A fair line before a fragile handler: two requests at a time, twenty in line, and a 503 with `Retry-After` for the rest.
//!
//! `cargo run --features tower --example axum_limit` runs a small storm against it and ends; with `-- --serve` it stays up.

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fairpool::{Limit, LimitError, LimitedError};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceBuilder;

/// The handler that must not be called by too many at once.
async fn report() -> &'static str {
    tokio::time::sleep(Duration::from_millis(20)).await;
    "the report\n"
}

/// Whoever was not admitted may try again, and is told when; the handler has not seen the request.
async fn refuse(error: LimitedError<Infallible>) -> Response {
    let LimitedError::Refused(refused) = error else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let seconds = match refused {
        LimitError::Cleared | LimitError::Closed => "5",
        _ => "1",
    };
    let text = format!("try again in {seconds} s: {refused}\n");
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, seconds)], text).into_response()
}

fn app(limit: &Limit) -> Router {
    let fair = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(refuse))
        .layer(limit.layer());
    let (clear, status) = (limit.clone(), limit.clone());
    Router::new()
        .route("/report", get(report).layer(fair))
        // For the operator, outside the line. In a real service these stand behind authentication.
        .route(
            "/line/clear",
            post(async move || format!("{} removed\n", clear.clear())),
        )
        .route("/line", get(async move || format!("{}\n", status.status())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = Limit::builder(2)
        .name("reports")
        .queue_limit(20)
        .timeout(Duration::from_secs(2))
        .build()?;
    let serve = std::env::args().any(|argument| argument == "--serve");
    let listener = tokio::net::TcpListener::bind(if serve { "127.0.0.1:8080" } else { "127.0.0.1:0" }).await?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}: GET /report, GET /line, POST /line/clear");
    let server = axum::serve(listener, app(&limit));
    if serve {
        return Ok(server.await?);
    }
    tokio::spawn(async { server.await });

    let storm: Vec<_> = (0..60).map(|_| tokio::spawn(ask(address, "GET /report"))).collect();
    while limit.status().pending < 20 && !storm.iter().all(|request| request.is_finished()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("in the storm: {}", limit.status());
    println!("POST /line/clear: {}", ask(address, "POST /line/clear").await?);
    let mut answers = BTreeMap::new();
    for request in storm {
        *answers.entry(request.await??).or_insert(0) += 1;
    }
    for (answer, times) in answers {
        println!("{times:3} × {answer}");
    }
    println!("drained: {}", limit.drain(Duration::from_secs(1)).await);
    println!("after it: {}", ask(address, "GET /report").await?);
    Ok(())
}

/// One request over a connection of its own: status, `Retry-After` and the body in one line.
async fn ask(server: std::net::SocketAddr, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let head = format!("{request} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let retry = head.lines().find(|line| line.starts_with("retry-after"));
    let status = head.lines().next().unwrap_or_default();
    Ok([Some(status), retry, Some(body.trim())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" | "))
}
