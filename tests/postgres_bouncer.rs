//! Behind PgBouncer, which has one SQLSTATE for whatever it refuses, and cannot keep every promise of a server.
#![cfg(feature = "postgres")]

mod servers;

use fairpool::drivers::postgres::tokio_postgres::types::Type;
use fairpool::drivers::postgres::{Error, Postgres};
use fairpool::{AcquireError, Manager, Pool};
use servers::pgbouncer::PgBouncer;
use servers::postgres::Postgres as Server;

fn manager(bouncer: &PgBouncer, user: &str, rest: &str) -> Postgres {
    let url = format!("postgresql://{user}@127.0.0.1:{}/{rest}", bouncer.port);
    Postgres::from_url(&url).expect("a good URL")
}

async fn refused(manager: Postgres) -> Error {
    manager.connect().await.expect_err("nobody connects with this")
}

#[tokio::test]
async fn a_login_that_it_refuses_is_permanent_and_one_that_it_puts_off_is_not() {
    let Some(server) = Server::start(&[]) else { return };
    let Some(bouncer) = PgBouncer::asking(&server, 1) else {
        return;
    };
    for (user, rest, said) in [
        ("app:wr0ng", "app", "authentication failed"),
        ("nobody:wr0ng", "app", "authentication failed"),
        ("app:secret", "nothing", "no such database: nothing"),
        (
            "app:secret",
            "app?options=-c%20work_mem%3D1MB",
            "unsupported startup parameter: options",
        ),
    ] {
        let error = refused(manager(&bouncer, user, rest)).await;
        let line = error.to_string();
        assert!(line.contains(said) && line.ends_with("(SQLSTATE 08P01)"), "{line}");
        assert!(!error.is_transient(), "a retry would not help: {line}");
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error:?}");
    }
    // So a pool says it at once.
    let pool = Pool::builder(manager(&bouncer, "app:wr0ng", "app"))
        .build()
        .expect("good options");
    let error = pool.acquire().await.expect_err("nobody connects with this");
    assert!(matches!(error, AcquireError::Connect(_)), "{error}");

    let only = manager(&bouncer, "app:secret", "app").connect().await.expect("one may");
    let error = refused(manager(&bouncer, "app:secret", "app")).await;
    assert!(error.to_string().contains("no more connections allowed"), "{error}");
    assert!(error.is_transient(), "there will be room: {error}");
    drop(only);
}

/// What docs/sessions.md says of a plain pool there.
#[tokio::test]
async fn in_transaction_mode_statements_with_names_are_lost_and_those_without_work() {
    let Some(server) = Server::start(&[]) else { return };
    let Some(bouncer) = PgBouncer::start(&server, "transaction", 2) else {
        return;
    };
    let url = Postgres::from_url(&bouncer.url()).expect("a good URL");
    let pool = Pool::builder(url).limit(2).build().expect("good options");
    let (one, other) = (
        pool.acquire().await.expect("one"),
        pool.acquire().await.expect("another"),
    );
    let statement = one.prepare("SELECT $1::int4 + 1").await.expect("prepared");
    // Whoever is in a transaction has a server connection; the last one to be free is lent first.
    other.batch_execute("BEGIN; SELECT 1").await.expect("begun");
    let error = one
        .query_one(&statement, &[&1_i32])
        .await
        .expect_err("it is on the other connection");
    assert_eq!(error.code().map(|code| code.code()), Some("26000"), "{error:?}");
    assert!(one.is_broken());
    let unnamed = other
        .query_typed("SELECT $1 + 1", &[(&1_i32, Type::INT4)])
        .await
        .expect("an answer");
    assert_eq!(unnamed[0].get::<_, i32>(0), 2);
}
