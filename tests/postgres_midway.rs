//! Leases that end while something is under way: the next one gets the same session, at rest, or a sound one in its place; and no
//! cancel that was meant for the last lease.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
#[path = "postgres/onlooker.rs"]
mod onlooker;
mod servers;

use fairpool::Pool;
use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::postgres::tokio_postgres::types::ToSql;
use futures::{SinkExt, StreamExt};
use one::{NEVER, Outcome, ask, same, server, single, superuser};
use onlooker::Onlooker;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const ENDLESS: &str = "SELECT generate_series(1, 1000000000)";
const NONE: [&(dyn ToSql + Sync); 0] = [];

/// Asks for something without waiting for the answer.
fn begin<F: Future>(request: std::pin::Pin<&mut F>) {
    let polled = request.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending), "answered at once");
}

/// A pool that soon gives up a connection which cannot be cleaned.
fn hasty(manager: Postgres) -> Pool<Postgres> {
    Pool::builder(manager)
        .limit(1)
        .acquire_timeout(Some(NEVER))
        .reset_timeout(Duration::from_millis(300))
        .close_timeout(Duration::from_millis(300))
        .build()
        .expect("good options")
}

/// A pool that gives up a connection which cannot be cleaned, and waits as long as it may for its end.
fn polite(manager: Postgres) -> Pool<Postgres> {
    Pool::builder(manager)
        .limit(1)
        .acquire_timeout(Some(NEVER))
        .reset_timeout(Duration::from_millis(300))
        .close_timeout(NEVER)
        .build()
        .expect("good options")
}

/// The next lease has a session of its own, before anybody could have waited for a farewell.
async fn replaced(pool: &Pool<Postgres>, process: i32) {
    let conn = tokio::time::timeout(Duration::from_secs(4), pool.acquire()).await;
    let conn = conn
        .expect("a useless connection keeps its place")
        .expect("a connection");
    assert_ne!(conn.process_id(), process);
}

#[tokio::test]
async fn a_connection_of_no_more_use_gives_its_place_up_without_a_farewell() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = polite(superuser(server));
    let conn = pool.acquire().await?;
    conn.batch_execute("CREATE TABLE useless (a int)").await?;
    // tokio-postgres cannot answer this one, and the server waits for rows.
    conn.batch_execute("COPY useless FROM STDIN")
        .await
        .expect_err("no answer to this");
    assert!(conn.is_broken());
    let process = conn.process_id();
    drop(conn);
    replaced(&pool, process).await;

    let conn = pool.acquire().await?;
    let sink = conn.copy_in::<_, &[u8]>("COPY useless FROM STDIN").await?;
    let process = conn.process_id();
    drop(conn);
    replaced(&pool, process).await;
    drop(sink);

    let conn = pool.acquire().await?;
    let rows = conn
        .query_raw("SELECT repeat('x', 1000) FROM generate_series(1, 20000)", NONE)
        .await?;
    let process = conn.process_id();
    drop(conn);
    replaced(&pool, process).await;
    drop(rows);
    Ok(())
}

#[tokio::test]
async fn in_a_transaction_it_is_rolled_back() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let mut conn = pool.acquire().await?;
    let process = conn.process_id();
    conn.batch_execute("CREATE TABLE in_tx (a int)").await?;
    conn.batch_execute("BEGIN; INSERT INTO in_tx VALUES (1); LOCK in_tx")
        .await?;
    drop(conn);
    conn = same(&pool, process).await;
    assert_eq!(ask(&conn, "SELECT count(*) FROM in_tx").await, "0");
    // The guard of a transaction that is never dropped.
    let tx = conn.transaction().await?;
    tx.batch_execute("INSERT INTO in_tx VALUES (2)").await?;
    std::mem::forget(tx);
    drop(conn);
    conn = same(&pool, process).await;
    assert_eq!(ask(&conn, "SELECT count(*) FROM in_tx").await, "0");
    // And one whose rollback is still on its way.
    let tx = conn.transaction().await?;
    tx.batch_execute("INSERT INTO in_tx VALUES (3)").await?;
    drop(tx);
    drop(conn);
    conn = same(&pool, process).await;
    assert_eq!(ask(&conn, "SELECT count(*) FROM in_tx").await, "0");
    Ok(())
}

