//! A pool of PostgreSQL connections and the server's own books: as many sessions as the pool counts, in each of its days, and none
//! after it.
#![cfg(feature = "postgres")]

#[path = "postgres/one.rs"]
mod one;
#[path = "postgres/onlooker.rs"]
mod onlooker;
mod servers;

use fairpool::drivers::postgres::Postgres;
use fairpool::{Manager, Pool};
use one::{NEVER, Outcome, ask, server};
use onlooker::Onlooker;
use servers::postgres::Postgres as Server;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// The sessions of one test: they bear its name.
struct Books {
    onlooker: Onlooker,
    name: &'static str,
}

impl Books {
    fn new(server: &Server, name: &'static str) -> Books {
        let onlooker = Onlooker::new(server);
        Books { onlooker, name }
    }

    async fn sessions(&self) -> u32 {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'",
            self.name
        );
        self.onlooker.ask(&sql).await.parse().expect("a number")
    }

    async fn come_to(&self, sessions: u32) {
        let reached = async {
            while self.sessions().await != sessions {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(
            tokio::time::timeout(NEVER, reached).await.is_ok(),
            "never {sessions} sessions"
        );
    }
}

/// With a password, and the test's name.
fn manager(server: &Server, name: &str) -> Postgres {
    Postgres::from_url(&format!("{}?application_name={name}", server.url())).expect("a good URL")
}

fn pool(manager: Postgres, limit: u32) -> Pool<Postgres> {
    Pool::builder(manager)
        .limit(limit)
        .acquire_timeout(Some(NEVER))
        .validate_after_idle(Some(Duration::ZERO))
        .build()
        .expect("good options")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_short_leases_take_as_many_sessions_as_the_pool_counts() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "short");
    let pool = pool(manager(server, "short"), 4);
    let tasks = (0..16).map(|task| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for round in 0..200 {
                let conn = pool.acquire().await.expect("a connection");
                let echo = conn.prepare_cached("SELECT $1::int").await.expect("prepared");
                let number = task * 1000 + round;
                let row = conn.query_one(&echo, &[&number]).await.expect("a row");
                assert_eq!(row.get::<_, i32>(0), number);
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await?;
    }
    let status = pool.status();
    assert_eq!(
        (status.totals.leases, status.totals.opened, status.totals.closed),
        (3200, 4, 0)
    );
    assert_eq!(books.sessions().await, status.open());
    assert!(pool.drain(NEVER).await.completed);
    assert_eq!(books.sessions().await, 0);
    Ok(())
}

#[tokio::test]
async fn a_drain_that_finds_queries_under_way_leaves_no_session_either() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "drained");
    let pool = pool(manager(server, "drained"), 3);
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(pool.acquire().await?);
    }
    let slow = leases[0].prepare("SELECT pg_sleep(3600)").await?;
    let asked = tokio::time::timeout(Duration::from_millis(20), leases[0].query(&slow, &[]));
    assert!(asked.await.is_err());
    leases[1].batch_execute("BEGIN").await?;
    assert_eq!(books.sessions().await, pool.status().open());
    drop(leases);
    assert!(pool.drain(NEVER).await.completed);
    assert_eq!(books.sessions().await, 0);
    Ok(())
}

#[tokio::test]
async fn a_connect_that_is_dropped_at_any_moment_leaves_no_session() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "dropped");
    let manager = manager(server, "dropped").setup("SELECT 1").setup("SELECT 2");
    let mut whole = false;
    for moment in 0..200 {
        let mut connect = Box::pin(manager.connect());
        let mut polls = 0;
        let opened = poll_fn(|cx| {
            polls += 1;
            match polls > moment {
                true => Poll::Ready(None),
                false => connect.as_mut().poll(cx).map(Some),
            }
        });
        if let Some(opened) = opened.await {
            opened?.close().await;
            whole = true;
            break;
        }
    }
    assert!(whole, "each was dropped before its end");
    books.come_to(0).await;
    Ok(())
}

#[tokio::test]
async fn a_connection_dropped_without_a_close_leaves_no_session() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "unclosed");
    let manager = manager(server, "unclosed");
    let conn = manager.connect().await?;
    let slow = conn.prepare("SELECT pg_sleep(3600)").await?;
    let asked = tokio::time::timeout(Duration::from_millis(20), conn.query(&slow, &[]));
    assert!(asked.await.is_err());
    assert_eq!(books.sessions().await, 1);
    drop(conn);
    books.come_to(0).await;
    let other = manager.connect().await?;
    let detached = pool(manager, 1).acquire_owned().await?.detach();
    assert_eq!(books.sessions().await, 2);
    drop((other, detached));
    books.come_to(0).await;
    Ok(())
}

#[tokio::test]
async fn a_new_generation_has_sessions_of_its_own() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "generations");
    let pool = pool(manager(server, "generations"), 2);
    let (idle, used) = (pool.acquire().await?, pool.acquire().await?);
    let old = [idle.process_id(), used.process_id()];
    drop(idle);
    pool.invalidate();
    let new = pool.acquire().await?;
    assert!(!old.contains(&new.process_id()));
    assert_eq!(ask(&used, "SELECT 'still mine'").await, "still mine");
    drop(used);
    let next = pool.acquire().await?;
    assert!(!old.contains(&next.process_id()));
    books.come_to(2).await;
    drop((new, next));
    assert!(pool.drain(NEVER).await.completed);
    assert_eq!(books.sessions().await, 0);
    Ok(())
}

