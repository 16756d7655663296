//! sqlx's pool, which has a PostgreSQL client of its own.

use super::subject::{End, LIMIT, PATIENCE, SQL, Subject, in_words, question};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::future::Future;

pub(crate) const SETTINGS: &str = "acquire_timeout 500 ms; test_before_acquire on (default)";

pub(crate) struct OverPostgres(PgPool);

impl Subject for OverPostgres {
    const NAME: &'static str = "sqlx";

    async fn build(url: &str) -> Self {
        let database: PgConnectOptions = url.parse().expect("a fine URL");
        let options = PgPoolOptions::new().max_connections(LIMIT).acquire_timeout(PATIENCE);
        OverPostgres(options.test_before_acquire(true).connect_lazy_with(database))
    }

    async fn exchange(&self, back: impl Future<Output = ()> + Send) -> End {
        let acquired = self.0.acquire().await;
        back.await;
        match acquired {
            Ok(mut conn) => question(sqlx::raw_sql(SQL).execute(&mut *conn)).await,
            Err(error) => End::Refused(in_words(&error)),
        }
    }

    fn attempts(&self) -> Option<u64> {
        None
    }

    async fn close(self) {
        let _ = tokio::time::timeout(PATIENCE, self.0.close()).await;
    }
}
