//! Family 1: connection pools are live limits.

use crate::registry::{NEVER, Outcome, change, connector, is_done, new_pool, open, pool_change, shop, wait};
use fairpool::resource::models::{ListQuery, PoolId};
use fairpool::resource::registry::{RegistryError, ResourceKind};
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_raised_limit_admits_waiting_requests_now() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 1).await;
    let _lease = handle.acquire().await?;
    let mut second = wait(&handle).await;
    let mut third = wait(&handle).await;
    registry
        .change_connection_pool(pool.id(), pool_change(json!({"limit": 2})))
        .await?;
    let lease = is_done(&mut second).await.expect("it was admitted");
    assert!(lease.is_ok());
    assert!(is_done(&mut third).await.is_none());
    assert_eq!(registry.connection_pool(pool.id())?.limit(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_holds_from_the_next_release() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 3).await;
    let (first, second, third) = (
        handle.acquire().await?,
        handle.acquire().await?,
        handle.acquire().await?,
    );
    let mut waiting = wait(&handle).await;
    registry
        .change_connection_pool(pool.id(), pool_change(json!({"limit": 1})))
        .await?;
    drop(first);
    assert!(is_done(&mut waiting).await.is_none(), "two are still in flight");
    drop(second);
    assert!(is_done(&mut waiting).await.is_none(), "one is still in flight");
    drop(third);
    assert!(is_done(&mut waiting).await.is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shorter_timeout_is_used_by_the_next_request_and_none_waits_for_any_time() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 1).await;
    let _lease = handle.acquire().await?;
    let mut patient = wait(&handle).await;
    registry
        .change_connection_pool(pool.id(), pool_change(json!({"timeout": 5})))
        .await?;

    let began = tokio::time::Instant::now();
    let error = handle.acquire().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(
        error
            .to_string()
            .contains("connector 'shop' under connection pool 'gate'"),
        "{error}"
    );
    assert_eq!(began.elapsed().as_secs(), 5);
    // Longer than the 30 s that a pool of connections would wait.
    tokio::time::sleep(NEVER).await;
    assert!(is_done(&mut patient).await.is_none(), "it came before the timeout did");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn clear_fails_exactly_those_who_wait() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let mut waiting = [wait(&handle).await, wait(&handle).await];
    assert_eq!(registry.clear_connection_pool(pool.id())?, 2);
    let mut later = wait(&handle).await;
    for request in &mut waiting {
        let error = is_done(request).await.expect("it was cleared").unwrap_err();
        assert!(error.contains("cleared"), "{error}");
    }
    assert!(is_done(&mut later).await.is_none());
    drop(lease);
    assert!(is_done(&mut later).await.expect("it is its turn").is_ok());
    assert_eq!(registry.clear_connection_pool(pool.id())?, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_a_deleted_pool_the_line_fails_those_in_flight_finish_and_connectors_go_on_without_a_limit() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    registry.delete_connection_pool(pool.id()).await?;
    let error = is_done(&mut waiting).await.expect("its line is gone").unwrap_err();
    assert!(error.contains("the limit is closed"), "{error}");
    assert_eq!(lease.title, "first");
    let _others = (handle.acquire().await?, handle.acquire().await?);
    assert_eq!(registry.connector("shop")?.connection_pool_id(), None);
    assert!(matches!(
        registry.connection_pool(pool.id()),
        Err(RegistryError::NotFound {
            kind: ResourceKind::ConnectionPool,
            ..
        })
    ));
    assert_eq!(registry.connection_pools(&ListQuery::default()).total, 0);
    // Its name is free again, its id is not.
    let next = registry.create_connection_pool(new_pool("gate", 1)).await?;
    assert_ne!(next.id(), pool.id());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_name_is_unique_and_only_what_is_given_changes() -> Outcome {
    let (registry, _) = open().await;
    let one = registry.create_connection_pool(new_pool("one", 1)).await?;
    let two = registry.create_connection_pool(new_pool("two", 2)).await?;
    let taken = registry.create_connection_pool(new_pool("one", 1)).await;
    assert!(matches!(taken, Err(RegistryError::Taken { .. })));
    let taken = registry
        .change_connection_pool(two.id(), pool_change(json!({"name": "one"})))
        .await;
    assert!(matches!(taken, Err(RegistryError::Taken { .. })));
    assert_eq!(registry.connection_pool(two.id())?, two);

    let same = registry
        .change_connection_pool(one.id(), pool_change(json!({"name": "one", "limit": 1})))
        .await?;
    assert_eq!(same, one, "nothing has changed, so it was not changed at any time");
    tokio::time::resume();
    tokio::time::sleep(Duration::from_millis(2)).await;
    let changed = registry
        .change_connection_pool(one.id(), pool_change(json!({"timeout": 9})))
        .await?;
    assert_eq!((changed.name(), changed.limit()), (one.name(), 1));
    assert_eq!(changed.created_at(), one.created_at());
    assert!(changed.updated_at() > one.updated_at());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn writers_that_change_different_fields_at_once_lose_none() -> Outcome {
    let (registry, _) = open().await;
    let pool = registry.create_connection_pool(new_pool("gate", 1)).await?;
    let changes = [json!({"limit": 7}), json!({"timeout": 8}), json!({"name": "door"})];
    let writers = changes.map(|fields| registry.change_connection_pool(pool.id(), pool_change(fields)));
    for written in futures::future::join_all(writers).await {
        written?;
    }
    let pool = registry.connection_pool(pool.id())?;
    assert_eq!((pool.limit(), pool.timeout()), (7, Some(Duration::from_secs(8))));
    assert_eq!(pool.name().as_str(), "door");
    assert_eq!(&*registry.limit(pool.id())?.name(), "door");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pool_lists_its_connectors_with_their_connections() -> Outcome {
    let (registry, _) = open().await;
    let (pool, shop, _) = shop(&registry, 1).await;
    registry
        .create_connector(connector(json!({"name": "free", "connection": "orders"})))
        .await?;
    let listed = registry.connectors_of(pool.id())?;
    assert_eq!(listed.len(), 1);
    let (connector, connection) = &listed[0];
    assert_eq!(connector, &shop);
    let shown = json!(connector.included(connection.as_deref()));
    assert_eq!(shown["system"]["queryHosts"], json!(["a:80"]));

    registry
        .change_connector("shop", change(json!({"connection_pool_id": null})))
        .await?;
    assert_eq!(registry.connectors_of(pool.id())?, []);
    let unknown = PoolId::new(99)?;
    assert!(registry.connectors_of(unknown).is_err());
    let refused = registry
        .change_connector("shop", change(json!({"connection_pool_id": 99})))
        .await;
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, "connection_pool_id must be the id of a connection pool");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_name_with_a_line_break_is_kept_and_shown_in_one_line() -> Outcome {
    let (registry, _) = open().await;
    let (pool, _, handle) = shop(&registry, 1).await;
    registry
        .change_connection_pool(pool.id(), pool_change(json!({"name": "a\nb\u{1b}[2Jé", "timeout": 1})))
        .await?;
    assert_eq!(registry.connection_pool(pool.id())?.name().as_str(), "a\nb\u{1b}[2Jé");
    let _lease = handle.acquire().await?;
    let error = handle.acquire().await.unwrap_err().to_string();
    assert!(error.contains(r"under connection pool 'a\nb\u{1b}[2Jé'"), "{error}");
    let made = registry.create_connection_pool(new_pool("c\rd", 1)).await?;
    assert_eq!(&*registry.limit(made.id())?.name(), r"c\rd");
    Ok(())
}
