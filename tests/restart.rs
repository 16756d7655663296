//! A database that restarts cuts every idle connection at once: how many leases meet a dead one?
//!
//! Its connections know that they are dead only when they are used, as sockets do.

mod common;

use common::ms;
use fairpool::{Builder, Manager, Pool};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use tokio::time::sleep;

#[derive(Debug, Clone, Default)]
struct Database(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// Sessions of earlier ones are cut.
    life: AtomicU32,
    connects: AtomicU64,
    validations: AtomicU64,
}

struct Session {
    life: u32,
    /// A query has met the end of it.
    failed: bool,
    database: Database,
}

#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection reset by peer")
    }
}

impl std::error::Error for Cut {}

impl Database {
    fn restart(&self) {
        self.0.life.fetch_add(1, Relaxed);
    }

    fn validations(&self) -> u64 {
        self.0.validations.load(Relaxed)
    }
}

impl Session {
    fn query(&mut self) -> Result<(), Cut> {
        self.failed |= self.life != self.database.0.life.load(Relaxed);
        if self.failed { Err(Cut) } else { Ok(()) }
    }
}

impl Manager for Database {
    type Connection = Session;
    type Error = Cut;

    async fn connect(&self) -> Result<Session, Cut> {
        self.0.connects.fetch_add(1, Relaxed);
        Ok(Session {
            life: self.0.life.load(Relaxed),
            failed: false,
            database: self.clone(),
        })
    }

    async fn validate(&self, session: &mut Session) -> Result<(), Cut> {
        self.0.validations.fetch_add(1, Relaxed);
        session.query()
    }

    fn is_broken(&self, session: &mut Session) -> bool {
        session.failed
    }
}

/// A pool whose ten connections have all been used a moment ago, and are idle.
async fn ten(options: impl FnOnce(Builder<Database>) -> Builder<Database>) -> (Pool<Database>, Database) {
    let database = Database::default();
    let pool = options(Pool::builder(database.clone()).limit(10)).build().unwrap();
    use_all(&pool).await;
    (pool, database)
}

async fn use_all(pool: &Pool<Database>) {
    let mut leases = Vec::new();
    for _ in 0..10 {
        leases.push(pool.acquire().await.unwrap());
    }
}

/// How many of so many leases, one after the other, meet a dead connection.
async fn failures(pool: &Pool<Database>, leases: u32) -> u32 {
    let mut failed = 0;
    for _ in 0..leases {
        failed += u32::from(pool.acquire().await.unwrap().query().is_err());
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn of_ten_idle_connections_that_a_restart_cut_one_is_lent_dead() {
    let (pool, database) = ten(|builder| builder).await;
    sleep(ms(1)).await;
    database.restart();
    assert_eq!(failures(&pool, 50).await, 1);
    assert_eq!(pool.status().totals.timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_none_is_lent_dead() {
    let (pool, database) = ten(|builder| builder).await;
    sleep(ms(2_000)).await;
    database.restart();
    assert_eq!(failures(&pool, 50).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_never_validates_lends_what_it_has() {
    let (pool, database) = ten(|builder| builder.validate_after_idle(None)).await;
    database.restart();
    assert_eq!((failures(&pool, 50).await, database.validations()), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn what_its_holder_calls_broken_says_nothing_of_the_others() {
    let (pool, database) = ten(|builder| builder).await;
    for _ in 0..5 {
        pool.acquire().await.unwrap().mark_broken();
    }
    use_all(&pool).await;
    assert_eq!(database.validations(), 0);
}

#[tokio::test(start_paused = true)]
async fn connections_that_break_all_the_time_have_the_others_validated_now_and_then() {
    let (pool, database) = ten(|builder| builder).await;
    for _ in 0..200 {
        pool.acquire().await.unwrap().failed = true;
        drop(pool.acquire().await.unwrap());
        sleep(ms(5)).await;
    }
    // A second is twice `validate_after_idle`: so each of them at most three times.
    assert!(database.validations() <= 30, "{} validations", database.validations());
}

#[tokio::test(start_paused = true)]
async fn a_connection_found_sound_is_not_asked_again() {
    let (pool, database) = ten(|builder| builder).await;
    sleep(ms(1)).await;
    pool.acquire().await.unwrap().failed = true;
    for _ in 0..3 {
        use_all(&pool).await;
        sleep(ms(20)).await;
    }
    assert_eq!(database.validations(), 9);
}
