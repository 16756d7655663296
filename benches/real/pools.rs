//! fairpool, bb8, deadpool and mobc over one and the same manager: the same client, the same connects, the same reset.
//!
//! fairpool resets when a connection comes back. The others have no place for an await there, so they do it on the way
//! out: bb8 in `is_valid`, deadpool in `recycle`, mobc in `check`. Otherwise each keeps its defaults, but for this: all
//! connections stay open, nobody's time runs out, and there is no other check on the way out.

use super::entry::{Entry, NONE};
use super::work::{CONNECTIONS, Client, Job, Subject};
use deadpool::managed::{Metrics, RecycleError, RecycleResult};
use fairpool::{Manager, Options, Pool};
use std::future::Future;
use std::time::Duration;

pub(crate) const NEVER: Duration = Duration::from_secs(24 * 3600);

/// A manager whose connections can be measured; pools of one kind share it by clones.
pub(crate) trait Measured: Manager<Connection: Client> + Clone {}

impl<M: Manager<Connection: Client> + Clone> Measured for M {}

/// All four over this manager, whose reset is `reset`.
pub(crate) fn four<M: Measured>(reset: &'static str, manager: &M) -> Vec<Entry> {
    vec![
        ours(reset, manager),
        bb8(reset, manager),
        deadpool(reset, manager),
        mobc(reset, manager),
    ]
}

/// fairpool, and the leanest of the others.
pub(crate) fn two<M: Measured>(reset: &'static str, manager: &M) -> Vec<Entry> {
    vec![ours(reset, manager), deadpool(reset, manager)]
}

/// The same two without any reset.
pub(crate) fn bare<M: Measured>(manager: &M) -> Vec<Entry> {
    two(NONE, &Bare(manager.clone()))
}

fn ours<M: Measured>(reset: &'static str, manager: &M) -> Entry {
    let manager = manager.clone();
    Entry::new("fairpool", reset, move || {
        let manager = manager.clone();
        async move {
            let pool = Pool::builder(manager).limit(CONNECTIONS).build().expect("fine options");
            pool.warm_up(CONNECTIONS).await.expect("the server is there");
            Fairpool(pool)
        }
    })
}

struct Fairpool<M: Manager>(Pool<M>);

impl<M: Measured> Subject for Fairpool<M> {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.acquire().await.expect("nobody waits for 30 s");
        job.run(&mut *conn).await;
    }
}

fn bb8<M: Measured>(reset: &'static str, manager: &M) -> Entry {
    let manager = manager.clone();
    Entry::new("bb8", reset, move || {
        let lent = Lent(manager.clone());
        async move {
            let builder = bb8::Pool::builder().max_size(CONNECTIONS).min_idle(CONNECTIONS);
            let builder = builder.test_on_check_out(reset != NONE).connection_timeout(NEVER);
            let pool = builder.build(lent).await.expect("the server is there");
            Bb8(pool)
        }
    })
}

struct Bb8<M: Measured>(bb8::Pool<Lent<M>>);

impl<M: Measured> Subject for Bb8<M> {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get().await.expect("nobody waits for a day");
        job.run(&mut *conn).await;
    }
}

fn deadpool<M: Measured>(reset: &'static str, manager: &M) -> Entry {
    let manager = manager.clone();
    Entry::new("deadpool", reset, move || {
        let lent = Lent(manager.clone());
        async move {
            let builder = deadpool::managed::Pool::builder(lent).max_size(CONNECTIONS as usize);
            let pool = builder.runtime(deadpool::Runtime::Tokio1).build();
            let pool = Deadpool(pool.expect("there is a runtime for timeouts"));
            pool.warm().await;
            pool
        }
    })
}

struct Deadpool<M: Measured>(deadpool::managed::Pool<Lent<M>>);

impl<M: Measured> Deadpool<M> {
    /// All at once, so that none is left to be opened under measurement.
    async fn warm(&self) {
        let mut leases = Vec::new();
        for _ in 0..CONNECTIONS {
            leases.push(self.0.get().await.expect("the server is there"));
        }
    }
}

impl<M: Measured> Subject for Deadpool<M> {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get().await.expect("the server answers");
        job.run(&mut *conn).await;
    }
}

fn mobc<M: Measured>(reset: &'static str, manager: &M) -> Entry {
    let manager = manager.clone();
    Entry::new("mobc", reset, move || {
        let lent = Lent(manager.clone());
        async move {
            let builder = mobc::Pool::builder()
                .max_open(CONNECTIONS.into())
                .max_idle(CONNECTIONS.into());
            let builder = builder.test_on_check_out(reset != NONE).get_timeout(Some(NEVER));
            let pool = Mobc(builder.build(lent));
            pool.warm().await;
            pool
        }
    })
}

struct Mobc<M: Measured>(mobc::Pool<Lent<M>>);

impl<M: Measured> Mobc<M> {
    async fn warm(&self) {
        let mut leases = Vec::new();
        for _ in 0..CONNECTIONS {
            leases.push(self.0.get().await.expect("the server is there"));
        }
    }
}

impl<M: Measured> Subject for Mobc<M> {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get().await.expect("nobody waits for a day");
        job.run(&mut *conn).await;
    }
}

/// A manager of ours in the words of the others.
struct Lent<M>(M);

async fn cleaned<M: Manager>(manager: &M, conn: &mut M::Connection) -> Result<(), M::Error> {
    match manager.reset(conn) {
        Some(reset) => reset.await,
        None => Ok(()),
    }
}

impl<M: Measured> bb8::ManageConnection for Lent<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    async fn connect(&self) -> Result<M::Connection, M::Error> {
        self.0.connect().await
    }

    async fn is_valid(&self, conn: &mut M::Connection) -> Result<(), M::Error> {
        cleaned(&self.0, conn).await
    }

    fn has_broken(&self, conn: &mut M::Connection) -> bool {
        self.0.is_broken(conn)
    }
}

impl<M: Measured> deadpool::managed::Manager for Lent<M> {
    type Type = M::Connection;
    type Error = M::Error;

    async fn create(&self) -> Result<M::Connection, M::Error> {
        self.0.connect().await
    }

    async fn recycle(&self, conn: &mut M::Connection, _: &Metrics) -> RecycleResult<M::Error> {
        if self.0.is_broken(conn) {
            return Err(RecycleError::message("broken"));
        }
        cleaned(&self.0, conn).await.map_err(RecycleError::Backend)
    }
}

#[mobc::async_trait]
impl<M: Measured> mobc::Manager for Lent<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    async fn connect(&self) -> Result<M::Connection, M::Error> {
        self.0.connect().await
    }

    async fn check(&self, mut conn: M::Connection) -> Result<M::Connection, M::Error> {
        cleaned(&self.0, &mut conn).await?;
        Ok(conn)
    }

    fn validate(&self, conn: &mut M::Connection) -> bool {
        !self.0.is_broken(conn)
    }
}

/// A manager without its reset.
#[derive(Clone)]
struct Bare<M>(M);

impl<M: Measured> Manager for Bare<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    fn connect(&self) -> impl Future<Output = Result<M::Connection, M::Error>> + Send {
        self.0.connect()
    }

    fn is_broken(&self, conn: &mut M::Connection) -> bool {
        self.0.is_broken(conn)
    }

    fn close(&self, conn: M::Connection) -> Option<impl Future<Output = ()> + Send> {
        self.0.close(conn)
    }

    fn defaults(&self) -> Options {
        self.0.defaults()
    }
}
