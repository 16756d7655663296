//! PostgreSQL and Redis through a SOCKS5 proxy: the proxy looks up the names, TLS goes through it, a cancel too, and each way in
//! which it can fail is one line that names it and shows no password.
#![cfg(all(feature = "postgres", feature = "redis"))]

mod proxy;
mod servers;

use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::redis::{Redis, redis};
use fairpool::{Manager, Pool};
use proxy::socks::{Manner, Socks};
use servers::certificates::Certificates;
use std::time::Duration;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Longer than anything in these tests takes.
const NEVER: Duration = Duration::from_secs(60);

/// What a connect of each driver through this proxy says, and whether it may pass.
async fn refused(proxy: &Socks, login: Option<(&str, &str)>) -> Outcome<(String, bool)> {
    let at = ("127.0.0.1", proxy.port());
    let orders = Postgres::from_url("postgresql://app:hunter2@db.internal/orders")?.socks5(at.0, at.1, login)?;
    let cache = Redis::from_url("redis://app:hunter2@db.internal/0")?.socks5(at.0, at.1, login)?;
    let first = tokio::time::timeout(NEVER, orders.connect())
        .await?
        .expect_err("refused");
    let second = tokio::time::timeout(NEVER, cache.connect())
        .await?
        .expect_err("refused");
    let whole = format!("{first} {first:?} {second} {second:?} {orders:?} {cache:?}");
    assert!(!whole.contains("hunter2") && !whole.contains("s3cr3t"), "{whole}");
    assert_eq!(first.is_transient(), second.is_transient(), "{whole}");
    let (first, second) = (first.to_string(), second.to_string());
    let rest = |text: &str, place: &str| {
        let begin = format!(
            "cannot connect to {place}: socks5: the proxy 127.0.0.1:{} ",
            proxy.port()
        );
        text.strip_prefix(&*begin).map(str::to_owned).ok_or(text.to_owned())
    };
    let reason = rest(&first, "orders on db.internal:5432")?;
    assert_eq!(rest(&second, "database 0 on db.internal:6379")?, reason);
    Ok((reason, orders.connect().await.is_err_and(|error| error.is_transient())))
}

#[tokio::test]
async fn the_proxy_looks_up_the_name() -> Outcome {
    let (Some(database), Some(cache)) = (
        servers::postgres::Postgres::start(&[]),
        servers::redis::Redis::start(&[]),
    ) else {
        return Ok(());
    };
    for (manner, login) in [
        (Manner::Open, None),
        (Manner::Open, Some(("ann", "s3cr3t"))),
        (Manner::Login("ann", "s3cr3t"), Some(("ann", "s3cr3t"))),
    ] {
        let proxy = Socks::start(manner).await;
        let url = database.url().replace("127.0.0.1", "db.internal");
        let orders = Postgres::from_url(&url)?.socks5("localhost", proxy.port(), login)?;
        let pool = Pool::builder(orders).limit(1).build()?;
        let conn = pool.acquire().await?;
        assert_eq!(conn.query_one("SELECT 7", &[]).await?.get::<_, i32>(0), 7);
        let url = cache.url().replace("127.0.0.1", "cache.internal");
        let redis = Redis::from_url(&url)?.socks5("localhost", proxy.port(), login)?;
        let mut conn = redis.connect().await?;
        let said: String = redis::cmd("PING").query_async(&mut conn).await?;
        assert_eq!(said, "PONG");
        let expected = [
            format!("name db.internal:{}", database.port),
            format!("name cache.internal:{}", cache.port),
        ];
        assert_eq!(proxy.asked(), expected);
    }
    // What is an address already needs no looking up, and goes as one.
    let proxy = Socks::start(Manner::Open).await;
    let url = database.url().replace("127.0.0.1", "db.internal") + "?hostaddr=127.0.0.1";
    Postgres::from_url(&url)?
        .socks5("127.0.0.1", proxy.port(), None)?
        .connect()
        .await?;
    Redis::from_url(&cache.url())?
        .socks5("127.0.0.1", proxy.port(), None)?
        .connect()
        .await?;
    let expected = [
        format!("address 127.0.0.1:{}", database.port),
        format!("address 127.0.0.1:{}", cache.port),
    ];
    assert_eq!(proxy.asked(), expected);
    Ok(())
}

