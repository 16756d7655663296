//! All session variables at once: whichever of them a lease sets, the next one finds those of a new session.

use super::servers::mysql::Mysql as Server;
use super::{manager, pool};
use fairpool::Manager;
use fairpool::drivers::mysql::mysql_async::Conn;
use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::drivers::mysql::{Mysql, Reset};
use std::collections::BTreeMap;

/// Different in each session, and at each look.
const FLEETING: [&str; 4] = ["TIMESTAMP", "RAND_SEED1", "RAND_SEED2", "PSEUDO_THREAD_ID"];

async fn variables(conn: &mut Conn) -> BTreeMap<String, String> {
    let all =
        "SELECT variable_name, CAST(IFNULL(variable_value, '') AS BINARY) FROM information_schema.session_variables";
    let all: Vec<(String, Vec<u8>)> = conn.query(all).await.expect("told");
    let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
    let lasting = |(name, _): &(String, String)| !FLEETING.contains(&name.as_str());
    all.into_iter().map(text).filter(lasting).collect()
}

/// Statements that set each variable to something else than it is by default.
fn changes(server: &Server) -> Vec<String> {
    let sql = "SELECT variable_name, variable_type, default_value, IFNULL(enum_value_list, '') \
               FROM information_schema.system_variables \
               WHERE variable_scope LIKE 'SESSION%' AND read_only = 'NO' ORDER BY variable_name";
    let rows = server.sql(sql);
    let mut changes = Vec::new();
    for row in rows.lines() {
        let mut columns = row.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (name, kind, default, values) = (next(), next(), next(), next());
        // By these the lease would end its own session, or no answer would be read any more.
        if [
            "PSEUDO_THREAD_ID",
            "WSREP_ON",
            "SQL_SELECT_LIMIT",
            "MAX_STATEMENT_TIME",
            "NET_READ_TIMEOUT",
            "NET_WRITE_TIMEOUT",
        ]
        .contains(&name)
            || name.starts_with("DEBUG")
        {
            continue;
        }
        let number = default.parse::<u64>().unwrap_or(0);
        let value = match kind {
            "BOOLEAN" => String::from(if default == "ON" { "OFF" } else { "ON" }),
            "ENUM" => {
                let other = values.split(',').find(|value| *value != default);
                format!("'{}'", other.unwrap_or_default())
            }
            "SET" | "FLAGSET" => format!("'{}'", values.split(',').next().unwrap_or_default()),
            "DOUBLE" | "INT" | "INT UNSIGNED" | "BIGINT" | "BIGINT UNSIGNED" => format!("{}", (number / 2).max(7)),
            _ if name.starts_with("CHARACTER_SET") => "'latin2'".to_owned(),
            _ if name.starts_with("COLLATION") => "'latin2_general_ci'".to_owned(),
            _ if name == "TIME_ZONE" => "'+03:00'".to_owned(),
            _ => "'x'".to_owned(),
        };
        changes.push(format!("SET SESSION {name} = {value}"));
    }
    changes
}

#[tokio::test]
async fn no_session_variable_outlives_its_lease() {
    let Some(server) = Server::start(&[]) else { return };
    server.sql("CREATE USER every@'127.0.0.1' IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO every@'127.0.0.1'");
    let every = Mysql::from_url(&server.url().replace("app:", "every:")).expect("a good url");
    let fresh = variables(&mut every.connect().await.expect("a connection")).await;
    assert_eq!(
        fresh,
        variables(&mut every.connect().await.expect("another")).await,
        "the same each time"
    );
    let changes = changes(&server);
    for reset in [Reset::Full, Reset::Login] {
        let pool = pool(every.clone().reset(reset), 1);
        let mut conn = pool.acquire().await.expect("a connection");
        let (id, mut set) = (conn.id(), 0);
        for change in &changes {
            set += u32::from(conn.query_drop(change).await.is_ok());
        }
        let dirty = variables(&mut conn).await;
        let changed = fresh
            .iter()
            .filter(|(name, value)| dirty.get(*name) != Some(*value))
            .count();
        assert!(
            set > 150 && changed > 150,
            "{reset:?}: {set} of {} set, {changed} changed",
            changes.len()
        );
        drop(conn);
        let mut conn = pool.acquire().await.expect("a connection");
        let clean = variables(&mut conn).await;
        let left: Vec<_> = clean
            .iter()
            .filter(|(name, value)| fresh.get(*name) != Some(*value))
            .collect();
        assert!(left.is_empty(), "{reset:?}: {left:?}");
        assert_eq!(conn.id(), id);
    }
    drop(manager(&server));
}
