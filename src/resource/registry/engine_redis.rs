//! The eviction policy of a Redis server: asked of it, and set on it.
//!
//! It is the server's: `CONFIG SET` holds until the server itself restarts, and then what its own configuration says. Nothing of
//! it is kept here.

use super::super::models::EvictionPolicy;
use super::engine::Failure;
use super::engine_call::{answered, connected, farewell};
use crate::drivers::redis::Redis;
use crate::drivers::redis::redis::{Cmd, FromRedisValue, RedisError, cmd};

const PARAMETER: &str = "maxmemory-policy";

/// Answers that pass by themselves: the server is there and can do nothing yet.
const PASSING: [&str; 5] = ["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"];

pub(super) async fn eviction_policy(url: &str) -> Result<EvictionPolicy, Failure> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg(PARAMETER);
    let pairs: Vec<(String, String)> = on(url, get).await?;
    let policy = pairs.first().map(|(_, policy)| policy);
    let policy = policy.ok_or_else(|| Failure::Refused("the server tells no eviction policy".to_owned()))?;
    EvictionPolicy::from_redis(policy).map_err(|unlisted| Failure::Refused(unlisted.to_string()))
}

pub(super) async fn set_eviction_policy(url: &str, policy: EvictionPolicy) -> Result<(), Failure> {
    let mut set = cmd("CONFIG");
    set.arg("SET").arg(PARAMETER).arg(policy.as_redis());
    on(url, set).await
}

async fn on<T: FromRedisValue>(url: &str, command: Cmd) -> Result<T, Failure> {
    let server = Redis::from_url(url).map_err(|error| Failure::Silent(error.to_string()))?;
    let mut conn = connected(&server).await?;
    let answer = answered(async { command.query_async(&mut conn).await.map_err(failure) }).await;
    farewell(&server, conn).await;
    answer
}

/// A server that says no has answered. Who its user is stays out of what it says.
fn failure(error: RedisError) -> Failure {
    let Some(code) = error.code() else {
        return Failure::Unanswered(error.to_string());
    };
    let said = format!("{code} {}", error.detail().unwrap_or_default());
    match code {
        "NOPERM" => Failure::Refused("the database's user may not run CONFIG on its server".to_owned()),
        _ if PASSING.contains(&code) => Failure::Silent(said),
        _ => Failure::Refused(format!("the server refuses: {said}")),
    }
}
