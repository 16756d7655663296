//! Pools that open and check their connections through a manager, as `fairpool` does.
//!
//! Each keeps its defaults but for this: all connections stay open, and none is asked for its health on the way out
//! where that can be turned off (fairpool asks only after half a second of idleness). Where it cannot, the check is one that
//! is ready at once. And nobody's time runs out: where newcomers overtake, a task can wait longer than the default 30 s.

use super::subject::{Conn, subject};
use std::convert::Infallible;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(24 * 3600);

struct Instant;

pub(crate) struct Bb8(bb8::Pool<Instant>);

impl bb8::ManageConnection for Instant {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Conn::default())
    }

    async fn is_valid(&self, _: &mut Conn) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Conn) -> bool {
        false
    }
}

subject!(
    Bb8,
    build: |limit| bb8::Pool::builder()
        .max_size(limit)
        .min_idle(limit)
        .test_on_check_out(false)
        .connection_timeout(NEVER)
        .build(Instant)
        .await
        .expect("connects always succeed"),
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
);

pub(crate) struct Deadpool(deadpool::managed::Pool<Instant>);

impl deadpool::managed::Manager for Instant {
    type Type = Conn;
    type Error = Infallible;

    async fn create(&self) -> Result<Conn, Infallible> {
        Ok(Conn::default())
    }

    async fn recycle(
        &self,
        _: &mut Conn,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

subject!(
    Deadpool,
    build: |limit| deadpool::managed::Pool::builder(Instant)
        .max_size(limit as usize)
        .build()
        .expect("no timeout is set, so no runtime is needed"),
    acquire: |pool| pool.get().await.expect("connects always succeed"),
);

pub(crate) struct Mobc(mobc::Pool<Instant>);

#[mobc::async_trait]
impl mobc::Manager for Instant {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Conn::default())
    }

    async fn check(&self, conn: Conn) -> Result<Conn, Infallible> {
        Ok(conn)
    }
}

subject!(
    Mobc,
    build: |limit| mobc::Pool::builder()
        .max_open(limit.into())
        .max_idle(limit.into())
        .test_on_check_out(false)
        .get_timeout(Some(NEVER))
        .build(Instant),
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
);

pub(crate) struct FastPool(fast_pool::Pool<Instant>);

impl fast_pool::Manager for Instant {
    type Connection = Conn;
    type Error = String;

    async fn connect(&self) -> Result<Conn, String> {
        Ok(Conn::default())
    }

    async fn check(&self, _: &mut Conn) -> Result<(), String> {
        Ok(())
    }
}

subject!(
    FastPool,
    build: |limit| {
        let pool = fast_pool::Pool::new(Instant);
        pool.set_max_open(limit.into());
        pool.set_max_idle_conns(limit.into());
        pool.set_timeout_wait(Some(NEVER));
        pool
    },
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
);
