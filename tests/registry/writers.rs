//! The writers' line: bounded, in order, and stopped neither by a store that fails or panics nor by a driver that blocks.

use crate::registry::moody::Moody;
use crate::registry::{Memory, Outcome, builder, http, new_pool, pool_change, shop};
use fairpool::resource::models::{Connection, ConnectionType, ListQuery, QueryHost};
use fairpool::resource::registry::{Operation, Registry, RegistryError, ResourceKind};
use fairpool::resource::store::StoreError;
use futures::FutureExt;
use serde_json::json;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

async fn over(store: &Moody) -> Registry {
    let (builder, _) = builder();
    builder.store(store.clone()).open().await.expect("it opens")
}

async fn give_turns() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn names(registry: &Registry) -> Vec<String> {
    let pools = registry.connection_pools(&ListQuery::default()).items;
    pools.iter().map(|pool| pool.name().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_caller_gave_up_in_line_is_never_made() -> Outcome {
    let store = Moody::new();
    let registry = over(&store).await;
    store.turns.forget_permits(1000);
    let mut first = Box::pin(registry.create_connection_pool(new_pool("first", 1)));
    let mut second = Box::pin(registry.create_connection_pool(new_pool("second", 1)));
    let mut third = Box::pin(registry.create_connection_pool(new_pool("third", 1)));
    for change in [&mut first, &mut second, &mut third] {
        assert!(change.as_mut().now_or_never().is_none());
        give_turns().await;
    }
    // The first has begun, and is finished all the same.
    drop((first, second));
    store.turns.add_permits(1000);
    third.await?;
    assert_eq!(names(&registry), ["first", "third"]);
    // An operation that has to wait for its turn is one of them.
    let gate = (ResourceKind::ConnectionPool, "first");
    let patience = Duration::from_secs(1);
    registry.operate(gate.0, gate.1, Operation::Drain { patience }).await?;
    store.turns.forget_permits(1000);
    let mut fourth = Box::pin(registry.create_connection_pool(new_pool("fourth", 1)));
    assert!(fourth.as_mut().now_or_never().is_none());
    give_turns().await;
    let mut resume = Box::pin(registry.operate(gate.0, gate.1, Operation::Resume));
    assert!(resume.as_mut().now_or_never().is_none());
    give_turns().await;
    drop(resume);
    store.turns.add_permits(1000);
    fourth.await?;
    give_turns().await;
    assert_eq!(registry.status_of(gate.0, gate.1)?.state, "closed");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_writers_line_is_bounded_and_says_that_the_store_is_slow() -> Outcome {
    let store = Moody::new();
    let registry = over(&store).await;
    store.turns.forget_permits(1000);
    let changes = (0..1100).map(|number| registry.create_connection_pool(new_pool(&format!("pool {number}"), 1)));
    let mut changes: Vec<_> = changes.map(Box::pin).collect();
    for change in &mut changes {
        assert!(change.as_mut().now_or_never().is_none());
    }
    give_turns().await;
    let refused: Vec<_> = changes
        .iter_mut()
        .filter_map(|change| change.as_mut().now_or_never())
        .collect();
    // One is at the store, 1,024 wait.
    assert_eq!(refused.len(), 1100 - 1025);
    for refusal in refused {
        let refusal = refusal.expect_err("it was refused");
        assert!(matches!(refusal, RegistryError::Crowded { waiting: 1024 }), "{refusal}");
        assert_eq!(
            refusal.to_string(),
            "the store is slow: 1024 changes wait for it already"
        );
    }
    drop(changes);
    store.turns.add_permits(10_000);
    registry.create_connection_pool(new_pool("last", 1)).await?;
    assert_eq!(names(&registry), ["pool 0", "last"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_commit_has_stored_is_found_by_the_next_change() -> Outcome {
    let store = Moody::new();
    let registry = over(&store).await;
    store.fails.store(true, SeqCst);
    store.stores_all_the_same.store(true, SeqCst);
    let failed = registry.create_connection_pool(new_pool("gate", 1)).await;
    assert!(matches!(failed, Err(RegistryError::Store(StoreError::Failed { .. }))));
    store.fails.store(false, SeqCst);
    store.stores_all_the_same.store(false, SeqCst);
    // Nobody may have its name a second time.
    let again = registry.create_connection_pool(new_pool("gate", 1)).await;
    assert!(matches!(again, Err(RegistryError::Taken { .. })), "{again:?}");
    assert_eq!(names(&registry), ["gate"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_change_is_told_as_one_and_the_next_change_is_made() -> Outcome {
    let store = Moody::new();
    let registry = over(&store).await;
    let (gate, _, handle) = shop(&registry, 2).await;
    store.panics.store(true, SeqCst);
    let change = pool_change(json!({"limit": 9}));
    let told = registry.change_connection_pool(gate.id(), change.clone()).await;
    assert!(matches!(told, Err(RegistryError::Panicked)), "{told:?}");
    assert_eq!(told.unwrap_err().to_string(), "the change panicked");
    assert_eq!(registry.limit(gate.id())?.status().limit, 2);
    store.panics.store(false, SeqCst);
    registry.change_connection_pool(gate.id(), change).await?;
    assert_eq!(registry.limit(gate.id())?.status().limit, 9);
    assert!(handle.acquire().await.is_ok());

    // So with a driver.
    let driver = |connection: &Connection, _: &QueryHost| -> Result<Memory, String> {
        panic!("what is {:?}?", connection.title())
    };
    let registry = Registry::builder().driver(ConnectionType::Http, driver).open().await?;
    let told = registry.put_connection(http("orders", "hunter2")).await.unwrap_err();
    assert_eq!(told.to_string(), "the change panicked");
    registry.create_connection_pool(new_pool("gate", 1)).await?;
    Ok(())
}

#[tokio::test]
async fn a_driver_that_blocks_over_a_definition_holds_up_nobody() -> Outcome {
    let (files, disk) = mpsc::channel::<()>();
    let disk = Mutex::new(disk);
    let driver = move |_: &Connection, _: &QueryHost| -> Result<Memory, &'static str> {
        match disk.lock().unwrap().recv_timeout(Duration::from_secs(30)) {
            Ok(()) => Err("it was read"),
            Err(_) => Err("nobody else had a turn"),
        }
    };
    let registry = Registry::builder().driver(ConnectionType::Http, driver).open().await?;
    let put = {
        let registry = registry.clone();
        tokio::spawn(async move { registry.put_connection(http("orders", "")).await.map(|_| ()) })
    };
    // This thread is the only one of its runtime.
    give_turns().await;
    files.send(())?;
    let refused = put.await?.unwrap_err().to_string();
    assert_eq!(refused, r#"connection "orders": it was read"#);
    Ok(())
}
