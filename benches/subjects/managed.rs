//! Pools that open and check their connections through a manager, as `fairpool` does.
//!
//! Each keeps its defaults but for this: all connections stay open, and none is asked for its health on the way out
//! where that can be turned off (fairpool asks only after half a second of idleness). Where it cannot, the check is one that
//! is ready at once. And nobody's time runs out where no timeout is asked for: where newcomers overtake, a task can wait longer
//! than the default 30 s.

use super::backend::{Backend, Conn};
use super::subject::subject;
use deadpool::managed::Timeouts;
use std::convert::Infallible;
use std::time::Duration;

const NEVER: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Bb8(bb8::Pool<Backend>);

impl bb8::ManageConnection for Backend {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Backend::connect(self).await)
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
    build: |limit, backend| bb8::Pool::builder()
        .max_size(limit)
        .test_on_check_out(false)
        .connection_timeout(NEVER)
        .build(backend)
        .await
        .expect("connects always succeed"),
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
    // bb8 has one timeout for all requests of a pool; whoever wants another has to put a second timer around it.
    within: |patience| tokio::time::timeout(patience, pool.get()).await.map_err(drop).and_then(|lease| lease.map_err(drop)),
);

pub(crate) struct Deadpool(deadpool::managed::Pool<Backend>);

impl deadpool::managed::Manager for Backend {
    type Type = Conn;
    type Error = Infallible;

    async fn create(&self) -> Result<Conn, Infallible> {
        Ok(Backend::connect(self).await)
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
    build: |limit, backend| deadpool::managed::Pool::builder(backend)
        .max_size(limit as usize)
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .expect("there is a runtime for timeouts"),
    acquire: |pool| pool.get().await.expect("connects always succeed"),
    // As its documentation has it: the same timeout for each of its three phases.
    within: |patience| pool
        .timeout_get(&Timeouts { wait: Some(patience), create: Some(patience), recycle: Some(patience) })
        .await,
);

pub(crate) struct Mobc(mobc::Pool<Backend>);

#[mobc::async_trait]
impl mobc::Manager for Backend {
    type Connection = Conn;
    type Error = Infallible;

    async fn connect(&self) -> Result<Conn, Infallible> {
        Ok(Backend::connect(self).await)
    }

    async fn check(&self, conn: Conn) -> Result<Conn, Infallible> {
        Ok(conn)
    }
}

subject!(
    Mobc,
    build: |limit, backend| mobc::Pool::builder()
        .max_open(limit.into())
        .max_idle(limit.into())
        .test_on_check_out(false)
        .get_timeout(Some(NEVER))
        .build(backend),
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
    within: |patience| pool.get_timeout(patience).await,
);

pub(crate) struct FastPool(fast_pool::Pool<Backend>);

impl fast_pool::Manager for Backend {
    type Connection = Conn;
    type Error = String;

    async fn connect(&self) -> Result<Conn, String> {
        Ok(Backend::connect(self).await)
    }

    async fn check(&self, _: &mut Conn) -> Result<(), String> {
        Ok(())
    }
}

subject!(
    FastPool,
    build: |limit, backend| {
        let pool = fast_pool::Pool::new(backend);
        pool.set_max_open(limit.into());
        pool.set_max_idle_conns(limit.into());
        pool.set_timeout_wait(Some(NEVER));
        pool
    },
    acquire: |pool| pool.get().await.expect("nobody waits for a day"),
    within: |patience| pool.get_timeout(Some(patience)).await,
);
