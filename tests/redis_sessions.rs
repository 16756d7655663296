//! Redis through a pool: sessions counted by the server itself, sessions that end, timeouts, generations, drains.
#![cfg(feature = "redis")]

mod servers;

use fairpool::drivers::redis::redis::{AsyncCommands, Value, cmd};
use fairpool::drivers::redis::{Connection, Redis};
use fairpool::{Manager, Pool};
use futures::StreamExt;
use servers::certificates::Certificates;
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// So long that reaching it means failure.
const NEVER: Duration = Duration::from_secs(60);

fn pool(driver: Redis, limit: u32) -> Pool<Redis> {
    let builder = Pool::builder(driver).limit(limit).acquire_timeout(NEVER);
    builder.build().expect("good options")
}

async fn id(conn: &mut Connection) -> Outcome<i64> {
    Ok(cmd("CLIENT").arg("ID").query_async(conn).await?)
}

/// Waits until the server counts so many sessions: what ends without a farewell it notices a moment later.
async fn counts(server: &servers::redis::Redis, sessions: u64) {
    while server.sessions() != sessions {
        tokio::task::yield_now().await;
    }
}

#[test]
fn connections_and_leases_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Connection>();
    is_send::<fairpool::Pooled<'_, Redis>>();
    is_send::<fairpool::OwnedPooled<Redis>>();
}

#[tokio::test]
async fn the_server_counts_as_many_sessions_as_the_pool_and_none_after_a_drain() -> Outcome {
    let certificates = Certificates::valid();
    let Some(server) = servers::redis::Redis::with_tls(&certificates, &[]) else {
        return Ok(());
    };
    let plain = Redis::from_url(&server.url())?;
    let url = format!("rediss://app:secret@127.0.0.1:{}?protocol=resp3", server.tls_port);
    let encrypted = Redis::from_url(&url)?.ca_file(certificates.ca());
    for driver in [plain, encrypted] {
        let pool = pool(driver, 5);
        let mut leases = Vec::new();
        for sessions in 1..=5 {
            leases.push(pool.acquire().await?);
            assert_eq!(server.sessions(), sessions);
        }
        // Neither an open transaction nor a subscription nor an answer that is due keeps a session.
        for (conn, line) in leases.iter_mut().zip(["MULTI", "SUBSCRIBE", "MONITOR"]) {
            let _ = cmd(line).arg("a").query_async::<Value>(&mut **conn).await;
        }
        drop(leases);
        assert!(pool.drain(NEVER).await.completed);
        assert_eq!(server.sessions(), 0);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_short_leases_share_a_few_sessions() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let pool = pool(Redis::from_url(&server.url())?, 4);
    let tasks = (0..32).map(|task: i64| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for lease in 0..200 {
                let mut conn = pool.acquire().await?;
                let (key, value) = (format!("key:{task}"), task * 1000 + lease);
                let () = conn.set(&key, value).await?;
                assert_eq!(conn.get::<_, i64>(&key).await?, value);
                if lease % 50 == 0 {
                    let _: Value = cmd("SELECT").arg(3).query_async(&mut *conn).await?;
                }
            }
            Outcome::Ok(())
        })
    });
    for task in futures::future::join_all(tasks).await {
        task??;
    }
    assert!(pool.status().totals.opened <= 4, "{:?}", pool.status());
    assert!(pool.drain(NEVER).await.completed);
    assert_eq!(server.sessions(), 0);
    assert!(server.cli(&["INFO", "stats"]).contains("rejected_connections:0"));
    Ok(())
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_is_not_lent_again() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let driver = Redis::from_url(&server.url())?;
    let pool = pool(driver.clone(), 1);
    // In use: the next command fails, and names the server.
    let mut conn = pool.acquire().await?;
    let first = id(&mut conn).await?;
    server.cli(&["CLIENT", "KILL", "ID", &first.to_string()]);
    let error = conn.get::<_, Value>("a").await.expect_err("killed");
    assert!(error.is_connection_dropped(), "{error}");
    assert!(error.to_string().starts_with("database 0 on 127.0.0.1:"), "{error}");
    let error = conn.get::<_, Value>("a").await.expect_err("killed").to_string();
    assert!(error.ends_with("the connection is closed"), "{error}");
    drop(conn);
    let mut conn = pool.acquire().await?;
    let second = id(&mut conn).await?;
    assert_ne!(first, second);
    // In use, and nothing asked after that: what has arrived is seen when the lease ends.
    server.cli(&["CLIENT", "KILL", "ID", &second.to_string()]);
    counts(&server, 0).await;
    tokio::time::sleep(Duration::from_millis(1)).await; // the runtime hears of the socket
    drop(conn);
    let third = id(&mut *pool.acquire().await?).await?;
    assert_ne!(second, third);
    // Idle: the health check.
    let mut conn = driver.connect().await?;
    driver.validate(&mut conn).await?;
    let number = id(&mut conn).await?;
    server.cli(&["CLIENT", "KILL", "ID", &number.to_string()]);
    let error = driver.validate(&mut conn).await.expect_err("killed");
    assert!(error.to_string().contains("health check: "), "{error}");
    assert!(driver.is_broken(&mut conn));
    Ok(())
}

