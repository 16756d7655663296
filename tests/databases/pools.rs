//! A pool from its making to its end: what was acknowledged is so, at once and after a restart.

use super::{
    Counter, Outcome, as_anybody, as_app, name, one, orders, pool, process, registry, rest, server, until, url, who,
};
use fairpool::drivers::postgres::{Login, SessionMode};
use fairpool::resource::models::{DatabaseDefinition, DatabasePool};
use fairpool::resource::registry::{Declared, Registry, RegistryError, ResourceKind};
use fairpool::resource::store::sqlite::SqliteStore;
use serde_json::json;

const DOWN: &str = "postgresql://app:secret@127.0.0.1:1/app";

fn pending(registry: &Registry) -> u32 {
    let live = registry.status_of(ResourceKind::DatabasePool, "orders/back");
    live.unwrap().pending
}

#[tokio::test]
async fn pools_are_made_listed_replaced_and_deleted_by_name() -> Outcome {
    let registry = registry(orders(DOWN, &[])).await;
    let made = registry
        .create_database_pool("orders", pool("back", as_app("session", 2)))
        .await?;
    assert_eq!(registry.database_pool("orders", "back")?, made);
    let again = registry
        .create_database_pool("orders", pool("back", as_app("session", 2)))
        .await;
    assert!(matches!(
        again,
        Err(RegistryError::Taken {
            kind: ResourceKind::DatabasePool,
            ..
        })
    ));
    registry
        .create_database_pool("orders", pool("all", as_anybody("statement", 9)))
        .await?;
    let names: Vec<_> = registry
        .database_pools("orders")?
        .iter()
        .map(|pool| pool.name().to_string())
        .collect();
    assert_eq!(names, ["all", "back"]);

    let body = json!({"mode": "transaction", "size": 5, "db": "second"});
    let replaced = registry.replace_database_pool("orders", "back", rest(body)).await?;
    assert_eq!(
        json!(replaced),
        json!({"name": "back", "mode": "transaction", "size": 5, "db": "second"})
    );
    let connection = json!(registry.database_connection("orders", "all")?);
    assert_eq!(
        connection,
        json!({"host": "127.0.0.1", "port": 1, "database": "app", "ssl": false, "uri": "postgresql://127.0.0.1:1/app"})
    );

    registry.delete_database_pool("orders", "back").await?;
    for missing in [
        registry.database_pool("orders", "back").map(|_| ()),
        registry.delete_database_pool("orders", "back").await,
        registry.sessions_of("orders", "back").map(|_| ()),
    ] {
        assert!(matches!(
            missing,
            Err(RegistryError::NotFound {
                kind: ResourceKind::DatabasePool,
                ..
            })
        ));
    }
    let nowhere = registry.database_pools("nowhere");
    assert!(matches!(
        nowhere,
        Err(RegistryError::NotFound {
            kind: ResourceKind::Database,
            ..
        })
    ));
    Ok(())
}

