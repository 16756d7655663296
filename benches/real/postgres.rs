//! PostgreSQL by tokio-postgres: the driver's connection in every pool; beside it deadpool-postgres as it is, and sqlx with
//! its own client.

use super::entry::{Entry, NONE};
use super::pools::{self, NEVER};
use super::work::{CONNECTIONS, Client, Job, ROWS, Subject, Work};
use crate::servers::postgres::Postgres;
use deadpool_postgres::{ManagerConfig, RecyclingMethod};
use fairpool::drivers::postgres::{self as driver, Reset};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, Executor as _};
use std::future::Future;
use std::ops::Deref;
use tokio_postgres::{NoTls, Statement};

pub(crate) const NAME: &str = "postgres";

const READ: &str = "SELECT hits FROM item WHERE id = $1";
const UPDATE: &str = "UPDATE item SET hits = hits + 1 WHERE id = $1";

/// What the driver's `Full` sends.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; \
                     SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; \
                     SELECT name AS prepared_by_sql FROM pg_catalog.pg_prepared_statements WHERE from_sql";

/// The server, or `None` where it is not installed; quiet: nothing of its own in the background.
pub(crate) fn start() -> Option<Postgres> {
    let server = Postgres::start(&["autovacuum=off", "jit=off", "shared_buffers=64MB"])?;
    server.psql(&format!(
        "\\c app\nCREATE TABLE item (id int PRIMARY KEY, hits int NOT NULL) WITH (fillfactor = 50);
         INSERT INTO item SELECT id, 0 FROM generate_series(1, {ROWS}) id;
         GRANT ALL ON item TO app; VACUUM ANALYZE item;"
    ));
    Some(server)
}

pub(crate) fn subjects(server: &Postgres) -> Vec<Entry> {
    let url = server.url();
    let manager = |reset| driver::Postgres::from_url(&url).expect("a URL of ours").reset(reset);
    let mut subjects = pools::four("Full", &manager(Reset::Full));
    subjects.push(deadpool_postgres(&url));
    subjects.push(sqlx("Full", &url));
    subjects.extend(pools::two("Observed", &manager(Reset::Observed)));
    subjects.extend(pools::bare(&manager(Reset::Rollback)));
    subjects.push(sqlx(NONE, &url));
    subjects
}

/// A tokio-postgres client with a cache of statements beside it.
trait Caching: Deref<Target = tokio_postgres::Client> + Sync {
    fn cached(&self, sql: &str) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send;
}

impl Caching for driver::Connection {
    fn cached(&self, sql: &str) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send {
        self.prepare_cached(sql)
    }
}

impl Caching for deadpool_postgres::ClientWrapper {
    fn cached(&self, sql: &str) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send {
        self.prepare_cached(sql)
    }
}

impl<C: Caching + Send> Client for C {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key as i32).await.expect("the server answers");
    }
}

async fn act(client: &impl Caching, work: Work, key: i32) -> Result<(), tokio_postgres::Error> {
    match work {
        Work::Select => client.batch_execute("SELECT 1").await,
        Work::Read => read(client, key).await,
        Work::Transaction => {
            client.batch_execute("BEGIN").await?;
            let update = client.cached(UPDATE).await?;
            client.execute(&update, &[&key]).await?;
            read(client, key).await?;
            client.batch_execute("COMMIT").await
        }
    }
}

async fn read(client: &impl Caching, key: i32) -> Result<(), tokio_postgres::Error> {
    let statement = client.cached(READ).await?;
    let row = client.query_one(&statement, &[&key]).await?;
    row.try_get::<_, i32>(0).map(drop)
}

/// As people run it: its own manager and cache of statements, and the reset where it has a place for one.
fn deadpool_postgres(url: &str) -> Entry {
    let config: tokio_postgres::Config = url.parse().expect("a URL of ours");
    Entry::new("deadpool-postgres", "Full", move || {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Custom(RESET.into()),
        };
        let manager = deadpool_postgres::Manager::from_config(config.clone(), NoTls, recycling);
        async move {
            let builder = deadpool_postgres::Pool::builder(manager).max_size(CONNECTIONS as usize);
            let pool = builder.runtime(deadpool_postgres::Runtime::Tokio1).build();
            let pool = pool.expect("there is a runtime for timeouts");
            let mut leases = Vec::new();
            for _ in 0..CONNECTIONS {
                leases.push(pool.get().await.expect("the server is there"));
            }
            DeadpoolPostgres(pool)
        }
    })
}

struct DeadpoolPostgres(deadpool_postgres::Pool);

impl Subject for DeadpoolPostgres {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get().await.expect("the server answers");
        job.run(&mut *conn).await;
    }
}

fn sqlx(reset: &'static str, url: &str) -> Entry {
    let url = url.to_owned();
    Entry::new("sqlx", reset, move || {
        let url = url.clone();
        async move {
            let mut options = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(NEVER)
                .test_before_acquire(false);
            if reset != NONE {
                options = options.after_release(|conn, _| {
                    Box::pin(async move {
                        conn.execute(RESET).await?;
                        Ok(true)
                    })
                });
            }
            let pool = options.connect(&url).await.expect("the server is there");
            let mut leases = Vec::new();
            for _ in 0..CONNECTIONS {
                leases.push(pool.acquire().await.expect("the server is there"));
            }
            Sqlx(pool)
        }
    })
}

struct Sqlx(sqlx::PgPool);

impl Client for sqlx::PgConnection {
    async fn perform(&mut self, work: Work, key: u32) {
        by_sqlx(self, work, key as i32).await.expect("the server answers");
    }
}

async fn by_sqlx(conn: &mut sqlx::PgConnection, work: Work, key: i32) -> Result<(), sqlx::Error> {
    let read = sqlx::query_scalar::<_, i32>(READ).bind(key);
    match work {
        Work::Select => conn.execute("SELECT 1").await.map(drop),
        Work::Read => read.fetch_one(conn).await.map(drop),
        Work::Transaction => {
            let mut transaction = conn.begin().await?;
            sqlx::query(UPDATE).bind(key).execute(&mut *transaction).await?;
            read.fetch_one(&mut *transaction).await?;
            transaction.commit().await
        }
    }
}

impl Subject for Sqlx {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.acquire().await.expect("nobody waits for a day");
        job.run(&mut *conn).await;
    }
}
