//! The operator's tool as its user meets it: the built binary against a real server, its tables, its JSON, its errors and exit codes.
#![cfg(all(feature = "cli", feature = "server"))]

#[path = "operator/databases.rs"]
mod databases;
#[path = "operator/errors.rs"]
mod errors;
#[path = "operator/kit.rs"]
mod kit;
#[cfg(unix)]
#[path = "operator/live.rs"]
mod live;
#[path = "operator/serve.rs"]
mod serve;
mod servers;
#[path = "operator/strange.rs"]
mod strange;
#[path = "operator/tls.rs"]
mod tls;
#[path = "operator/top.rs"]
mod top;
#[path = "operator/verbs.rs"]
mod verbs;
