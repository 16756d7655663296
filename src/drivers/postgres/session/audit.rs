//! Asks the server what a session has left in its connection: exact where texts say nothing, at the price of a round trip.

use super::super::connection::Connection;
use super::mode::SessionState;
use tokio_postgres::Error;

/// Asked outside of a transaction: whatever is found there outlasts one. Roles are not in `pg_settings`.
const LEFT: &str = "\
SELECT 'parameter', name FROM pg_catalog.pg_settings WHERE source = 'session'
UNION ALL SELECT 'parameter', 'role' WHERE current_user <> session_user
UNION ALL SELECT 'listen', channel FROM pg_catalog.pg_listening_channels() AS channel
UNION ALL SELECT 'prepared', name FROM pg_catalog.pg_prepared_statements WHERE from_sql
UNION ALL SELECT 'temporary', relname FROM pg_catalog.pg_class
    WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'p', 'v', 'S')
UNION ALL SELECT 'lock', classid::text || ', ' || objid::text FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()
UNION ALL SELECT 'cursor', name FROM pg_catalog.pg_cursors WHERE is_holdable";

/// What is left, each with its name.
pub(super) async fn left(conn: &Connection) -> Result<Vec<(SessionState, String)>, Error> {
    let statement = conn.prepare_cached(LEFT).await?;
    let rows = conn.query(&statement, &[]).await?;
    let left = rows.iter().map(|row| {
        let state = match row.try_get(0)? {
            "parameter" => SessionState::Parameter,
            "listen" => SessionState::Listen,
            "prepared" => SessionState::PreparedStatement,
            "temporary" => SessionState::TemporaryObject,
            "lock" => SessionState::AdvisoryLock,
            _ => SessionState::HeldCursor,
        };
        Ok((state, row.try_get(1)?))
    });
    left.collect()
}
