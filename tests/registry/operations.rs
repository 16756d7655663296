//! What operators do: to one connector among others, to a connection, to a pool.

use crate::registry::{Outcome, connector, is_done, open, shop, until, wait};
use fairpool::resource::registry::{Operation, RegistryError, ResourceKind};
use serde_json::json;
use std::time::Duration;

const DRAIN: Operation = Operation::Drain {
    patience: Duration::from_secs(10),
};

#[tokio::test(start_paused = true)]
async fn a_connector_is_cleared_without_its_neighbours() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, shop) = shop(&registry, 1).await;
    let mail = json!({"name": "mail", "connection": "orders", "connection_pool_id": gate.id()});
    registry.create_connector(connector(mail)).await?;
    let mail = registry.handle("mail")?;
    let lease = shop.acquire().await?;
    let (mut one, mut neighbour, mut other) = (wait(&shop).await, wait(&mail).await, wait(&shop).await);
    let report = registry
        .operate(ResourceKind::Connector, "shop", Operation::Clear)
        .await?;
    assert_eq!(json!(report), json!({"cleared": 2}));
    for request in [&mut one, &mut other] {
        let error = is_done(request).await.expect("it was cleared").unwrap_err();
        assert_eq!(error, "connector 'shop': the request was cleared from the line");
    }
    assert!(is_done(&mut neighbour).await.is_none());
    assert_eq!(registry.limit(gate.id())?.status().pending, 1);
    drop(lease);
    assert!(is_done(&mut neighbour).await.expect("it is its turn").is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connector_is_paused_without_its_neighbours_and_serves_in_order_afterwards() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, shop) = shop(&registry, 1).await;
    registry
        .create_connector(connector(json!({"name": "mail", "connection": "orders"})))
        .await?;
    registry
        .operate(ResourceKind::Connector, "shop", Operation::Pause)
        .await?;
    let (mut first, mut second) = (wait(&shop).await, wait(&shop).await);
    drop(registry.handle::<crate::registry::Memory>("mail")?.acquire().await?);
    let status = registry.status_of_connector("shop")?;
    assert_eq!((status.state, status.pending, status.in_use), ("paused", 2, 0));
    registry
        .operate(ResourceKind::Connector, "shop", Operation::Resume)
        .await?;
    let lease = is_done(&mut first).await.expect("it came first")?;
    assert!(is_done(&mut second).await.is_none());
    drop(lease);
    assert!(is_done(&mut second).await.is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_through_a_paused_connector_waits_as_long_as_for_a_connection() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 1).await;
    registry
        .operate(ResourceKind::Connector, "shop", Operation::Pause)
        .await?;
    let began = tokio::time::Instant::now();
    let error = handle.acquire().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("connector 'shop': "), "{error}");
    assert_eq!(began.elapsed().as_secs(), 30);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_drained_serves_again_after_a_resume() -> Outcome {
    let (registry, books) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let kinds = [
        (ResourceKind::ConnectionPool, "gate"),
        (ResourceKind::Connector, "shop"),
        (ResourceKind::Connection, "orders"),
    ];
    for (kind, name) in kinds {
        drop(handle.acquire().await?);
        let report = registry.operate(kind, name, DRAIN).await?;
        assert_eq!((report.completed, report.failed), (Some(true), Some(0)), "{kind}");
        let error = handle.acquire().await.unwrap_err().to_string();
        assert!(error.contains("closed"), "{kind}: {error}");
        assert_eq!(registry.status_of(kind, name)?.state, "closed");
        registry.operate(kind, name, Operation::Resume).await?;
        assert_eq!(registry.status_of(kind, name)?.state, "open");
        assert!(handle.acquire().await.is_ok(), "{kind}");
    }
    assert_eq!(registry.limit(gate.id())?.status().limit, 1);
    until("the drained connection closed its own", || books.open() == 1).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_resume_calls_a_drain_off_and_cuts_nobody_off() -> Outcome {
    for (kind, name) in [
        (ResourceKind::ConnectionPool, "gate"),
        (ResourceKind::Connector, "shop"),
    ] {
        let (registry, _) = open().await;
        let (_, _, handle) = shop(&registry, 1).await;
        let lease = handle.acquire().await?;
        let mut before = wait(&handle).await;
        let drain = {
            let registry = registry.clone();
            tokio::spawn(async move { registry.operate(kind, name, DRAIN).await })
        };
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(handle.acquire().await.is_err(), "{kind}: it drains");
        registry.operate(kind, name, Operation::Resume).await?;
        let mut after = wait(&handle).await;
        let report = json!(drain.await??);
        assert_eq!(report["called_off"], true, "{kind}: {report}");
        assert_eq!((&report["completed"], &report["failed"]), (&json!(false), &json!(0)));
        // The drain's patience would be over.
        tokio::time::sleep(Duration::from_secs(10)).await;
        for request in [&mut before, &mut after] {
            assert!(is_done(request).await.is_none(), "{kind}: the first lease is still out");
        }
        drop(lease);
        drop(is_done(&mut before).await.expect("it is its turn")?);
        assert!(is_done(&mut after).await.expect("it is its turn").is_ok());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_still_out_counts_after_a_resume() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let report = registry.operate(ResourceKind::ConnectionPool, "gate", DRAIN).await?;
    assert_eq!(report.still_out, Some(1));
    registry
        .operate(ResourceKind::ConnectionPool, "gate", Operation::Resume)
        .await?;
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 1);
    let mut next = wait(&handle).await;
    assert!(is_done(&mut next).await.is_none(), "two would be above the limit");
    drop(lease);
    let next = is_done(&mut next).await.expect("it is its turn")?;

    let connection = (ResourceKind::Connection, "orders");
    registry.operate(connection.0, connection.1, DRAIN).await?;
    let refused = registry.operate(connection.0, connection.1, Operation::Resume).await;
    assert!(refused.unwrap_err().to_string().contains("1 of its connections"));
    drop(next);
    // Still open, it would be one more than the backend was to have.
    let refused = registry.operate(connection.0, connection.1, Operation::Resume).await;
    assert!(refused.is_err(), "it is not closed yet");
    tokio::time::sleep(Duration::from_secs(1)).await;
    registry.operate(connection.0, connection.1, Operation::Resume).await?;
    assert!(handle.acquire().await.is_ok());

    // A connector bounds nothing, but says who is in.
    let lease = handle.acquire().await?;
    registry.operate(ResourceKind::Connector, "shop", DRAIN).await?;
    registry
        .operate(ResourceKind::Connector, "shop", Operation::Resume)
        .await?;
    assert_eq!(registry.status_of_connector("shop")?.in_use, 1);
    drop(lease);
    assert_eq!(registry.status_of_connector("shop")?.in_use, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_resumed_while_its_drain_goes_on() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    let lease = handle.acquire().await?;
    let drain = {
        let registry = registry.clone();
        tokio::spawn(async move { registry.operate(ResourceKind::Connection, "orders", DRAIN).await })
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    let resume = || registry.operate(ResourceKind::Connection, "orders", Operation::Resume);
    assert_eq!(
        resume().await.unwrap_err().to_string(),
        r#"the connection "orders" was drained and 1 of its connections and requests are left: resume it when they have finished"#
    );
    drop(lease);
    assert_eq!(drain.await??.completed, Some(true));
    resume().await?;
    assert!(handle.acquire().await.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_leases_and_then_cuts_the_line_off() -> Outcome {
    let (registry, _) = open().await;
    let (_, _, handle) = shop(&registry, 1).await;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    let report = registry.operate(ResourceKind::Connector, "shop", DRAIN).await?;
    assert_eq!(
        (report.completed, report.failed, report.still_out),
        (Some(false), Some(1), Some(1))
    );
    assert!(is_done(&mut waiting).await.expect("it was cut off").is_err());
    drop(lease);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_paused_cleared_and_invalidated() -> Outcome {
    let (registry, books) = open().await;
    let (_, _, handle) = shop(&registry, 8).await;
    let connection = (ResourceKind::Connection, "orders");
    drop(handle.acquire().await?);
    registry
        .operate(connection.0, connection.1, Operation::Invalidate)
        .await?;
    until("its generation is over", || books.open() == 0).await;
    registry.operate(connection.0, connection.1, Operation::Pause).await?;
    let mut waiting = wait(&handle).await;
    assert_eq!(registry.status_of(connection.0, connection.1)?.state, "paused");
    let report = registry.operate(connection.0, connection.1, Operation::Clear).await?;
    assert_eq!(report.cleared, Some(1));
    assert!(is_done(&mut waiting).await.expect("it was cleared").is_err());
    registry.operate(connection.0, connection.1, Operation::Resume).await?;
    let _lease = handle.acquire().await?;
    let status = registry.status_of(connection.0, connection.1)?;
    assert_eq!((status.generation, status.in_use, status.open), (Some(1), 1, Some(1)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn everything_live_has_a_status() -> Outcome {
    let (registry, _) = open().await;
    let (gate, _, handle) = shop(&registry, 1).await;
    let _lease = handle.acquire().await?;
    let _waiting = wait(&handle).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let kinds: Vec<_> = registry.status().iter().map(|status| status.kind).collect();
    assert_eq!(kinds, ["connection-pools", "connections", "connectors"]);
    let by_id = registry.status_of(ResourceKind::ConnectionPool, &gate.id().to_string())?;
    assert_eq!(by_id, registry.status_of(ResourceKind::ConnectionPool, "gate")?);
    let shown = json!(by_id);
    assert_eq!(shown["in_use"], 1);
    assert_eq!(shown["pending"], 1);
    assert_eq!(shown["oldest_wait"], 2.0);
    assert_eq!(shown.get("idle"), None, "a limit has no connections");
    let connector = registry.status_of_connector("shop")?;
    assert_eq!((connector.in_use, connector.pending), (1, 1));
    for kind in ResourceKind::LIVE {
        let error = registry.status_of(kind, "nobody").unwrap_err();
        assert!(matches!(error, RegistryError::NotFound { .. }));
        let error = registry.operate(kind, "nobody", Operation::Clear).await.unwrap_err();
        assert!(matches!(error, RegistryError::NotFound { .. }));
    }
    let refused = registry
        .operate(ResourceKind::ConnectionPool, "gate", Operation::Invalidate)
        .await;
    assert!(matches!(refused, Err(RegistryError::Unsupported(_))));
    Ok(())
}