#[tokio::test]
async fn at_a_commit_that_nobody_awaits_the_next_lease_finds_it_done_or_undone() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let mut conn = pool.acquire().await?;
    let process = conn.process_id();
    conn.batch_execute("CREATE TABLE committed (a int)").await?;
    let tx = conn.transaction().await?;
    tx.batch_execute("INSERT INTO committed VALUES (1)").await?;
    begin(pin!(tx.commit()));
    drop(conn);
    // The request was sent, so it is carried out.
    assert_eq!(
        ask(&*same(&pool, process).await, "SELECT count(*) FROM committed").await,
        "1"
    );
    Ok(())
}

#[tokio::test]
async fn in_a_copy_to_the_server_nothing_of_it_is_kept() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    conn.batch_execute("CREATE TABLE copied (a int)").await?;
    let sink = conn.copy_in::<_, &[u8]>("COPY copied FROM STDIN").await?;
    let mut sink = Box::pin(sink);
    sink.feed(b"1\n2\n").await?;
    sink.flush().await?;
    assert!(!conn.is_idle(), "the copy is not seen");
    drop(sink);
    drop(conn);
    let conn = same(&pool, process).await;
    assert_eq!(ask(&conn, "SELECT count(*) FROM copied").await, "0");
    // Before the first row, and while the statement is still being prepared.
    drop(conn.copy_in::<_, &[u8]>("COPY copied FROM STDIN").await?);
    drop(conn);
    let conn = same(&pool, process).await;
    begin(pin!(conn.copy_in::<_, &[u8]>("COPY copied FROM STDIN")));
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

#[tokio::test]
async fn in_a_copy_whose_sink_lives_on_another_session_is_lent() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = hasty(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    conn.batch_execute("CREATE TABLE held (a int)").await?;
    let mut sink = Box::pin(conn.copy_in::<_, &[u8]>("COPY held FROM STDIN").await?);
    sink.feed(b"1\n").await?;
    sink.flush().await?;
    drop(conn);
    let conn = pool.acquire().await?;
    assert_ne!(conn.process_id(), process);
    let _ = sink.feed(b"2\n").await;
    let _ = sink.as_mut().finish().await;
    assert_eq!(
        ask(&conn, "SELECT count(*) FROM held").await,
        "0",
        "what the old holder went on to send is kept"
    );
    Ok(())
}

#[tokio::test]
async fn in_a_copy_from_the_server_the_rest_is_called_off() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let copy = format!("COPY ({ENDLESS}) TO STDOUT");
    let mut rows = Box::pin(conn.copy_out(&copy).await?);
    assert_eq!(rows.next().await.expect("a row")?, "1\n");
    drop(rows);
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

#[tokio::test]
async fn with_pipelined_queries_under_way_they_are_called_off_each() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let slow = conn.prepare("SELECT pg_sleep(3600)").await?;
    {
        let all = async {
            tokio::join!(
                conn.query(&slow, &[]),
                conn.query(&slow, &[]),
                conn.batch_execute("SET a.b = c")
            )
        };
        begin(pin!(all));
    }
    drop(conn);
    let conn = same(&pool, process).await;
    assert_eq!(
        ask(&conn, "SELECT coalesce(current_setting('a.b', true), '')").await,
        ""
    );
    Ok(())
}

#[tokio::test]
async fn with_a_request_that_was_not_even_sent_it_is_called_off() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let mut conn = pool.acquire().await?;
    let process = conn.process_id();
    // So that nothing but the request itself can tell that there is one.
    conn.settled().await;
    begin(pin!(conn.batch_execute("SELECT pg_sleep(3600)")));
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

