//! A mask that is sent back: on which way it keeps the stored secret, and where it would take it elsewhere.

use crate::read;
use fairpool::resource::models::*;
use serde_json::{Value, json};

fn stored() -> Connection {
    let body = json!({
        "name": "orders", "type": "postgres", "protocol": "tls-loose", "ca": "authority",
        "queryHosts": ["postgres://app:n33dl3@db1/orders?password=n33dl3", "db2:5432", "db3"],
        "key": "n33dl3", "passphrase": "n33dl3", "sockPassword": "n33dl3", "sockHost": "proxy", "sockUsername": "me",
    });
    read::<ConnectionDefinition>(body).into_connection(None).unwrap()
}

/// What the stored one shows, with other values in these fields.
fn again(changes: Value) -> Result<Connection, Invalid> {
    let stored = stored();
    let mut shown = json!(stored);
    for (field, value) in changes.as_object().unwrap() {
        shown[field] = value.clone();
    }
    read::<ConnectionDefinition>(shown).into_connection(Some(&stored))
}

fn refused(changes: Value) -> Vec<String> {
    let Err(refused) = again(changes.clone()) else {
        panic!("{changes} keeps the secrets")
    };
    assert!(!format!("{refused:?} {refused}").contains("n33dl3"));
    refused
        .violations()
        .map(|(field, why)| format!("{field} {why}"))
        .collect()
}

fn in_full(field: &str, since: &str) -> String {
    format!("{field} is masked, and must be sent in full since {since} changes")
}

#[test]
fn secrets_are_kept_on_the_way_that_they_took() {
    let url = "postgres://***@db1/orders?password=***";
    for changes in [
        json!({}),
        json!({"protocol": "tls"}),
        json!({"sockHost": "proxy:1080"}),
        json!({"sockUsername": "you", "timeout": 5, "title": "t", "cert": "c", "decorator": "d"}),
        json!({"queryHosts": ["db3", url]}),
        json!({"queryHosts": ["db2:5432"]}),
        json!({"queryHosts": ["postgres://new:one@db1/orders?password=n33dl3"]}),
    ] {
        let kept = again(changes.clone()).unwrap_or_else(|refused| panic!("{changes}: {refused}"));
        for secret in [kept.key(), kept.passphrase(), kept.sock_password()] {
            assert_eq!(secret.map(Secret::reveal), Some("n33dl3"), "{changes}");
        }
    }
}

#[test]
fn no_secret_that_was_kept_goes_to_another_host() {
    let url = "postgres://***@db1/orders?password=***";
    for hosts in [
        json!(["evil"]),
        json!(["db3", "evil"]),
        json!(["db2"]),
        json!(["db2:5433"]),
        json!([url, "postgres://db1/orders?password=n33dl3&host=evil"]),
        json!(["mysql://db1/orders?password=n33dl3"]),
        json!(["postgres://db1,evil/orders?password=n33dl3"]),
    ] {
        let keys = [in_full("key", "queryHosts"), in_full("passphrase", "queryHosts")];
        assert_eq!(refused(json!({"queryHosts": hosts})), keys, "{hosts}");
    }
    for url in [
        "postgres://***@evil/orders?password=***",
        "postgres://***@db1/orders?password=***&host=evil",
        "postgres://***@db1,evil/orders?password=***",
    ] {
        let sentences = refused(json!({"queryHosts": [url]}));
        assert_eq!(
            sentences[0], "queryHosts.0 is masked, and nothing is stored for it",
            "{url}"
        );
    }
}

#[test]
fn nor_by_another_proxy_authority_type_or_protocol() {
    let all = |since: &str| {
        ["queryHosts.0", "key", "passphrase"]
            .map(|field| in_full(field, since))
            .to_vec()
    };
    assert_eq!(refused(json!({"protocol": "plain"})), all("protocol"));
    assert_eq!(refused(json!({"ca": "mine"})), all("ca"));
    assert_eq!(refused(json!({"ca": ""})), all("ca"));
    assert_eq!(refused(json!({"type": "http"})), all("type"));
    for proxy in ["evil", "proxy:1081", ""] {
        let mut sentences = all("sockHost");
        sentences.push(in_full("sockPassword", "sockHost"));
        assert_eq!(refused(json!({"sockHost": proxy})), sentences);
    }
}

#[test]
fn from_no_words_to_loose_ones_is_a_way_down_as_a_url_may_have_stricter_ones() {
    let body =
        json!({"name": "o", "type": "postgres", "queryHosts": ["postgres://app:n33dl3@db/?sslmode=verify-full"]});
    let stored = read::<ConnectionDefinition>(body).into_connection(None).unwrap();
    let mut shown = json!(stored);
    shown["protocol"] = json!("tls-loose");
    let refused = read::<ConnectionDefinition>(shown).into_connection(Some(&stored));
    assert_eq!(refused.unwrap_err().to_string(), in_full("queryHosts.0", "protocol"));
}

#[test]
fn what_is_sent_in_full_may_go_anywhere() {
    let everything = json!({
        "queryHosts": ["evil"], "protocol": "plain", "ca": "", "sockHost": "evil", "type": "http",
        "key": "k", "passphrase": "", "sockPassword": "p",
    });
    let made = again(everything).unwrap();
    assert_eq!(made.key().map(Secret::reveal), Some("k"));
    assert_eq!(
        (made.passphrase(), made.sock_password().map(Secret::reveal)),
        (None, Some("p"))
    );
    assert!(!made.to_store().to_string().contains("n33dl3"));
}
