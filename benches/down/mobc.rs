//! mobc over two managers as its users write them: its own for these clients are older than the clients here.

use super::attempts::{Attempts, Counted};
use super::subject::{End, LENGTH, LIMIT, PATIENCE, SQL, Subject, question};
use mobc::{Manager, Pool, async_trait};
use redis::aio::MultiplexedConnection;
use std::future::Future;
use tokio_postgres::{Client, NoTls};

pub(crate) const SETTINGS: &str =
    "get_timeout 500 ms; test_on_check_out on (default), health_check_interval none; max_idle 8";

fn options<M: Manager>(manager: Counted<M>) -> Pool<Counted<M>>
where
    Counted<M>: Manager,
{
    let builder = Pool::builder().max_open(LIMIT.into()).max_idle(LIMIT.into());
    builder
        .test_on_check_out(true)
        .get_timeout(Some(PATIENCE))
        .build(manager)
}

#[async_trait]
impl<M: Manager> Manager for Counted<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    async fn connect(&self) -> Result<M::Connection, M::Error> {
        self.count();
        self.manager.connect().await
    }

    async fn check(&self, conn: M::Connection) -> Result<M::Connection, M::Error> {
        self.manager.check(conn).await
    }

    fn validate(&self, conn: &mut M::Connection) -> bool {
        self.manager.validate(conn)
    }
}

struct Postgres(tokio_postgres::Config);

#[async_trait]
impl Manager for Postgres {
    type Connection = Client;
    type Error = tokio_postgres::Error;

    async fn connect(&self) -> Result<Client, Self::Error> {
        let (client, connection) = self.0.connect(NoTls).await?;
        tokio::spawn(async move { connection.await.map(drop) });
        Ok(client)
    }

    async fn check(&self, conn: Client) -> Result<Client, Self::Error> {
        conn.simple_query("").await?;
        Ok(conn)
    }

    fn validate(&self, conn: &mut Client) -> bool {
        !conn.is_closed()
    }
}

struct Redis(redis::Client);

#[async_trait]
impl Manager for Redis {
    type Connection = MultiplexedConnection;
    type Error = redis::RedisError;

    async fn connect(&self) -> Result<MultiplexedConnection, Self::Error> {
        self.0.get_multiplexed_async_connection().await
    }

    async fn check(&self, mut conn: MultiplexedConnection) -> Result<MultiplexedConnection, Self::Error> {
        redis::cmd("PING").query_async::<String>(&mut conn).await?;
        Ok(conn)
    }
}

/// Its error's text ends where that of its cause begins.
fn in_words<E: std::error::Error + 'static>(error: &mobc::Error<E>) -> String {
    match error {
        mobc::Error::Inner(inner) => super::subject::in_words(inner),
        other => other.to_string(),
    }
}

pub(crate) struct OverPostgres(Pool<Counted<Postgres>>, Attempts);

impl Subject for OverPostgres {
    const NAME: &'static str = "mobc";

    async fn build(url: &str) -> Self {
        let (counted, attempts) = Counted::new(Postgres(url.parse().expect("a fine URL")));
        OverPostgres(options(counted), attempts)
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

pub(crate) struct OverRedis(Pool<Counted<Redis>>, Attempts);

impl Subject for OverRedis {
    const NAME: &'static str = "mobc";

    async fn build(url: &str) -> Self {
        let (counted, attempts) = Counted::new(Redis(redis::Client::open(url).expect("a fine URL")));
        OverRedis(options(counted), attempts)
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
