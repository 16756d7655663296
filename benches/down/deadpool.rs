//! deadpool over deadpool-postgres and deadpool-redis.

use super::attempts::{Attempts, Counted};
use super::subject::{End, LENGTH, LIMIT, PATIENCE, SQL, STEP, Subject, in_words, question};
use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult, Timeouts};
use deadpool_postgres::{ManagerConfig, RecyclingMethod};
use deadpool_redis::redis;
use std::future::Future;
use tokio_postgres::NoTls;

pub(crate) const SETTINGS: &str = "timeouts wait 250, create 125, recycle 125 ms (together the 500 of a request); recycling \
                                   method Verified for PostgreSQL";

fn options<M: Manager>(manager: M) -> (Pool<Counted<M>>, Attempts) {
    let (counted, attempts) = Counted::new(manager);
    let step = Some((PATIENCE - STEP) / 2);
    let timeouts = Timeouts {
        wait: Some(STEP),
        create: step,
        recycle: step,
    };
    let builder = Pool::builder(counted).max_size(LIMIT as usize).timeouts(timeouts);
    let pool = builder.runtime(Runtime::Tokio1).build();
    (pool.expect("there is a runtime"), attempts)
}

impl<M: Manager> Manager for Counted<M> {
    type Type = M::Type;
    type Error = M::Error;

    async fn create(&self) -> Result<M::Type, M::Error> {
        self.count();
        self.manager.create().await
    }

    async fn recycle(&self, conn: &mut M::Type, metrics: &Metrics) -> RecycleResult<M::Error> {
        self.manager.recycle(conn, metrics).await
    }

    fn detach(&self, conn: &mut M::Type) {
        self.manager.detach(conn);
    }
}

pub(crate) struct OverPostgres(Pool<Counted<deadpool_postgres::Manager>>, Attempts);

impl Subject for OverPostgres {
    const NAME: &'static str = "deadpool";

    async fn build(url: &str) -> Self {
        let recycling_method = RecyclingMethod::Verified;
        let config = ManagerConfig { recycling_method };
        let manager = deadpool_postgres::Manager::from_config(url.parse().expect("a fine URL"), NoTls, config);
        let (pool, attempts) = options(manager);
        OverPostgres(pool, attempts)
    }

    async fn exchange(&self, back: impl Future<Output = ()> + Send) -> End {
        let got = self.0.get().await;
        back.await;
        match got {
            Ok(conn) => question(conn.simple_query(SQL)).await,
            Err(error) => End::Refused(in_words(&error)),
        }
    }

    fn attempts(&self) -> Option<u64> {
        Some(self.1.so_far())
    }

    async fn close(self) {
        self.0.close();
    }
}

pub(crate) struct OverRedis(Pool<Counted<deadpool_redis::Manager>>, Attempts);

impl Subject for OverRedis {
    const NAME: &'static str = "deadpool";

    async fn build(url: &str) -> Self {
        let manager = deadpool_redis::Manager::new(url).expect("a fine URL");
        let (pool, attempts) = options(manager);
        OverRedis(pool, attempts)
    }

    async fn exchange(&self, back: impl Future<Output = ()> + Send) -> End {
        let got = self.0.get().await;
        back.await;
        match got {
            Ok(mut conn) => {
                let word = "x".repeat(LENGTH);
                question(redis::cmd("ECHO").arg(word).query_async::<String>(&mut *conn)).await
            }
            Err(error) => End::Refused(in_words(&error)),
        }
    }

    fn attempts(&self) -> Option<u64> {
        Some(self.1.so_far())
    }

    async fn close(self) {
        self.0.close();
    }
}
