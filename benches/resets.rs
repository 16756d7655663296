//! What the resets of PostgreSQL cost on the loopback, beside the round trip that any of them is at least:
//! `cargo bench --features postgres --bench resets`. It prints, and asserts nothing about time, as machines differ.

#[path = "../tests/postgres/one.rs"]
mod one;
#[path = "../tests/servers/mod.rs"]
mod servers;

use fairpool::drivers::postgres::{Connection, Postgres, Reset};
use fairpool::{Manager, Pool};
use servers::postgres::Postgres as Server;
use std::time::Instant;

const ROUNDS: usize = 7;
const LEASES: u32 = 400;

async fn lease(pool: &Pool<Postgres>, work: &str) {
    let conn = pool.acquire().await.expect("a connection");
    if !work.is_empty() {
        conn.batch_execute(work).await.expect("done");
    }
}

/// Microseconds of one lease: the median of some rounds.
async fn measured(pool: &Pool<Postgres>, work: &str) -> f64 {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let since = Instant::now();
        for _ in 0..LEASES {
            lease(pool, work).await;
        }
        rounds.push(since.elapsed().as_secs_f64() * 1e6 / f64::from(LEASES));
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

async fn round_trip(conn: &Connection, sql: &str) -> f64 {
    let since = Instant::now();
    for _ in 0..LEASES {
        conn.batch_execute(sql).await.expect("done");
    }
    since.elapsed().as_secs_f64() * 1e6 / f64::from(LEASES)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(server) = Server::start(&[]) else { return };
    let manager = Postgres::from_url(&server.url()).expect("a good URL");
    let conn = manager.connect().await.expect("a connection");
    let (_, empty, select, discard) = (
        round_trip(&conn, "SELECT 1").await,
        round_trip(&conn, "").await,
        round_trip(&conn, "SELECT 1").await,
        round_trip(&conn, "DISCARD ALL").await,
    );
    println!("round trips: empty query {empty:.0} us, SELECT 1 {select:.0} us, DISCARD ALL {discard:.0} us");
    for (name, work) in [
        ("nothing", ""),
        ("SELECT 1", "SELECT 1"),
        ("SET", "SET TimeZone = 'Asia/Tokyo'"),
        ("BEGIN", "BEGIN"),
        ("a temporary table", "CREATE TEMP TABLE scratch (a int)"),
        ("PREPARE", "PREPARE p AS SELECT 1"),
    ] {
        let mut line = format!("{name:>18}:");
        for reset in [Reset::Full, Reset::Observed, Reset::Rollback] {
            let undone = reset == Reset::Full || matches!(name, "nothing" | "SELECT 1" | "BEGIN");
            if !undone && reset == Reset::Rollback {
                continue;
            }
            let pool = one::single(manager.clone().reset(reset));
            lease(&pool, "").await;
            line += &format!("  {reset:?} {:.0} us", measured(&pool, work).await);
        }
        println!("{line}");
    }
}
