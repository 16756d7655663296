//! Family 5: connectors follow every change, and lose no request over it.

use crate::registry::{
    Conn, Memory, Other, Outcome, change, connector, http, is_done, new_pool, open, shop, until, wait,
};
use fairpool::resource::registry::{HandleError, RegistryError};
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_mode_change_moves_a_connector_without_losing_a_request() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 100).await;
    let modes = [
        json!({"mode": "CUSTOM", "size": 1}),
        json!({"mode": "NONE"}),
        json!({"mode": "GENERAL"}),
        json!({"mode": "CUSTOM", "size": 2}),
    ];
    let mut tasks = Vec::new();
    for seed in 0..40 {
        let handle = handle.clone();
        tasks.push(tokio::spawn(async move {
            for turn in 0..25 {
                let lease = handle.acquire().await.map_err(|error| error.to_string())?;
                tokio::time::sleep(Duration::from_millis((seed * 7 + turn) % 13)).await;
                drop(lease);
            }
            Ok::<_, String>(())
        }));
    }
    for turn in 0..60 {
        tokio::time::sleep(Duration::from_millis(3)).await;
        registry
            .change_connector("shop", change(modes[turn % modes.len()].clone()))
            .await?;
    }
    for task in tasks {
        task.await??;
    }
    registry.change_connector("shop", change(modes[1].clone())).await?;
    assert_eq!(registry.connector("shop")?.management(), fairpool::Management::None);
    let status = registry.status_of_connector("shop")?;
    assert_eq!((status.in_use, status.pending), (0, 0));
    registry.delete_connector("shop").await?;
    registry.delete_connection("orders").await?;
    until("every connection has closed", || books.open() == 0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_in_a_left_line_is_served_there() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 100).await;
    registry
        .change_connector("shop", change(json!({"mode": "CUSTOM", "size": 1})))
        .await?;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    registry
        .change_connector("shop", change(json!({"mode": "GENERAL"})))
        .await?;
    drop(handle.acquire().await?);
    assert!(is_done(&mut waiting).await.is_none());
    drop(lease);
    assert!(
        is_done(&mut waiting)
            .await
            .expect("the left pool serves its line")
            .is_ok()
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_pool_is_put_above_a_connector_and_taken_away() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let mut under = wait(&handle).await;
    registry
        .change_connector("shop", change(json!({"connection_pool_id": null})))
        .await?;
    drop(handle.acquire().await?);
    assert!(
        is_done(&mut under).await.is_none(),
        "it stays in the line in which it stands"
    );
    let door = registry.create_connection_pool(new_pool("door", 1)).await?;
    registry
        .change_connector("shop", change(json!({"connection_pool_id": door.id()})))
        .await?;
    let through_the_door = handle.acquire().await?;
    assert_eq!(registry.limit(door.id())?.status().in_flight, 1);
    let mut behind = wait(&handle).await;
    drop(lease);
    let served = is_done(&mut under).await.expect("it is its turn")?;
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 1);
    drop(through_the_door);
    assert!(is_done(&mut behind).await.is_some());
    drop(served);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_connection_moves_a_connector_to_that_system() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 1).await;
    registry.put_connection(http("archive", "archive")).await?;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    registry
        .change_connector("shop", change(json!({"connection": "archive"})))
        .await?;
    registry.delete_connection("orders").await?;
    assert_eq!(lease.title, "first");
    drop(lease);
    let served = is_done(&mut waiting).await.expect("it is its turn under the limit")?;
    assert_eq!(
        served.title, "archive",
        "the connection is taken from where the connector leads now"
    );
    until("the old system is empty", || books.open() == 1).await;

    let refused = registry
        .change_connector("shop", change(json!({"connection": "nowhere"})))
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "connection must be the name of a connection"
    );
    let refused = registry
        .create_connector(connector(json!({"name": "mail", "connection": "nowhere"})))
        .await;
    assert!(matches!(refused, Err(RegistryError::Invalid(_))));
    let refused = registry
        .create_connector(connector(json!({"name": "shop", "connection": "archive"})))
        .await;
    assert!(matches!(refused, Err(RegistryError::Taken { .. })));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_the_line_of_a_connection_that_goes_away_is_served_by_the_next() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    books.silence("a");
    let waiting = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.acquire_within(Duration::from_secs(300)).await })
    };
    until("it waits", || {
        registry
            .status_of_connector("shop")
            .is_ok_and(|status| status.pending == 1)
    })
    .await;
    let elsewhere = json!({"name": "archive", "type": "http", "title": "archive", "queryHosts": ["b:80"]});
    registry.put_connection(crate::registry::definition(elsewhere)).await?;
    registry
        .change_connector("shop", change(json!({"connection": "archive"})))
        .await?;
    registry.delete_connection("orders").await?;
    // The old system serves its line for a minute, and then sends it away.
    let began = tokio::time::Instant::now();
    assert_eq!(waiting.await??.title, "archive");
    assert_eq!(began.elapsed().as_secs(), 60);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deleted_connector_fails_those_who_wait_and_says_so() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    registry.delete_connector("shop").await?;
    let error = is_done(&mut waiting).await.expect("it was deleted").unwrap_err();
    assert_eq!(error, "connector 'shop' has been deleted");
    assert!(matches!(handle.acquire().await, Err(HandleError::Deleted(_))));
    assert!(matches!(
        registry.handle::<Memory>("shop"),
        Err(RegistryError::NotFound { .. })
    ));
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 1, "a lease goes on");
    drop(lease);
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 0);
    // One of that name again is another one.
    registry
        .create_connector(connector(json!({"name": "shop", "connection": "orders"})))
        .await?;
    assert!(handle.acquire().await.is_err());
    assert!(registry.handle::<Memory>("shop")?.acquire().await.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn services_reach_a_connector_typed_and_not() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, _) = shop(&registry, 1).await;
    let error = registry.handle::<Other>("shop").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("connector \"shop\" is not of the manager "),
        "{error}"
    );
    let any = registry.any_handle("shop")?;
    let mut lease = any.acquire().await?;
    assert!(lease.downcast_ref::<String>().is_none());
    assert_eq!(lease.downcast_mut::<Conn>().map(|conn| &*conn.title), Some("first"));
    let error = any.acquire_within(Duration::from_secs(1)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    lease.mark_broken();
    drop(lease);
    assert!(any.acquire().await.is_ok());
    assert!(registry.any_handle("mail").is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_detached_connection_leaves_its_places() -> Outcome {
    let (registry, books) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let connection = handle.acquire().await?.detach();
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 0);
    assert_eq!(registry.status_of_connector("shop")?.in_use, 0);
    assert_eq!((books.open(), &*connection.title), (1, "first"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_leaves_its_line() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let first = wait(&handle).await;
    let mut second = wait(&handle).await;
    assert_eq!(registry.status_of_connector("shop")?.pending, 2);
    drop(first);
    assert_eq!(registry.status_of_connector("shop")?.pending, 1);
    assert_eq!(registry.limit(gate.id())?.status().pending, 1);
    drop(lease);
    assert!(is_done(&mut second).await.is_some());
    Ok(())
}
