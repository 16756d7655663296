//! What a lease can leave in a PostgreSQL session, each thing by itself: the next lease gets the same session and finds nothing of it.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
mod servers;

use fairpool::Manager;
use fairpool::drivers::postgres::{Postgres, Reset};
use one::{Outcome, ask, is_undone, same, server, single, superuser};

/// The default undoes it, or there is no server.
async fn undone(leave: &str, look: &str) {
    assert_ne!(is_undone(Reset::default(), leave, look).await, Some(false), "{leave}");
}

#[tokio::test]
async fn the_role_is_as_before() {
    undone("SET ROLE app", "SELECT current_user").await;
}

#[tokio::test]
async fn the_session_authorization_is_as_before() {
    undone("SET SESSION AUTHORIZATION app", "SELECT session_user, current_user").await;
}

#[tokio::test]
async fn a_role_under_another_authorization_is_as_before() {
    let leave = "CREATE ROLE other; GRANT other TO app; SET SESSION AUTHORIZATION app; SET ROLE other";
    undone(leave, "SELECT session_user, current_user").await;
}

#[tokio::test]
async fn the_search_path_is_as_before() {
    undone("SET search_path = nowhere", "SHOW search_path").await;
}

#[tokio::test]
async fn a_search_path_set_by_a_function_is_as_before() {
    undone("SELECT set_config('search_path', 'nowhere', false)", "SHOW search_path").await;
}

#[tokio::test]
async fn the_time_zone_is_as_before() {
    undone("SET TIME ZONE 'Asia/Tokyo'", "SHOW TimeZone").await;
}

#[tokio::test]
async fn timeouts_and_transaction_defaults_are_as_before() {
    let leave = "SET statement_timeout = '7s'; SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
    undone(
        leave,
        "SELECT current_setting('statement_timeout'), current_setting('transaction_read_only')",
    )
    .await;
}

#[tokio::test]
async fn parameters_of_the_user_s_own_are_empty() {
    undone(
        "SET app.tenant = 'acme'",
        "SELECT coalesce(current_setting('app.tenant', true), '')",
    )
    .await;
}

#[tokio::test]
async fn temporary_tables_are_gone() {
    let look = "SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()";
    undone("CREATE TEMP TABLE scratch (a int)", look).await;
}

#[tokio::test]
async fn temporary_tables_made_by_a_query_are_gone() {
    let look = "SELECT to_regclass('pg_temp.drawn') IS NULL";
    undone("SELECT 1 AS a INTO TEMP drawn", look).await;
}

/// As this session holds them.
const ADVISORY: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";

#[tokio::test]
async fn advisory_locks_of_the_session_are_released() {
    undone(
        "SELECT pg_advisory_lock(11), pg_advisory_lock(11), pg_advisory_lock_shared(12)",
        ADVISORY,
    )
    .await;
}

#[tokio::test]
async fn advisory_locks_of_a_transaction_are_released() {
    undone("BEGIN; SELECT pg_advisory_xact_lock(13)", ADVISORY).await;
}

#[tokio::test]
async fn channels_are_no_longer_listened_to() {
    undone(
        "LISTEN news; LISTEN weather",
        "SELECT count(*) FROM pg_listening_channels()",
    )
    .await;
}

#[tokio::test]
async fn a_receiver_of_notifications_ends_with_its_lease() {
    let Some(server) = server() else { return };
    let pool = single(superuser(server));
    let conn = pool.acquire().await.expect("a connection");
    let process = conn.process_id();
    let mut notifications = conn.notifications();
    conn.batch_execute("LISTEN parting").await.expect("listens");
    drop(conn);
    let conn = same(&pool, process).await;
    conn.batch_execute("NOTIFY parting").await.expect("notified");
    let heard = tokio::time::timeout(one::NEVER, notifications.next()).await;
    assert!(matches!(heard, Ok(None)), "it outlives its lease");
}

const PREPARED: &str = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql";

#[tokio::test]
async fn a_receiver_without_any_sql_ends_with_its_lease_too() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    for reset in [Reset::Full, Reset::Observed] {
        let pool = single(superuser(server).reset(reset));
        let conn = pool.acquire().await?;
        let process = conn.process_id();
        let mut notifications = conn.notifications();
        drop(conn);
        let conn = same(&pool, process).await;
        conn.batch_execute("LISTEN others; NOTIFY others").await?;
        let heard = tokio::time::timeout(one::NEVER, notifications.next()).await?;
        assert!(heard.is_none(), "{reset:?}: {heard:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_boundless_buffer_of_notifications_has_a_bound() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let conn = superuser(server).notification_buffer(usize::MAX).connect().await?;
    let mut notifications = conn.notifications();
    conn.batch_execute("LISTEN bounded; NOTIFY bounded").await?;
    let heard = tokio::time::timeout(one::NEVER, notifications.next()).await?;
    assert!(heard.is_some());
    Ok(())
}

#[tokio::test]
async fn sql_s_prepared_statements_are_gone() {
    undone(
        "PREPARE a AS SELECT 1; PREPARE \"a \"\" b\" AS SELECT $1::int",
        PREPARED,
    )
    .await;
}

#[tokio::test]
async fn cursors_with_hold_are_gone() {
    let leave = "DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 9); FETCH 2 FROM c";
    undone(leave, "SELECT count(*) FROM pg_cursors WHERE is_holdable").await;
}

#[tokio::test]
async fn what_a_sequence_gave_is_forgotten() {
    let Some(server) = server() else { return };
    let pool = single(superuser(server));
    let conn = pool.acquire().await.expect("a connection");
    let process = conn.process_id();
    ask(&conn, "CREATE SEQUENCE given; SELECT nextval('given')").await;
    assert_eq!(ask(&conn, "SELECT lastval()").await, "1");
    drop(conn);
    let error = same(&pool, process)
        .await
        .simple_query("SELECT lastval()")
        .await
        .unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("55000"), "{error}");
}

