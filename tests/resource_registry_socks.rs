//! Named connections of every type of this crate's drivers on real servers, each as a service uses them; through a SOCKS5 proxy
//! where the driver can, and refused with the reason where it cannot.
#![cfg(all(
    feature = "resource",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]

mod proxy;
mod registry;
mod servers;

use fairpool::drivers::mysql::{Mysql, mysql_async::prelude::Queryable};
use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::redis::{Redis, redis};
use fairpool::resource::registry::Registry;
use proxy::socks::{Manner, Socks};
use registry::{Outcome, connector, definition};
use serde_json::{Value, json};
use std::time::Duration;

/// A registry with this connection, and a connector `shop` of it with two connections of its own.
async fn shop(body: Value) -> Result<Registry, Box<dyn std::error::Error>> {
    let registry = Registry::builder().open().await?;
    registry.put_connection(definition(body)).await?;
    let shop = json!({"name": "shop", "connection": "orders", "mode": "CUSTOM", "size": 2});
    registry.create_connector(connector(shop)).await?;
    Ok(registry)
}

/// A definition that differs in nothing but its host.
fn orders(kind: &str, host: String, fields: &Value) -> Value {
    let mut body = json!({"name": "orders", "type": kind, "queryHosts": [host]});
    let all = body.as_object_mut().expect("an object");
    all.extend(fields.as_object().expect("an object").clone());
    body
}

/// A host that nobody can look up but the proxy.
fn hidden(url: &str) -> String {
    url.replace("127.0.0.1", "db.internal")
}