#[tokio::test]
async fn a_session_killed_while_idle_is_not_lent() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "idle");
    let pool = pool(manager(server, "idle"), 1);
    for _ in 0..5 {
        let conn = pool.acquire().await?;
        let process = conn.process_id();
        drop(conn);
        assert!(books.onlooker.kill(process).await);
        let conn = pool.acquire().await?;
        assert_ne!(conn.process_id(), process);
        assert_eq!(ask(&conn, "SELECT 1").await, "1");
    }
    books.come_to(1).await;
    assert_eq!(pool.status().open(), 1);
    Ok(())
}

#[tokio::test]
async fn a_session_killed_in_use_is_told_to_its_holder_and_not_lent_again() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "in_use");
    let pool = pool(manager(server, "in_use"), 1);
    let mut conn = pool.acquire().await?;
    let process = conn.process_id();
    let slow = conn.batch_execute("SELECT pg_sleep(3600)");
    let (slow, killed) = tokio::join!(slow, books.onlooker.kill(process));
    assert!(killed);
    let error = slow.expect_err("it was killed");
    assert_eq!(error.code().map(|code| code.code()), Some("57P01"), "{error}");
    conn.settled().await;
    assert!(conn.is_broken());
    drop(conn);
    let conn = pool.acquire().await?;
    assert_ne!(conn.process_id(), process);
    // And one that asks for nothing at that moment.
    let process = conn.process_id();
    assert!(books.onlooker.kill(process).await);
    drop(conn);
    let conn = pool.acquire().await?;
    assert_ne!(conn.process_id(), process);
    assert_eq!(ask(&conn, "SELECT 1").await, "1");
    Ok(())
}

#[tokio::test]
async fn of_several_hosts_the_first_that_suits_is_taken() -> Outcome {
    let Some(writable) = server() else { return Ok(()) };
    let Some(standby) = Server::start(&[]) else {
        return Ok(());
    };
    standby.psql("ALTER ROLE postgres SET default_transaction_read_only = on");
    let nobody = servers::keeper::free_port();
    let (first, second) = (standby.port, writable.port);
    let url = |options: &str| {
        let hosts = format!("127.0.0.1:{nobody},127.0.0.1:{first},127.0.0.1:{second}");
        format!("postgresql://postgres@{hosts}/app?{options}")
    };
    for (options, port) in [
        ("target_session_attrs=any", first),
        ("target_session_attrs=read-only", first),
        ("target_session_attrs=read-write", second),
        ("target_session_attrs=read-write&load_balance_hosts=random", second),
    ] {
        let pool = pool(Postgres::from_url(&url(options))?, 1);
        let conn = pool.acquire().await?;
        assert_eq!(ask(&conn, "SHOW port").await, port.to_string(), "{options}");
        // A cancel has to find the same server.
        let canceller = conn.canceller();
        let (slow, cancelled) = tokio::join!(conn.batch_execute("SELECT pg_sleep(3600)"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            canceller.cancel().await
        });
        cancelled?;
        let code = slow.expect_err("cancelled").code().map(|code| code.code().to_owned());
        assert_eq!(code.as_deref(), Some("57014"));
    }
    let neither =
        format!("postgresql://postgres@127.0.0.1:{nobody},127.0.0.1:{first}/app?target_session_attrs=read-write");
    let error = Postgres::from_url(&neither)?
        .connect()
        .await
        .expect_err("neither will do");
    let said = error.to_string();
    assert!(error.is_transient(), "{said}");
    let each = [
        format!("cannot connect to app on 127.0.0.1:{nobody}, 127.0.0.1:{first}: 127.0.0.1:{nobody}: network: "),
        format!("; 127.0.0.1:{first}: target_session_attrs: the server is read only"),
    ];
    assert!(said.starts_with(&each[0]) && said.ends_with(&each[1]), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_full_is_waited_for() -> Outcome {
    // Two of the five are for anybody, three for superusers.
    let Some(server) = Server::start(&["max_connections=5"]) else {
        return Ok(());
    };
    let manager = Postgres::from_url(&server.url())?;
    let (one, _two) = (manager.connect().await?, manager.connect().await?);
    let error = manager.connect().await.expect_err("it is full");
    assert_eq!(error.code().map(|code| code.code()), Some("53300"), "{error}");
    assert!(error.is_transient());
    let pool = pool(manager, 1);
    let (conn, ()) = tokio::join!(pool.acquire(), one.close());
    assert_eq!(ask(&*conn?, "SELECT 1").await, "1");
    Ok(())
}

/// Nothing is validated here: the driver has seen the end of its session, and is asked before each lease.
#[tokio::test]
async fn what_the_server_ended_while_it_was_idle_is_not_lent() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let books = Books::new(server, "ended");
    let pool = pool(manager(server, "ended"), 3);
    pool.set_validate_after_idle(None)?;
    let leases = [pool.acquire().await?, pool.acquire().await?, pool.acquire().await?];
    let processes = leases.each_ref().map(|lease| lease.process_id());
    drop(leases);
    for process in processes {
        assert!(books.onlooker.kill(process).await);
    }
    books.come_to(0).await;
    // The sockets are closed; the runtime has to look at them.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let lease = pool.acquire().await?;
    assert!(!lease.is_broken() && !processes.contains(&lease.process_id()));
    assert_eq!(ask(&lease, "SELECT 1").await, "1");
    Ok(())
}
