//! Whatever JSON comes: no parser panics, and what a model writes is read back as the same model.

use fairpool::resource::models::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// All fields of all documents, so that objects hit them.
const FIELDS: &str = "id|name|limit|timeout|created_at|updated_at|mode|size|db|user|connection|connection_pool_id|\
    type|queryHosts|title|version|sqlTimeout|protocol|ca|cert|key|passphrase|decorator|decoratorOptions|sockPassword|sockHost|\
    sockUsername|socksHost|eviction_policy|sql_mode|partition_count|replication_factor|config|connectionSettingsEnabled|\
    connectTimeout|readTimeout|maxRedirects|retryCount|connectionPoolManagementType|customConnectionPoolSize|other";

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<u64>().prop_map(|value| json!(value)),
        (0..100_u8).prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,20}".prop_map(|value| json!(value)),
        "[a-z]{1,8}(:[0-9]{1,6})?".prop_map(|value| json!(value)),
        "(http|postgres)://[a-z:@/?*&=%\\[\\]]{0,20}".prop_map(|value| json!(value)),
        "CUSTOM|GENERAL|session|postgres|sqlite|tls|\\*{8}|2026-11-21T04:38:36.000000Z".prop_map(|value| json!(value)),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 40, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            btree_map(FIELDS, inner, 0..12).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What the store holds of a model is the model again, and so is what it shows, where that is all there is to it.
