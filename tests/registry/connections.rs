//! Family 4: named connections are live systems.

use crate::registry::{
    Memory, Other, Outcome, builder, change, connector, definition, http, is_done, open, shop, until, wait,
};
use fairpool::resource::registry::{HandleError, RegistryError};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_changed_connection_starts_a_new_generation() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    let (lent, idle) = (handle.acquire().await?, handle.acquire().await?);
    drop(idle);
    registry.put_connection(http("orders", "second")).await?;
    let fresh = handle.acquire().await?;
    assert_eq!(fresh.title, "second");
    assert_eq!(lent.title, "first", "what is lent is left alone");
    drop(lent);
    until("the old ones have closed", || books.open() == 1).await;
    drop(fresh);
    assert_eq!(handle.acquire().await?.title, "second");
    // Whoever opened them has closed them.
    let farewells = books.farewells.lock().unwrap().clone();
    assert_eq!(farewells, vec![("first".to_owned(), "first".to_owned()); 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_definition_again_changes_nothing() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    drop(handle.acquire().await?);
    registry.put_connection(http("orders", "first")).await?;
    assert_eq!(registry.status_of_connector("shop")?.generation, Some(0));
    drop(handle.acquire().await?);
    assert_eq!(books.opened.load(std::sync::atomic::Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_by_the_new_definition() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    registry
        .change_connector("shop", change(json!({"mode": "CUSTOM", "size": 1})))
        .await?;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    registry.put_connection(http("orders", "second")).await?;
    drop(lease);
    let served = is_done(&mut waiting).await.expect("its connection is open")?;
    assert_eq!(served.title, "second");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn masked_secrets_keep_the_stored_ones_and_nothing_shows_them() -> Outcome {
    let (registry, _) = open().await;
    let posted = json!({
        "name": "orders", "type": "http", "queryHosts": ["http://app:hunter2@a:80"],
        "key": "hunter2-key", "passphrase": "hunter2-phrase", "sockPassword": "hunter2-socks", "sockHost": "s",
    });
    let stored = registry.put_connection(definition(posted)).await?;
    let mut shown = json!(*stored);
    assert!(!shown.to_string().contains("hunter2"));
    assert!(!format!("{registry:?} {stored:?} {:?}", registry.status()).contains("hunter2"));
    shown["title"] = json!("renamed");
    let again = registry.put_connection(definition(shown)).await?;
    assert_eq!(again.passphrase().map(|secret| secret.reveal()), Some("hunter2-phrase"));
    assert_eq!(again.query_hosts()[0].reveal(), "http://app:hunter2@a:80");
    assert_eq!(again.title(), Some("renamed"));
    let forgotten = definition(json!({"name": "new", "type": "http", "queryHosts": ["http://***@a:80"]}));
    assert!(matches!(
        registry.put_connection(forgotten).await,
        Err(RegistryError::Invalid(_))
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_definition_that_no_driver_understands_changes_nothing() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    let error = registry
        .put_connection(http("orders", "misunderstood"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "connection \"orders\": nobody understands it");
    assert_eq!(registry.connection("orders")?.title(), Some("first"));
    assert_eq!(handle.acquire().await?.title, "first");
    let unknown = json!({"name": "sql", "type": "druidsql", "queryHosts": ["a:80"]});
    let error = registry.put_connection(definition(unknown)).await.unwrap_err();
    assert_eq!(error.to_string(), "connections of type druidsql are not supported here");
    assert!(registry.connection("sql").is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_connectors_use_is_not_deleted() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    registry
        .create_connector(connector(json!({"name": "mail", "connection": "orders"})))
        .await?;
    let lease = handle.acquire().await?;
    let error = registry.delete_connection("orders").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the connection "orders" is used by "mail", "shop""#
    );
    assert!(matches!(error, RegistryError::InUse { .. }));
    for name in ["mail", "shop"] {
        registry.delete_connector(name).await?;
    }
    registry.delete_connection("orders").await?;
    assert!(registry.connection("orders").is_err());
    assert_eq!(books.open(), 1, "a lease goes on");
    drop(lease);
    until("it closes when it comes back", || books.open() == 0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_type_is_another_system_and_those_who_wait_finish_at_the_old_one() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    registry
        .change_connector("shop", change(json!({"mode": "CUSTOM", "size": 1})))
        .await?;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    let druid = json!({"name": "orders", "type": "druid", "title": "second", "queryHosts": ["b:80"]});
    registry.put_connection(definition(druid)).await?;

    let error = handle.acquire().await.unwrap_err();
    assert!(matches!(error, HandleError::OtherManager(_)), "{error}");
    assert!(registry.handle::<Memory>("shop").is_err());
    let other = registry.handle::<Other>("shop")?.acquire().await?;
    assert_eq!((&*other.0.title, other.1), ("second", "other"));
    drop(lease);
    let served = is_done(&mut waiting).await.expect("the old pool serves its line")?;
    assert_eq!(served.title, "first");
    drop((served, other));
    until("the old pools are gone", || books.open() == 1).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_hosts_of_a_connection_are_tried_in_turn() -> Outcome {
    let (registry, books) = open().await;
    let hosts = json!({"name": "orders", "type": "http", "queryHosts": ["a:80", "b:80", "c:80"]});
    registry.put_connection(definition(hosts)).await?;
    registry
        .create_connector(connector(
            json!({"name": "shop", "connection": "orders", "mode": "NONE"}),
        ))
        .await?;
    let handle = registry.handle::<Memory>("shop")?;
    assert_eq!(handle.acquire().await?.host, "a");
    books.refuse("a");
    books.silence("b");
    // A silent one costs its share of an attempt, once: the next one begins behind it.
    let began = tokio::time::Instant::now();
    assert_eq!(handle.acquire().await?.host, "c");
    assert_eq!(began.elapsed().as_secs(), 3);
    let began = tokio::time::Instant::now();
    assert_eq!(handle.acquire().await?.host, "c");
    assert_eq!(began.elapsed().as_secs(), 0, "it stays with the one that answers");
    books.heal();
    assert_eq!(handle.acquire().await?.host, "c");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shared_pool_holds_1024_connections_a_host_and_2048_in_all() -> Outcome {
    let (registry, _) = open().await;
    let limit = |hosts: serde_json::Value| {
        let registry = registry.clone();
        async move {
            let fields = json!({"name": "orders", "type": "http", "queryHosts": hosts});
            registry.put_connection(definition(fields)).await.unwrap();
            let kind = fairpool::resource::registry::ResourceKind::Connection;
            registry.status_of(kind, "orders").unwrap().limit
        }
    };
    assert_eq!(limit(json!(["a"])).await, Some(1024));
    assert_eq!(limit(json!(["a", "b", "c"])).await, Some(2048));
    assert_eq!(limit(json!(["a"])).await, Some(1024));
    let general = fairpool::resource::registry::GeneralLimits::new(3, 5)?;
    let (builder, _) = builder();
    let registry = builder.general(general).open().await?;
    registry.put_connection(http("orders", "")).await?;
    assert_eq!(registry.status().first().and_then(|status| status.limit), Some(3));
    Ok(())
}
