//! What a file declares is there, live and fixed; the settings of its API proxies are what can be changed of it.

use crate::registry::{Memory, Outcome, builder, change, connector, http, is_done, new_pool, wait};
use fairpool::resource::models::{ConnectionName, ConnectionSettingsPatch};
use fairpool::resource::registry::{Declared, GeneralLimits, OpenError, Registry, RegistryError, ResourceKind};
use fairpool::resource::store::MemoryStore;
use serde_json::{Value, json};
use std::time::Duration;

fn declared() -> Declared {
    let orders = ConnectionName::new("orders").unwrap();
    Declared::new()
        .connection(http("orders", "declared"))
        .connector(connector(
            json!({"name": "shop", "connection": "orders", "mode": "CUSTOM", "size": 3}),
        ))
        .project("empty")
        .unwrap()
        .api_proxy("web", "basket", orders)
        .unwrap()
}

async fn with_store(store: MemoryStore) -> Registry {
    let (builder, _) = builder();
    builder.store(store).fixed(declared()).open().await.expect("it opens")
}

fn patch(fields: Value) -> ConnectionSettingsPatch {
    ConnectionSettingsPatch::try_from(fields).expect("a patch")
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_is_live_and_nobody_changes_it() -> Outcome {
    let registry = with_store(MemoryStore::new()).await;
    assert_eq!(registry.handle::<Memory>("shop")?.acquire().await?.title, "declared");
    let refusals = [
        registry.put_connection(http("orders", "mine")).await.err(),
        registry.delete_connection("orders").await.err(),
        registry
            .change_connector("shop", change(json!({"mode": "NONE"})))
            .await
            .err(),
        registry.delete_connector("shop").await.err(),
        registry
            .change_connector("web/basket", change(json!({"mode": "NONE"})))
            .await
            .err(),
        registry.delete_connector("web/basket").await.err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(RegistryError::Fixed { .. })), "{refusal:?}");
    }
    let taken = registry
        .create_connector(connector(json!({"name": "shop", "connection": "orders"})))
        .await;
    assert!(matches!(taken, Err(RegistryError::Taken { .. })));
    assert_eq!(registry.connection("orders")?.title(), Some("declared"));
    let ids: Vec<_> = registry.connectors().iter().map(|connector| connector.id()).collect();
    let again = with_store(MemoryStore::new()).await;
    assert_eq!(
        ids,
        again
            .connectors()
            .iter()
            .map(|connector| connector.id())
            .collect::<Vec<_>>()
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_declaration_hides_the_stores_record_of_its_name_until_it_goes() -> Outcome {
    let store = MemoryStore::new();
    let (plain, _) = builder();
    let plain = plain.store(store.clone()).open().await?;
    plain.put_connection(http("orders", "stored")).await?;
    plain
        .create_connector(connector(json!({"name": "shop", "connection": "orders"})))
        .await?;
    let registry = with_store(store.clone()).await;
    assert_eq!(registry.connection("orders")?.title(), Some("declared"));
    let (plain, _) = builder();
    let plain = plain.store(store).open().await?;
    assert_eq!(plain.connection("orders")?.title(), Some("stored"));
    assert_eq!(plain.handle::<Memory>("shop")?.acquire().await?.title, "stored");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_together_is_not_opened() {
    let twice = declared().connection(http("orders", "again"));
    let (plain, _) = builder();
    let error = plain.fixed(twice).open().await.unwrap_err();
    let OpenError::Declared(error) = error else {
        panic!("{error}")
    };
    assert!(matches!(error.error, RegistryError::Taken { .. }));
    let orders = ConnectionName::new("orders").unwrap();
    assert!(Declared::new().api_proxy("a/b", "c", orders.clone()).is_err());
    assert!(Declared::new().api_proxy("a", "", orders).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_declared_connector_of_a_connection_that_is_gone_says_so() -> Outcome {
    let lost = Declared::new().connector(connector(json!({"name": "shop", "connection": "orders"})));
    let (builder, _) = builder();
    let registry = builder.fixed(lost).open().await?;
    assert_eq!(
        registry.problems(),
        [r#"connector "shop": there is no connection "orders""#]
    );
    let any = registry.any_handle("shop")?;
    let error = any.acquire().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"connector 'shop': there is no connection "orders""#
    );
    // It comes to life with its connection.
    registry.put_connection(http("orders", "late")).await?;
    assert!(any.acquire().await.is_ok());
    assert_eq!(registry.problems(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn effective_settings_drive_a_proxys_mode_and_wait() -> Outcome {
    let store = MemoryStore::new();
    let registry = with_store(store.clone()).await;
    let handle = registry.handle::<Memory>("web/basket")?;
    let custom = json!({
        "connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 1,
        "connectionRequestTimeout": 7,
    });
    registry
        .change_connection_settings("web", "basket", patch(custom))
        .await?;
    assert_eq!(registry.status_of_connector("web/basket")?.limit, Some(1));
    assert_eq!(
        registry.connector("web/basket")?.management(),
        fairpool::Management::Custom(1)
    );
    let lease = handle.acquire().await?;
    let began = tokio::time::Instant::now();
    assert!(handle.acquire().await.unwrap_err().is_timeout());
    assert_eq!(began.elapsed().as_secs(), 7);

    let mut waiting = wait(&handle).await;
    registry
        .change_connection_settings("web", "basket", patch(json!({"customConnectionPoolSize": 2})))
        .await?;
    let second = is_done(&mut waiting).await.expect("there is room for it now");
    assert!(second.is_ok());
    // Disabled: GENERAL and the defaults count, the rest is kept.
    registry
        .change_connection_settings("web", "basket", patch(json!({"connectionSettingsEnabled": false})))
        .await?;
    assert_eq!(
        registry.connector("web/basket")?.management(),
        fairpool::Management::General
    );
    assert_eq!(
        registry
            .connection_settings("web", "basket")?
            .custom_size()
            .map(|size| size.value()),
        Some(2)
    );
    drop(lease);

    // After a restart they are as they were.
    registry
        .change_connection_settings("web", "basket", patch(json!({"connectionSettingsEnabled": true})))
        .await?;
    let registry = with_store(store).await;
    assert_eq!(
        registry.connector("web/basket")?.management(),
        fairpool::Management::Custom(2)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_the_time_in_line_only_those_go_on_whom_an_attempt_under_way_can_serve() -> Outcome {
    let (plain, books) = builder();
    let registry = plain.fixed(declared()).open().await?;
    let custom = json!({
        "connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 1,
        "connectTimeout": 30, "connectionRequestTimeout": 3,
    });
    registry
        .change_connection_settings("web", "basket", patch(custom))
        .await?;
    books.delay(Duration::from_secs(5));
    let handle = registry.handle::<Memory>("web/basket")?;
    let began = tokio::time::Instant::now();
    let mut first = wait(&handle).await;
    let mut second = wait(&handle).await;
    tokio::time::sleep(Duration::from_millis(3100)).await;
    // One attempt is under way, for the first of the two.
    assert!(is_done(&mut first).await.is_none());
    let error = is_done(&mut second)
        .await
        .expect("nothing is on its way for it")
        .unwrap_err();
    assert!(
        error.starts_with("connector 'web/basket': no connection after 3"),
        "{error}"
    );
    assert!(error.contains("and none is on its way; limit 1, in use 0"), "{error}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lease = is_done(&mut first).await.expect("its attempt has succeeded")?;
    assert!(began.elapsed() < Duration::from_secs(6));
    drop(lease);
    // Nothing was left behind by the one that gave up.
    assert_eq!(registry.status_of_connector("web/basket")?.pending, 0);
    assert!(handle.acquire().await.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn in_a_shared_line_an_attempt_serves_whoever_came_first_through_whichever_connector() -> Outcome {
    for neighbour_first in [true, false] {
        let (plain, books) = builder();
        let declared = declared().connector(connector(json!({"name": "neighbour", "connection": "orders"})));
        let registry = plain.general(GeneralLimits::new(1, 1)?).fixed(declared).open().await?;
        let general = json!({"connectionSettingsEnabled": true, "connectTimeout": 30, "connectionRequestTimeout": 3});
        registry
            .change_connection_settings("web", "basket", patch(general))
            .await?;
        books.delay(Duration::from_secs(5));
        let (basket, neighbour) = (registry.handle("web/basket")?, registry.handle("neighbour")?);
        let (mut basket, neighbour) = if neighbour_first {
            let neighbour = wait(&neighbour).await;
            (wait(&basket).await, neighbour)
        } else {
            (wait(&basket).await, wait(&neighbour).await)
        };
        tokio::time::sleep(Duration::from_millis(3100)).await;
        // One attempt is under way.
        let outcome = is_done(&mut basket).await;
        assert_eq!(outcome.is_some(), neighbour_first, "{outcome:?}");
        drop(neighbour);
        if !neighbour_first {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(is_done(&mut basket).await.expect("its attempt has succeeded").is_ok());
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connect_timeout_bounds_the_attempts_for_a_proxys_own_connections() -> Outcome {
    let (plain, books) = builder();
    let registry = plain.fixed(declared()).open().await?;
    let mut settings = json!({
        "connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 1,
        "connectTimeout": 2, "connectionRequestTimeout": 60,
    });
    registry
        .change_connection_settings("web", "basket", patch(settings.clone()))
        .await?;
    books.silence("a");
    let handle = registry.handle::<Memory>("web/basket")?;
    let mut waiting = wait(&handle).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    books.heal();
    // The driver's own bound would be 10 s.
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(is_done(&mut waiting).await.expect("the next attempt found it")?);

    settings["connectionPoolManagementType"] = json!("NONE");
    registry
        .change_connection_settings("web", "basket", patch(settings))
        .await?;
    books.silence("a");
    let began = tokio::time::Instant::now();
    assert!(handle.acquire().await.is_err());
    assert_eq!(began.elapsed().as_secs(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_merged_settings_are_judged_and_unknown_proxies_named() -> Outcome {
    let registry = with_store(MemoryStore::new()).await;
    let custom = patch(json!({"connectionPoolManagementType": "CUSTOM", "readTimeout": 5}));
    let refused = registry
        .change_connection_settings("web", "basket", custom.clone())
        .await;
    assert!(matches!(refused, Err(RegistryError::Invalid(_))));
    assert_eq!(
        registry.connection_settings("web", "basket")?.read_timeout().value(),
        30
    );
    for (project, proxy, kind) in [
        ("nowhere", "basket", ResourceKind::Project),
        ("empty", "basket", ResourceKind::ApiProxy),
    ] {
        let read = registry.connection_settings(project, proxy).unwrap_err();
        let written = registry
            .change_connection_settings(project, proxy, custom.clone())
            .await
            .unwrap_err();
        for error in [read, written] {
            assert!(matches!(error, RegistryError::NotFound { kind: found, .. } if found == kind));
        }
    }
    assert_eq!(registry.projects(), ["empty", "web"]);
    assert_eq!(registry.api_proxies("empty")?, []);
    let shown = json!(registry.api_proxies("web")?);
    assert_eq!(
        shown,
        json!([{"name": "basket", "connection": "orders", "connector": "web/basket"}])
    );
    assert!(registry.api_proxies("nowhere").is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_declared_connector_finds_its_pool() -> Outcome {
    let store = MemoryStore::new();
    let (plain, _) = builder();
    let plain = plain.store(store.clone()).open().await?;
    let gate = plain.create_connection_pool(new_pool("gate", 1)).await?;
    let shop = json!({"name": "shop", "connection": "orders", "connection_pool_id": gate.id()});
    let shop = Declared::new()
        .connection(http("orders", ""))
        .connector(connector(shop));
    let (builder, _) = builder();
    let registry = builder.store(store).fixed(shop).open().await?;
    let handle = registry.handle::<Memory>("shop")?;
    let _lease = handle.acquire().await?;
    let _waiting = wait(&handle).await;
    assert_eq!(registry.limit(gate.id())?.status().pending, 1);
    registry.delete_connection_pool(gate.id()).await?;
    assert!(handle.acquire().await.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_declared_connector_is_under_its_pool_as_soon_as_that_is_made() -> Outcome {
    let shop = json!({"name": "shop", "connection": "orders", "connection_pool_id": 1});
    let shop = Declared::new()
        .connection(http("orders", ""))
        .connector(connector(shop));
    let (builder, _) = builder();
    let store = MemoryStore::new();
    let registry = builder.store(store.clone()).fixed(shop).open().await?;
    let handle = registry.handle::<Memory>("shop")?;
    let before = handle.acquire().await?;
    let problem = [r#"connector "shop": there is no connection pool 1, so it is under no limit"#];
    assert_eq!(registry.problems(), problem);

    let gate = registry.create_connection_pool(new_pool("gate", 1)).await?;
    assert_eq!(gate.id().value(), 1);
    assert_eq!(registry.problems(), [""; 0]);
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    assert_eq!(registry.limit(gate.id())?.status().in_flight, 1);
    drop(before);
    assert!(is_done(&mut waiting).await.is_none(), "that one was under no limit");
    drop(lease);
    assert!(is_done(&mut waiting).await.is_some());

    registry.delete_connection_pool(gate.id()).await?;
    assert_eq!(registry.problems(), problem);
    let _leases = (handle.acquire().await?, handle.acquire().await?);
    Ok(())
}
