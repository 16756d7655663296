//! Subjects that manage nothing: a deadpool of ready-made connections, the semaphore and vector that people write by
//! themselves, and the floor.

use super::backend::{Backend, Conn};
use super::subject::{Subject, subject};
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct DeadpoolUnmanaged(deadpool::unmanaged::Pool<Conn>);

subject!(
    DeadpoolUnmanaged,
    build: |limit, _backend| deadpool::unmanaged::Pool::from((0..limit).map(|_| Conn::default()).collect::<Vec<_>>()),
    acquire: |pool| pool.get().await.expect("the pool stays open"),
    within: |patience| tokio::time::timeout(patience, pool.get()).await,
);

pub(crate) struct TokioSemaphore(Plain);

pub(crate) struct Plain {
    semaphore: Semaphore,
    idle: Mutex<Vec<Conn>>,
}

impl Plain {
    async fn acquire(&self) -> PlainLease<'_> {
        let permit = self.semaphore.acquire().await.expect("the semaphore stays open");
        let conn = self.idle.lock().expect("nobody panics under it").pop();
        PlainLease {
            idle: &self.idle,
            conn,
            _permit: permit,
        }
    }
}

struct PlainLease<'a> {
    idle: &'a Mutex<Vec<Conn>>,
    conn: Option<Conn>,
    // Dropped after the connection is back: whoever gets the permit finds one.
    _permit: SemaphorePermit<'a>,
}

impl Deref for PlainLease<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn.as_ref().expect("a lease has its connection until it drops")
    }
}

impl DerefMut for PlainLease<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("a lease has its connection until it drops")
    }
}

impl Drop for PlainLease<'_> {
    fn drop(&mut self) {
        let conn = self.conn.take().expect("a lease has its connection until it drops");
        self.idle.lock().expect("nobody panics under it").push(conn);
    }
}

subject!(
    TokioSemaphore,
    build: |limit, _backend| Plain {
        semaphore: Semaphore::new(limit as usize),
        idle: Mutex::new((0..limit).map(|_| Conn::default()).collect()),
    },
    acquire: |pool| pool.acquire().await,
    within: |patience| tokio::time::timeout(patience, pool.acquire()).await,
);

/// The same tasks with no pool: what the runtime alone costs.
pub(crate) struct Floor;

impl Subject for Floor {
    async fn build(_: u32, _: Backend) -> Self {
        Floor
    }

    async fn warm(&self, _: u32) {}

    async fn spin(&self, leases: u64) {
        let mut conn = Conn::default();
        for _ in 0..leases {
            conn.touch();
        }
    }

    async fn hold(&self) {
        let mut conn = Conn::default();
        conn.touch();
        tokio::task::yield_now().await;
    }

    async fn stay(&self, hold: Duration) -> Duration {
        let asked = Instant::now();
        let mut conn = Conn::default();
        let waited = asked.elapsed();
        conn.touch();
        tokio::time::sleep(hold).await;
        waited
    }

    async fn request(&self) -> impl Send {}

    /// Nothing comes: the runtime's own timer.
    async fn within(&self, patience: Duration) -> bool {
        tokio::time::sleep(patience).await;
        false
    }
}
