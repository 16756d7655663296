//! What is declared anew while the registry serves: in force as a whole or not at all, and nobody who waits or holds a lease is lost
//! over it.

use crate::registry::{Memory, Outcome, builder, connector, http, is_done, new_pool, until, wait};
use fairpool::resource::models::{ConnectionName, ConnectionSettingsPatch, ConnectorDefinition};
use fairpool::resource::registry::{
    Declared, GeneralLimits, LiveStatus, RedeclareError, Registry, RegistryError, ResourceKind,
};
use fairpool::resource::store::MemoryStore;
use serde_json::{Value, json};

fn shop(mode: &Value) -> ConnectorDefinition {
    let mut fields = json!({"name": "shop", "connection": "orders"});
    fields
        .as_object_mut()
        .unwrap()
        .extend(mode.as_object().unwrap().clone());
    connector(fields)
}

/// A connection `orders` of this title, a connector `shop` and a proxy `web/basket` of it.
fn declared(title: &str) -> Declared {
    let orders = ConnectionName::new("orders").unwrap();
    Declared::new()
        .connection(http("orders", title))
        .connector(shop(&json!({})))
        .api_proxy("web", "basket", orders)
        .unwrap()
}

async fn serving(store: MemoryStore, declared: Declared) -> Registry {
    let (builder, _) = builder();
    builder.store(store).fixed(declared).open().await.expect("it opens")
}

/// What it says of its changes.
async fn redeclare(registry: &Registry, declared: Declared) -> Vec<String> {
    let changes = registry.redeclare(declared, GeneralLimits::default()).await;
    changes.expect("it fits").iter().map(ToString::to_string).collect()
}

async fn refusal(registry: &Registry, declared: Declared) -> RegistryError {
    let general = GeneralLimits::new(1, 1).unwrap();
    match registry.redeclare(declared, general).await {
        Err(RedeclareError::Declared(refused)) => refused.error,
        other => panic!("{other:?}"),
    }
}

fn status(registry: &Registry, connection: &str) -> LiveStatus {
    registry
        .status_of(ResourceKind::Connection, connection)
        .expect("it is live")
}

