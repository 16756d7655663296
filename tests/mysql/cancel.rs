//! Calls dropped at every poll: no later lease reads an answer that is not its own, or finds anything of them.

use super::servers::mysql::Mysql as Server;
use super::{manager, pool};
use fairpool::Manager;
use fairpool::drivers::mysql::Reset;
use fairpool::drivers::mysql::mysql_async::prelude::{Query, Queryable};
use fairpool::drivers::mysql::mysql_async::{Conn, Error, Result, TxOpts};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use std::future::poll_fn;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What a lease is in the middle of. Each would answer `foreign` where it answers.
const CALLS: [(&str, Call); 12] = [
    ("a short query", |conn| Box::pin(conn.query_drop("SELECT 'foreign'"))),
    ("a slow one", |conn| Box::pin(conn.query_drop("DO SLEEP(0.02)"))),
    ("one that fails", |conn| Box::pin(conn.query_drop("SELECT foreign"))),
    ("a long answer", |conn| {
        Box::pin(conn.query_drop("SELECT 'foreign', REPEAT('x', 1000) FROM seq_1_to_5000"))
    }),
    ("a long answer, row by row", |conn| Box::pin(rows(conn))),
    ("several statements", |conn| {
        Box::pin(conn.query_drop("SELECT 'foreign'; DO SLEEP(0.01); INSERT INTO t VALUES (1); SELECT foreign"))
    }),
    ("a prepared statement", |conn| Box::pin(prepared(conn))),
    ("a large parameter", |conn| Box::pin(large(conn))),
    ("a transaction", |conn| Box::pin(transaction(conn))),
    ("behind a dropped transaction", |conn| {
        Box::pin(behind_a_transaction(conn))
    }),
    ("behind a half-read answer", |conn| Box::pin(behind_an_answer(conn))),
    ("a file being loaded", |conn| Box::pin(loading(conn))),
];

type Call = fn(&mut Conn) -> BoxFuture<'_, Result<()>>;

async fn rows(conn: &mut Conn) -> Result<()> {
    let mut answer = conn
        .query_iter("SELECT 'foreign', REPEAT('x', 1000) FROM seq_1_to_2000; SELECT 'foreign'")
        .await?;
    while answer.next().await?.is_some() {}
    Ok(())
}

async fn prepared(conn: &mut Conn) -> Result<()> {
    for number in 0..3 {
        let _: Vec<(u32, String)> = conn.exec("SELECT ?, 'foreign'", (number,)).await?;
        // More than the cache holds.
        conn.exec_drop(format!("SELECT 'foreign', {number}, ?"), (number,))
            .await?;
    }
    Ok(())
}

async fn large(conn: &mut Conn) -> Result<()> {
    conn.exec_drop("SELECT 'foreign', LENGTH(?)", (vec![b'x'; 6_000_000],))
        .await
}

async fn transaction(conn: &mut Conn) -> Result<()> {
    let mut tx = conn.start_transaction(TxOpts::default()).await?;
    tx.query_drop("INSERT INTO t VALUES (1)").await?;
    "SELECT 'foreign'".ignore(&mut tx).await?;
    tx.rollback().await
}

async fn behind_a_transaction(conn: &mut Conn) -> Result<()> {
    drop(conn.start_transaction(TxOpts::default()).await?);
    conn.query_drop("DO SLEEP(0.02)").await?;
    conn.query_drop("SELECT 'foreign'").await
}

async fn behind_an_answer(conn: &mut Conn) -> Result<()> {
    for _ in 0..2 {
        drop(
            conn.query_iter("SELECT 'foreign' FROM seq_1_to_100; SELECT 'foreign'; SELECT 'foreign'")
                .await?,
        );
        conn.query_drop("DO SLEEP(0.02)").await?;
    }
    Ok(())
}

async fn loading(conn: &mut Conn) -> Result<()> {
    let lines = stream::iter(0..5).then(|number| async move {
        sleep(Duration::from_millis(2)).await;
        Ok(format!("{number}\n").into())
    });
    conn.set_infile_handler(async move { Ok(lines.boxed()) });
    conn.query_drop("LOAD DATA LOCAL INFILE 'foreign' INTO TABLE t").await?;
    conn.query_drop("DELETE FROM t").await
}

