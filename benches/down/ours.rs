//! fairpool over its own drivers.

use super::subject::{End, LENGTH, LIMIT, PATIENCE, SQL, STEP, Subject, in_words, question};
use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::redis::{Redis, redis};
use fairpool::{Builder, Manager, Pool};
use std::future::Future;
use std::time::Duration;

pub(crate) const SETTINGS: &str = "acquire_timeout 500 ms; connect, validate, reset and close timeouts 250 ms; backoff 50 to 250 ms; \
                                   validate_after_idle 500 ms";

fn options<M: Manager>(builder: Builder<M>) -> Pool<M> {
    builder
        .limit(LIMIT)
        .max_connecting(LIMIT)
        .acquire_timeout(PATIENCE)
        .connect_timeout(STEP)
        .validate_timeout(STEP)
        .reset_timeout(STEP)
        .close_timeout(STEP)
        .backoff_max(Duration::from_millis(250))
        .build()
        .expect("fine options")
}

fn attempts<M: Manager>(pool: &Pool<M>) -> Option<u64> {
    let status = pool.status();
    Some(status.totals.opened + status.totals.connect_failures + u64::from(status.connecting))
}

pub(crate) struct OverPostgres(Pool<Postgres>);

impl Subject for OverPostgres {
    const NAME: &'static str = "fairpool";

    async fn build(url: &str) -> Self {
        OverPostgres(options(Pool::builder(Postgres::from_url(url).expect("a fine URL"))))
    }

    async fn exchange(&self, back: impl Future<Output = ()> + Send) -> End {
        let acquired = self.0.acquire().await;
        back.await;
        match acquired {
            Ok(conn) => question(conn.simple_query(SQL)).await,
            Err(error) => End::Refused(in_words(&error)),
        }
    }

    fn attempts(&self) -> Option<u64> {
        attempts(&self.0)
    }

    async fn close(self) {
        self.0.drain(Duration::from_secs(5)).await;
    }
}

pub(crate) struct OverRedis(Pool<Redis>);

impl Subject for OverRedis {
    const NAME: &'static str = "fairpool";

    async fn build(url: &str) -> Self {
        OverRedis(options(Pool::builder(Redis::from_url(url).expect("a fine URL"))))
    }

    async fn exchange(&self, back: impl Future<Output = ()> + Send) -> End {
        let acquired = self.0.acquire().await;
        back.await;
        match acquired {
            Ok(mut conn) => {
                let word = "x".repeat(LENGTH);
                question(redis::cmd("ECHO").arg(word).query_async::<String>(&mut *conn)).await
            }
            Err(error) => End::Refused(in_words(&error)),
        }
    }

    fn attempts(&self) -> Option<u64> {
        attempts(&self.0)
    }

    async fn close(self) {
        self.0.drain(Duration::from_secs(5)).await;
    }
}
