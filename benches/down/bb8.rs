//! bb8 over bb8-postgres and bb8-redis.

use super::attempts::{Attempts, Counted};
use super::subject::{End, LENGTH, LIMIT, PATIENCE, SQL, Subject, in_words, question};
use bb8::{ManageConnection, Pool};
use bb8_postgres::PostgresConnectionManager;
use bb8_postgres::tokio_postgres::NoTls;
use bb8_redis::{RedisConnectionManager, redis};
use std::future::Future;

pub(crate) const SETTINGS: &str = "connection_timeout 500 ms; test_on_check_out and retry_connection on (defaults)";

async fn options<M: ManageConnection>(manager: M) -> (Pool<Counted<M>>, Attempts) {
    let (counted, attempts) = Counted::new(manager);
    let builder = Pool::builder().max_size(LIMIT).connection_timeout(PATIENCE);
    let builder = builder.test_on_check_out(true).retry_connection(true);
    (builder.build_unchecked(counted), attempts)
}

impl<M: ManageConnection> ManageConnection for Counted<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    async fn connect(&self) -> Result<M::Connection, M::Error> {
        self.count();
        self.manager.connect().await
    }

    async fn is_valid(&self, conn: &mut M::Connection) -> Result<(), M::Error> {
        self.manager.is_valid(conn).await
    }

    fn has_broken(&self, conn: &mut M::Connection) -> bool {
        self.manager.has_broken(conn)
    }
}

pub(crate) struct OverPostgres(Pool<Counted<PostgresConnectionManager<NoTls>>>, Attempts);

impl Subject for OverPostgres {
    const NAME: &'static str = "bb8";

    async fn build(url: &str) -> Self {
        let manager = PostgresConnectionManager::new_from_stringlike(url, NoTls);
        let (pool, attempts) = options(manager.expect("a fine URL")).await;
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

    async fn close(self) {}
}

pub(crate) struct OverRedis(Pool<Counted<RedisConnectionManager>>, Attempts);

impl Subject for OverRedis {
    const NAME: &'static str = "bb8";

    async fn build(url: &str) -> Self {
        let manager = RedisConnectionManager::new(url).expect("a fine URL");
        let (pool, attempts) = options(manager).await;
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

    async fn close(self) {}
}