#[tokio::test]
async fn tls_is_between_the_ends_and_a_cancel_goes_through_as_well() -> Outcome {
    let certificates = Certificates::valid();
    let database = servers::postgres::Postgres::with_tls(&certificates, &[]);
    let cache = servers::redis::Redis::with_tls(&certificates, &[]);
    let (Some(database), Some(cache)) = (database, cache) else {
        return Ok(());
    };
    let proxy = Socks::start(Manner::Login("ann", "s3cr3t")).await;
    let (ca, login) = (certificates.ca(), Some(("ann", "s3cr3t")));
    let url = database.url().replace("127.0.0.1", "localhost");
    let url = format!("{url}?sslmode=verify-full&sslrootcert={}", ca.display());
    let orders = Postgres::from_url(&url)?.socks5("127.0.0.1", proxy.port(), login)?;
    let conn = orders.connect().await?;
    let canceller = conn.canceller();
    let (slow, cancelled) = tokio::join!(conn.batch_execute("SELECT pg_sleep(3600)"), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        canceller.cancel().await
    });
    cancelled?;
    assert!(slow.is_err());
    assert_eq!(
        proxy.asked(),
        [(); 2].map(|()| format!("name localhost:{}", database.port))
    );
    let url = format!("rediss://app:secret@localhost:{}/0", cache.tls_port);
    let redis = Redis::from_url(&url)?
        .ca_file(ca)
        .socks5("127.0.0.1", proxy.port(), login)?;
    redis.connect().await?;
    // A certificate is for the server's name, whatever the proxy is called.
    let url = format!("rediss://app:secret@db.internal:{}/0", cache.tls_port);
    let redis = Redis::from_url(&url)?.ca_file(certificates.ca());
    let error = redis
        .socks5("localhost", proxy.port(), login)?
        .connect()
        .await
        .err()
        .ok_or("connected")?;
    assert!(error.to_string().contains("not valid for name"), "{error}");
    Ok(())
}

