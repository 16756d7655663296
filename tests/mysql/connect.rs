//! Connecting: what is permanent and what is not, how it is told, and what is run on a new connection.

use super::servers::keeper::free_port;
use super::servers::mysql::Mysql as Server;
use super::{NEVER, manager, pool, until};
use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::drivers::mysql::mysql_async::{Opts, OptsBuilder};
use fairpool::drivers::mysql::{Error, Mysql};
use fairpool::{AcquireError, Manager, Pool};
use std::time::{Duration, Instant};

/// What a connect by this URL says; it must not say the password.
async fn refused(url: &str) -> (String, bool) {
    let manager = Mysql::from_url(url).expect("a good url");
    let error = manager.connect().await.expect_err(url);
    let whole = format!("{error} {error:?} {manager:?}");
    assert!(!whole.contains("hush") && !error.to_string().contains('\n'), "{whole}");
    (error.to_string(), manager.is_transient(&error))
}

#[tokio::test]
async fn bad_credentials_are_permanent_and_told_in_one_line() {
    let Some(server) = Server::start(&[]) else { return };
    server.sql("CREATE DATABASE closed; CREATE USER locked@'127.0.0.1' IDENTIFIED BY 'hush' ACCOUNT LOCK");
    let port = server.port;
    for (from, code) in [
        ("app:hush@HOST/app", 1045),
        ("nobody:hush@HOST/app", 1045),
        ("app@HOST/app", 1045),
        ("locked:hush@HOST", 4151),
        ("app:secret@HOST/nowhere", 1044),
        ("app:secret@HOST/closed", 1044),
        ("tls:secret@HOST/app", 1045),
    ] {
        let (said, is_transient) = refused(&format!(
            "mysql://{}",
            from.replace("HOST", &format!("127.0.0.1:{port}"))
        ))
        .await;
        assert!(said.starts_with("cannot connect to "), "{said}");
        assert!(
            said.contains(&format!("127.0.0.1:{port}: ")) && said.ends_with(&format!("(error {code})")),
            "{said}"
        );
        assert!(!is_transient, "{said}");
    }
    server.sql("GRANT ALL ON *.* TO app@'127.0.0.1'");
    let (said, is_transient) = refused(
        &server
            .url()
            .replace("/app", "/nowhere")
            .replacen("/nowhere:", "/app:", 1),
    )
    .await;
    assert!(
        said.ends_with("Unknown database 'nowhere' (error 1049)") && !is_transient,
        "{said}"
    );
}

#[tokio::test]
async fn a_wrong_password_fails_the_line_at_once() {
    let Some(server) = Server::start(&[]) else { return };
    let wrong = Mysql::from_url(&server.url().replace("secret", "hush")).expect("a good url");
    let pool = pool(wrong, 2);
    let since = Instant::now();
    let error = pool.acquire().await.expect_err("refused");
    assert!(
        matches!(error, AcquireError::Connect(_)) && since.elapsed() < NEVER / 4,
        "{error}"
    );
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("Access denied for user 'app'") && !text.contains("hush"),
        "{text}"
    );
}

#[tokio::test]
async fn what_may_pass_is_transient() {
    let (said, is_transient) = refused(&format!("mysql://app:hush@127.0.0.1:{}/app", free_port())).await;
    assert!(said.contains("refused") && is_transient, "{said}");
    let (said, is_transient) = refused("mysql://app:hush@no.such.host.invalid/app").await;
    assert!(
        said.starts_with("cannot connect to app on no.such.host.invalid:3306: ") && is_transient,
        "{said}"
    );
    let (said, is_transient) = refused("mysql://app:hush@db?socket=%2Fno%2Fsocket").await;
    assert!(
        said.starts_with("cannot connect to /no/socket: ") && is_transient,
        "{said}"
    );

    // All places but the one that is kept for an administrator are taken.
    let Some(server) = Server::start(&["--max-connections=10"]) else {
        return;
    };
    let full = pool(manager(&server), 10);
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(full.acquire().await.expect("a place"));
    }
    let (said, is_transient) = refused(&server.url()).await;
    assert!(
        said.ends_with("Too many connections (error 1040)") && is_transient,
        "{said}"
    );
    drop(held);
    assert!(full.drain(NEVER).await.completed);

    server.sql("ALTER USER app@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1");
    until("a place", || server.sessions() == 0).await;
    let one = manager(&server).connect().await.expect("the first");
    let (said, is_transient) = refused(&server.url()).await;
    assert!(said.contains("max_user_connections") && is_transient, "{said}");
    drop(one);
}

#[tokio::test]
async fn a_line_outlasts_a_server_that_is_down_for_a_while() {
    let Some(mut server) = Server::start(&[]) else { return };
    let pool = pool(manager(&server), 2);
    drop(pool.acquire().await.expect("it is there"));
    server.keeper.kill();
    // A connection that was used a moment ago is lent unchecked.
    pool.invalidate();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.acquire_owned()
                .await
                .map(|mut conn| async move { conn.ping().await })
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "{:?}", pool.status());
    server.keeper.begin();
    let pong = waiting.await.expect("no panic").expect("a connection").await;
    pong.expect("the server answers");
}

#[tokio::test]
async fn setup_is_run_on_each_connection_in_its_order_and_after_each_reset() {
    let Some(server) = Server::start(&[]) else { return };
    let opts = OptsBuilder::from_opts(Opts::from_url(&server.url()).expect("a good url"))
        .prefer_socket(false)
        .after_connect(|conn| Box::pin(async move { conn.query_drop("SET @log = 'a'").await }))
        .init(vec!["SET @log = CONCAT(@log, 'b')", "SET @log = CONCAT(@log, 'c')"])
        .setup(vec!["SET @log = CONCAT(@log, 'd')", "SET @log = CONCAT(@log, 'e')"]);
    let pool = pool(Mysql::from_opts(opts).setup("SET @log = CONCAT(@log, 'f')"), 1);
    for _ in 0..3 {
        let mut conn = pool.acquire().await.expect("a connection");
        let log: Option<String> = conn.query_first("SELECT @log").await.expect("an answer");
        assert_eq!(log.as_deref(), Some("abcdef"));
        conn.query_drop("SET @log = 'used'").await.expect("set");
    }
    assert_eq!(pool.status().totals.opened, 1);

    let broken = manager(&server)
        .setup("SET @first = 1")
        .setup("SET no_such_variable = 'hush'")
        .connect()
        .await;
    let error = broken.expect_err("it cannot be set up");
    assert!(matches!(error, Error::Setup { .. }) && !error.is_transient(), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("cannot set up a connection to app on 127.0.0.1"),
        "{error}"
    );
    let (said, told) = (error.to_string(), format!("{error:?} {error:#?}"));
    assert!(
        said.ends_with(": statement 2 of the setup: refused (error 1193)"),
        "{said}"
    );
    assert!(!format!("{said} {told}").contains("no_such_variable"), "{said} {told}");
    assert!(
        format!("{:?}", error.mysql()).contains("no_such_variable"),
        "out of reach"
    );
}

#[tokio::test]
async fn no_debug_shows_the_password_or_a_statement() {
    let Some(server) = Server::start(&[]) else { return };
    let manager = manager(&server).setup("SET @token = 'hush'");
    let pool = Pool::builder(manager.clone()).limit(1).build().expect("good options");
    let conn = pool.acquire().await.expect("a connection");
    let text = format!("{manager:?} {pool:?} {conn:?} {:?}", manager.connect().await);
    assert!(!text.contains("secret") && !text.contains("hush"), "{text}");
}
