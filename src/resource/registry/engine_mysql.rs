//! The SQL modes of a MySQL or MariaDB server: asked of it, and set on it for every session that begins from then on.
//!
//! They are the server's: `SET GLOBAL` holds until the server itself restarts, and then what its own configuration says. Nothing
//! of it is kept here.

use super::super::models::SqlMode;
use super::engine::Failure;
use super::engine_call::{answered, connected, farewell};
use crate::drivers::mysql::Mysql;
use crate::drivers::mysql::mysql_async::Error;
use crate::drivers::mysql::mysql_async::prelude::Queryable;

pub(super) async fn sql_mode(url: &str) -> Result<SqlMode, Failure> {
    let modes = on(url, "SELECT @@GLOBAL.sql_mode").await?.unwrap_or_default().parse();
    modes.map_err(|_| Failure::Refused("the server's SQL modes are no list of names".to_owned()))
}

pub(super) async fn set_sql_mode(url: &str, mode: &SqlMode) -> Result<(), Failure> {
    // Letters, digits, underscores and commas: nothing in it ends the text.
    let set = format!("SET GLOBAL sql_mode = '{}'", mode.as_str());
    on(url, &set).await.map(drop)
}

/// The first value of what a statement answers, if it answers rows.
async fn on(url: &str, sql: &str) -> Result<Option<String>, Failure> {
    let server = Mysql::from_url(url).map_err(|error| Failure::Silent(error.to_string()))?;
    // A server that is silent is not asked to end the session that it does not answer.
    let server = server.kill_abandoned(false);
    let mut conn = connected(&server).await?;
    let answer = answered(async { conn.query_first(sql).await.map_err(failure) }).await;
    farewell(&server, conn).await;
    answer
}

/// Class 42 is about what was asked: a mode that is none, a right that is missing.
fn failure(error: Error) -> Failure {
    match &error {
        Error::Server(refusal) if refusal.state.starts_with("42") => {
            Failure::Refused(format!("the server refuses: {}", refusal.message))
        }
        Error::Server(passing) => Failure::Silent(format!("{} (error {})", passing.message, passing.code)),
        _ => Failure::Unanswered(error.to_string()),
    }
}
