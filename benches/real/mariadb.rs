//! MariaDB by mysql_async: the driver's connection in every pool; beside it mysql_async's own pool, and sqlx with its own
//! client.

use super::entry::{Entry, NONE};
use super::pools::{self, NEVER};
use super::work::{CONNECTIONS, Client, Job, ROWS, Subject, Work};
use crate::servers::mysql::Mysql;
use fairpool::Manager;
use fairpool::drivers::mysql::{self as driver, Reset};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, PoolConstraints, PoolOpts};
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{Connection as _, Executor as _};
use std::future::Future;

pub(crate) const NAME: &str = "mariadb";

const READ: &str = "SELECT hits FROM item WHERE id = ?";
const UPDATE: &str = "UPDATE item SET hits = hits + 1 WHERE id = ?";

/// The server, or `None` where it is not installed.
pub(crate) fn start() -> Option<Mysql> {
    let server = Mysql::start(&["--innodb-purge-threads=1", "--innodb-stats-auto-recalc=0"])?;
    server.sql(&format!(
        "CREATE TABLE app.item (id int PRIMARY KEY, hits int NOT NULL) ENGINE=InnoDB;
         INSERT INTO app.item SELECT seq, 0 FROM app.seq_1_to_{ROWS};"
    ));
    Some(server)
}

pub(crate) fn subjects(server: &Mysql) -> Vec<Entry> {
    let url = server.url();
    let manager = |reset| driver::Mysql::from_url(&url).expect("a URL of ours").reset(reset);
    let mut subjects = pools::four("Full", &manager(Reset::Full));
    let plain = Plain(Opts::from_url(&url).expect("a URL of ours"));
    subjects.extend(pools::two(OWN, &plain));
    subjects.push(own(OWN, &url));
    subjects.extend(pools::two("Rollback", &manager(Reset::Rollback)));
    subjects.extend(pools::bare(&manager(Reset::Rollback)));
    subjects.push(own(NONE, &url));
    // It offers no COM_RESET_CONNECTION.
    subjects.push(sqlx(url));
    subjects
}

/// What mysql_async's own pool does: `COM_RESET_CONNECTION`, and no question after it whether the database and the role are as
/// they were.
const OWN: &str = "its own";

/// fairpool as lean as that pool.
#[derive(Clone)]
struct Plain(Opts);

impl Manager for Plain {
    type Connection = Conn;
    type Error = mysql_async::Error;

    async fn connect(&self) -> Result<Conn, mysql_async::Error> {
        Conn::new(self.0.clone()).await
    }

    fn reset(&self, conn: &mut Conn) -> Option<impl Future<Output = Result<(), mysql_async::Error>> + Send> {
        Some(async { conn.reset().await.map(drop) })
    }
}

impl Client for driver::Connection {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key).await.expect("the server answers");
    }
}

impl Client for Conn {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key).await.expect("the server answers");
    }
}

async fn act(conn: &mut Conn, work: Work, key: u32) -> Result<(), mysql_async::Error> {
    match work {
        Work::Select => conn.query_drop("SELECT 1").await,
        Work::Read => conn.exec_first::<u32, _, _>(READ, (key,)).await.map(drop),
        Work::Transaction => {
            conn.query_drop("BEGIN").await?;
            conn.exec_drop(UPDATE, (key,)).await?;
            conn.exec_first::<u32, _, _>(READ, (key,)).await?;
            conn.query_drop("COMMIT").await
        }
    }
}

fn own(reset: &'static str, url: &str) -> Entry {
    let opts = Opts::from_url(url).expect("a URL of ours");
    let size = PoolConstraints::new(CONNECTIONS as usize, CONNECTIONS as usize).expect("8 is at most 8");
    let pool = PoolOpts::default()
        .with_constraints(size)
        .with_reset_connection(reset != NONE);
    let opts = Opts::from(OptsBuilder::from_opts(opts).pool_opts(pool));
    Entry::new("mysql_async", reset, move || {
        let pool = mysql_async::Pool::new(opts.clone());
        async move {
            let mut leases = Vec::new();
            for _ in 0..CONNECTIONS {
                leases.push(pool.get_conn().await.expect("the server is there"));
            }
            Own(pool)
        }
    })
}

struct Own(mysql_async::Pool);

impl Subject for Own {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get_conn().await.expect("the server is there");
        job.run(&mut conn).await;
    }
}

fn sqlx(url: String) -> Entry {
    Entry::new("sqlx", NONE, move || {
        let url = url.clone();
        async move {
            let options = MySqlPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(NEVER)
                .test_before_acquire(false);
            let pool = options.connect(&url).await.expect("the server is there");
            let mut leases = Vec::new();
            for _ in 0..CONNECTIONS {
                leases.push(pool.acquire().await.expect("the server is there"));
            }
            Sqlx(pool)
        }
    })
}

struct Sqlx(sqlx::MySqlPool);

impl Client for sqlx::MySqlConnection {
    async fn perform(&mut self, work: Work, key: u32) {
        by_sqlx(self, work, key).await.expect("the server answers");
    }
}

async fn by_sqlx(conn: &mut sqlx::MySqlConnection, work: Work, key: u32) -> Result<(), sqlx::Error> {
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