#[tokio::test]
async fn mysql_connections_are_lent_and_cleaned_and_defined_anew() -> Outcome {
    let Some(server) = servers::mysql::Mysql::start(&[]) else {
        return Ok(());
    };
    let registry = shop(orders("mysql", server.url(), &json!({}))).await?;
    let handle = registry.handle::<Mysql>("shop")?;
    let mut lease = handle.acquire().await?;
    lease.query_drop("SET @left = 7").await?;
    let first = lease.id();
    drop(lease);
    let mut lease = handle.acquire().await?;
    let left: Option<Option<i64>> = lease.query_first("SELECT @left").await?;
    assert_eq!((lease.id(), left), (first, Some(None)), "the same one, clean");
    // A generation later, what was opened before is lent no more.
    let again = orders("mysql", server.url(), &json!({"title": "again"}));
    registry.put_connection(definition(again)).await?;
    let mut other = handle.acquire().await?;
    assert_ne!(other.id(), first);
    other.query_drop("SELECT 1").await?;
    lease.query_drop("SELECT 1").await?;
    drop((lease, other));
    let mut any = registry.any_handle("shop")?.acquire().await?;
    assert!(any.downcast_mut::<fairpool::drivers::mysql::Connection>().is_some());
    drop(any);
    registry.close().await;
    let wrong = server.url().replace("secret", "hunter2");
    let registry = shop(orders("mysql", wrong, &json!({}))).await?;
    let error = registry.handle::<Mysql>("shop")?.acquire().await.expect_err("refused");
    assert!(error.to_string().contains("Access denied"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn redis_connections_are_lent_and_cleaned_and_defined_anew() -> Outcome {
    let Some(server) = servers::redis::Redis::start(&[]) else {
        return Ok(());
    };
    let registry = shop(orders("redis", server.url(), &json!({}))).await?;
    let handle = registry.handle::<Redis>("shop")?;
    let mut lease = handle.acquire().await?;
    let () = redis::cmd("SELECT").arg(5).query_async(&mut *lease).await?;
    let first: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut *lease).await?;
    drop(lease);
    let mut lease = handle.acquire().await?;
    let info: String = redis::cmd("CLIENT").arg("INFO").query_async(&mut *lease).await?;
    assert!(
        info.contains(&format!("id={first} ")) && info.contains(" db=0 "),
        "{info}"
    );
    let again = orders("redis", server.url(), &json!({"title": "again"}));
    registry.put_connection(definition(again)).await?;
    let mut other = handle.acquire().await?;
    let second: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut *other).await?;
    assert_ne!(second, first);
    let said: String = redis::cmd("PING").query_async(&mut *lease).await?;
    assert_eq!(said, "PONG", "a lease goes on");
    drop((lease, other));
    let mut any = registry.any_handle("shop")?.acquire().await?;
    assert!(any.downcast_mut::<fairpool::drivers::redis::Connection>().is_some());
    drop(any);
    registry.close().await;
    let wrong = server.url().replace("secret", "hunter2");
    let registry = shop(orders("redis", wrong, &json!({}))).await?;
    let error = registry.handle::<Redis>("shop")?.acquire().await.expect_err("refused");
    assert!(error.to_string().contains("WRONGPASS"), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn a_connection_goes_through_the_proxy_that_its_definition_names() -> Outcome {
    let (Some(database), Some(cache)) = (
        servers::postgres::Postgres::start(&[]),
        servers::redis::Redis::start(&[]),
    ) else {
        return Ok(());
    };
    let proxy = Socks::start(Manner::Login("ann", "s3cr3t")).await;
    let address = format!("127.0.0.1:{}", proxy.port());
    let through = json!({"sockHost": address, "sockUsername": "ann", "sockPassword": "s3cr3t"});
    let registry = shop(orders("postgres", hidden(&database.url()), &through)).await?;
    let lease = registry.handle::<Postgres>("shop")?.acquire().await?;
    assert_eq!(lease.query_one("SELECT 7", &[]).await?.get::<_, i32>(0), 7);
    // The other spelling of the same fields.
    let through = json!({"socksHost": address, "socksUsername": "ann", "socksPassword": "s3cr3t"});
    let registry = shop(orders("redis", hidden(&cache.url()), &through)).await?;
    let mut lease = registry.handle::<Redis>("shop")?.acquire().await?;
    let said: String = redis::cmd("PING").query_async(&mut *lease).await?;
    assert_eq!(said, "PONG");
    let ports = [database.port, cache.port];
    assert_eq!(proxy.asked(), ports.map(|port| format!("name db.internal:{port}")));

    for (user, password, expected) in [
        (
            Some("ann"),
            Some("hunter2"),
            "does not accept the user and the password",
        ),
        (None, None, "wants a user and a password"),
    ] {
        let through = json!({"sockHost": address, "sockUsername": user, "sockPassword": password});
        for (kind, url) in [("postgres", database.url()), ("redis", cache.url())] {
            let registry = shop(orders(kind, hidden(&url), &through)).await?;
            let error = registry.any_handle("shop")?.acquire().await.expect_err("refused");
            let whole = format!("{error} {error:?}");
            let named = format!("socks5: the proxy {address} {expected}");
            assert!(error.to_string().contains(&named), "{error}");
            assert!(!whole.contains("hunter2") && !whole.contains("secret"), "{whole}");
            assert!(!format!("{:?} {}", registry.connections(), json!(*registry.connections()[0])).contains("hunter2"));
        }
    }
    let silent = Socks::start(Manner::Silent).await;
    let through = json!({"sockHost": format!("127.0.0.1:{}", silent.port())});
    let registry = shop(orders("redis", hidden(&cache.url()), &through)).await?;
    let handle = registry.any_handle("shop")?;
    let error = handle
        .acquire_within(Duration::from_millis(200))
        .await
        .expect_err("nobody answers");
    assert!(error.is_timeout(), "{error}");
    Ok(())
}

#[tokio::test]
async fn where_no_proxy_can_be_used_its_definition_is_refused_with_the_reason() -> Outcome {
    let registry = Registry::builder().open().await?;
    let refused = async |kind: &str, host: &str, fields: Value| {
        let put = registry
            .put_connection(definition(orders(kind, host.to_owned(), &fields)))
            .await;
        let said = put.expect_err(host).to_string();
        assert!(!said.contains("hunter2"), "{said}");
        said.trim_start_matches("connection \"orders\": ").to_owned()
    };
    let proxy = json!({"sockHost": "proxy.example"});
    assert_eq!(
        refused("mysql", "db:3306", proxy.clone()).await,
        "sockHost: the mysql driver goes through no proxy, as mysql_async opens its sockets itself"
    );
    assert_eq!(
        refused("sqlite", "/tmp/x.db", proxy.clone()).await,
        "sockHost: a file is opened without a proxy"
    );
    assert_eq!(
        refused("postgres", "postgresql://app@%2Frun%2Fpostgresql/x", proxy.clone()).await,
        "sockHost: socks5: no proxy leads to the directory of a socket"
    );
    assert_eq!(
        refused("redis", "unix:///run/redis.sock", proxy).await,
        "sockHost: socks5: no proxy leads to a Unix socket"
    );
    for kind in ["postgres", "redis"] {
        let halves = [
            (
                json!({"sockHost": "p", "sockUsername": "ann"}),
                "sockPassword: is missing, sockUsername needs it",
            ),
            (
                json!({"sockHost": "p", "sockPassword": "hunter2"}),
                "sockUsername: is missing, sockPassword needs it",
            ),
            (
                json!({"sockHost": "p", "sockUsername": "ann", "sockPassword": "hunter2".repeat(40)}),
                "sockHost: socks5: the user and the password have 1 to 255 bytes each",
            ),
        ];
        for (fields, expected) in halves {
            assert_eq!(refused(kind, "db", fields).await, expected);
        }
    }
    // Without a proxy nobody logs in to one.
    let alone = orders(
        "mysql",
        "db".to_owned(),
        &json!({"sockUsername": "ann", "sockPassword": "hunter2"}),
    );
    registry.put_connection(definition(alone)).await?;
    Ok(())
}
