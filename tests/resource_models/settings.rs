//! Connection settings and connectors: defaults, ranges, patches, and what a mode needs.

use crate::{read, refusal};
use fairpool::Management;
use fairpool::resource::models::*;
use serde_json::{Value, json};

fn patched(patches: &[Value]) -> Result<ConnectionSettings, Invalid> {
    patches
        .iter()
        .try_fold(ConnectionSettings::default(), |settings, patch| {
            settings.patched(&ConnectionSettingsPatch::try_from(patch)?)
        })
}

/// The document's full example.
fn example() -> Value {
    json!({
        "connectionSettingsEnabled": true,
        "connectTimeout": 30,
        "readTimeout": 60,
        "connectionRequestTimeout": 30,
        "redirectsEnabled": true,
        "maxRedirects": 50,
        "relativeRedirectsAllowed": true,
        "disableContentCompression": false,
        "enableStreaming": false,
        "retryCount": 3,
        "failoverRetryCount": 2,
        "ignoreRoutingError": false,
        "connectionPoolManagementType": "GENERAL",
        "customConnectionPoolSize": 8,
    })
}

#[test]
fn the_defaults_are_the_tables_and_stand_in_the_documents_order() {
    let text = serde_json::to_string(&ConnectionSettings::default()).unwrap();
    let expected = concat!(
        r#"{"connectionSettingsEnabled":false,"connectTimeout":30,"readTimeout":30,"connectionRequestTimeout":3,"#,
        r#""redirectsEnabled":true,"maxRedirects":50,"relativeRedirectsAllowed":true,"disableContentCompression":false,"#,
        r#""enableStreaming":false,"retryCount":0,"failoverRetryCount":0,"ignoreRoutingError":false,"#,
        r#""connectionPoolManagementType":"GENERAL"}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn the_documents_example_comes_back_as_it_was_sent() {
    assert_eq!(json!(patched(&[example()]).unwrap()), example());
}

#[test]
fn each_field_is_patched_alone_and_null_is_refused_for_each() {
    let other = json!({
        "connectionSettingsEnabled": true,
        "connectTimeout": 31,
        "readTimeout": 61,
        "connectionRequestTimeout": 31,
        "redirectsEnabled": false,
        "maxRedirects": 0,
        "relativeRedirectsAllowed": false,
        "disableContentCompression": true,
        "enableStreaming": true,
        "retryCount": 4,
        "failoverRetryCount": 5,
        "ignoreRoutingError": true,
        "connectionPoolManagementType": "NONE",
        "customConnectionPoolSize": 9,
    });
    assert_eq!(other.as_object().unwrap().len(), 14);
    for (field, value) in other.as_object().unwrap() {
        let mut expected = json!(ConnectionSettings::default());
        expected[field] = value.clone();
        assert_eq!(json!(patched(&[json!({ field: value })]).unwrap()), expected, "{field}");
        let reason = refusal::<ConnectionSettingsPatch>(json!({ field: null }));
        assert_eq!(reason, format!("{field} must not be null"));
        let reason = refusal::<ConnectionSettingsPatch>(json!({ field: {} }));
        assert!(reason.starts_with(&format!("{field} must be ")), "{reason}");
    }
}

#[test]
fn each_range_allows_its_ends_and_nothing_beyond() {
    for (field, least, most) in [
        ("connectTimeout", 1, 3600),
        ("readTimeout", 1, 3600),
        ("connectionRequestTimeout", 1, 300),
        ("maxRedirects", 0, 100),
        ("customConnectionPoolSize", 1, 65_536),
        ("retryCount", 0, 4_294_967_295_i64),
        ("failoverRetryCount", 0, 4_294_967_295),
    ] {
        for inside in [least, most] {
            patched(&[json!({ field: inside })]).unwrap();
        }
        let reason = refusal::<ConnectionSettingsPatch>(json!({ field: least - 1 }));
        assert_eq!(reason, format!("{field} must be at least {least}"));
        let reason = refusal::<ConnectionSettingsPatch>(json!({ field: most + 1 }));
        assert_eq!(reason, format!("{field} must not be greater than {most}"));
        let reason = refusal::<ConnectionSettingsPatch>(json!({ field: "5" }));
        assert_eq!(reason, format!("{field} must be an integer"));
    }
    let reason = refusal::<ConnectionSettingsPatch>(json!({"connectionPoolManagementType": "custom"}));
    assert_eq!(
        reason,
        "connectionPoolManagementType must be one of GENERAL, CUSTOM, NONE"
    );
    let reason = refusal::<ConnectionSettingsPatch>(json!({"enableStreaming": 1}));
    assert_eq!(reason, "enableStreaming must be true or false");
}

#[test]
fn custom_needs_a_size_that_is_stored_or_patched() {
    let (custom, size) = (
        json!({"connectionPoolManagementType": "CUSTOM"}),
        json!({"customConnectionPoolSize": 20}),
    );
    let refused = patched(std::slice::from_ref(&custom)).unwrap_err();
    let reason = "customConnectionPoolSize is required when connectionPoolManagementType is CUSTOM";
    assert_eq!(refused.to_string(), reason);
    let enabled = json!({"connectionSettingsEnabled": true});
    let settings = patched(&[size.clone(), custom, enabled]).unwrap();
    assert_eq!(settings.management(), Management::Custom(20));
    let both = json!({"connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 20});
    assert!(patched(&[both]).is_ok());
    // Kept and without effect otherwise.
    let general = patched(&[size, json!({"connectionSettingsEnabled": true})]).unwrap();
    assert_eq!(
        (general.management(), general.custom_size()),
        (Management::General, PoolSize::new(20).ok())
    );
}

#[test]
fn disabled_settings_are_kept_while_the_defaults_count() {
    let mut body = example();
    body["connectionPoolManagementType"] = json!("CUSTOM");
    let on = patched(std::slice::from_ref(&body)).unwrap();
    let off = patched(&[body.clone(), json!({"connectionSettingsEnabled": false})]).unwrap();
    assert_eq!(
        (on.management(), off.management()),
        (Management::Custom(8), Management::General)
    );
    assert_eq!(off.effective(), ConnectionSettings::default());
    assert_eq!((on.effective(), off.read_timeout()), (on.clone(), on.read_timeout()));
    assert_eq!(
        patched(&[
            body,
            json!({"connectionSettingsEnabled": false}),
            json!({"connectionSettingsEnabled": true})
        ]),
        Ok(on)
    );
}

#[test]
fn settings_are_read_back_from_the_store() {
    let settings = patched(&[example()]).unwrap();
    assert_eq!(ConnectionSettings::from_store(&settings.to_store()), Ok(settings));
    let defaults = ConnectionSettings::default();
    assert_eq!(ConnectionSettings::from_store(&defaults.to_store()), Ok(defaults));
}

#[test]
fn a_patch_from_rust_is_the_patch_from_json() {
    let by_hand = ConnectionSettingsPatch::default()
        .enabled(true)
        .management_type(ManagementType::Custom)
        .custom_size(PoolSize::new(20).unwrap())
        .read_timeout(Bounded::new(120).unwrap());
    let from_file = toml::from_str(
        "connectionSettingsEnabled = true\nconnectionPoolManagementType = 'CUSTOM'\ncustomConnectionPoolSize = 20\nreadTimeout = 120",
    );
    assert_eq!(by_hand, from_file.unwrap());
}

#[test]
fn a_connector_in_mode_custom_needs_a_size() {
    let reason = refusal::<ConnectorDefinition>(json!({"name": "mail", "connection": "orders", "mode": "CUSTOM"}));
    assert_eq!(reason, "size is required when mode is CUSTOM");
    let nothing = refusal::<ConnectorDefinition>(json!({"mode": "CUSTOM"}));
    assert_eq!(
        nothing,
        "name is required; connection is required; size is required when mode is CUSTOM"
    );
    let definition = read::<ConnectorDefinition>(json!({"name": "mail", "connection": "orders"}));
    let connector = Connector::new(ConnectorId::new(1).unwrap(), definition);
    assert_eq!(
        connector
            .changed(read(json!({"mode": "CUSTOM"})))
            .unwrap_err()
            .to_string(),
        reason
    );
    let sized = connector.changed(read(json!({"size": 3}))).unwrap();
    assert_eq!(sized.management(), Management::General);
    let custom = sized.changed(read(json!({"mode": "CUSTOM"}))).unwrap();
    assert_eq!(custom.management(), Management::Custom(3));
}

#[test]
fn a_connector_comes_under_a_pools_limit_and_out_of_it_by_null() {
    let definition =
        read::<ConnectorDefinition>(json!({"name": "mail", "connection": "orders", "connection_pool_id": 4}));
    let connector = Connector::new(ConnectorId::new(1).unwrap(), definition);
    assert_eq!(connector.changed(read(json!({}))).unwrap(), connector);
    assert_eq!(
        connector
            .changed(read(json!({"connection_pool_id": null})))
            .unwrap()
            .connection_pool_id(),
        None
    );
    assert_eq!(Connector::from_store(&connector.to_store()), Ok(connector));
    for (id, reason) in [
        (json!(0), "connection_pool_id must be at least 1"),
        (json!("4"), "connection_pool_id must be an integer"),
        (
            json!(1e300),
            "connection_pool_id must not be greater than 9223372036854775807",
        ),
    ] {
        assert_eq!(refusal::<ConnectorChange>(json!({"connection_pool_id": id})), reason);
    }
}

#[test]
fn a_pool_lists_its_connectors_with_or_without_their_systems() {
    let definition = read::<ConnectorDefinition>(json!({"name": "mail", "connection": "orders"}));
    let connector = Connector::new(ConnectorId::new(1).unwrap(), definition);
    assert_eq!(
        json!(connector.included(None)),
        json!({"id": 1, "name": "mail", "mode": "GENERAL"})
    );
    let system =
        json!({"name": "orders", "type": "postgres", "title": "Orders", "queryHosts": ["postgres://u:hunter2@db"]});
    let system = read::<ConnectionDefinition>(system).into_connection(None).unwrap();
    let shown = json!({"name": "orders", "type": "postgres", "title": "Orders", "queryHosts": ["postgres://***@db"]});
    assert_eq!(json!(connector.included(Some(&system)))["system"], shown);
}
