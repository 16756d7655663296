//! Cancels that come late, or that nobody waits for: they hit no lease but the one that they were meant for.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
mod servers;

use fairpool::drivers::postgres::Postgres;
use one::{NEVER, Outcome, ask, same, server, single, superuser};
use servers::postgres::Postgres as Server;
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[tokio::test]
async fn a_canceller_does_nothing_when_its_lease_is_over() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    let old = conn.canceller();
    // Of a lease that asked for something, and of one that did not.
    ask(&conn, "SELECT 1").await;
    drop(conn);
    let conn = pool.acquire().await?;
    let older = conn.canceller();
    drop(conn);
    let conn = same(&pool, process).await;
    let late = async {
        for canceller in [&old, &older] {
            tokio::time::sleep(Duration::from_millis(30)).await;
            canceller.cancel().await?;
        }
        Outcome::Ok(())
    };
    let (slept, late) = tokio::join!(conn.batch_execute("SELECT pg_sleep(0.2)"), late);
    slept?;
    late?;
    // The lease's own still does what it is for.
    let own = conn.canceller();
    let (slow, cancelled) = tokio::join!(conn.batch_execute("SELECT pg_sleep(3600)"), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        own.cancel().await
    });
    cancelled?;
    assert!(slow.is_err());
    drop(conn);
    drop(same(&pool, process).await);
    Ok(())
}

/// Whether the connection is lent again after a cancel that was dropped while a frozen server kept it waiting.
async fn is_lent_again(server: &Server, options: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let pool = single(Postgres::from_url(&format!("{}?{options}", server.trusted()))?);
    let conn = pool.acquire().await?;
    let process = conn.process_id();
    server.keeper.freeze();
    let canceller = conn.canceller();
    let given_up = tokio::time::timeout(Duration::from_millis(200), canceller.cancel()).await;
    server.keeper.thaw();
    assert!(given_up.is_err(), "nobody was there to hear it");
    let is_broken = conn.is_broken();
    drop(conn);
    let conn = pool.acquire().await?;
    // Whatever was sent arrives now.
    conn.batch_execute("SELECT pg_sleep(0.1)").await?;
    let is_lent_again = conn.process_id() == process;
    assert_ne!(is_broken, is_lent_again);
    Ok(is_lent_again)
}

#[tokio::test]
async fn a_cancel_that_is_given_up_hits_no_later_lease() -> Outcome {
    let Some(server) = Server::start(&[]) else {
        return Ok(());
    };
    assert!(!is_lent_again(&server, "sslmode=disable").await?, "it was sent");
    // It waits to hear whether there is TLS.
    assert!(is_lent_again(&server, "sslmode=prefer").await?, "it was not sent");
    Ok(())
}

#[tokio::test]
async fn a_lease_that_ends_before_its_cancel_has_arrived_is_followed_by_the_next_when_it_has() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let pool = single(superuser(server));
    let process = pool.acquire().await?.process_id();
    for _ in 0..5 {
        let conn = same(&pool, process).await;
        let canceller = conn.canceller();
        let mut cancel = Box::pin(async move { canceller.cancel().await });
        assert!(matches!(
            cancel.as_mut().poll(&mut Context::from_waker(Waker::noop())),
            Poll::Pending
        ));
        drop(conn);
        let mut next = Box::pin(pool.acquire());
        let early = tokio::time::timeout(Duration::from_millis(20), &mut next).await;
        assert!(early.is_err(), "lent while a cancel is on its way");
        let cancel = tokio::spawn(cancel);
        let conn = tokio::time::timeout(NEVER, next).await??;
        assert_eq!(conn.process_id(), process);
        conn.batch_execute("SELECT pg_sleep(0.003)").await?;
        cancel.await??;
    }
    Ok(())
}