#[tokio::test]
async fn each_refusal_says_who_refused_and_whether_it_may_pass() -> Outcome {
    let ann = Some(("ann", "s3cr3t"));
    for (manner, login, expected, may_pass) in [
        (
            Manner::Login("ann", "other"),
            ann,
            "does not accept the user and the password",
            false,
        ),
        (
            Manner::Login("ann", "s3cr3t"),
            None,
            "wants a user and a password",
            false,
        ),
        (
            Manner::Strange,
            ann,
            "takes neither a user with a password nor nobody",
            false,
        ),
        (Manner::Strange, None, "wants a user and a password", false),
        (
            Manner::Refuses(1),
            ann,
            "did not reach the server: General SOCKS server failure",
            true,
        ),
        (
            Manner::Refuses(2),
            None,
            "does not allow a connection to the server",
            false,
        ),
        (
            Manner::Refuses(3),
            None,
            "did not reach the server: Network unreachable",
            true,
        ),
        (
            Manner::Refuses(4),
            None,
            "did not reach the server: Host unreachable",
            true,
        ),
        (
            Manner::Refuses(5),
            None,
            "did not reach the server: Connection refused",
            true,
        ),
        (Manner::Refuses(6), None, "did not reach the server: TTL expired", true),
        (
            Manner::Refuses(7),
            None,
            "cannot look for such a server: Command not supported",
            false,
        ),
        (Manner::Refuses(9), None, "does not speak SOCKS5", false),
        (Manner::HangsUp, None, "hung up", true),
        (Manner::Other, None, "does not speak SOCKS5", false),
    ] {
        let proxy = Socks::start(manner).await;
        let (said, transient) = refused(&proxy, login).await?;
        // Whether the end of a connection or its reset is seen first is the network's choice.
        let is_hung_up = manner == Manner::HangsUp && said.contains("os error");
        assert!(said == expected || is_hung_up, "{manner:?}: {said}");
        assert_eq!(transient, may_pass, "{manner:?}");
    }
    let gone = Socks::start(Manner::Open).await;
    let port = gone.port();
    drop(gone);
    let lost = Redis::from_url("redis://db.internal")?.socks5("127.0.0.1", port, None)?;
    let error = loop {
        let error = lost.connect().await.err().ok_or("connected")?;
        if error.to_string().contains("cannot be reached: Connection refused") {
            break error;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(error.is_transient());
    Ok(())
}

#[tokio::test]
async fn a_silent_proxy_costs_no_more_than_the_time_to_connect() -> Outcome {
    for manner in [Manner::Silent, Manner::Stuck] {
        let proxy = Socks::start(manner).await;
        let orders = Postgres::from_url("postgresql://app@db.internal/orders?connect_timeout=1")?;
        let orders = orders.socks5("127.0.0.1", proxy.port(), None)?;
        let error = tokio::time::timeout(NEVER, orders.connect())
            .await?
            .err()
            .ok_or("connected")?;
        assert!(
            error.to_string().ends_with("no answer within connect_timeout, 1s"),
            "{error}"
        );
        let cache = Redis::from_url("redis://db.internal")?.socks5("127.0.0.1", proxy.port(), None)?;
        let pool = Pool::builder(cache)
            .connect_timeout(Duration::from_millis(50))
            .acquire_timeout(Duration::from_millis(300))
            .build()?;
        let error = tokio::time::timeout(NEVER, pool.acquire())
            .await?
            .expect_err("nobody answers");
        assert!(error.to_string().contains("connect_timeout"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn what_no_proxy_can_do_is_said_at_once() -> Outcome {
    let orders = Postgres::from_url("postgresql://app@db.internal/orders")?;
    let said = |driver: Result<Postgres, _>| {
        driver
            .err()
            .map(|error: fairpool::drivers::postgres::Error| error.to_string())
    };
    let missing = Some("socks5: host and port of the proxy are missing".to_owned());
    assert_eq!(said(orders.clone().socks5("", 1080, None)), missing);
    assert_eq!(said(orders.clone().socks5("proxy", 0, None)), missing);
    let long = "x".repeat(256);
    let length = Some("socks5: the user and the password have 1 to 255 bytes each".to_owned());
    for login in [("", "b"), ("a", ""), (&*long, "b"), ("a", &*long)] {
        assert_eq!(said(orders.clone().socks5("proxy", 1080, Some(login))), length);
    }
    assert!(orders.socks5("proxy", 1080, Some((&long[1..], &long[1..]))).is_ok());
    let near = Postgres::from_url("postgresql://app@%2Frun%2Fpostgresql/orders")?.socks5("proxy", 1080, None);
    assert_eq!(
        said(near),
        Some("socks5: no proxy leads to the directory of a socket".to_owned())
    );
    let near = Redis::from_url("unix:///run/redis.sock")?.socks5("proxy", 1080, None);
    assert_eq!(near.unwrap_err().to_string(), "socks5: no proxy leads to a Unix socket");
    // A name that the protocol has no room for.
    let proxy = Socks::start(Manner::Open).await;
    let far =
        Postgres::from_url(&format!("postgresql://app@{long}/orders"))?.socks5("127.0.0.1", proxy.port(), None)?;
    let error = far.connect().await.err().ok_or("connected")?;
    assert!(
        error.to_string().contains("cannot look for such a server") && !error.is_transient(),
        "{error}"
    );
    Ok(())
}