#[tokio::test]
async fn a_server_that_comes_back_finds_the_pool_waiting() -> Outcome {
    let Some(mut server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let pool = pool(Redis::from_url(&server.url())?, 2);
    drop(pool.acquire().await?);
    server.keeper.kill();
    let error = pool.acquire().await?.get::<_, Value>("a").await.expect_err("no server");
    assert!(error.is_connection_dropped(), "{error}");
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move {
            let () = pool.acquire_owned().await?.set("a", 1).await?;
            Outcome::Ok(())
        }
    });
    tokio::task::yield_now().await;
    server.keeper.begin();
    waiting.await??;
    Ok(())
}

#[tokio::test]
async fn a_server_that_stays_silent_costs_a_command_no_more_than_its_caller_says() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let builder = Pool::builder(Redis::from_url(&server.url())?)
        .limit(1)
        .acquire_timeout(NEVER);
    // Nor does the farewell wait for it.
    let builder = builder.reset_timeout(Duration::from_millis(50)).close_timeout(NEVER);
    let pool = builder.build()?;
    let mut conn = pool.acquire().await?;
    server.keeper.freeze();
    let since = std::time::Instant::now();
    let hurried = tokio::time::timeout(Duration::from_millis(20), conn.get::<_, Value>("a")).await;
    assert!(hurried.is_err());
    drop(conn);
    while pool.status().occupied() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(since.elapsed() < NEVER / 2);
    server.keeper.thaw();
    let () = pool.acquire().await?.set("a", 1).await?;
    assert_eq!(pool.status().totals.opened, 2);
    Ok(())
}

#[tokio::test]
async fn an_invalidated_generation_is_not_lent_again() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let pool = pool(Redis::from_url(&server.url())?, 2);
    let (mut one, two) = (pool.acquire().await?, pool.acquire().await?);
    let old = id(&mut one).await?;
    drop(two);
    pool.invalidate();
    counts(&server, 1).await;
    drop(one);
    assert!(id(&mut *pool.acquire().await?).await? > old);
    counts(&server, 1).await;
    Ok(())
}

#[tokio::test]
async fn a_lease_can_be_dropped_on_a_plain_thread_and_after_its_runtime() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let pool = pool(Redis::from_url(&server.url())?, 1);
    for line in ["GET", "SELECT", "BLPOP"] {
        let mut conn = pool.acquire_owned().await?;
        let _ = cmd(line).arg(1).query_async::<Value>(&mut *conn).await;
        std::thread::spawn(move || drop(conn)).join().expect("no panic");
        assert_eq!(pool.acquire().await?.database().await?, 0);
    }
    let conn = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let conn = pool.acquire_owned().await;
            (pool.clone(), conn)
        })
    });
    let (pool, conn) = conn.join().expect("no panic");
    drop(conn?);
    let () = pool.acquire().await?.set("a", 1).await?;
    Ok(())
}

/// What the server says, not the driver.
trait Asked {
    async fn database(&mut self) -> Outcome<i64>;
}

impl Asked for Connection {
    async fn database(&mut self) -> Outcome<i64> {
        let info: String = cmd("CLIENT").arg("INFO").query_async(self).await?;
        let db = info.split_whitespace().find_map(|field| field.strip_prefix("db="));
        Ok(db.ok_or("no database")?.parse()?)
    }
}

#[tokio::test]
async fn a_detached_connection_is_the_holders_and_no_longer_the_pools() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let pool = pool(Redis::from_url(&server.url())?, 1);
    let mut mine = pool.acquire().await?.detach();
    let () = pool.acquire().await?.set("a", 1).await?;
    assert_eq!(mine.get::<_, i64>("a").await?, 1);
    assert_eq!(server.sessions(), 2);
    drop(mine);
    counts(&server, 1).await;
    Ok(())
}

#[tokio::test]
async fn a_subscriber_stands_beside_the_pool() -> Outcome {
    let certificates = Certificates::valid();
    let Some(server) = servers::redis::Redis::with_tls(&certificates, &[]) else {
        return Ok(());
    };
    for protocol in ["resp2", "resp3"] {
        let url = format!("rediss://app:secret@localhost:{}?protocol={protocol}", server.tls_port);
        let pool = pool(Redis::from_url(&url)?.ca_file(certificates.ca()), 1);
        let mut orders = pool.manager().pubsub().await?;
        orders.subscribe("orders").await?;
        let _: i64 = pool.acquire().await?.publish("orders", "tea").await?;
        let message = orders.on_message().next().await.ok_or("no message")?;
        assert_eq!(message.get_payload::<String>()?, "tea");
        assert_eq!(pool.status().occupied(), 1);
    }
    let wrong = Redis::from_url(&server.url().replace("secret", "wrong"))?;
    let error = wrong.pubsub().await.err().ok_or("a subscriber")?;
    assert!(error.to_string().contains("WRONGPASS"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_is_as_good_as_any() -> Outcome {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("redis.sock");
    let socket = path.display().to_string();
    let options = ["--unixsocket", &socket, "--unixsocketperm", "777"];
    let Some(_server) = servers::redis::Redis::start(&options) else {
        return Ok(());
    };
    let driver = Redis::from_url(&format!("unix://{socket}?db=3&user=app&pass=secret&protocol=resp3"))?;
    assert_eq!(driver.server(), format!("database 3 on {socket}"));
    let pool = pool(driver, 1);
    let mut conn = pool.acquire().await?;
    assert_eq!(conn.database().await?, 3);
    let user: String = cmd("ACL").arg("WHOAMI").query_async(&mut *conn).await?;
    assert_eq!(user, "app");
    Ok(())
}
