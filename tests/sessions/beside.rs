//! The same scripts through our sessions and through PgBouncer, in each mode: what a client sees is the same, but for what we
//! mean to do better, which is named.

use super::{Town, run};
use crate::servers::pgbouncer::PgBouncer;
use fairpool::drivers::postgres::tokio_postgres::{self, Client, Error, NoTls, SimpleQueryMessage};
use fairpool::drivers::postgres::{Losses, Refusal, Session, SessionMode, Sessions};
use std::fmt::Write;

/// What a client sees of a statement: rows and tags, or an SQLSTATE, or that the mode does not allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Answer(String),
    Code(String),
    Refused,
}

/// Who says what, in this order. `THINGS` is a table of the test.
type Script<'a> = &'a [(char, &'a str)];

const MODES: [(SessionMode, &str); 3] = [
    (SessionMode::Session, "session"),
    (SessionMode::Transaction, "transaction"),
    (SessionMode::Statement, "statement"),
];

fn text(messages: Vec<SimpleQueryMessage>) -> Seen {
    let mut text = String::new();
    for message in messages {
        let _ = match message {
            SimpleQueryMessage::Row(row) => write!(text, "{}; ", row.get(0).unwrap_or("NULL")),
            SimpleQueryMessage::CommandComplete(rows) => write!(text, "({rows}) "),
            _ => Ok(()),
        };
    }
    Seen::Answer(text)
}

fn code(error: &Error) -> Seen {
    Seen::Code(error.code().map_or("none", |code| code.code()).to_owned())
}

async fn ours(session: &mut Session, sql: &str) -> Seen {
    match session.simple_query(sql).await {
        Ok(messages) => text(messages),
        Err(error) if error.refusal() == Some(Refusal::Transaction) => Seen::Refused,
        Err(error) => code(error.postgres().unwrap_or_else(|| panic!("{error}"))),
    }
}

async fn theirs(client: &Client, sql: &str) -> Seen {
    match client.simple_query(sql).await {
        Ok(messages) => text(messages),
        Err(error) => match error.as_db_error() {
            Some(said) if said.message().contains("not allowed in statement pooling mode") => Seen::Refused,
            _ => code(&error),
        },
    }
}

async fn connect(bouncer: &PgBouncer) -> Client {
    let (client, connection) = tokio_postgres::connect(&bouncer.url(), NoTls)
        .await
        .expect("it lets us in");
    tokio::spawn(connection);
    client
}

/// What both come to, ours first. A client whom PgBouncer has refused something is disconnected, so a script ends there.
async fn both(town: &Town, mode: (SessionMode, &str), connections: u32, script: Script<'_>) -> Option<[Vec<Seen>; 2]> {
    let bouncer = PgBouncer::start(town.server, mode.1, connections)?;
    town.pool.set_limit(connections).unwrap();
    let sessions: Sessions = town.sessions(mode.0).losses(Losses::Allow);
    let clear = format!("\\c app\nTRUNCATE {}", town.name);
    let script: Vec<_> = script
        .iter()
        .map(|(who, sql)| (*who, sql.replace("THINGS", &town.name)))
        .collect();

    town.server.psql(&clear);
    let mut here = [sessions.open(), sessions.open()];
    let mut seen = [Vec::new(), Vec::new()];
    for (who, sql) in &script {
        seen[0].push(ours(&mut here[usize::from(*who == 'b')], sql).await);
        if seen[0].ends_with(&[Seen::Refused]) {
            break;
        }
    }
    drop(here);
    town.server.psql(&clear);
    let there = [connect(&bouncer).await, connect(&bouncer).await];
    for (who, sql) in &script {
        seen[1].push(theirs(&there[usize::from(*who == 'b')], sql).await);
        if seen[1].ends_with(&[Seen::Refused]) {
            break;
        }
    }
    Some(seen)
}

const ALIKE: [(u32, Script<'static>); 9] = [
    (
        1,
        &[
            ('a', "BEGIN"),
            ('a', "INSERT INTO THINGS VALUES (1)"),
            ('a', "ROLLBACK"),
            ('a', "SELECT count(*) FROM THINGS"),
        ],
    ),
    (
        1,
        &[
            ('a', "INSERT INTO THINGS VALUES (1)"),
            ('a', "START TRANSACTION"),
            ('a', "SELECT 1"),
            ('a', "END"),
        ],
    ),
    // One message is one statement, to both.
    (
        1,
        &[
            ('a', "BEGIN; INSERT INTO THINGS VALUES (1); COMMIT"),
            ('a', "SELECT count(*) FROM THINGS"),
        ],
    ),
    (
        1,
        &[
            ('a', "INSERT INTO THINGS VALUES (1); SELECT 1/0"),
            ('a', "SELECT count(*) FROM THINGS"),
        ],
    ),
    (
        1,
        &[
            ('a', "SELECT 1; BEGIN; INSERT INTO THINGS VALUES (1)"),
            ('a', "SELECT count(*) FROM THINGS"),
            ('a', "COMMIT"),
        ],
    ),
    (
        1,
        &[
            ('a', "BEGIN"),
            ('a', "INSERT INTO THINGS VALUES (1)"),
            ('a', "SELECT 1/0"),
            ('a', "SELECT 1"),
            ('a', "COMMIT"),
            ('a', "SELECT count(*) FROM THINGS"),
        ],
    ),
    (
        1,
        &[
            ('a', "BEGIN; SAVEPOINT s"),
            ('a', "SELECT 1/0"),
            ('a', "ROLLBACK TO s"),
            ('a', "INSERT INTO THINGS VALUES (1)"),
            ('a', "COMMIT AND CHAIN"),
            ('a', "INSERT INTO THINGS VALUES (2)"),
            ('a', "ROLLBACK"),
            ('a', "SELECT count(*) FROM THINGS"),
        ],
    ),
    (
        1,
        &[
            ('a', "BEGIN; SET LOCAL search_path = nowhere"),
            ('a', "SHOW search_path"),
            ('a', "COMMIT"),
            ('a', "SHOW search_path"),
        ],
    ),
    // A session that takes turns with another on two connections.
    (
        2,
        &[
            ('a', "SELECT 1"),
            ('b', "BEGIN; INSERT INTO THINGS VALUES (1)"),
            ('a', "SELECT count(*) FROM THINGS"),
            ('b', "COMMIT"),
        ],
    ),
];

#[test]
fn a_script_comes_to_the_same_as_through_pgbouncer() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in MODES {
            let mut refused = 0;
            for (connections, script) in ALIKE {
                let Some([ours, theirs]) = both(&town, mode, connections, script).await else {
                    return;
                };
                assert_eq!(ours, theirs, "in {} mode: {script:?}", mode.1);
                refused += ours.iter().filter(|seen| **seen == Seen::Refused).count();
            }
            let expected = if mode.0 == SessionMode::Statement { 7 } else { 0 };
            assert_eq!(refused, expected, "in {} mode", mode.1);
        }
    });
}

