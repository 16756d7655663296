//! The registry and its store: what fails there changes nothing here, and a caller that gives up changes nothing either.

use crate::registry::moody::Moody;
use crate::registry::{Memory, Outcome, builder, connector, http, new_pool, pool_change, shop, until};
use fairpool::resource::models::ListQuery;
use fairpool::resource::registry::{OpenError, RegistryError};
use fairpool::resource::store::{Change, Document, Kind, MemoryStore, Store};
use futures::FutureExt;
use serde_json::json;
use std::sync::atomic::Ordering::SeqCst;

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_changes_nothing_live() -> Outcome {
    let store = Moody::new();
    let (builder, books) = builder();
    let registry = builder.store(store.clone()).open().await?;
    let (gate, before, handle) = shop(&registry, 2).await;
    drop(handle.acquire().await?);
    store.fails.store(true, SeqCst);
    let refusals = [
        registry.create_connection_pool(new_pool("other", 1)).await.err(),
        registry
            .change_connection_pool(gate.id(), pool_change(json!({"limit": 9, "name": "x"})))
            .await
            .err(),
        registry.delete_connection_pool(gate.id()).await.err(),
        registry.put_connection(http("orders", "second")).await.err(),
        registry.put_connection(http("new", "")).await.err(),
        registry
            .create_connector(connector(json!({"name": "mail", "connection": "orders"})))
            .await
            .err(),
        registry
            .change_connector("shop", crate::registry::change(json!({"mode": "NONE"})))
            .await
            .err(),
        registry.delete_connector("shop").await.err(),
    ];
    for refusal in refusals {
        let refusal = refusal.expect("the store failed");
        assert!(matches!(refusal, RegistryError::Store(_)));
        assert_eq!(refusal.to_string(), "store: fairpool.db: no space is left");
    }
    assert_eq!(
        registry.connection_pools(&ListQuery::default()).items,
        std::slice::from_ref(&gate)
    );
    assert_eq!(registry.limit(gate.id())?.status().limit, 2);
    assert_eq!(registry.connectors(), [before]);
    assert_eq!(registry.connections().len(), 1);
    assert_eq!(handle.acquire().await?.title, "first");
    assert_eq!(
        (books.open(), registry.status_of_connector("shop")?.generation),
        (1, Some(0))
    );
    store.fails.store(false, SeqCst);
    registry.put_connection(http("orders", "second")).await?;
    assert_eq!(handle.acquire().await?.title, "second");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_the_change_whole() -> Outcome {
    let store = Moody::new();
    let (builder, _) = builder();
    let registry = builder.store(store.clone()).open().await?;
    let (gate, _, _) = shop(&registry, 2).await;
    store.turns.forget_permits(1000);
    let mut change = Box::pin(registry.change_connection_pool(gate.id(), pool_change(json!({"limit": 9}))));
    assert!(change.as_mut().now_or_never().is_none());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        registry.connection_pool(gate.id())?.limit(),
        2,
        "nothing is live before it is stored"
    );
    drop(change);
    store.turns.add_permits(1000);
    until("the change is live", || {
        registry.limit(gate.id()).is_ok_and(|limit| limit.status().limit == 9)
    })
    .await;
    assert_eq!(registry.connection_pool(gate.id())?.limit(), 9);
    Ok(())
}