fn comes_back<T: Stored + PartialEq + std::fmt::Debug>(model: &T) {
    let text = serde_json::to_string(&model.to_store()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(T::from_store(&value).as_ref(), Ok(model));
}

fn settings_values() -> impl Strategy<Value = Value> {
    (
        any::<[bool; 6]>(),
        1..=3600_u32,
        1..=300_u32,
        0..=100_u32,
        any::<u32>(),
        1..=65_536_u32,
        0..3_usize,
    )
        .prop_map(|(flags, seconds, wait, redirects, retries, size, kind)| {
            json!({
                "connectionSettingsEnabled": flags[0], "connectTimeout": seconds, "connectionRequestTimeout": wait,
                "redirectsEnabled": flags[1], "maxRedirects": redirects, "relativeRedirectsAllowed": flags[2],
                "disableContentCompression": flags[3], "enableStreaming": flags[4], "retryCount": retries,
                "ignoreRoutingError": flags[5], "customConnectionPoolSize": size,
                "connectionPoolManagementType": (["GENERAL", "CUSTOM", "NONE"][kind]),
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_json_makes_a_parser_panic(value in anything()) {
        let moment: Moment = "2026-11-21T04:38:36.000000Z".parse().unwrap();
        if let Ok(new) = NewConnectionPool::try_from(&value) {
            comes_back(&ConnectionPool::new(PoolId::new(1).unwrap(), new, moment));
        }
        let _ = ConnectionPoolChange::try_from(&value);
        let _ = ConnectionPool::from_store(&value).map(|pool| comes_back(&pool));
        let _ = DatabasePoolDefinition::try_from(&value).map(|pool| comes_back(&DatabasePool::from(pool)));
        let _ = DatabasePoolReplacement::try_from(&value);
        let _ = DatabaseDefinition::try_from(&value);
        let _ = ConnectionSettings::from_store(&value).map(|settings| comes_back(&settings));
        let _ = ConnectionDefinition::try_from(&value)
            .and_then(|definition| definition.into_connection(None))
            .map(|connection| comes_back(&connection));
        let _ = Connector::from_store(&value).map(|connector| comes_back(&connector));
        let _ = ConnectorChange::try_from(&value);
        let _ = TopicDefinition::try_from(&value).map(|topic| comes_back(&Topic::from(topic)));
        let _ = TopicChange::try_from(&value);
        let _ = EvictionPolicy::from_body(&value);
        let _ = SqlMode::from_body(&value);
        let _ = EngineVersion::from_body(&value);
    }

    #[test]
    fn a_connection_pool_comes_back(
        id in 1..=i64::MAX as u64,
        name in "\\PC{1,255}",
        limit in 1..=u32::MAX,
        timeout in proptest::option::of(1..=u32::MAX),
        micros in 0..253_402_300_799_999_999_u64,
    ) {
        let new = NewConnectionPool::try_from(json!({"name": name, "limit": limit, "timeout": timeout})).unwrap();
        let moment = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(micros);
        let pool = ConnectionPool::new(PoolId::new(id).unwrap(), new, moment.into());
        prop_assert_eq!(pool.created_at().to_system_time(), moment);
        comes_back(&pool);
    }

    #[test]
    fn settings_come_back(body in settings_values()) {
        let patch = ConnectionSettingsPatch::try_from(body).unwrap();
        comes_back(&ConnectionSettings::default().patched(&patch).unwrap());
    }

    #[test]
    fn no_host_shows_its_password_or_changes_when_it_is_shown_and_sent_back(
        user in "[a-z:/@*%]{0,6}",
        rest in "[a-z]{1,5}(:[1-9][0-9]{0,3})?(/[a-z@]{0,4})?(\\?(password|x)=[a-z@]{0,4})?",
    ) {
        let text = format!("postgres://{user}n33dl3@{rest}");
        let body = json!({"name": "o", "type": "postgres", "queryHosts": [text]});
        // What a user writes may be refused, but then by name of the field.
        let Ok(definition) = ConnectionDefinition::try_from(body) else { return Ok(()) };
        let Ok(stored) = definition.into_connection(None) else { return Ok(()) };
        let shown = json!(stored);
        prop_assert!(!shown.to_string().contains("n33dl3"), "{}", shown);
        let again = ConnectionDefinition::try_from(shown).unwrap().into_connection(Some(&stored)).unwrap();
        prop_assert_eq!(again, stored);
    }

    #[test]
    fn no_database_shows_the_password_of_its_url(
        user in "[a-z:/@*%?]{0,6}",
        rest in "[a-z]{1,5}(:[1-9][0-9]{0,3})?(/[a-z@&]{0,4})?(\\?(password|sslmode|x)=[a-z@]{0,4})?",
    ) {
        let url = format!("postgres://{user}n33dl3@{rest}");
        let body = json!({"id": "o", "engine": "pg", "url": url, "server": [{"version": "1", "url": url}]});
        let Ok(definition) = DatabaseDefinition::try_from(body) else { return Ok(()) };
        let database = Database::from(definition);
        let pool = json!({"name": "back", "mode": "session", "size": 1, "db": "x"});
        let pool = DatabasePool::from(DatabasePoolDefinition::try_from(pool).unwrap());
        let shown = format!("{database:?} {} {}", json!(database), json!(database.connection_of(&pool)));
        prop_assert!(!shown.contains("n33dl3"), "{}", shown);
    }

    #[test]
    fn every_other_connection_comes_back(
        name in "\\PC{1,255}",
        kind in "druid|druidsql|http|postgres|mysql|redis",
        hosts in vec("[a-z]{1,9}(:[1-9][0-9]{0,3})?", 1..4),
        texts in vec(proptest::option::of("\\PC{0,20}"), 9),
        timeouts in any::<(u32, u32)>(),
        protocol in "plain|tls|tls-loose",
    ) {
        let body = json!({
            "name": name, "type": kind, "queryHosts": hosts, "title": texts[0], "version": texts[1], "ca": texts[2],
            "cert": texts[3], "key": texts[4], "passphrase": texts[5], "decorator": texts[6],
            "decoratorOptions": texts[7], "sockPassword": texts[8], "timeout": timeouts.0, "sqlTimeout": timeouts.1,
            "protocol": protocol,
        });
        comes_back(&ConnectionDefinition::try_from(body).unwrap().into_connection(None).unwrap());
    }
}
