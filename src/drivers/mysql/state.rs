//! What a session answers about itself: whether it is in step, and what no reset of the server's restores.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};
use std::time::Instant;

/// What `COM_RESET_CONNECTION` leaves alone, as it was when the connection was opened.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    values: Vec<Option<Value>>,
}

/// Which process of which server a session is on. Its number is only good there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    server: Option<String>,
}

const STATE: &str = "DATABASE(), @@character_set_client, @@character_set_results, @@collation_connection";
const PLACE: &str = "SELECT CONCAT_WS('|', @@hostname, @@port, @@server_id, @@datadir)";

impl State {
    /// Asks; `None` where the answer is not the one to this question, so that an earlier one was still due.
    pub(super) async fn ask(conn: &mut Conn, has_roles: bool) -> mysql_async::Result<Option<State>> {
        let roles = if has_roles { ", CURRENT_ROLE()" } else { "" };
        let answer = numbered(conn, "", &format!(", {STATE}{roles}")).await?;
        Ok(answer.map(|values| State { values }))
    }

    /// The first question to a new connection; also says whether the server has roles.
    pub(super) async fn first(conn: &mut Conn) -> mysql_async::Result<(Option<State>, bool)> {
        match State::ask(conn, true).await {
            Ok(state) => Ok((state, true)),
            // Before MySQL 8 there is no such function.
            Err(mysql_async::Error::Server(_)) => Ok((State::ask(conn, false).await?, false)),
            Err(error) => Err(error),
        }
    }

    /// Whether only the character set differs.
    pub(super) fn differs_in_names(&self, other: &State) -> bool {
        let (own, others) = (self.values.get(1..4), other.values.get(1..4));
        own != others
    }
}

/// Runs `before`, and asks for a number that was drawn for this and for `columns`: the values of these, or `None` where
/// another answer came.
pub(super) async fn numbered(
    conn: &mut Conn,
    before: &str,
    columns: &str,
) -> mysql_async::Result<Option<Vec<Option<Value>>>> {
    let number = fastrand::u64(..).to_string();
    let mut result = conn.query_iter(format!("{before}SELECT {number}{columns}")).await?;
    let mut last: Vec<Row> = Vec::new();
    loop {
        let rows: Vec<Row> = result.collect().await?;
        if !rows.is_empty() {
            last = rows;
        }
        if result.is_empty() {
            break;
        }
    }
    result.drop_result().await?;
    let mut values = match last.pop() {
        Some(row) if last.is_empty() => row.unwrap_raw().into_iter(),
        _ => return Ok(None),
    };
    match values.next() {
        Some(Some(Value::Bytes(bytes))) if bytes == number.as_bytes() => Ok(Some(values.collect())),
        _ => Ok(None),
    }
}

impl Place {
    pub(super) async fn ask(conn: &mut Conn) -> mysql_async::Result<Place> {
        match conn.query_first::<Option<String>, _>(PLACE).await {
            Ok(server) => Ok(Place {
                server: server.flatten(),
            }),
            Err(mysql_async::Error::Server(_)) => Ok(Place { server: None }),
            Err(error) => Err(error),
        }
    }

    /// Whether a session that was opened here at `opened` has kept its number on the server that `conn` is connected to:
    /// the same one, and not started since.
    pub(super) async fn is_still(&self, conn: &mut Conn, opened: Instant) -> mysql_async::Result<bool> {
        if self.server.is_none() || Place::ask(conn).await? != *self {
            return Ok(false);
        }
        let uptime: Option<(String, u64)> = conn.query_first("SHOW GLOBAL STATUS LIKE 'Uptime'").await?;
        Ok(uptime.is_some_and(|(_, seconds)| seconds >= opened.elapsed().as_secs()))
    }
}