#[test]
fn a_change_whose_runtime_ends_in_the_commit_is_found_by_the_next_one() -> Outcome {
    let store = Moody::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let first = runtime()?;
    let (registry, gate) = first.block_on(async {
        let (builder, _) = builder();
        let registry = builder.store(store.clone()).open().await.expect("it opens");
        let (gate, _, _) = shop(&registry, 2).await;
        (registry, gate)
    });
    store.turns.forget_permits(1000);
    first.block_on(async {
        let mut change = Box::pin(registry.change_connection_pool(gate.id(), pool_change(json!({"limit": 9}))));
        assert!(change.as_mut().now_or_never().is_none());
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    drop(first);
    // What nobody here knows of: the store has it all the same.
    runtime()?.block_on(async {
        store.turns.add_permits(1000);
        let body = Document::new(
            &json!({"name": "elsewhere", "limit": 3, "created_at": gate.created_at(), "updated_at": gate.created_at()}),
        )?;
        let made = vec![Change::Create {
            kind: Kind::ConnectionPool,
            body,
        }];
        store.inner.commit(made).await?;
        registry
            .change_connection_pool(gate.id(), pool_change(json!({"timeout": 4})))
            .await?;
        let names: Vec<_> = registry.connection_pools(&ListQuery::default()).items;
        assert_eq!(
            names.iter().map(|pool| pool.name().as_str()).collect::<Vec<_>>(),
            ["gate", "elsewhere"]
        );
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn two_registries_over_one_store_lose_no_field() -> Outcome {
    let store = MemoryStore::new();
    let (one, _) = builder();
    let one = one.store(store.clone()).open().await?;
    let (gate, _, _) = shop(&one, 2).await;
    let (two, _) = builder();
    let two = two.store(store.clone()).open().await?;
    one.change_connection_pool(gate.id(), pool_change(json!({"limit": 5})))
        .await?;
    let seen = two
        .change_connection_pool(gate.id(), pool_change(json!({"timeout": 6})))
        .await?;
    assert_eq!(
        (seen.limit(), seen.timeout().map(|timeout| timeout.as_secs())),
        (5, Some(6))
    );
    assert_eq!(two.limit(gate.id())?.status().limit, 5);
    // What the first one deleted is gone for the second when it looks.
    one.delete_connector("shop").await?;
    one.put_connection(http("orders", "second")).await?;
    two.change_connection_pool(gate.id(), pool_change(json!({"limit": 7})))
        .await?;
    let seen = one
        .change_connection_pool(gate.id(), pool_change(json!({"timeout": 9})))
        .await?;
    let seconds = seen.timeout().map(|timeout| timeout.as_secs());
    assert_eq!((seen.limit(), seconds), (7, Some(9)));
    let late = two
        .create_connector(connector(json!({"name": "shop", "connection": "orders"})))
        .await;
    assert!(
        matches!(late, Err(RegistryError::Taken { .. })),
        "it has not looked since"
    );
    two.change_connection_pool(gate.id(), pool_change(json!({"limit": 8})))
        .await?;
    assert!(two.connector("shop").is_err());
    assert_eq!(two.connection("orders")?.title(), Some("second"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_is_live_after_a_restart() -> Outcome {
    let store = MemoryStore::new();
    let (first, _) = builder();
    let first = first.store(store.clone()).open().await?;
    let (gate, shop, _) = shop(&first, 2).await;
    let (second, _) = builder();
    let second = second.store(store.clone()).open().await?;
    assert_eq!(second.connection_pool(gate.id())?, gate);
    assert_eq!(second.connector("shop")?, shop);
    assert_eq!(second.handle::<Memory>("shop")?.acquire().await?.title, "first");
    // Without the driver it is kept, and says why it is not live.
    let third = fairpool::resource::registry::Registry::builder()
        .store(store)
        .open()
        .await?;
    assert_eq!(third.connection("orders")?.title(), Some("first"));
    let problems = third.problems().join("\n");
    assert!(
        problems.contains("connections of type http are not supported here"),
        "{problems}"
    );
    assert!(matches!(
        third.handle::<Memory>("shop"),
        Err(RegistryError::Unavailable(_))
    ));
    assert_eq!(third.status_of_connector("shop")?.state, "not live");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_no_resource_is_named_and_not_quoted() -> Outcome {
    let store = MemoryStore::new();
    let body = Document::new(&json!({"name": "hunter2", "limit": 0}))?;
    store
        .commit(vec![Change::Create {
            kind: Kind::ConnectionPool,
            body,
        }])
        .await?;
    let (builder, _) = builder();
    let error = builder.store(store).open().await.unwrap_err();
    assert!(matches!(error, OpenError::Unreadable { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with(r#"store: connection_pool "1": limit must be at least 1"#),
        "{text}"
    );
    assert!(!text.contains("hunter2"));
    Ok(())
}
