//! Cancels that come late, or that nobody waits for: they hit no lease but the one that they were meant for.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
mod servers;

use fairpool::drivers::postgres::Postgres;
use fairpool::{Manager, Pool};
use one::{NEVER, Outcome, ask, same, server, single, superuser};
use servers::pgbouncer::PgBouncer;
use servers::postgres::Postgres as Server;
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

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
    let given_up = timeout(Duration::from_millis(200), canceller.cancel()).await;
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
async fn a_cancel_that_is_never_passed_on_ends_in_time() -> Outcome {
    let Some(server) = Server::start(&[]) else {
        return Ok(());
    };
    let conn = Postgres::from_url(&format!("{}?sslmode=disable", server.trusted()))?;
    let conn = conn.connect().await?;
    server.keeper.freeze();
    tokio::time::pause();
    let canceller = conn.canceller();
    let error = timeout(NEVER, canceller.cancel())
        .await?
        .expect_err("nobody was there to hear it");
    let said = "to cancel: network: the server has not passed it on";
    assert!(error.to_string().ends_with(said) && error.is_transient(), "{error}");
    assert!(conn.is_broken(), "it may still arrive");
    server.keeper.thaw();
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
        let early = timeout(Duration::from_millis(20), &mut next).await;
        assert!(early.is_err(), "lent while a cancel is on its way");
        let cancel = tokio::spawn(cancel);
        let conn = timeout(NEVER, next).await??;
        assert_eq!(conn.process_id(), process);
        conn.batch_execute("SELECT pg_sleep(0.003)").await?;
        cancel.await??;
    }
    Ok(())
}

/// A session goes through the door as it is; what comes after it has to be a cancel, which is held back.
#[tokio::test]
async fn a_cancel_stays_until_the_server_has_closed() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let door = TcpListener::bind("127.0.0.1:0").await?;
    let port = door.local_addr()?.port();
    let address = ("127.0.0.1", server.port);
    let url = format!("postgresql://postgres@127.0.0.1:{port}/app?sslmode=disable");
    let pool = single(Postgres::from_url(&url)?);
    let (conn, session) = tokio::join!(pool.acquire(), async {
        let (mut client, _) = door.accept().await.expect("a session");
        let mut inner = TcpStream::connect(address).await.expect("a server");
        tokio::spawn(async move { copy_bidirectional(&mut client, &mut inner).await }).abort_handle()
    });
    let conn = conn?;
    let canceller = conn.canceller();
    let held_back = async {
        let (mut client, _) = door.accept().await?;
        let mut request = [0; 16];
        client.read_exact(&mut request).await?;
        let more = timeout(Duration::from_millis(200), client.read(&mut [0; 16])).await;
        assert!(more.is_err(), "it did not wait for the server: {more:?}");
        let mut inner = TcpStream::connect(address).await?;
        inner.write_all(&request).await?;
        assert_eq!(inner.read(&mut [0; 16]).await?, 0);
        Outcome::Ok(())
    };
    let slow = conn.batch_execute("SELECT pg_sleep(3600)");
    let (slow, cancelled, held_back) = tokio::join!(slow, canceller.cancel(), held_back);
    held_back?;
    cancelled?;
    assert!(slow.is_err());
    drop(conn);
    session.abort();
    Ok(())
}

/// PgBouncer 1.18 is killed by a cancel whose client closes its side before the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_dropped_queries_behind_pgbouncer_are_each_called_off() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let Some(bouncer) = PgBouncer::start(server, "transaction", 4) else {
        return Ok(());
    };
    let manager = Postgres::from_url(&bouncer.url())?;
    let pool = Pool::builder(manager)
        .limit(4)
        .acquire_timeout(Some(NEVER))
        .reset_timeout(NEVER)
        .build()?;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let pool = pool.clone();
        tasks.spawn(async move {
            for round in 0..12 {
                let conn = pool.acquire().await.expect("PgBouncer lives");
                let patience = Duration::from_millis(2 + (task * 7 + round) % 20);
                let dropped = timeout(patience, conn.simple_query("SELECT pg_sleep(3600)")).await;
                assert!(dropped.is_err(), "{dropped:?}");
            }
        });
    }
    while let Some(ended) = timeout(NEVER, tasks.join_next()).await? {
        ended?;
    }
    // In one message: PgBouncer gives each transaction another connection of the server's.
    pool.acquire().await?.simple_query("SELECT 7").await?;
    assert!(bouncer.is_alive());
    let totals = pool.status().totals;
    assert_eq!((totals.opened, totals.closed), (4, 0), "a query was not called off");
    Ok(())
}
