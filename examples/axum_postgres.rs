//! A service over PostgreSQL: notes that are written and read, errors that say whether to try again, and an end that loses nobody.
//!
//! ```text
//! DATABASE_URL=postgresql://app@localhost/app cargo run --example axum_postgres --features postgres
//! ```
//!
//! `LISTEN` is where it listens, 127.0.0.1:8080 if it is not set. On SIGTERM or Ctrl-C it takes no more requests, answers those
//! that it has, and gives the database its connections back.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use fairpool::drivers::postgres::{Error, Postgres, tokio_postgres};
use fairpool::{AcquireError, Pool};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS notes (id bigserial PRIMARY KEY, note text NOT NULL)";

/// Why a request was not answered.
enum Failure {
    /// The pool had no connection to give: the database is down, or everybody is here at once.
    Busy(AcquireError<Error>),
    /// The database did not do as it was told.
    Sql(tokio_postgres::Error),
    NotFound,
}

async fn write(State(pool): State<Pool<Postgres>>, note: String) -> Result<(StatusCode, String), Failure> {
    let conn = pool.acquire().await?;
    let insert = conn
        .prepare_cached("INSERT INTO notes (note) VALUES ($1) RETURNING id")
        .await?;
    let id: i64 = conn.query_one(&insert, &[&note]).await?.get(0);
    Ok((StatusCode::CREATED, format!("{id}\n")))
}

async fn read(State(pool): State<Pool<Postgres>>, Path(id): Path<i64>) -> Result<String, Failure> {
    let conn = pool.acquire().await?;
    let select = conn.prepare_cached("SELECT note FROM notes WHERE id = $1").await?;
    let row = conn.query_opt(&select, &[&id]).await?.ok_or(Failure::NotFound)?;
    Ok(format!("{}\n", row.get::<_, &str>(0)))
}

/// Says how the pool is, and asks the database through it: a load balancer wants to know both.
async fn health(State(pool): State<Pool<Postgres>>) -> Result<String, Failure> {
    let conn = pool.acquire_within(Duration::from_secs(1)).await?;
    conn.simple_query("").await?;
    Ok(format!("{}\n", pool.status()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL, such as postgresql://app@localhost/app")?;
    let pool = Pool::builder(Postgres::from_url(&url)?)
        .name("notes")
        .limit(8)
        .acquire_timeout(Duration::from_secs(2))
        .queue_limit(Some(256))
        .build()?;

    let listener = TcpListener::bind(std::env::var("LISTEN").as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    match pool.acquire().await {
        Ok(conn) => conn.batch_execute(SCHEMA).await?,
        // It may come back; until then each request is told so.
        Err(error) => eprintln!("no database yet: {}", report(&error)),
    }

    let app = Router::new()
        .route("/notes", post(write))
        .route("/notes/{id}", get(read))
        .route("/healthz", get(health))
        .with_state(pool.clone());
    axum::serve(listener, app)
        .with_graceful_shutdown(asked_to_end())
        .await?;
    println!("{}", pool.drain(Duration::from_secs(5)).await);
    Ok(())
}

/// An error with all that led to it: that of a query says no more than `db error`, and its source what the server said.
fn report(error: &dyn StdError) -> String {
    let mut report = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        report.push_str(&format!(": {error}"));
        source = error.source();
    }
    report
}

async fn asked_to_end() {
    let mut term = signal(SignalKind::terminate()).expect("signals can be handled");
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    println!("ending");
}

impl From<AcquireError<Error>> for Failure {
    fn from(error: AcquireError<Error>) -> Self {
        Failure::Busy(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::Sql(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Busy(error) => {
                eprintln!("{}", report(&error));
                (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "try again\n").into_response()
            }
            Failure::Sql(error) => {
                eprintln!("{}", report(&error));
                (StatusCode::INTERNAL_SERVER_ERROR, "the database refused\n").into_response()
            }
            Failure::NotFound => (StatusCode::NOT_FOUND, "no such note\n").into_response(),
        }
    }
}
