//! Named connections: fields, aliases, masks, and secrets that show nowhere.

use crate::{read, refusal};
use fairpool::resource::models::*;
use serde_json::{Value, json};
use std::time::Duration;

/// The document's sample, with its placeholders.
fn sample() -> Value {
    json!({
        "name": "string",
        "type": "druid",
        "queryHosts": ["example.com"],
        "title": "string",
        "version": "string",
        "timeout": 0,
        "sqlTimeout": 0,
        "protocol": "plain",
        "ca": "string",
        "cert": "string",
        "key": "string",
        "passphrase": "string",
        "decorator": "string",
        "decoratorOptions": "string",
        "sockPassword": "string",
        "sockHost": "string",
        "sockUsername": "string",
    })
}

const SECRETS: [&str; 3] = ["key", "passphrase", "sockPassword"];

fn connection(value: Value) -> Connection {
    read::<ConnectionDefinition>(value).into_connection(None).unwrap()
}

fn small(field: &str, value: Value) -> Value {
    let mut body = json!({"name": "orders", "type": "postgres", "queryHosts": ["db"]});
    body[field] = value;
    body
}

#[test]
fn the_documents_sample_comes_back_in_its_order_with_secrets_masked() {
    let mut expected = sample();
    for field in SECRETS {
        expected[field] = json!("********");
    }
    let shown = connection(sample());
    assert_eq!(json!(shown), expected);
    let text = serde_json::to_string(&shown).unwrap();
    let order = [
        "name",
        "type",
        "queryHosts",
        "title",
        "version",
        "timeout",
        "sqlTimeout",
        "protocol",
        "ca",
        "cert",
        "key",
        "passphrase",
        "decorator",
        "decoratorOptions",
        "sockPassword",
        "sockHost",
        "sockUsername",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|field| text.find(&format!("\"{field}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn the_least_definition_has_defaults_and_no_keys_for_what_is_not_set() {
    let least = connection(small("title", json!("")));
    let shown = json!({
        "name": "orders", "type": "postgres", "queryHosts": ["db"], "timeout": 0, "sqlTimeout": 0, "protocol": "plain",
    });
    assert_eq!(json!(least), shown);
    assert_eq!(
        (least.timeout(), least.sql_timeout(), least.sock_host()),
        (None, None, None)
    );
}

#[test]
fn every_rule_about_a_connection_names_its_field() {
    let types = "type must be one of druid, druidsql, http, postgres, mysql, redis, sqlite";
    for (field, value, reason) in [
        ("name", json!(""), "name must be at least 1 characters"),
        ("name", json!("a\nb"), "name must be free of control characters"),
        ("name", json!(null), "name is required"),
        ("type", json!("Druid"), types),
        ("type", json!(null), "type is required"),
        ("queryHosts", json!(null), "queryHosts is required"),
        ("queryHosts", json!([]), "queryHosts is required"),
        ("queryHosts", json!("db"), "queryHosts must be an array"),
        (
            "queryHosts",
            json!(vec!["db"; 65]),
            "queryHosts must be a list of at most 64 hosts",
        ),
        (
            "queryHosts",
            json!(["db", 1, "b b"]),
            "queryHosts.1 must be a string; queryHosts.2 must be a host, host:port or URL",
        ),
        ("timeout", json!(-1), "timeout must be at least 0"),
        ("sqlTimeout", json!("0"), "sqlTimeout must be an integer"),
        (
            "timeout",
            json!(4_294_967_296_u64),
            "timeout must not be greater than 4294967295",
        ),
        (
            "protocol",
            json!("ssl"),
            "protocol must be one of plain, tls, tls-loose",
        ),
        ("ca", json!(1), "ca must be a string"),
        ("key", json!({}), "key must be a string"),
        ("decoratorOptions", json!(["a"]), "decoratorOptions must be a string"),
        (
            "sockHost",
            json!("socks5://proxy"),
            "sockHost must be a host or host:port",
        ),
        ("socksHost", json!("proxy:0"), "socksHost must be a host or host:port"),
    ] {
        assert_eq!(refusal::<ConnectionDefinition>(small(field, value)), reason);
    }
    let all = "name is required; type is required; queryHosts is required";
    assert_eq!(refusal::<ConnectionDefinition>(json!({})), all);
}

#[test]
fn milliseconds_and_the_socks_port_are_read_as_documented() {
    let timeouts = json!({
        "name": "o", "type": "http", "queryHosts": ["h"], "timeout": 1500, "sqlTimeout": 2.0, "sockHost": "proxy",
    });
    let timeouts = connection(timeouts);
    assert_eq!(timeouts.timeout(), Some(Duration::from_millis(1500)));
    assert_eq!(timeouts.sql_timeout(), Some(Duration::from_millis(2)));
    assert_eq!(timeouts.sock_host(), Some(("proxy", 1080)));
    assert_eq!(
        connection(small("sockHost", json!("proxy:9050"))).sock_host(),
        Some(("proxy", 9050))
    );
    assert_eq!(
        connection(small("sockHost", json!("[::1]:9050"))).sock_host(),
        Some(("::1", 9050))
    );
}

#[test]
fn the_socks_spellings_are_read_and_the_documented_ones_written_and_preferred() {
    let mut body = small("socksHost", json!("proxy"));
    body["socksUsername"] = json!("me");
    body["socksPassword"] = json!("hunter2");
    let made = connection(body.clone());
    assert_eq!(
        (made.sock_host(), made.sock_username()),
        (Some(("proxy", 1080)), Some("me"))
    );
    assert_eq!(made.sock_password().map(Secret::reveal), Some("hunter2"));
    let shown = json!(made);
    assert_eq!(
        (&shown["sockHost"], &shown["sockUsername"]),
        (&json!("proxy"), &json!("me"))
    );
    assert_eq!(
        (&shown["sockPassword"], shown.get("socksHost")),
        (&json!("********"), None)
    );
    body["sockHost"] = json!("other");
    assert_eq!(connection(body).sock_host(), Some(("other", 1080)));
}

#[test]
fn a_mask_keeps_the_stored_secret_and_anything_else_replaces_it() {
    let stored = connection(sample());
    let shown = json!(stored);
    let again = |value: Value| {
        read::<ConnectionDefinition>(value)
            .into_connection(Some(&stored))
            .unwrap()
    };
    assert_eq!(again(shown.clone()), stored);
    for field in SECRETS {
        let mut changed = shown.clone();
        changed[field] = json!("new");
        let mut expected = stored.to_store();
        expected[field] = json!("new");
        assert_eq!(again(changed).to_store(), expected);

        let mut without = shown.clone();
        without.as_object_mut().unwrap().remove(field);
        assert_eq!(
            again(without).to_store().get(field),
            None,
            "a post replaces the whole definition"
        );
    }
}

#[test]
fn a_mask_for_which_nothing_is_stored_stays_nothing() {
    let made = connection(small("key", json!("********")));
    assert_eq!((made.key(), made.to_store().get("key")), (None, None));
    let definition: ConnectionDefinition = read(small("key", json!("********")));
    assert_eq!(
        definition
            .into_connection(Some(&connection(small("title", json!("t")))))
            .unwrap()
            .key(),
        None
    );
}

#[test]
fn a_secret_in_any_secret_field_shows_in_no_text_but_the_stores() {
    let secret = "s3cr3t-n33dl3";
    let mut body = sample();
    for field in SECRETS {
        body[field] = json!(secret);
    }
    body["queryHosts"] = json!([
        format!("postgres://app:{secret}@db/orders"),
        format!("postgres://{secret}@db/orders?sslpassword={secret}"),
        format!("redis://:{secret}@db"),
    ]);
    let definition: ConnectionDefinition = read(body);
    let shown = [format!("{definition:?}"), format!("{definition:#?}")];
    let made = definition.into_connection(None).unwrap();
    let more = [
        format!("{made:?}"),
        format!("{made:#?}"),
        serde_json::to_string(&made).unwrap(),
    ];
    let hosts = made.query_hosts().iter().map(|host| format!("{host} {host:?}"));
    for text in shown.into_iter().chain(more).chain(hosts) {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(made.to_store().to_string().matches(secret).count(), 7);
    assert_eq!(Connection::from_store(&made.to_store()), Ok(made));
}

#[test]
fn a_refusal_shows_no_secret_of_the_definition() {
    let secret = "s3cr3t-n33dl3";
    for (field, value) in [
        (
            "queryHosts",
            json!([format!("app:{secret}@db"), format!("postgres://app:{secret}")]),
        ),
        ("sockHost", json!(format!("me:{secret}@proxy"))),
        ("type", json!(secret)),
        ("protocol", json!(secret)),
    ] {
        let mut body = small("key", json!(secret));
        body[field] = value;
        let refused = ConnectionDefinition::try_from(body).unwrap_err();
        let texts = format!("{refused} {refused:?} {}", refused.summary());
        assert!(!texts.contains(secret), "{texts}");
    }
}

#[test]
fn a_definition_from_rust_is_the_one_from_json_and_from_a_file() {
    let by_hand = ConnectionDefinition::new(
        ConnectionName::new("orders").unwrap(),
        ConnectionType::Mysql,
        ["a", "b:3306"],
    )
    .unwrap()
    .protocol(Protocol::TlsLoose)
    .timeout(Bounded::new(1500).unwrap())
    .key(Secret::new("k"))
    .sock_host("proxy:1081")
    .unwrap()
    .title("");
    let from_json = json!({
        "name": "orders", "type": "mysql", "queryHosts": ["a", "b:3306"], "protocol": "tls-loose", "timeout": 1500,
        "key": "k", "sockHost": "proxy:1081",
    });
    let from_file = "name = 'orders'\ntype = 'mysql'\nqueryHosts = ['a', 'b:3306']\nprotocol = 'tls-loose'\n\
        timeout = 1500\nkey = 'k'\nsockHost = 'proxy:1081'";
    assert_eq!(by_hand, read(from_json));
    assert_eq!(by_hand, toml::from_str(from_file).unwrap());
    let refused = ConnectionDefinition::new(ConnectionName::new("o").unwrap(), ConnectionType::Http, ["a", "b c"]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "queryHosts.1 must be a host, host:port or URL"
    );
    let none = ConnectionDefinition::new::<&str>(ConnectionName::new("o").unwrap(), ConnectionType::Http, []);
    assert_eq!(none.unwrap_err().to_string(), "queryHosts is required");
}
