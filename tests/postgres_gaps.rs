//! The cheaper resets: what each of them does not undo is what its documentation says, no more and no less.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
mod servers;

use fairpool::drivers::postgres::Reset;
use one::{is_undone, server};

const ADVISORY: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";

/// A way to leave something, how to see it, and whether `Observed` and `Rollback` undo it.
struct Left(&'static str, &'static str, [bool; 2]);

const PLAIN: [bool; 2] = [true, false];
const BY_A_QUERY: [bool; 2] = [false, false];
const IN_A_TRANSACTION: [bool; 2] = [true, true];

fn all() -> Vec<Left> {
    let scratch = "SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()";
    vec![
        Left(
            "BEGIN; LOCK pg_class",
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND pid = pg_backend_pid()",
            IN_A_TRANSACTION,
        ),
        Left("BEGIN; SET TimeZone = 'Asia/Tokyo'", "SHOW TimeZone", IN_A_TRANSACTION),
        Left("BEGIN; SELECT pg_advisory_xact_lock(1)", ADVISORY, IN_A_TRANSACTION),
        Left("BEGIN; CREATE TEMP TABLE scratch (a int)", scratch, IN_A_TRANSACTION),
        Left(
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
            "SELECT count(*) FROM pg_cursors WHERE is_holdable",
            PLAIN,
        ),
        Left("SET ROLE app", "SELECT current_user", PLAIN),
        Left("SET SESSION AUTHORIZATION app", "SELECT session_user", PLAIN),
        Left("SET search_path = nowhere", "SHOW search_path", PLAIN),
        Left("SET TimeZone = 'Asia/Tokyo'", "SHOW TimeZone", PLAIN),
        Left("SET statement_timeout = '7s'", "SHOW statement_timeout", PLAIN),
        Left("LISTEN news", "SELECT count(*) FROM pg_listening_channels()", PLAIN),
        Left("CREATE TEMP TABLE scratch (a int)", scratch, PLAIN),
        Left("CREATE TEMP VIEW scratch AS SELECT 1", scratch, PLAIN),
        Left(
            "PREPARE p AS SELECT 1",
            "SELECT count(*) FROM pg_prepared_statements WHERE from_sql",
            PLAIN,
        ),
        Left("DO $$ BEGIN PERFORM pg_advisory_lock(2); END $$", ADVISORY, PLAIN),
        // The server reports these parameters whenever they change.
        Left(
            "SELECT set_config('TimeZone', 'Asia/Tokyo', false)",
            "SHOW TimeZone",
            PLAIN,
        ),
        Left(
            "SELECT set_config('application_name', 'x', false)",
            "SHOW application_name",
            PLAIN,
        ),
        Left(
            "SELECT set_config('search_path', 'nowhere', false)",
            "SHOW search_path",
            BY_A_QUERY,
        ),
        Left(
            "SELECT set_config('statement_timeout', '7s', false)",
            "SHOW statement_timeout",
            BY_A_QUERY,
        ),
        Left("SELECT pg_advisory_lock(3)", ADVISORY, BY_A_QUERY),
        Left("SELECT 1 AS a INTO TEMP scratch", scratch, BY_A_QUERY),
        Left("CREATE TEMP TABLE scratch AS SELECT 1 AS a", scratch, BY_A_QUERY),
    ]
}

#[tokio::test]
async fn the_default_has_none() {
    for Left(leave, look, _) in all() {
        assert_ne!(is_undone(Reset::Full, leave, look).await, Some(false), "{leave}");
    }
}

#[tokio::test]
async fn observed_misses_what_queries_do_and_nothing_else() {
    for Left(leave, look, [observed, _]) in all() {
        assert_ne!(
            is_undone(Reset::Observed, leave, look).await,
            Some(!observed),
            "{leave}"
        );
    }
}

#[tokio::test]
async fn rollback_undoes_no_more_than_the_transaction() {
    for Left(leave, look, [_, rollback]) in all() {
        assert_ne!(
            is_undone(Reset::Rollback, leave, look).await,
            Some(!rollback),
            "{leave}"
        );
    }
}

/// The round trips of ten leases that do this, each counted by the server as one statement of the reset's.
async fn resets(reset: Reset, work: &str) -> Option<usize> {
    let server = server()?;
    let pool = one::single(one::superuser(server).reset(reset));
    let process = pool.acquire().await.expect("a connection").process_id();
    for _ in 0..10 {
        let conn = one::same(&pool, process).await;
        conn.batch_execute(work).await.expect("done");
    }
    pool.drain(one::NEVER).await;
    let of_a_reset = |line: &&str| line.contains(&format!("[{process}]")) && line.contains("DISCARD TEMP");
    Some(server.keeper.log().lines().filter(of_a_reset).count())
}

#[tokio::test]
async fn after_work_that_leaves_nothing_the_cheaper_ones_cost_nothing() {
    let work = "CREATE UNLOGGED TABLE IF NOT EXISTS plain (a int)";
    let Some(_) = resets(Reset::Full, work).await else {
        return;
    };
    let work = "BEGIN; INSERT INTO plain VALUES (1); UPDATE plain SET a = 2; SAVEPOINT s; DELETE FROM plain; COMMIT; \
        SELECT count(*) FROM plain; TRUNCATE plain; NOTIFY nobody; SHOW TimeZone; EXPLAIN SELECT 1; VALUES (1)";
    assert_eq!(resets(Reset::Full, work).await, Some(10));
    assert_eq!(resets(Reset::Observed, work).await, Some(0));
    assert_eq!(resets(Reset::Rollback, work).await, Some(0));
}
