//! The registry over a file and over a real PostgreSQL: what was acknowledged is there after a restart, and a connection is defined
//! anew while its leases are out.
#![cfg(all(feature = "resource", feature = "sqlite", feature = "postgres"))]

mod registry;
mod servers;

use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::sqlite::Sqlite;
use fairpool::resource::models::{ConnectionSettingsPatch, ListQuery};
use fairpool::resource::registry::{Declared, HandleError, Registry};
use fairpool::resource::store::sqlite::SqliteStore;
use registry::{Outcome, change, connector, definition, new_pool, pool_change};
use serde_json::json;
use servers::postgres::Postgres as Server;
use std::path::Path;

async fn open(file: &Path) -> Result<Registry, Box<dyn std::error::Error>> {
    let orders = fairpool::resource::models::ConnectionName::new("files")?;
    let declared = Declared::new().api_proxy("web", "basket", orders)?;
    let store = SqliteStore::open(file).await?;
    Ok(Registry::builder().store(store).fixed(declared).open().await?)
}

#[tokio::test]
async fn what_was_acknowledged_is_there_and_live_after_a_restart() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (store, database) = (dir.path().join("fairpool.db"), dir.path().join("orders.db"));
    let registry = open(&store).await?;
    let files = json!({"name": "files", "type": "sqlite", "queryHosts": [database.to_str()], "passphrase": null});
    registry.put_connection(definition(files)).await?;
    let (gate, gone) = (new_pool("gate", 1), new_pool("gone", 1));
    let gate = registry.create_connection_pool(gate).await?;
    let gone = registry.create_connection_pool(gone).await?;
    let shop = json!({"name": "shop", "connection": "files", "connection_pool_id": gate.id(), "mode": "NONE"});
    registry.create_connector(connector(shop)).await?;
    let other = json!({"name": "other", "connection": "files", "connection_pool_id": gone.id()});
    registry.create_connector(connector(other)).await?;
    registry
        .change_connection_pool(gate.id(), pool_change(json!({"limit": 3, "timeout": 4})))
        .await?;
    registry
        .change_connector("shop", change(json!({"mode": "CUSTOM", "size": 2})))
        .await?;
    registry.delete_connection_pool(gone.id()).await?;
    let patch = json!({"connectionSettingsEnabled": true, "connectionPoolManagementType": "NONE"});
    registry
        .change_connection_settings("web", "basket", ConnectionSettingsPatch::try_from(patch)?)
        .await?;
    let rows = |registry: &Registry| {
        let pools = registry.connection_pools(&ListQuery::default());
        json!([
            pools.items,
            registry.connections().iter().map(|c| json!(**c)).collect::<Vec<_>>(),
            registry.connectors()
        ])
    };
    let before = rows(&registry);
    registry.close().await;
    let late = registry.create_connection_pool(new_pool("late", 1)).await;
    assert!(late.unwrap_err().to_string().contains("is closed"));
    drop(registry);

    let registry = open(&store).await?;
    assert_eq!(rows(&registry), before);
    assert_eq!(registry.connector("other")?.connection_pool_id(), None);
    assert_eq!(
        registry.connection_settings("web", "basket")?.management(),
        fairpool::Management::None
    );
    assert_eq!(registry.limit(gate.id())?.status().limit, 3);
    let lease = registry.handle::<Sqlite>("shop")?.acquire().await?;
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 1);
    assert_eq!(registry.status_of_connector("shop")?.limit, Some(2));
    drop(lease);
    // A number that was drawn once is not drawn again.
    assert!(registry.create_connection_pool(new_pool("next", 1)).await?.id() > gone.id());
    Ok(())
}

#[tokio::test]
async fn a_postgres_connection_is_defined_anew_while_its_leases_are_out() -> Outcome {
    let Some(server) = Server::start(&[]) else {
        return Ok(());
    };
    let registry = Registry::builder().open().await?;
    let url = |application: &str| {
        let url = server.url();
        let sign = if url.contains('?') { '&' } else { '?' };
        format!("{url}{sign}application_name={application}")
    };
    let orders = |application: &str, timeout: u32| {
        definition(json!({
            "name": "orders", "type": "postgres", "queryHosts": [url(application)], "sqlTimeout": timeout,
        }))
    };
    registry.put_connection(orders("before", 0)).await?;
    let size = json!({"name": "shop", "connection": "orders", "mode": "CUSTOM", "size": 2});
    registry.create_connector(connector(size)).await?;
    let handle = registry.handle::<Postgres>("shop")?;

    let of = |application: &str| {
        server.psql(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'"
        ))
    };
    let lease = handle.acquire().await?;
    drop(handle.acquire().await?);
    let waiting = {
        let handle = handle.clone();
        let second = handle.acquire().await?;
        let waiting = tokio::spawn(async move {
            let lease = handle.acquire().await.map_err(|error| error.to_string())?;
            let row = lease
                .query_one("SHOW application_name", &[])
                .await
                .map_err(|error| error.to_string())?;
            Ok::<String, String>(row.get(0))
        });
        registry.put_connection(orders("after", 1500)).await?;
        let row = second.query_one("SHOW application_name", &[]).await?;
        assert_eq!(row.get::<_, String>(0), "before", "a lease goes on");
        waiting
    };
    assert_eq!(waiting.await??, "after");
    let fresh = handle.acquire().await?;
    assert_eq!(
        fresh
            .query_one("SHOW statement_timeout", &[])
            .await?
            .get::<_, String>(0),
        "1500ms"
    );
    assert_eq!(lease.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    drop((lease, fresh));
    // Its sessions end once their leases have.
    let mut looks = 0;
    while of("before").trim() != "0" {
        looks += 1;
        assert!(looks < 600, "the sessions of the old definition are still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    let secret = definition(json!({
        "name": "orders", "type": "postgres", "queryHosts": ["postgres://app:hunter2@localhost/x?sslmod=disable"],
    }));
    let refused = registry.put_connection(secret).await;
    let error = refused.unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(error.to_string(), "connection \"orders\": url: unknown option sslmod");
    let down = json!({"name": "down", "type": "postgres", "queryHosts": ["127.0.0.1:1"]});
    registry.put_connection(definition(down)).await?;
    registry
        .create_connector(connector(json!({"name": "down", "connection": "down"})))
        .await?;
    let error = registry
        .handle::<Postgres>("down")?
        .acquire_within(std::time::Duration::from_millis(300))
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, HandleError::Connection(_)));
    assert!(error.to_string().contains("cannot connect"), "{error}");
    Ok(())
}