#[tokio::test]
async fn all_of_it_at_once_in_a_failed_transaction_is_undone() {
    let leave = "SET ROLE app; SET search_path = nowhere; LISTEN news; PREPARE p AS SELECT 1; \
        SELECT pg_catalog.pg_advisory_lock(14)";
    let look = "SELECT current_user, current_setting('search_path'), current_setting('TimeZone')";
    let Some(server) = server() else { return };
    let pool = single(superuser(server));
    let conn = pool.acquire().await.expect("a connection");
    let (process, before) = (conn.process_id(), ask(&conn, look).await);
    conn.batch_execute(leave).await.expect("done");
    conn.batch_execute("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'")
        .await
        .expect("begun");
    conn.batch_execute("SELECT 1 / 0").await.unwrap_err();
    drop(conn);
    let conn = same(&pool, process).await;
    assert_eq!(ask(&conn, look).await, before);
    assert_eq!(
        (ask(&conn, ADVISORY).await, ask(&conn, PREPARED).await),
        ("0".into(), "0".into())
    );
}

#[tokio::test]
async fn the_setup_holds_again() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let setup = "SET search_path = pg_catalog, public; CREATE TEMP TABLE IF NOT EXISTS scratch (a int)";
    let pool = single(superuser(server).setup(setup).setup("SET lock_timeout = '3s'"));
    let look = "SELECT current_setting('search_path'), current_setting('lock_timeout'), count(*) FROM pg_temp.scratch";
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    assert_eq!(ask(&conn, look).await, "pg_catalog, public 3s 0");
    conn.batch_execute("INSERT INTO scratch VALUES (1); SET search_path = nowhere; SET lock_timeout = 0")
        .await?;
    drop(conn);
    assert_eq!(ask(&*same(&pool, process).await, look).await, "pg_catalog, public 3s 0");
    Ok(())
}

#[tokio::test]
async fn parameters_of_the_startup_hold_again_a_role_among_them() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let url = format!(
        "{}?options=-c%20statement_timeout%3D9s&application_name=shop",
        server.trusted()
    );
    let manager = Postgres::from_url(&url)?
        .parameter("role", "app")
        .parameter("search_path", "\"a b\", \"c\\d\"");
    let look = "SELECT session_user, current_user, current_setting('statement_timeout'), \
        current_setting('search_path'), current_setting('application_name')";
    let pool = single(manager);
    let conn = pool.acquire().await?;
    let (process, before) = (conn.process_id(), ask(&conn, look).await);
    assert_eq!(before, "postgres app 9s \"a b\", \"c\\d\" shop");
    let leave = "SET ROLE postgres; SET SESSION AUTHORIZATION tls; SET statement_timeout = 0; \
        SET search_path = nowhere; SET application_name = x";
    conn.batch_execute(leave).await?;
    assert_ne!(ask(&conn, look).await, before);
    drop(conn);
    assert_eq!(ask(&*same(&pool, process).await, look).await, before);
    Ok(())
}

/// How often the server was made to parse this text by the protocol.
fn parses(server: &servers::postgres::Postgres, text: &str) -> usize {
    let log = server.keeper.log();
    log.lines()
        .filter(|line| line.contains(" parse ") && line.contains(text))
        .count()
}

#[tokio::test]
async fn cached_statements_survive_every_reset_and_are_parsed_once() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    for (reset, text) in [(Reset::Full, "101"), (Reset::Observed, "102"), (Reset::Rollback, "103")] {
        let pool = single(superuser(server).reset(reset));
        let sql = format!("SELECT {text} + $1::int");
        for _ in 0..5 {
            let conn = pool.acquire().await?;
            let sum = conn.prepare_cached(&sql).await?;
            assert_eq!(
                conn.query_one(&sum, &[&1]).await?.get::<_, i32>(0),
                text.parse::<i32>()? + 1
            );
            conn.batch_execute("SET search_path = nowhere; BEGIN; SELECT 1").await?;
        }
        pool.drain(one::NEVER).await;
        assert_eq!(parses(server, &sql), 1, "{reset:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_that_asked_for_nothing_costs_no_round_trip() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let mut conn = pool.acquire().await?;
    conn.settled().await;
    let process = conn.process_id();
    drop(conn);
    drop(same(&pool, process).await);
    for _ in 0..3 {
        drop(pool.acquire().await?);
    }
    let log = server.keeper.log();
    let of_this = |line: &&str| line.contains("DISCARD TEMP") && line.contains(&format!("[{process}]"));
    assert_eq!(log.lines().filter(of_this).count(), 1);
    Ok(())
}
