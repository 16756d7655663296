//! Managed databases that are declared anew: their pools follow, and stay.
#![cfg(feature = "postgres")]

use crate::registry::Outcome;
use fairpool::resource::models::{DatabaseDefinition, DatabasePoolDefinition};
use fairpool::resource::registry::{Declared, GeneralLimits, RedeclareError, Registry, ResourceKind};
use fairpool::resource::store::{Change, Document, Kind, MemoryStore, Store};
use serde_json::{Value, json};

fn database(url: &str) -> Declared {
    let fields = json!({"id": "a", "engine": "pg", "url": url});
    Declared::new().database(DatabaseDefinition::try_from(&fields).expect("a database"))
}

fn pool(fields: Value) -> DatabasePoolDefinition {
    DatabasePoolDefinition::try_from(&fields).expect("a pool")
}

async fn redeclare(registry: &Registry, declared: Declared) -> Result<Vec<String>, RedeclareError> {
    let changes = registry.redeclare(declared, GeneralLimits::default()).await?;
    Ok(changes.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn its_pools_follow_and_it_stays_while_it_has_some() -> Outcome {
    const FIRST: &str = "postgres://u:hunter2@first.example/d";
    let registry = Registry::builder().fixed(database(FIRST)).open().await?;
    let one = pool(json!({"name": "one", "mode": "session", "size": 2, "db": "d"}));
    registry.create_database_pool("a", one).await?;
    let generation = || {
        let status = registry.status_of(ResourceKind::DatabasePool, "a/one");
        status.expect("it is live").generation
    };
    let first = generation();
    assert_eq!(redeclare(&registry, database(FIRST)).await?, [""; 0]);
    assert_eq!(generation(), first);

    let said = redeclare(&registry, database("postgres://u:hunter2@second.example/d")).await?;
    assert_eq!(said, [r#"the database "a" is declared anew"#]);
    assert_ne!(generation(), first);
    let connection = json!(registry.database_connection("a", "one")?);
    assert_eq!(connection["host"], "second.example");

    let refused = redeclare(&registry, Declared::new()).await.unwrap_err().to_string();
    assert_eq!(refused, r#"the database "a" has the pools "one""#);
    let bad = redeclare(&registry, database("postgres://u:hunter2@h/d?sslmode=hunter2")).await;
    let bad = bad.unwrap_err().to_string();
    assert!(
        bad.starts_with(r#"database "a": url: "#) && !bad.contains("hunter2"),
        "{bad}"
    );
    assert_eq!(
        json!(registry.database_connection("a", "one")?)["host"],
        "second.example"
    );

    registry.delete_database_pool("a", "one").await?;
    let said = redeclare(&registry, Declared::new()).await?;
    assert_eq!(said, [r#"the database "a" is declared no longer"#]);
    assert!(registry.database("a").is_err());
    Ok(())
}

/// Back on the server that it left, it would write to data of yesterday.
#[tokio::test]
async fn a_database_that_has_moved_does_not_go_back_because_its_server_left_the_file() -> Outcome {
    let store = MemoryStore::new();
    let (kind, key) = (Kind::Database, "a".to_owned());
    let body = Document::new(&json!({"version": "16"}))?;
    store.commit(vec![Change::Insert { kind, key, body }]).await?;
    const NEW: &str = "postgres://u@new.example/d";
    let declared = |url: &str, version: Value, servers: Value| {
        let fields = json!({"id": "a", "engine": "pg", "url": url, "version": version, "server": servers});
        Declared::new().database(DatabaseDefinition::try_from(&fields).expect("a database"))
    };
    let with_new = || {
        declared(
            "postgres://u@old.example/d",
            Value::Null,
            json!([{"version": "16", "url": NEW}]),
        )
    };
    let registry = Registry::builder()
        .store(store.clone())
        .fixed(with_new())
        .open()
        .await?;
    let host = || registry.database("a").map(|database| database.url().to_string());
    let new = host()?;
    assert!(new.contains("new.example"), "{new}");

    let lost = || {
        declared(
            "postgres://u@old.example/d",
            Value::Null,
            json!([{"version": "16.4", "url": NEW}]),
        )
    };
    let refused = redeclare(&registry, lost()).await.unwrap_err().to_string();
    assert!(refused.contains("moved to its server of version 16"), "{refused}");
    assert_eq!(host()?, new);
    let again = Registry::builder().store(store.clone()).fixed(lost()).open().await;
    assert!(again.is_err(), "nor at a start");

    redeclare(&registry, declared(NEW, json!("16"), json!([]))).await?;
    assert_eq!(host()?, new);
    Ok(())
}
