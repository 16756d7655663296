//! Redis by the crate `redis`, one socket a connection.

use super::entry::Entry;
use super::pools;
use super::work::{Client, ROWS, Work};
use crate::servers::redis::Redis;
use fairpool::Manager;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd, pipe};
use std::fmt::Write as _;
use std::future::Future;

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
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", server.port)).expect("a URL of ours");
    let manager = Tiny(client);
    let mut subjects = pools::four("always", &manager);
    subjects.extend(pools::bare(&manager));
    subjects
}

#[derive(Clone)]
struct Tiny(redis::Client);

impl Manager for Tiny {
    type Connection = MultiplexedConnection;
    type Error = RedisError;

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        self.0.get_multiplexed_async_connection().await
    }

    fn reset(&self, conn: &mut MultiplexedConnection) -> Option<impl Future<Output = Result<(), RedisError>> + Send> {
        Some(async { cmd("RESET").query_async(conn).await })
    }
}

impl Client for MultiplexedConnection {
    async fn perform(&mut self, work: Work, key: u32) {
        act(self, work, &format!("item:{key}"))
            .await
            .expect("the server answers");
    }
}

async fn act(conn: &mut MultiplexedConnection, work: Work, key: &str) -> Result<(), RedisError> {
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
