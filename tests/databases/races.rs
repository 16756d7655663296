//! What happens to pools while a move of them waits: one that moves without having been held, or is held without an end.

use super::{
    NEVER, Outcome, as_app, name, one, orders, other_server, pool, prepared, registry, rest, server, until, url,
};
use crate::servers::postgres::{ANOTHER, Postgres as Server};
use fairpool::drivers::postgres::Login;
use fairpool::resource::registry::{Declared, Operation, Registry, RegistryError, ResourceKind};
use fairpool::resource::store::{Change, Committed, Contents, MemoryStore, Store, StoreError};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const VERSION: &str = "SELECT current_setting('server_version_num')::int / 10000";

/// A store whose commits take a permit each.
#[derive(Debug, Clone)]
struct Slow {
    inner: MemoryStore,
    permits: Arc<Semaphore>,
    /// How many have come.
    came: Arc<AtomicU32>,
}

impl Store for Slow {
    fn load(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        self.inner.load()
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.came.fetch_add(1, Relaxed);
        async move {
            self.permits.acquire().await.expect("it is never closed").forget();
            self.inner.commit(changes).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

fn upgrade(registry: &Registry) -> JoinHandle<Result<(), RegistryError>> {
    let registry = registry.clone();
    tokio::spawn(async move { registry.upgrade("orders", "16".parse().unwrap()).await })
}

fn state(registry: &Registry, name: &str) -> &'static str {
    let status = registry.status_of(ResourceKind::DatabasePool, name);
    status.unwrap().state
}

async fn held(registry: &Registry, name: &str) {
    until("it is held", || state(registry, name) == "paused").await;
}

#[tokio::test]
async fn pools_that_change_meanwhile_do_not_move() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let registry = registry(orders(&url(old, &name), &[("16", &url(new, &name))])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 2)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut stuck = sessions.open();
    for change in ["create", "replace", "delete"] {
        let transaction = stuck.transaction().await?;
        let moving = upgrade(&registry);
        held(&registry, "orders/back").await;
        let other = pool("other", as_app("transaction", 2));
        match change {
            "create" => drop(registry.create_database_pool("orders", other).await?),
            "replace" => {
                let body = rest(as_app("session", 2));
                registry.replace_database_pool("orders", "other", body).await?;
            }
            _ => registry.delete_database_pool("orders", "other").await?,
        }
        transaction.commit().await?;
        let refused = moving.await?;
        let Err(RegistryError::Unsupported(reason)) = refused else {
            panic!("{change}: {refused:?}")
        };
        assert!(reason.ends_with("its pools were changed meanwhile"), "{reason}");
        assert_eq!(state(&registry, "orders/back"), "open");
        assert_ne!(one::<i32>(&mut stuck, VERSION).await?, ANOTHER as i32);
        assert_eq!(registry.database("orders")?.version(), None);
    }
    registry.upgrade("orders", "16".parse()?).await?;
    assert_eq!(one::<i32>(&mut stuck, VERSION).await?, ANOTHER as i32);
    Ok(())
}

#[tokio::test]
async fn a_drained_pool_that_comes_back_meanwhile_is_held_too() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let registry = registry(orders(&url(old, &name), &[("16", &url(new, &name))])).await;
    for name in ["back", "other"] {
        registry
            .create_database_pool("orders", pool(name, as_app("transaction", 2)))
            .await?;
    }
    let operate = |operation| registry.operate(ResourceKind::DatabasePool, "orders/back", operation);
    operate(Operation::Drain { patience: NEVER }).await?;
    let mut stuck = registry.sessions_of("orders", "other")?.open();
    let transaction = stuck.transaction().await?;
    let moving = upgrade(&registry);
    held(&registry, "orders/other").await;
    operate(Operation::Resume).await?;
    assert_eq!(state(&registry, "orders/back"), "paused");
    let sessions = registry.sessions_of("orders", "back")?;
    let waiting = tokio::spawn(async move { one::<i32>(&mut sessions.open(), VERSION).await });
    transaction.commit().await?;
    moving.await??;
    assert_eq!(waiting.await??, ANOTHER as i32);
    assert_eq!(state(&registry, "orders/back"), "open");
    Ok(())
}

