//! PostgreSQL by tokio-postgres; sqlx with its own client beside it.

use super::entry::{Entry, Reset};
use super::pools::{self, NEVER};
use super::work::{CONNECTIONS, Client, Job, ROWS, Subject, Work};
use crate::servers::postgres::Postgres;
use fairpool::Manager;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, Executor as _};
use std::future::Future;
use tokio_postgres::{NoTls, Statement};

pub(crate) const NAME: &str = "postgres";

const READ: &str = "SELECT hits FROM item WHERE id = $1";
const UPDATE: &str = "UPDATE item SET hits = hits + 1 WHERE id = $1";

const RESET: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

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
    let manager = Tiny {
        config: server.url().parse().expect("a URL of ours"),
    };
    let mut subjects = pools::four(Reset::Always, &manager);
    subjects.push(sqlx(Reset::Always, server.url()));
    subjects.extend(pools::bare(&manager));
    subjects.push(sqlx(Reset::Never, server.url()));
    subjects
}

#[derive(Clone)]
struct Tiny {
    config: tokio_postgres::Config,
}

struct Link {
    client: tokio_postgres::Client,
    read: Statement,
    update: Statement,
}

impl Manager for Tiny {
    type Connection = Link;
    type Error = tokio_postgres::Error;

    async fn connect(&self) -> Result<Link, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        tokio::spawn(connection);
        let (read, update) = (client.prepare(READ).await?, client.prepare(UPDATE).await?);
        Ok(Link { client, read, update })
    }

    fn reset(&self, conn: &mut Link) -> Option<impl Future<Output = Result<(), tokio_postgres::Error>> + Send> {
        Some(conn.client.batch_execute(RESET))
    }

    fn is_broken(&self, conn: &mut Link) -> bool {
        conn.client.is_closed()
    }
}

impl Client for Link {
    async fn perform(&mut self, work: Work, key: u32) {
        self.work(work, key as i32).await.expect("the server answers");
    }
}

impl Link {
    async fn work(&mut self, work: Work, key: i32) -> Result<(), tokio_postgres::Error> {
        let client = &self.client;
        match work {
            Work::Select => client.batch_execute("SELECT 1").await,
            Work::Read => {
                let row = client.query_one(&self.read, &[&key]).await?;
                row.try_get::<_, i32>(0).map(drop)
            }
            Work::Transaction => {
                client.batch_execute("BEGIN").await?;
                client.execute(&self.update, &[&key]).await?;
                let row = client.query_one(&self.read, &[&key]).await?;
                row.try_get::<_, i32>(0)?;
                client.batch_execute("COMMIT").await
            }
        }
    }
}

fn sqlx(reset: Reset, url: String) -> Entry {
    Entry::new("sqlx", reset, move || {
        let url = url.clone();
        async move {
            let mut options = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(NEVER)
                .test_before_acquire(false);
            if reset != Reset::Never {
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
