//! Connection pools: what may be asked for, what is said of the rest, and what an answer looks like.

use crate::{read, refusal};
use fairpool::resource::models::*;
use serde_json::{Value, json};
use std::time::Duration;

fn pool(value: Value) -> ConnectionPool {
    ConnectionPool::new(PoolId::new(1).unwrap(), read(value), moment(0))
}

fn moment(second: u32) -> Moment {
    format!("2026-11-21T04:38:{second:02}.000000Z").parse().unwrap()
}

/// The first family's message about one field of a new pool that is otherwise right.
fn said(field: &str, value: Value) -> String {
    let mut body = json!({"limit": 5, "name": "orders"});
    body[field] = value;
    NewConnectionPool::try_from(body).unwrap_err().summary()
}

#[test]
fn every_rule_about_a_new_pool_has_its_documented_text() {
    let long = "é".repeat(256);
    for (field, value, text) in [
        ("limit", json!(null), "The limit field is required."),
        ("limit", json!("5"), "The limit field must be an integer."),
        ("limit", json!(5.5), "The limit field must be an integer."),
        ("limit", json!(true), "The limit field must be an integer."),
        ("limit", json!([5]), "The limit field must be an integer."),
        ("limit", json!(0), "The limit field must be at least 1."),
        ("limit", json!(-5), "The limit field must be at least 1."),
        (
            "limit",
            json!(4_294_967_296_u64),
            "The limit field must not be greater than 4294967295.",
        ),
        ("timeout", json!("30"), "The timeout field must be an integer."),
        ("timeout", json!(0), "The timeout field must be at least 1."),
        (
            "timeout",
            json!(4_294_967_296_u64),
            "The timeout field must not be greater than 4294967295.",
        ),
        ("name", json!(null), "The name field is required."),
        ("name", json!(""), "The name field is required."),
        ("name", json!(7), "The name field must be a string."),
        (
            "name",
            json!(long),
            "The name field must not be greater than 255 characters.",
        ),
    ] {
        assert_eq!(said(field, value), text);
    }
}