fn generation(registry: &Registry, connection: &str) -> Option<u32> {
    status(registry, connection).generation
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_as_before_goes_on_as_it_is() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let handle = registry.handle::<Memory>("shop")?;
    drop(handle.acquire().await?);
    let before = generation(&registry, "orders");
    assert_eq!(redeclare(&registry, declared("first")).await, [""; 0]);
    assert_eq!(generation(&registry, "orders"), before);
    assert_eq!(status(&registry, "orders").totals.opened, Some(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn only_a_connection_that_is_declared_otherwise_begins_a_generation() -> Outcome {
    let both = |title| declared(title).connection(http("mail", "mail"));
    let registry = serving(MemoryStore::new(), both("first")).await;
    let handle = registry.handle::<Memory>("shop")?;
    let lease = handle.acquire().await?;
    let (orders, mail) = (generation(&registry, "orders"), generation(&registry, "mail"));
    let said = redeclare(&registry, both("second")).await;
    assert_eq!(said, [r#"the connection "orders" is declared anew"#]);
    assert_eq!(handle.acquire().await?.title, "second");
    drop(lease);
    assert_eq!(handle.acquire().await?.title, "second");
    assert_ne!(generation(&registry, "orders"), orders);
    assert_eq!(generation(&registry, "mail"), mail);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_live_and_what_is_gone_has_ended() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let handle = registry.handle::<Memory>("shop")?;
    let lease = handle.acquire().await?;
    let other = Declared::new()
        .connection(http("mail", "mail"))
        .connector(connector(json!({"name": "letters", "connection": "mail"})))
        .project("empty")?;
    let said = redeclare(&registry, other).await;
    assert_eq!(
        said,
        [
            r#"the connection "mail" is declared"#,
            r#"the connection "orders" is declared no longer"#,
            r#"the connector "letters" is declared"#,
            r#"the connector "shop" is declared no longer"#,
            r#"the project "empty" is declared"#,
            r#"the project "web" is declared no longer"#,
            r#"the API proxy "web/basket" is declared no longer"#,
        ]
    );
    assert_eq!(registry.handle::<Memory>("letters")?.acquire().await?.title, "mail");
    assert_eq!(
        handle.acquire().await.unwrap_err().to_string(),
        "connector 'shop' has been deleted"
    );
    assert!(registry.connection("orders").is_err() && registry.connector("web/basket").is_err());
    assert_eq!(registry.projects(), ["empty"]);
    assert_eq!(registry.problems(), [""; 0]);
    // It comes back as usual.
    drop(lease);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_through_a_change_is_served_by_what_is_declared_then() -> Outcome {
    let with_mode = |mode: Value| {
        let connection = http("orders", "first");
        Declared::new().connection(connection).connector(shop(&mode))
    };
    let custom = |size: u32| with_mode(json!({"mode": "CUSTOM", "size": size}));
    let registry = serving(MemoryStore::new(), custom(1)).await;
    let handle = registry.handle::<Memory>("shop")?;
    let _lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    let said = redeclare(&registry, custom(2)).await;
    assert_eq!(said, [r#"the connector "shop" is declared anew"#]);
    assert!(is_done(&mut waiting).await.expect("there is room for it now").is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_store_has_is_hidden_while_it_is_declared() -> Outcome {
    let store = MemoryStore::new();
    let registry = serving(store.clone(), Declared::new()).await;
    registry.put_connection(http("orders", "stored")).await?;
    registry
        .create_connector(shop(&json!({"mode": "CUSTOM", "size": 3})))
        .await?;
    let handle = registry.handle::<Memory>("shop")?;
    assert_eq!(handle.acquire().await?.title, "stored");

    let said = redeclare(&registry, declared("declared")).await;
    assert!(
        said.contains(&r#"the connection "orders" is declared"#.to_owned()),
        "{said:?}"
    );
    assert_eq!(handle.acquire().await?.title, "declared");
    assert_eq!(registry.status_of_connector("shop")?.limit, Some(1024));
    let refused = registry.delete_connection("orders").await;
    assert!(matches!(refused, Err(RegistryError::Fixed { .. })), "{refused:?}");

    let said = redeclare(&registry, Declared::new()).await;
    assert!(
        said.contains(&r#"the connection "orders" is declared no longer"#.to_owned()),
        "{said:?}"
    );
    // The same handle all along.
    assert_eq!(handle.acquire().await?.title, "stored");
    assert_eq!(registry.status_of_connector("shop")?.limit, Some(3));
    assert_eq!(registry.connection("orders")?.title(), Some("stored"));
    registry.put_connection(http("orders", "changed")).await?;
    assert_eq!(handle.acquire().await?.title, "changed");
    registry.delete_connector("shop").await?;
    registry.delete_connection("orders").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn declared_as_the_store_has_it_no_generation_begins() -> Outcome {
    let registry = serving(MemoryStore::new(), Declared::new()).await;
    registry.put_connection(http("orders", "same")).await?;
    let before = generation(&registry, "orders");
    let same = || Declared::new().connection(http("orders", "same"));
    assert_eq!(
        redeclare(&registry, same()).await,
        [r#"the connection "orders" is declared"#]
    );
    assert!(registry.delete_connection("orders").await.is_err());
    let said = redeclare(&registry, Declared::new()).await;
    assert_eq!(said, [r#"the connection "orders" is declared no longer"#]);
    assert_eq!(generation(&registry, "orders"), before);
    registry.delete_connection("orders").await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_stores_connectors_use_stays() -> Outcome {
    let store = MemoryStore::new();
    let registry = serving(store.clone(), declared("first")).await;
    registry
        .create_connector(connector(json!({"name": "mail", "connection": "orders"})))
        .await?;
    let RegistryError::InUse { name, by, .. } = refusal(&registry, Declared::new()).await else {
        panic!("it is used");
    };
    assert_eq!((name.as_str(), by[0].as_str(), by.len()), ("orders", "mail", 1));
    assert_eq!(registry.handle::<Memory>("mail")?.acquire().await?.title, "first");
    assert_eq!(registry.projects(), ["web"]);
    // One that a declaration hides counts only when it comes to light.
    let hidden = Declared::new()
        .connection(http("other", "other"))
        .connector(connector(json!({"name": "mail", "connection": "other"})));
    let said = redeclare(&registry, hidden).await;
    assert!(
        said.contains(&r#"the connector "mail" is declared"#.to_owned()),
        "{said:?}"
    );
    assert_eq!(registry.handle::<Memory>("mail")?.acquire().await?.title, "other");
    Ok(())
}

/// A slip in the file takes nothing down that serves.
#[tokio::test(start_paused = true)]
async fn what_serves_is_not_led_to_a_connection_that_nobody_knows() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let ordres = || ConnectionName::new("ordres").unwrap();
    let slips = [
        Declared::new()
            .connection(http("orders", "first"))
            .connector(connector(json!({"name": "shop", "connection": "ordres"}))),
        Declared::new()
            .connection(http("orders", "first"))
            .api_proxy("web", "basket", ordres())?,
    ];
    for slip in slips {
        let refused = refusal(&registry, slip).await;
        assert!(matches!(refused, RegistryError::NotFound { .. }), "{refused}");
        for connector in ["shop", "web/basket"] {
            assert_eq!(registry.handle::<Memory>(connector)?.acquire().await?.title, "first");
        }
    }
    // One that is new may wait for its connection.
    redeclare(&registry, declared("first").api_proxy("web", "late", ordres())?).await;
    assert!(registry.handle::<Memory>("web/late").is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_changes_nothing() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let before = (generation(&registry, "orders"), registry.connectors());
    let orders = ConnectionName::new("orders")?;
    let bad = [
        declared("second").connection(http("orders", "twice")),
        declared("second").connection(http("late", "misunderstood")),
        declared("second").connector(connector(json!({"name": "web/basket", "connection": "orders"}))),
        declared("second")
            .api_proxy("web", "other", orders)?
            .connector(shop(&json!({}))),
    ];
    for bad in bad {
        let error = refusal(&registry, bad).await;
        assert!(
            matches!(error, RegistryError::Taken { .. } | RegistryError::Unsupported(_)),
            "{error}"
        );
        assert_eq!((generation(&registry, "orders"), registry.connectors()), before);
        assert_eq!(status(&registry, "orders").limit, Some(1024));
        assert_eq!(registry.handle::<Memory>("shop")?.acquire().await?.title, "first");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_proxy_keeps_its_settings_wherever_its_connection_goes() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let custom = json!({
        "connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 2,
    });
    let custom = ConnectionSettingsPatch::try_from(custom)?;
    registry.change_connection_settings("web", "basket", custom).await?;
    let with_proxy = |connection: &str| {
        let connection = ConnectionName::new(connection).unwrap();
        Declared::new()
            .connection(http("orders", "first"))
            .connection(http("mail", "mail"))
            .api_proxy("web", "basket", connection)
            .unwrap()
    };
    redeclare(&registry, with_proxy("orders")).await;
    let said = redeclare(&registry, with_proxy("mail")).await;
    assert_eq!(said, [r#"the API proxy "web/basket" is declared anew"#]);
    assert_eq!(registry.handle::<Memory>("web/basket")?.acquire().await?.title, "mail");
    assert_eq!(registry.status_of_connector("web/basket")?.limit, Some(2));
    // Gone and back.
    redeclare(&registry, Declared::new()).await;
    assert!(registry.connection_settings("web", "basket").is_err());
    redeclare(&registry, with_proxy("orders")).await;
    assert_eq!(registry.status_of_connector("web/basket")?.limit, Some(2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_shared_pools_are_in_force_at_once() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    registry.put_connection(http("stored", "stored")).await?;
    let before = generation(&registry, "orders");
    let one = GeneralLimits::new(1, 1)?;
    let with_another = || declared("first").connection(http("another", "another"));
    assert_eq!(registry.redeclare(with_another(), one).await?.len(), 1);
    for connection in ["orders", "stored", "another"] {
        assert_eq!(status(&registry, connection).limit, Some(1));
    }
    assert_eq!(generation(&registry, "orders"), before);
    let handle = registry.handle::<Memory>("shop")?;
    let _lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    let more = GeneralLimits::new(2, 2)?;
    registry.redeclare(with_another(), more).await?;
    assert!(is_done(&mut waiting).await.expect("there is room for it now").is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_is_declared_anew_finds_its_connection_pool() -> Outcome {
    let registry = serving(MemoryStore::new(), declared("first")).await;
    let gate = registry.create_connection_pool(new_pool("gate", 1)).await?;
    let under = || {
        let connection = http("orders", "first");
        let shop = shop(&json!({"connection_pool_id": gate.id()}));
        Declared::new().connection(connection).connector(shop)
    };
    redeclare(&registry, under()).await;
    let handle = registry.handle::<Memory>("shop")?;
    let lease = handle.acquire().await?;
    let mut waiting = wait(&handle).await;
    assert_eq!(registry.limit(gate.id())?.status().pending, 1);
    redeclare(&registry, declared("first")).await;
    // It stays in the line in which it stands.
    assert!(is_done(&mut waiting).await.is_none());
    drop(lease);
    until("it is served", || {
        registry.limit(gate.id()).unwrap().status().pending == 0
    })
    .await;
    assert!(is_done(&mut waiting).await.expect("it is its turn").is_ok());
    Ok(())
}