/// Polls a call `polls` times and drops it, right after the last of them or when it would be polled again.
async fn cut(call: BoxFuture<'_, Result<()>>, polls: u32, at_once: bool) -> Option<Result<()>> {
    let (mut call, mut left) = (call, polls);
    poll_fn(move |cx| {
        if left == 0 {
            return None.into();
        }
        left -= 1;
        match call.poll_unpin(cx) {
            std::task::Poll::Pending if left == 0 && at_once => None.into(),
            outcome => outcome.map(Some),
        }
    })
    .await
}

async fn cut_everywhere(reset: Reset) {
    let Some(server) = Server::start(&["--local-infile=1"]) else {
        return;
    };
    server.sql("CREATE TABLE app.t (a INT) ENGINE=InnoDB");
    let pool = pool(manager(&server).reset(reset), 1);
    let mut cuts = 0;
    for (name, call) in CALLS {
        for (polls, at_once) in (1..=12)
            .chain([20, 40])
            .flat_map(|polls| [(polls, true), (polls, false)])
        {
            let mut conn = pool.acquire().await.expect("a connection");
            cuts += u32::from(cut(call(&mut conn), polls, at_once).await.is_none());
            drop(conn);
            let mut conn = pool.acquire().await.expect("a connection");
            for own in 0..3 {
                let said: Option<(String, u32)> = conn
                    .query_first(format!("SELECT 'own {own}', @@in_transaction"))
                    .await
                    .unwrap_or_else(|error| panic!("{reset:?}, {name}, {polls} polls: {error}"));
                assert_eq!(
                    said,
                    Some((format!("own {own}"), 0)),
                    "{reset:?}, {name}, {polls} polls, {at_once}"
                );
            }
            let kept: Option<u32> = conn.query_first("SELECT count(*) FROM t").await.expect("told");
            // Statements that were sent outside of a transaction may have been carried out.
            if name == "a transaction" {
                assert_eq!(kept, Some(0), "{reset:?}, {name}, {polls} polls");
            }
            conn.query_drop("DELETE FROM t").await.expect("deleted");
        }
    }
    assert!(cuts > 100, "only {cuts} calls were cut");
}

#[tokio::test]
async fn a_call_dropped_at_any_poll_leaves_no_answer_to_the_next_lease() {
    cut_everywhere(Reset::Full).await;
}

#[tokio::test]
async fn nor_where_the_reset_logs_in_anew() {
    cut_everywhere(Reset::Login).await;
}

#[tokio::test]
async fn nor_where_the_reset_only_rolls_back() {
    cut_everywhere(Reset::Rollback).await;
}

/// Why each reset asks for a number. When this fails, `mysql_async` has learnt to say when it is out of step.
#[tokio::test]
async fn mysql_async_by_itself_loses_step() {
    let Some(server) = Server::start(&[]) else { return };
    let mut conn = manager(&server).connect().await.expect("a connection").into_inner();
    drop(conn.start_transaction(TxOpts::default()).await.expect("begun"));
    let cut = timeout(Duration::from_millis(50), conn.query_drop("DO SLEEP(0.2)")).await;
    assert!(cut.is_err());
    assert!(!conn.is_disconnected(), "it takes itself for sound");
    assert!(conn.reset().await.expect("an answer"), "that of the sleep");
    let own: Option<String> = conn.query_first("SELECT 'own'").await.expect("an answer");
    assert_eq!(own, None, "that of the reset");
    conn.disconnect().await.expect("closed");
}

/// A handler's error leaves the server waiting for the file, and passes for an answer of the server.
#[tokio::test]
async fn a_load_that_its_handler_gave_up_is_not_lent_again() {
    let Some(server) = Server::start(&["--local-infile=1"]) else {
        return;
    };
    server.sql("CREATE TABLE app.t (a INT)");
    for reset in [Reset::Full, Reset::Login, Reset::Rollback] {
        let pool = pool(manager(&server).reset(reset), 1);
        let mut conn = pool.acquire().await.expect("a connection");
        let other = conn.query_drop("SELECT foreign").await.expect_err("no such column");
        assert!(matches!(other, Error::Server(_)));
        conn.set_infile_handler(async move { Err(other) });
        let load = conn.query_drop("LOAD DATA LOCAL INFILE 'x' INTO TABLE t").await;
        load.expect_err("given up");
        drop(conn);
        let mut conn = pool.acquire().await.expect("a connection");
        let own: Option<String> = conn.query_first("SELECT 'own'").await.expect("an answer");
        assert_eq!(own.as_deref(), Some("own"), "{reset:?}");
        assert_eq!(server.sql("SELECT count(*) FROM app.t"), "0");
    }
}
