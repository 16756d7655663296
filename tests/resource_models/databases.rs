//! Database pools, engine settings and topics.

use crate::{read, refusal};
use fairpool::resource::models::*;
use serde_json::{Value, json};

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "defaultdb"});
    body[field] = value;
    body
}

#[test]
fn every_rule_about_a_database_pool_names_its_field() {
    let modes = "mode must be one of session, transaction, statement";
    for (field, value, reason) in [
        ("name", json!(null), "name is required"),
        ("name", json!("ab"), "name must be at least 3 characters"),
        (
            "name",
            json!("n".repeat(61)),
            "name must not be greater than 60 characters",
        ),
        ("name", json!("back end"), "name must be letters, digits, - and _"),
        ("name", json!("bäckend"), "name must be letters, digits, - and _"),
        ("mode", json!("TRANSACTION"), modes),
        ("mode", json!(""), modes),
        ("mode", json!(1), "mode must be a string"),
        ("size", json!(0), "size must be at least 1"),
        ("size", json!(65_537), "size must not be greater than 65536"),
        ("size", json!("10"), "size must be an integer"),
        ("db", json!(""), "db must be at least 1 characters"),
        ("db", json!("a\0b"), "db must be free of control characters"),
        ("user", json!(""), "user must be at least 1 characters"),
        ("user", json!(7), "user must be a string"),
    ] {
        assert_eq!(refusal::<DatabasePoolDefinition>(with(field, value)), reason);
    }
    let all = "name is required; mode is required; size is required; db is required";
    assert_eq!(refusal::<DatabasePoolDefinition>(json!({})), all);
    assert_eq!(
        refusal::<DatabasePoolReplacement>(json!({})),
        "mode is required; size is required; db is required"
    );
}

#[test]
fn the_ends_of_each_range_are_allowed() {
    for (field, value) in [
        ("name", json!("a-_")),
        ("name", json!("Z".repeat(60))),
        ("size", json!(1)),
        ("size", json!(65_536)),
        ("user", json!(null)),
    ] {
        read::<DatabasePoolDefinition>(with(field, value));
    }
}

#[test]
fn a_replacement_removes_the_user_that_it_does_not_name() {
    let pool: DatabasePool = read::<DatabasePoolDefinition>(with("user", json!("app"))).into();
    assert_eq!(pool.user().map(RoleName::as_str), Some("app"));
    let replaced = pool.replaced(read(
        json!({"mode": "transaction", "size": 10, "db": "defaultdb", "name": "ignored"}),
    ));
    assert_eq!((replaced.name().as_str(), replaced.user()), ("backend-pool", None));
    assert!(replaced.leads_elsewhere_than(&pool));
    let wider = replaced.replaced(read(json!({"mode": "session", "size": 20, "db": "defaultdb"})));
    assert!(!wider.leads_elsewhere_than(&replaced));
}

