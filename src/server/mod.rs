//! The resource interface over HTTP (feature `server`): a router for each family, to be mounted in a service or served alone.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what of it is public |
//! | [`auth`] | who may ask, and for what: [`Authority`](auth::Authority), an argument of every router |
//! | `pools.rs` | family 1: [`connection_pools`] |
//! | `settings.rs` | family 3: [`connection_settings`] |
//! | `connections.rs` | family 4: [`connections()`] |
//! | `operations.rs` | family 5: [`operations()`] |
//! | `health.rs` | [`health()`]: `/healthz` and `/readyz` |
//! | `fallback.rs` | [`fallback()`]: 404 where nothing is |
//! | `serve.rs`, `stream.rs` | [`serve()`]: a router on a listener, with patience that ends, until it is told to stop |
//! | `front.rs` | the order of judgement, before every handler |
//! | `refusal.rs`, `status.rs` | why a request is refused; the one place where that becomes a status and a text |
//! | `path.rs`, `body.rs`, `links.rs` | how a request is read, and where a list's pages are |
//! | `request_id.rs`, `journal.rs` | by which id a request is found again, and who is told: [`Journal`] |
//! | `rate.rs` | how many requests a holder may make: [`RateLimits`] |
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
mod fallback;
mod front;
mod health;
mod journal;
mod links;
#[cfg(feature = "prometheus")]
mod metrics;
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
pub use fallback::fallback;
pub use health::{Readiness, health};
pub use journal::{Entry, Journal};
pub use operations::operations;
pub use options::RouterOptions;
pub use pools::connection_pools;
pub use rate::RateLimits;
pub use serve::{ServeOptions, ServeReport, serve};
pub use settings::connection_settings;
