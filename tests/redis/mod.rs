//! What the tests of the Redis driver share: a pool, a command in a line, and what the server says about a connection.
#![allow(dead_code, reason = "each test file uses its part")]

use crate::servers;
use fairpool::Pool;
use fairpool::drivers::redis::redis::{Cmd, Value, cmd};
use fairpool::drivers::redis::{Connection, Redis};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// So long that reaching it means failure.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

pub(crate) const PROTOCOLS: [&str; 2] = ["resp2", "resp3"];

pub(crate) fn driver(server: &servers::redis::Redis, protocol: &str) -> Redis {
    let url = format!("{}?protocol={protocol}&client_name=lease", server.url());
    Redis::from_url(&url).expect("a URL")
}

pub(crate) fn pool(driver: Redis) -> Pool<Redis> {
    let builder = Pool::builder(driver)
        .limit(1)
        .acquire_timeout(NEVER)
        .reset_timeout(NEVER);
    builder.build().expect("good options")
}

pub(crate) fn words(line: &str) -> Cmd {
    let mut all = line.split(' ');
    let mut command = cmd(all.next().unwrap_or_default());
    for word in all {
        command.arg(word);
    }
    command
}

/// Sends a question, without waiting for the answer.
pub(crate) fn begin<F: Future>(question: F) {
    let polled = pin!(question).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending), "it was answered at once");
}

/// What the server says about a connection's state, as far as a lease can change it.
pub(crate) async fn state(conn: &mut Connection) -> Outcome<String> {
    let info: String = cmd("CLIENT").arg("INFO").query_async(conn).await?;
    let fields = [
        "name", "db", "sub", "psub", "ssub", "multi", "watch", "flags", "user", "redir", "resp",
    ];
    let kept = info.split_whitespace().filter(|field| {
        let (name, _) = field.split_once('=').unwrap_or_default();
        fields.contains(&name)
    });
    Ok(kept.collect::<Vec<_>>().join(" "))
}

/// The number that the server gave the connection.
pub(crate) async fn id(conn: &mut Connection) -> Outcome<i64> {
    Ok(cmd("CLIENT").arg("ID").query_async(conn).await?)
}

/// One lease sends these lines; the next one finds the connection as it was. Whether it is the same one.
pub(crate) async fn leaves_nothing(server: &servers::redis::Redis, protocol: &str, lines: &[&str]) -> Outcome<bool> {
    let pool = pool(driver(server, protocol));
    let mut conn = pool.acquire().await?;
    let (before, first) = (state(&mut conn).await?, id(&mut conn).await?);
    for line in lines {
        let _ = words(line).query_async::<Value>(&mut *conn).await;
    }
    drop(conn);
    let mut conn = pool.acquire().await?;
    assert_eq!(state(&mut conn).await?, before, "{protocol}: {lines:?}");
    let echo: String = cmd("ECHO").arg("mine").query_async(&mut *conn).await?;
    assert_eq!(echo, "mine", "{protocol}: {lines:?}");
    let same = id(&mut conn).await? == first;
    drop(conn);
    pool.drain(NEVER).await;
    Ok(same)
}