#[tokio::test]
async fn with_a_query_that_has_a_timeout_it_is_called_off() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let slow = conn.prepare("SELECT pg_sleep(3600)").await?;
    let timed = tokio::time::timeout(Duration::from_millis(20), conn.query(&slow, &[]));
    assert!(timed.await.is_err());
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

#[tokio::test]
async fn with_a_half_read_answer_the_rest_is_called_off() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let mut rows = Box::pin(conn.query_raw(ENDLESS, NONE).await?);
    assert_eq!(rows.next().await.expect("a row")?.get::<_, i32>(0), 1);
    drop(rows);
    drop(conn);
    let conn = same(&pool, process).await;
    let mut words = Box::pin(conn.simple_query_raw(ENDLESS).await?);
    words.next().await.expect("a row description")?;
    drop(words);
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

#[tokio::test]
async fn with_a_half_read_answer_that_lives_on_another_session_is_lent() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let onlooker = Onlooker::new(server);
    let pool = hasty(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let mut rows = Box::pin(conn.query_raw(ENDLESS, NONE).await?);
    rows.next().await.expect("a row")?;
    drop(conn);
    let conn = pool.acquire().await?;
    assert_ne!(conn.process_id(), process);
    assert_eq!(ask(&conn, "SELECT 1").await, "1");
    // The old holder reads to an end, which is not that of the series; and its session goes.
    let mut read = 0;
    while let Some(Ok(_)) = rows.next().await {
        read += 1;
    }
    assert!(read < 1_000_000_000);
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {process}");
    while onlooker.ask(&gone).await != "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[tokio::test]
async fn with_an_answer_that_is_never_read_and_never_dropped_another_session_is_lent() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let onlooker = Onlooker::new(server);
    let pool = hasty(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    std::mem::forget(Box::pin(conn.query_raw(ENDLESS, NONE).await?));
    drop(conn);
    assert_ne!(pool.acquire().await?.process_id(), process);
    assert!(pool.drain(NEVER).await.completed);
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {process}");
    while onlooker.ask(&gone).await != "0" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// What ends by itself at about the moment when it would be cancelled.
#[tokio::test]
async fn a_late_cancel_never_hits_the_next_lease() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let process = pool.acquire().await?.process_id();
    for round in 0..60 {
        let conn = pool.acquire().await?;
        assert_eq!(conn.process_id(), process);
        let sleep = format!("SELECT pg_sleep({})", 0.045 + f64::from(round % 20) * 0.0007);
        begin(pin!(conn.batch_execute(&sleep)));
        drop(conn);
        // A cancel that was still on its way would end this one.
        let conn = pool.acquire().await?;
        conn.batch_execute("SELECT pg_sleep(0.003)").await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_task_in_any_moment_leaves_a_sound_session() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    for moment in 0..40 {
        let task = async {
            let mut conn = pool.acquire().await?;
            let tx = conn.transaction().await?;
            let sum = tx.prepare_cached("SELECT $1::int + 1").await?;
            tx.query_one(&sum, &[&1]).await?;
            tx.batch_execute("SET LOCAL search_path = nowhere; SET TimeZone = 'Asia/Tokyo'")
                .await?;
            tx.commit().await?;
            conn.query("SELECT 1", &[]).await?;
            Outcome::Ok(())
        };
        let mut task = Box::pin(task);
        let mut polls = 0;
        let cut_off = std::future::poll_fn(|cx| {
            polls += 1;
            match polls > moment {
                true => Poll::Ready(()),
                false => task.as_mut().poll(cx).map(drop),
            }
        });
        cut_off.await;
        drop(task);
        let conn = pool.acquire().await?;
        let look = "SELECT current_setting('search_path') <> 'nowhere' AND current_setting('TimeZone') <> 'Asia/Tokyo'";
        assert_eq!(
            (conn.is_in_transaction(), ask(&conn, look).await),
            (false, "t".into()),
            "{moment}"
        );
    }
    assert_eq!(pool.status().totals.opened, 1, "a session was lost on the way");
    Ok(())
}