/// What is left in a connection, and how a client finds it there. `b` takes the connection that `a` has used.
const LEFT: [(&str, &str); 5] = [
    (
        "CREATE TEMP TABLE loot (a int)",
        "SELECT count(*) FROM pg_class WHERE oid = to_regclass('pg_temp.loot')",
    ),
    ("LISTEN whispers", "SELECT count(*) FROM pg_listening_channels()"),
    (
        "SELECT pg_advisory_lock(1)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    (
        "SET search_path = nowhere",
        "SELECT count(*) FROM pg_settings WHERE name = 'search_path' AND setting = 'nowhere'",
    ),
    (
        "PREPARE heist AS SELECT 1",
        "SELECT count(*) FROM pg_prepared_statements WHERE name = 'heist'",
    ),
];

#[test]
fn what_a_mode_breaks_is_broken_in_both_and_leaks_in_pgbouncer_alone() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let count = |seen: &Seen| match seen {
            Seen::Answer(text) => text.starts_with("1; "),
            seen => panic!("{seen:?}"),
        };
        for (make, look) in LEFT {
            // While b holds the connection that a has used, a is on another.
            let lost: Script<'_> = &[
                ('a', make),
                ('b', "BEGIN"),
                ('b', "SELECT 1"),
                ('a', look),
                ('b', "COMMIT"),
            ];
            for (mode, is_kept) in [(MODES[0], true), (MODES[1], false)] {
                let Some([ours, theirs]) = both(&town, mode, 2, lost).await else {
                    return;
                };
                assert_eq!(count(&ours[3]), is_kept, "{make} in {} mode", mode.1);
                assert_eq!(
                    count(&theirs[3]),
                    is_kept,
                    "{make} in {} mode, through PgBouncer",
                    mode.1
                );
            }
            for mode in &MODES[1..] {
                let seen: Script<'_> = &[('a', make), ('b', look)];
                let Some([ours, theirs]) = both(&town, *mode, 1, seen).await else {
                    return;
                };
                assert!(!count(&ours[1]), "{make} in {} mode leaks", mode.1);
                assert!(
                    count(&theirs[1]),
                    "{make} in {} mode: PgBouncer has learned to clean up",
                    mode.1
                );
            }
        }
    });
}

#[test]
fn pgbouncer_keeps_a_clients_time_zone_and_we_do_not() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let script: Script<'_> = &[
            ('a', "SET TimeZone = 'Asia/Tokyo'"),
            ('b', "BEGIN"),
            ('b', "SHOW TimeZone"),
            ('a', "SHOW TimeZone"),
        ];
        let Some([ours, theirs]) = both(&town, MODES[1], 2, script).await else {
            return;
        };
        let tokyo = Seen::Answer("Asia/Tokyo; (0) ".to_owned());
        assert_eq!((ours[3] == tokyo, theirs[3] == tokyo), (false, true));
        assert!(ours[2] != tokyo && theirs[2] != tokyo, "neither shows it to others");
    });
}

#[test]
fn after_a_refusal_our_session_goes_on_and_pgbouncers_client_is_gone() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let Some(bouncer) = PgBouncer::start(town.server, "statement", 1) else {
            return;
        };
        let client = connect(&bouncer).await;
        assert_eq!(theirs(&client, "BEGIN").await, Seen::Refused);
        assert!(client.simple_query("SELECT 1").await.unwrap_err().is_closed());

        let mut session = town.sessions(SessionMode::Statement).open();
        assert_eq!(ours(&mut session, "BEGIN").await, Seen::Refused);
        assert_eq!(ours(&mut session, "SELECT 1").await, Seen::Answer("1; (1) ".to_owned()));
    });
}
