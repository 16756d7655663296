//! A fair line in front of anything, configured over HTTP: two printouts at a time, until an operator says otherwise.
//!
//! ```text
//! API_KEY=secret-of-the-operator cargo run --features server,sqlite --example configured_line
//! ```
//!
//! and then as `docs/connection-pools.md` says. What was configured is in the file `STORE` (`line.db`), and there after a restart.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Router, routing::post};
use fairpool::resource::models::{Bounded, NewConnectionPool, PoolName};
use fairpool::resource::registry::{Registry, RegistryError};
use fairpool::resource::store::sqlite::SqliteStore;
use fairpool::server::auth::{ApiKeys, Scopes};
use fairpool::server::{RouterOptions, ServeOptions, connection_pools, serve};
use std::env::var;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Whatever must not happen too often at once; here it takes a moment.
async fn print(State(registry): State<Registry>, page: String) -> (StatusCode, String) {
    let turn = match registry.limit_named("printer") {
        Ok(printer) => printer.acquire_owned().await, // in line, first come, first served
        Err(deleted) => return (StatusCode::NOT_FOUND, format!("{deleted}\n")),
    };
    match turn {
        Ok(_turn) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            (StatusCode::OK, format!("printed {page}\n"))
        }
        Err(refused) => (StatusCode::SERVICE_UNAVAILABLE, format!("try again: {refused}\n")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(var("STORE").unwrap_or("line.db".to_owned())).await?;
    let registry = Registry::builder().store(store).open().await?;
    let printer = NewConnectionPool::new(PoolName::new("printer")?, Bounded::new(2)?).timeout(Bounded::new(30)?);
    match registry.create_connection_pool(printer).await {
        Ok(_) | Err(RegistryError::Taken { .. }) => {} // from an earlier run, as somebody has changed it since
        Err(error) => return Err(error.into()),
    }

    let mut keys = ApiKeys::new();
    let key = var("API_KEY").map_err(|_| "set API_KEY to the operator's key, at least 16 characters")?;
    keys.add(&key, Scopes::ALL)?;
    let app = Router::new()
        .route("/print", post(print).with_state(registry.clone()))
        .merge(connection_pools(&registry, Arc::new(keys), RouterOptions::new()));

    let listener = tokio::net::TcpListener::bind(var("LISTEN").unwrap_or("127.0.0.1:8080".to_owned())).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    serve(listener, app, &ServeOptions::new(), interrupted).await;
    registry.close().await;
    Ok(())
}