#[test]
fn a_number_of_any_size_and_spelling_is_an_integer_or_cleanly_refused() {
    let judged = |number: &str| {
        let body = format!(r#"{{"name": "orders", "limit": {number}}}"#);
        let new: Result<NewConnectionPool, _> = serde_json::from_str(&body);
        new.map_err(|error| error.to_string())
            .map(|new| ConnectionPool::new(PoolId::new(1).unwrap(), new, moment(0)).limit())
    };
    for (number, limit) in [
        ("5.0", 5),
        ("5e0", 5),
        ("50e-1", 5),
        ("4294967295", u32::MAX),
        ("4294967295.0", u32::MAX),
    ] {
        assert_eq!(judged(number), Ok(limit), "{number}");
    }
    for (number, reason) in [
        ("18446744073709551616", "limit must not be greater than 4294967295"),
        ("1e300", "limit must not be greater than 4294967295"),
        ("-1e300", "limit must be at least 1"),
        ("-9223372036854775809", "limit must be at least 1"),
        ("-0.0", "limit must be at least 1"),
        ("1e-300", "limit must be an integer"),
    ] {
        assert_eq!(judged(number), Err(reason.to_owned()), "{number}");
    }
}

#[test]
fn all_faults_are_named_in_the_documents_order_and_the_message_counts_them() {
    let refused = NewConnectionPool::try_from(json!({"name": 1, "timeout": 0})).unwrap_err();
    let sentences: Vec<_> = refused.sentences().collect();
    assert_eq!(
        sentences,
        [
            ("limit", "The limit field is required.".to_owned()),
            ("timeout", "The timeout field must be at least 1.".to_owned()),
            ("name", "The name field must be a string.".to_owned()),
        ]
    );
    assert_eq!(refused.summary(), "The limit field is required. (and 2 more errors)");
    let two = NewConnectionPool::try_from(json!({})).unwrap_err();
    assert_eq!(two.summary(), "The limit field is required. (and 1 more error)");
}

#[test]
fn names_are_counted_in_characters_and_unknown_fields_are_ignored() {
    let name = "日".repeat(255);
    let made = pool(json!({"name": name, "limit": 1, "id": 99, "created_at": "never", "more": {"deep": []}}));
    assert_eq!((made.name().as_str(), made.id().value()), (&*name, 1));
    assert_eq!(json!(made).as_object().unwrap().len(), 5);
}

#[test]
fn a_body_that_is_no_object_is_refused_as_that() {
    for body in [json!([]), json!("limit"), json!(null), json!(7)] {
        assert_eq!(refusal::<NewConnectionPool>(body.clone()), "body must be an object");
        assert_eq!(refusal::<ConnectionPoolChange>(body), "body must be an object");
    }
}

#[test]
fn a_change_touches_only_what_it_gives() {
    let before = pool(json!({"name": "orders", "limit": 5, "timeout": 30}));
    let after = |change: Value| before.changed(read(change), moment(9));

    let same = after(json!({}));
    assert_eq!(
        (same.name(), same.limit(), same.timeout()),
        (before.name(), 5, before.timeout())
    );
    assert_eq!((same.created_at(), same.updated_at()), (moment(0), moment(9)));
    assert_eq!(after(json!({"limit": 6})).limit(), 6);
    assert_eq!(after(json!({"name": "mail"})).name().as_str(), "mail");
    assert_eq!(after(json!({"timeout": 7})).timeout(), Some(Duration::from_secs(7)));
    assert_eq!(after(json!({"timeout": null})).timeout(), None);
    assert_eq!(after(json!({"limit": 6})).timeout(), Some(Duration::from_secs(30)));
}

#[test]
fn every_rule_about_a_change_has_its_documented_text() {
    for (change, text) in [
        (json!({"limit": null}), "The limit field must be an integer."),
        (json!({"limit": 0}), "The limit field must be at least 1."),
        (json!({"timeout": 0}), "The timeout field must be at least 1."),
        (json!({"name": null}), "The name field must be a string."),
        (json!({"name": ""}), "The name field must be at least 1 characters."),
        (
            json!({"name": "n".repeat(256)}),
            "The name field must not be greater than 255 characters.",
        ),
    ] {
        assert_eq!(ConnectionPoolChange::try_from(change).unwrap_err().summary(), text);
    }
    assert_eq!(Violation::Taken.sentence("name"), "The name has already been taken.");
}

#[test]
fn an_answer_has_the_documents_order_and_no_key_for_a_timeout_that_is_none() {
    let made = pool(json!({"name": "orders", "limit": 5, "timeout": null}));
    let text = serde_json::to_string(&made).unwrap();
    let moment = "2026-11-21T04:38:00.000000Z";
    let expected = format!(r#"{{"id":1,"name":"orders","limit":5,"created_at":"{moment}","updated_at":"{moment}"}}"#);
    assert_eq!(text, expected);
    assert_eq!(ConnectionPool::from_store(&made.to_store()), Ok(made));
}

#[test]
fn rust_json_and_toml_are_judged_alike() {
    let by_hand = NewConnectionPool::new(PoolName::new("orders").unwrap(), Bounded::new(8).unwrap());
    assert_eq!(by_hand, read(json!({"name": "orders", "limit": 8})));
    assert_eq!(by_hand, toml::from_str("name = 'orders'\nlimit = 8").unwrap());
    assert_eq!(PoolName::new(""), Err(Violation::TooShort(1)));
    let refused = toml::from_str::<NewConnectionPool>("name = 'orders'\nlimit = 0").unwrap_err();
    assert!(refused.to_string().contains("limit must be at least 1"), "{refused}");
    let change = ConnectionPoolChange::default()
        .limit(Bounded::new(9).unwrap())
        .timeout(None);
    assert_eq!(change, read(json!({"limit": 9, "timeout": null})));
}

#[test]
fn an_id_is_a_positive_integer_of_63_bits_in_one_spelling() {
    assert_eq!("17".parse::<PoolId>(), PoolId::new(17));
    assert_eq!(
        "9223372036854775807".parse::<PoolId>().unwrap().value(),
        i64::MAX as u64
    );
    for text in [
        "",
        "0",
        "017",
        "-1",
        "+1",
        "1.0",
        " 1",
        "one",
        "９",
        "9223372036854775808",
        "99999999999999999999999",
    ] {
        assert!(text.parse::<PoolId>().is_err(), "{text}");
    }
}
