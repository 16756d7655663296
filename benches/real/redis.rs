//! Redis by the crate `redis`: the driver's connection in every pool, one socket each; beside it deadpool-redis as it is.

use super::entry::Entry;
use super::pools;
use super::work::{CONNECTIONS, Client, Job, ROWS, Subject, Work};
use crate::servers::redis::Redis;
use fairpool::drivers::redis::{self as driver, Reset};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{RedisError, cmd, pipe};
use std::fmt::Write as _;

pub(crate) const NAME: &str = "redis";

/// The server, or `None` where it is not installed.
pub(crate) fn start() -> Option<Redis> {
    let server = Redis::start(&[])?;
    let mut script = String::new();
    let _ = write!(
        script,
        "for id = 1, {ROWS} do redis.call('SET', 'item:' .. id, '0') end"
    );
    server.cli(&["EVAL", &script, "0"]);
    Some(server)
}

pub(crate) fn subjects(server: &Redis) -> Vec<Entry> {
    let url = server.url();
    let manager = |reset| driver::Redis::from_url(&url).expect("a URL of ours").reset(reset);
    let mut subjects = pools::four("Altered", &manager(Reset::Altered));
    subjects.extend(pools::four("Always", &manager(Reset::Always)));
    subjects.extend(pools::bare(&manager(Reset::Never)));
    subjects.push(deadpool_redis(&url));
    subjects
}

impl Client for driver::Connection {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key).await.expect("the server answers");
    }
}

impl Client for MultiplexedConnection {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, key).await.expect("the server answers");
    }
}

/// As people run it: connections of the crate `redis`, and a PING and an UNWATCH on the way out.
fn deadpool_redis(url: &str) -> Entry {
    let config = deadpool_redis::Config::from_url(url);
    Entry::new("deadpool-redis", "UNWATCH", move || {
        let builder = config.builder().expect("a URL of ours").max_size(CONNECTIONS as usize);
        async move {
            let pool = builder.runtime(deadpool_redis::Runtime::Tokio1).build();
            let pool = pool.expect("there is a runtime for timeouts");
            let mut leases = Vec::new();
            for _ in 0..CONNECTIONS {
                leases.push(pool.get().await.expect("the server is there"));
            }
            DeadpoolRedis(pool)
        }
    })
}

struct DeadpoolRedis(deadpool_redis::Pool);

impl Subject for DeadpoolRedis {
    async fn lease(&self, job: Job<'_>) {
        let mut conn = self.0.get().await.expect("the server answers");
        job.run(&mut *conn).await;
    }
}

async fn act(conn: &mut (impl ConnectionLike + Send), work: Work, key: u32) -> Result<(), RedisError> {
    let key = &format!("item:{key}");
    match work {
        Work::Select => cmd("PING").query_async(conn).await,
        Work::Read => cmd("GET").arg(key).query_async::<u32>(conn).await.map(drop),
        Work::Transaction => {
            let mut pipe = pipe();
            pipe.atomic().cmd("INCR").arg(key).ignore().cmd("GET").arg(key);
            pipe.query_async::<(u32,)>(conn).await.map(drop)
        }
    }
}
