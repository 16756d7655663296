//! The resource interface over HTTP (feature `server`): a router for each family, to be mounted in a service or served alone.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what of it is public |
//! | [`auth`] | who may ask, and for what: [`Authority`](auth::Authority), an argument of every router |
//! | `pools.rs` | family 1: [`connection_pools`] |
//! | `databases.rs` | family 2: [`databases()`] |
//! | `settings.rs` | family 3: [`connection_settings`] |
//! | `connections.rs` | family 4: [`connections()`] |
//! | `operations.rs` | family 5: [`operations()`] |
//! | `health.rs` | [`health()`]: `/healthz` and `/readyz` |
//! | `fallback.rs` | [`fallback()`]: 404 where nothing is |
//! | `serve.rs`, `stream.rs` | [`serve()`]: a router on a listener, with patience that ends, until it is told to stop |
//! | `front.rs` | the order of judgement, before every handler |
//! | `refusal.rs`, `status.rs` | why a request is refused; the one place where that becomes a status and a text |
//! | `openapi` | what each family says of itself, at `/openapi/connection-pools.json`, `databases`, `connection-settings`, `connections`, `operations` |
//! | `path.rs`, `body.rs`, `links.rs` | how a request is read, and where a list's pages are |
//! | `request_id.rs`, `journal.rs` | by which id a request is found again, and who is told: [`Journal`] |
//! | `rate.rs` | how many requests a holder may make: [`RateLimits`], [`LiveRateLimits`] |
//! | `options.rs` | [`RouterOptions`] |
#![cfg_attr(
    feature = "prometheus",
    doc = "| `metrics.rs` | [`metrics()`]: `/metrics` (features `server` and `prometheus`) |"
)]
#![cfg_attr(
    feature = "tracing",
    doc = "| `tracing.rs` | [`TracingJournal`] (features `server` and `tracing`) |"
)]
//!
//! # In a service
//!
//! A service mounts what it wants of it, each router with an authority of its own, or one for all. Nothing is open by default.
//!
//! ```
//! # use fairpool::doc::block_on;
//! use fairpool::resource::registry::Registry;
//! use fairpool::server::auth::{ApiKeys, Scope, Scopes};
//! use fairpool::server::{RouterOptions, connection_pools};
//! use std::sync::Arc;
//!
//! # block_on(async {
//! let registry = Registry::builder().open().await?;
//! let mut keys = ApiKeys::new();
//! keys.add("5c0f41d2e9b7a836-admin", Scopes::ALL)?;
//! keys.add_hash("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Scope::Read)?;
//!
//! let app: axum::Router = axum::Router::new()
//!     .route("/", axum::routing::get(async || "the shop"))
//!     .nest("/admin", connection_pools(&registry, Arc::new(keys), RouterOptions::new()));
//! # Ok(()) });
//! ```
//!
//! | family | credential |
//! |---|---|
//! | 1, 5 | `Authorization: <key>`, or `Authorization: Bearer <key or JWT>` |
//! | 2, 3 | `Authorization: Bearer <key or JWT>` |
//! | 4 | `x-imply-api-token: <key or JWT>` |
//!
//! # What every answer has in common
//!
//! A request is judged in this order: path (404), method (405 with `Allow`), credential (401), rate (429), scope (403), body size (413),
//! resource (404), the body's rules (422 or 400). What is refused has changed nothing.
//!
//! Every answer bears `x-request-id`: the request's own, if it is one id of at most 128 letters, digits, `-`, `_`, `.` and `:`. A
//! `HEAD` is answered as a `GET` without a body; `OPTIONS` is 405. Segments of a path are decoded once, unknown parameters of a
//! query are ignored. A body has at most 1 MiB and ten seconds to arrive. A handler that panics answers 500.

pub mod auth;
mod body;
mod connections;
mod databases;
mod fallback;
mod front;
mod health;
mod journal;
mod links;
#[cfg(feature = "prometheus")]
mod metrics;
mod openapi;
mod operations;
mod options;
mod path;
mod pools;
mod rate;
mod refusal;
mod request_id;
mod serve;
mod settings;
mod status;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "prometheus")]
#[cfg_attr(docsrs, doc(cfg(feature = "prometheus")))]
pub use self::metrics::metrics;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use self::tracing::TracingJournal;
pub use connections::connections;
pub use databases::databases;
pub use fallback::fallback;
pub use health::{Readiness, health};
pub use journal::{Entry, Journal};
pub use operations::operations;
pub use options::RouterOptions;
pub use pools::connection_pools;
pub use rate::{LiveRateLimits, RateLimits};
pub use serve::{ServeOptions, ServeReport, serve};
pub use settings::connection_settings;