#[test]
fn an_answer_has_the_documents_order_and_no_key_for_a_missing_user() {
    let shown = |body| serde_json::to_string(&DatabasePool::from(read::<DatabasePoolDefinition>(body))).unwrap();
    let start = r#"{"name":"backend-pool","mode":"transaction","size":10,"db":"defaultdb""#;
    assert_eq!(shown(with("user", json!(null))), format!("{start}}}"));
    assert_eq!(shown(with("user", json!("app"))), format!(r#"{start},"user":"app"}}"#));
}

#[test]
fn each_eviction_policy_has_underscores_in_the_document_and_hyphens_in_redis() {
    let documented = [
        "noeviction",
        "allkeys_lru",
        "allkeys_random",
        "volatile_lru",
        "volatile_random",
        "volatile_ttl",
    ];
    assert_eq!(EvictionPolicy::ALL.len(), documented.len());
    for text in documented {
        let policy = EvictionPolicy::from_body(&json!({"eviction_policy": text})).unwrap();
        assert_eq!(policy.to_body(), json!({"eviction_policy": text}));
        assert_eq!(policy.as_redis(), text.replace('_', "-"));
        assert_eq!(EvictionPolicy::from_redis(policy.as_redis()), Ok(policy));
    }
    for text in ["allkeys-lru", "ALLKEYS_LRU", "allkeys_lfu", ""] {
        assert!(
            EvictionPolicy::from_body(&json!({"eviction_policy": text})).is_err(),
            "{text}"
        );
    }
    assert!(
        EvictionPolicy::from_redis("allkeys-lfu")
            .unwrap_err()
            .to_string()
            .contains("allkeys-lfu")
    );
    let missing = EvictionPolicy::from_body(&json!({})).unwrap_err();
    assert_eq!(missing.to_string(), "eviction_policy is required");
}

#[test]
fn sql_modes_keep_their_order_and_hold_nothing_but_identifiers() {
    let mode = |text: &str| SqlMode::from_body(&json!({"sql_mode": text})).map(|mode| mode.as_str().to_owned());
    assert_eq!(mode("STRICT_TRANS_TABLES,ANSI").unwrap(), "STRICT_TRANS_TABLES,ANSI");
    assert_eq!(mode("ansi , no_zero_date").unwrap(), "ANSI,NO_ZERO_DATE");
    assert_eq!(mode("").unwrap(), "");
    for text in [
        "ANSI,",
        ",",
        "A;B",
        "A'",
        "A\"",
        "A B",
        "1",
        "É",
        "ANSI\0",
        "A-B",
        "@@x",
        &"A".repeat(65),
    ] {
        assert_eq!(
            mode(text).unwrap_err().to_string(),
            "sql_mode must be SQL modes separated by commas",
            "{text}"
        );
    }
    assert_eq!(
        SqlMode::from_body(&json!({"sql_mode": 4})).unwrap_err().to_string(),
        "sql_mode must be a string"
    );
}

#[test]
fn a_version_is_a_text_of_digits_and_dots() {
    let version = |value: Value| EngineVersion::from_body(&json!({"version": value}));
    assert_eq!(version(json!("16")).unwrap().major(), "16");
    assert_eq!(version(json!("8.0.36")).unwrap().major(), "8");
    assert_eq!(version(json!(16)).unwrap_err().to_string(), "version must be a string");
    assert_eq!(
        version(json!("latest")).unwrap_err().to_string(),
        "version must be digits and dots"
    );
    assert_eq!(version(json!(null)).unwrap_err().to_string(), "version is required");
}

#[test]
fn a_topics_partitions_only_grow() {
    let topic: Topic = read::<TopicDefinition>(json!({"name": "orders", "partition_count": 3})).into();
    let changed = |change: Value| topic.changed(read(change));
    assert_eq!(
        changed(json!({"partition_count": 2})).unwrap_err().to_string(),
        "partition_count must be at least 3"
    );
    assert_eq!(changed(json!({"partition_count": 3})).unwrap(), topic);
    assert_eq!(changed(json!({"partition_count": 4})).unwrap().partition_count(), 4);
    assert_eq!(
        changed(json!({"replication_factor": 1})).unwrap().replication_factor(),
        1
    );
}

#[test]
fn a_topic_is_listed_in_short_and_shown_alone_in_full() {
    let definition = json!({"name": "orders", "partition_count": 2, "config": {"retention_ms": 1000}});
    let topic: Topic = read::<TopicDefinition>(definition).into();
    assert_eq!(
        json!(topic),
        json!({"name": "orders", "replication_factor": 2, "partition_count": 2, "state": "active"})
    );
    assert_eq!(
        json!(topic.details()),
        json!({
            "name": "orders", "state": "active", "replication_factor": 2,
            "partitions": [{"id": 0}, {"id": 1}], "config": {"retention_ms": 1000},
        })
    );
    assert_eq!(
        refusal::<TopicDefinition>(json!({"name": "a b"})),
        "name must be letters, digits, ., _ and -"
    );
    assert_eq!(
        refusal::<TopicDefinition>(json!({"config": []})),
        "name is required; config must be an object"
    );
}
