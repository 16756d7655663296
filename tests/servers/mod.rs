//! Throwaway servers for tests, benches and examples: each on a free port of the loopback, with a directory of its own, and gone
//! with the process that started it.
//!
//! | file | what |
//! |---|---|
//! | `keeper.rs`, `keep.sh` | a server as a process: start, stop, freeze, kill; its end |
//! | `postgres.rs`, `mysql.rs`, `redis.rs` | a kind of server each: how it is set up, its users, what it counts |
//! | `pgbouncer.rs` | a PgBouncer before a PostgreSQL server |
//! | `certificates.rs` | an authority and a server's certificate, in date or expired |
//!
//! Where a server is not installed, `start` says so and returns `None`; under `CI=true` the test fails.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod certificates;
pub(crate) mod keeper;
pub(crate) mod mysql;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod redis;

/// For the conformance kit, which stops waiting for a step after a fifth of it: a real server on a machine with other things to do
/// may take a second for anything.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(25);