#[tokio::test]
async fn lines_are_not_held_longer_by_others_who_write() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let store = Slow {
        inner: MemoryStore::new(),
        permits: Arc::new(Semaphore::new(1)),
        came: Arc::default(),
    };
    let declared = Declared::new().database(orders(&url(old, &name), &[("16", &url(new, &name))]));
    let registry = Registry::builder().fixed(declared).store(store.clone());
    let registry = registry.upgrade_patience(Duration::from_millis(300)).open().await?;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 2)))
        .await?;
    let mut session = registry.sessions_of("orders", "back")?.open();
    let other = tokio::spawn({
        let registry = registry.clone();
        async move {
            let other = pool("other", as_app("transaction", 2));
            registry.create_database_pool("orders", other).await
        }
    });
    until("it is in its turn", || store.came.load(Relaxed) == 2).await;
    let refused = tokio::time::timeout(NEVER, registry.upgrade("orders", "16".parse()?)).await?;
    let reason = refused.unwrap_err().to_string();
    assert!(reason.contains("other changes were in its way"), "{reason}");
    assert_ne!(one::<i32>(&mut session, VERSION).await?, ANOTHER as i32);
    store.permits.add_permits(1);
    other.await??;
    assert_eq!(
        registry.database("orders")?.version(),
        None,
        "what gave up does nothing later"
    );

    // Its own commit is waited for, however long, and the line is held.
    let moving = upgrade(&registry);
    held(&registry, "orders/back").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!moving.is_finished());
    assert_eq!(state(&registry, "orders/back"), "paused");
    store.permits.add_permits(1);
    moving.await??;
    assert_eq!(one::<i32>(&mut session, VERSION).await?, ANOTHER as i32);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_at_the_new_server_fails_nobody_who_waits() -> Outcome {
    let (Some(old), Some(new)) = (server(), prepared(Server::another(&[]))) else {
        return Ok(());
    };
    new.psql("ALTER ROLE app PASSWORD 'another'");
    let name = name();
    let to = url(&new, &name).replace("secret", "another");
    let old_version: u32 = old.psql(VERSION).parse()?;
    let definition = orders(&url(old, &name), &[("16", &to)]).version(old_version.to_string().parse()?);
    let registry = registry(definition).await;
    for mode in ["session", "transaction", "statement"] {
        registry
            .create_database_pool("orders", pool(mode, as_app(mode, 2)))
            .await?;
    }
    let stop = Arc::new(Semaphore::new(1));
    let tasks = (0..48).map(|number| {
        let sessions = registry.sessions_of("orders", ["session", "transaction", "statement"][number % 3]);
        let stop = stop.clone();
        tokio::spawn(async move {
            let (sessions, mut done) = (sessions?, 0);
            while stop.available_permits() > 0 {
                let mut session = match number % 2 {
                    0 => sessions.open(),
                    _ => sessions.log_in(Login::new("bob", "of bob")).await?,
                };
                match number % 4 {
                    1 if number % 3 == 1 => {
                        let transaction = session.transaction().await?;
                        transaction.query_one("SELECT pg_sleep(0.001)", &[]).await?;
                        transaction.commit().await?;
                    }
                    _ => drop(session.query_one("SELECT 1", &[]).await?),
                }
                done += 1;
            }
            Ok::<u64, super::Failure>(done)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for version in [ANOTHER, old_version, ANOTHER, old_version, ANOTHER] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        registry.upgrade("orders", version.to_string().parse()?).await?;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.forget_permits(1);
    let mut failed = Vec::new();
    for task in tasks {
        match task.await? {
            Ok(done) => assert!(done > 0),
            Err(error) => failed.push(error.to_string()),
        }
    }
    assert!(failed.is_empty(), "{} failed: {}", failed.len(), failed[0]);
    Ok(())
}
