//! What an exporter is shown of a registry: each pool and limit under its name, from when it is made to when it is gone.
#![cfg(feature = "prometheus")]

use crate::registry::{Outcome, builder, connector, http, new_pool, pool_change, until, wait};
use fairpool::export::PrometheusExporter;
use serde_json::json;

/// The value of a series, `name{labels}`.
fn value(exporter: &PrometheusExporter, series: &str) -> Option<f64> {
    let text = exporter.render();
    let found = text.lines().find_map(|line| line.strip_prefix(series));
    found.and_then(|value| value.trim().parse().ok())
}

#[tokio::test(start_paused = true)]
async fn pools_and_limits_are_shown_while_they_are_there() -> Outcome {
    let exporter = PrometheusExporter::new();
    let (builder, _) = builder();
    let registry = builder.exporter(exporter.clone()).open().await?;
    registry.put_connection(http("orders", "first")).await?;
    let gate = registry.create_connection_pool(new_pool("gate", 1)).await?;
    let custom = json!({"name": "own", "connection": "orders", "mode": "CUSTOM", "size": 3});
    registry.create_connector(connector(custom)).await?;
    let shop = json!({"name": "shop", "connection": "orders", "connection_pool_id": gate.id()});
    registry.create_connector(connector(shop)).await?;
    let shop = registry.handle("shop")?;

    let lease = shop.acquire().await?;
    let waiting = wait(&shop).await;
    let (orders, own) = (
        r#"{db_client_connection_pool_name="orders"}"#,
        r#"{db_client_connection_pool_name="orders/own"}"#,
    );
    let shown = |series: String| value(&exporter, &series);
    assert_eq!(shown(format!("db_client_connection_max{orders}")), Some(1024.0));
    assert_eq!(shown(format!("db_client_connection_max{own}")), Some(3.0));
    assert_eq!(shown(format!("fairpool_connections_opened_total{orders}")), Some(1.0));
    let of_gate = |figure: &str| shown(format!("fairpool_limit_{figure}{{fairpool_limit_name=\"gate\"}}"));
    assert_eq!((of_gate("max"), of_gate("in_flight")), (Some(1.0), Some(1.0)));
    assert_eq!(of_gate("pending_requests"), Some(1.0));
    registry
        .change_connection_pool(gate.id(), pool_change(json!({"limit": 5})))
        .await?;
    assert_eq!(of_gate("max"), Some(5.0));
    drop((lease, waiting, shop));

    registry.delete_connection_pool(gate.id()).await?;
    for connector in ["shop", "own"] {
        registry.delete_connector(connector).await?;
    }
    registry.delete_connection("orders").await?;
    until("nothing is shown of what is gone", || {
        let text = exporter.render();
        !text.contains("\"gate\"") && !text.contains("\"orders")
    })
    .await;
    Ok(())
}