#[tokio::test]
async fn only_databases_of_postgresql_have_pools() -> Outcome {
    let body = json!({"id": "cache", "engine": "redis", "url": "redis://127.0.0.1:1"});
    let declared = Declared::new().database(DatabaseDefinition::try_from(body)?);
    let registry = Registry::builder().fixed(declared).open().await?;
    for refused in [
        registry
            .create_database_pool("cache", pool("back", as_app("session", 2)))
            .await
            .map(|_| ()),
        registry.database_pools("cache").map(|_| ()),
        registry.upgrade("cache", "8".parse()?).await,
    ] {
        let Err(RegistryError::Unsupported(reason)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(reason, "a database of engine redis has no connection pools");
    }
    Ok(())
}

#[tokio::test]
async fn a_url_that_no_driver_understands_is_refused_without_its_password() {
    let body = json!({"id": "orders", "engine": "pg", "url": "postgres://app:hunter2@localhost/x?sslmod=disable"});
    let declared = Declared::new().database(DatabaseDefinition::try_from(body).unwrap());
    let refused = Registry::builder().fixed(declared).open().await.unwrap_err();
    let said = "declared: database \"orders\": url: url: unknown option sslmod";
    assert_eq!(refused.to_string(), said);
    assert!(!format!("{refused:?}").contains("hunter2"));
    let twice = Declared::new().database(orders(DOWN, &[])).database(orders(DOWN, &[]));
    let refused = Registry::builder().fixed(twice).open().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "declared: another database is called \"orders\" already"
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_while_its_database_is_not_declared() -> Outcome {
    let dir = tempfile::tempdir()?;
    let open = async |declared: Declared| {
        let store = SqliteStore::open(dir.path().join("fairpool.db")).await.unwrap();
        Registry::builder().store(store).fixed(declared).open().await.unwrap()
    };
    let declared = || Declared::new().database(orders(DOWN, &[]));
    let before = open(declared()).await;
    let kept = before
        .create_database_pool("orders", pool("back", as_app("session", 2)))
        .await?;
    before
        .create_database_pool("orders", pool("gone", as_app("session", 2)))
        .await?;
    before
        .create_database_pool("orders", pool("more", as_app("session", 2)))
        .await?;
    let more = before
        .replace_database_pool("orders", "more", rest(as_anybody("statement", 9)))
        .await?;
    before.delete_database_pool("orders", "gone").await?;
    before.close().await;

    let without = open(Declared::new()).await;
    assert!(without.status().is_empty() && without.problems().is_empty());
    without.close().await;

    let after = open(declared()).await;
    let all: Vec<DatabasePool> = after.database_pools("orders")?;
    assert_eq!(all, [kept, more]);
    assert_eq!(after.sessions_of("orders", "more")?.mode(), SessionMode::Statement);
    Ok(())
}

#[tokio::test]
async fn a_raised_size_admits_those_who_wait_and_a_lowered_one_holds_from_the_next_release() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let name = name();
    let registry = registry(orders(&url(server, &name), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut first = sessions.open();
    process(&mut first).await?;
    let mut second = sessions.open();
    let waiting = tokio::spawn(async move { process(&mut second).await.map(|_| second) });
    until("it waits", || pending(&registry) == 1).await;
    registry
        .replace_database_pool("orders", "back", rest(as_app("session", 2)))
        .await?;
    let second = waiting.await??;

    registry
        .replace_database_pool("orders", "back", rest(as_app("session", 1)))
        .await?;
    let counter = Counter::new(server, &name).await;
    assert_eq!(counter.count().await, 2, "leases go on");
    let waiting = tokio::spawn(async move { process(&mut sessions.open()).await });
    until("it waits", || pending(&registry) == 1).await;
    drop(second);
    counter.until(1).await;
    assert_eq!(pending(&registry), 1, "one is lent, and one is all there may be");
    drop(first);
    waiting.await??;
    assert_eq!(counter.count().await, 1);
    Ok(())
}

#[tokio::test]
async fn a_changed_mode_counts_from_the_next_connection_on_without_a_new_generation() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let registry = registry(orders(&url(server, &name()), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut session = sessions.open();
    let pid = process(&mut session).await?;
    registry
        .replace_database_pool("orders", "back", rest(as_app("session", 1)))
        .await?;
    assert_eq!(process(&mut session).await?, pid, "the connection is the same");
    assert!(session.is_holding(), "an open session has followed");

    // It has state now, which no change may take from it.
    session.execute("SET search_path = mine", &[]).await?;
    registry
        .replace_database_pool("orders", "back", rest(as_app("statement", 1)))
        .await?;
    for _ in 0..2 {
        assert_eq!(one::<String>(&mut session, "SHOW search_path").await?, "mine");
    }
    drop(session);
    let mut fresh = sessions.open();
    assert_eq!(process(&mut fresh).await?, pid);
    assert!(!fresh.is_holding() && fresh.mode() == SessionMode::Statement);
    let live = registry.status_of(ResourceKind::DatabasePool, "orders/back")?;
    assert_eq!(live.generation, Some(0));
    Ok(())
}

#[tokio::test]
async fn another_database_starts_a_generation_while_leases_go_on() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let name = name();
    let registry = registry(orders(&url(server, &name), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 2)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let (mut lent, mut idle) = (sessions.open(), sessions.open());
    let transaction = lent.transaction().await?;
    process(&mut idle).await?;
    let mut body = as_app("transaction", 2);
    body["db"] = json!("second");
    registry.replace_database_pool("orders", "back", rest(body)).await?;
    let sql = "SELECT current_database()::text";
    assert_eq!(
        one::<String>(&mut idle, sql).await?,
        "second",
        "a session that is open follows"
    );
    let row = transaction.query_one(sql, &[]).await?;
    assert_eq!(row.get::<_, String>(0), "app", "a lease goes on");
    transaction.commit().await?;
    assert_eq!(one::<String>(&mut lent, sql).await?, "second");
    let counter = Counter::new(server, &name).await;
    counter.until(1).await;
    Ok(())
}

#[tokio::test]
async fn a_user_that_is_changed_or_removed_is_that_of_the_next_connection() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let registry = registry(orders(&url(server, &name()), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut session = sessions.open_as(Login::new("bob", "of bob"));
    assert_eq!(who(&mut session).await?, "app");
    let mut body = as_app("transaction", 1);
    body["user"] = json!("alice");
    registry.replace_database_pool("orders", "back", rest(body)).await?;
    assert_eq!(who(&mut session).await?, "alice");
    registry
        .replace_database_pool("orders", "back", rest(as_anybody("transaction", 1)))
        .await?;
    assert_eq!(who(&mut session).await?, "bob");
    assert_eq!(
        registry
            .status_of(ResourceKind::DatabasePool, "orders/back")?
            .generation,
        Some(2)
    );
    Ok(())
}

#[tokio::test]
async fn a_deleted_pool_serves_those_who_wait_and_then_nobody() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let name = name();
    let registry = registry(orders(&url(server, &name), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut first = sessions.open();
    process(&mut first).await?;
    let mut second = sessions.open();
    let waiting = tokio::spawn(async move { process(&mut second).await });
    until("it waits", || pending(&registry) == 1).await;
    registry.delete_database_pool("orders", "back").await?;
    let mut late = sessions.open();
    let refused = late.execute("SELECT 1", &[]).await.unwrap_err();
    assert!(refused.to_string().ends_with("the pool is closed"), "{refused}");
    process(&mut first).await?;
    drop(first);
    waiting.await??;
    Counter::new(server, &name).await.until(0).await;

    // One of the same name is another pool.
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    assert!(sessions.open().execute("SELECT 1", &[]).await.is_err());
    process(&mut registry.sessions_of("orders", "back")?.open()).await?;
    Ok(())
}
