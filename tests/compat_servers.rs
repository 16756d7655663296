//! Six published managers, unmodified, over the wrappers and on real servers: they work, notice killed sessions, keep what they cache,
//! and the server counts as many sessions as the pool.
#![cfg(all(
    feature = "bb8-09",
    feature = "deadpool-013",
    feature = "r2d2-08",
    feature = "postgres"
))]

#[path = "compat/bb8_crates.rs"]
mod bb8_crates;
#[path = "compat/deadpool_crates.rs"]
mod deadpool_crates;
#[path = "compat/diesel_crate.rs"]
mod diesel_crate;
#[path = "postgres/onlooker.rs"]
mod onlooker;
#[path = "compat/r2d2_crates.rs"]
mod r2d2_crates;
mod servers;

use fairpool::{AcquireError, Manager, Pool};
use servers::postgres::Postgres;
use std::sync::Arc;
use std::time::Duration;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const TASKS: u32 = 16;
const LEASES: u32 = 40;
const LIMIT: u32 = 4;

/// A crowd over few connections; then a drain. `work` uses a lease; `sessions` is the server's own count.
async fn crowd<M: Manager>(
    pool: Pool<M>,
    work: impl AsyncFn(&mut M::Connection) -> Outcome,
    sessions: impl Fn() -> u64,
) {
    let user = async || {
        for _ in 0..LEASES {
            let mut conn = pool.acquire().await.expect("a connection");
            work(&mut conn).await.expect("it works");
        }
    };
    futures::future::join_all((0..TASKS).map(|_| user())).await;
    let status = pool.status();
    assert_eq!(status.totals.leases, u64::from(TASKS * LEASES));
    assert!(status.open() <= LIMIT);
    assert_eq!(sessions(), u64::from(status.open()), "{status}");
    let report = pool.drain(Duration::from_secs(10)).await;
    assert!(report.completed);
    until(|| sessions() == 0).await;
}

/// What the server learns a moment later.
async fn until(so: impl Fn() -> bool) {
    for _ in 0..600 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came");
}

/// Ends all sessions of a database's users.
fn kill(server: &Postgres) {
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app'");
}

fn pool<M: Manager>(manager: M) -> Pool<M> {
    Pool::builder(manager).limit(LIMIT).build().expect("in range")
}

/// The error that lasts: told at once, naming its cause.
async fn refused<M: Manager>(manager: M) -> Arc<M::Error> {
    match pool(manager).acquire().await.map(drop) {
        Err(AcquireError::Connect(error)) => error,
        other => panic!("not refused at once: {other:?}"),
    }
}

/// Told all that the server can tell, the kit finds nothing; checks about dirt are left out where the manager cleans nothing.
#[cfg(feature = "test-util")]
fn conforms<M: Manager>(kit: fairpool::test_util::Conformance<M>, left_out: &[&str]) {
    let report = kit.run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    let skipped: Vec<_> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(skipped, left_out, "{report}");
}

/// Checks that need a manager that cleans.
#[cfg(feature = "test-util")]
const DIRT: [&str; 3] = ["reset-cleans", "reset-unpolled", "reset-dropped"];
