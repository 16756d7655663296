//! Managed databases: their pools, which need no server to be declared, and an engine's setting on a real Redis.

use crate::kit::{Served, declared};
use crate::servers::redis::Redis;
use serde_json::json;

const MAIN: &str = "pg-main";

/// A database of each engine, of which the Redis may be there.
fn served(redis: &str) -> Served {
    let all = [
        (MAIN, "pg", "postgres://doadmin:hunter2@127.0.0.1:1/defaultdb"),
        ("cache", "redis", redis),
        ("shop", "mysql", "mysql://app:hunter2@127.0.0.1:1/shop"),
    ];
    let declared = all.into_iter().fold(declared(), |declared, (id, engine, url)| {
        let definition = json!({"id": id, "name": format!("the {id}"), "engine": engine, "url": url});
        let definition = fairpool::resource::models::DatabaseDefinition::try_from(&definition);
        declared.database(definition.expect("a database"))
    });
    Served::declaring(declared)
}

#[test]
fn databases_are_listed_and_shown_without_their_passwords() {
    let served = served("redis://app:hunter2@127.0.0.1:1/0");
    let table = served.says(&["databases", "list"]);
    assert!(
        table.starts_with("ID       NAME         ENGINE  VERSION  URL\n"),
        "{table}"
    );
    assert!(
        table.contains("\npg-main  the pg-main  pg      –        postgres://***@127.0.0.1:1/defaultdb\n"),
        "{table}"
    );
    let shown = served.says(&["databases", "show", "cache"]);
    assert!(
        shown.starts_with("id       cache\nname     the cache\nengine   redis\n"),
        "{shown}"
    );
    assert_eq!(served.json(&["databases", "show", "shop"])["data"]["engine"], "mysql");
    assert_eq!(served.json(&["databases", "list"])["data"][0]["id"], "cache");
    let said = served.refuses(&["databases", "show", "nobody"]);
    assert_eq!(said, "error: database nobody: there is none of this id");
}

#[test]
fn pools_of_a_database_are_made_changed_operated_and_deleted() {
    let served = served("redis://127.0.0.1:1/0");
    assert_eq!(served.says(&["databases", "pools", "list", MAIN]), "no pools\n");
    let make = [
        "databases",
        "pools",
        "set",
        "pg-main/web",
        "--mode",
        "transaction",
        "--size",
        "20",
        "--db",
        "orders",
        "--user",
        "doadmin",
    ];
    let made = served.says(&make);
    let expected = "created database pool pg-main/web\nname                 web\nmode                 transaction\nsize                 20\n";
    assert!(made.starts_with(expected) && !made.contains("hunter2"), "{made}");
    assert!(made.contains("\nconnection.host      127.0.0.1\n"), "{made}");

    // What is not given stays, though the interface replaces the whole of it.
    let changed = served.says(&["databases", "pools", "set", "pg-main/web", "--size", "40"]);
    assert_eq!(changed, "changed database pool pg-main/web\n");
    let shown = served.json(&["databases", "pools", "show", "pg-main/web"]);
    let pool = &shown["pool"];
    assert_eq!(
        (&pool["size"], &pool["mode"], &pool["user"]),
        (&json!(40), &json!("transaction"), &json!("doadmin"))
    );
    let answer = served.json(&[
        "databases",
        "pools",
        "set",
        "pg-main/web",
        "--no-user",
        "--mode",
        "session",
    ]);
    assert_eq!(answer, json!({}));
    assert!(
        served
            .says(&["databases", "pools", "show", "pg-main/web"])
            .starts_with("name                 web\nmode                 session\n")
    );
    let table = "NAME  MODE     SIZE  DB      USER\nweb   session    40  orders  –\n";
    assert_eq!(served.says(&["databases", "pools", "list", MAIN]), table);

    for (verb, done) in [
        ("pause", "paused"),
        ("resume", "resumed"),
        ("invalidate", "invalidated"),
    ] {
        assert_eq!(
            served.says(&["databases", "pools", verb, "pg-main/web"]),
            format!("{done} database pool pg-main/web\n")
        );
    }
    assert_eq!(
        served.says(&["databases", "pools", "clear", "pg-main/web"]),
        "cleared 0 requests of database pool pg-main/web\n"
    );
    let frame = served.says(&["top", "--once", "--interval", "0.1", "--filter", "database-pools"]);
    assert!(frame.contains("\npg-main/web   dbpool    40 "), "{frame}");
    assert!(
        served
            .says(&["databases", "pools", "drain", "pg-main/web"])
            .starts_with("drained database pool pg-main/web in ")
    );
    assert_eq!(
        served.says(&["databases", "pools", "delete", "pg-main/web"]),
        "deleted database pool pg-main/web\n"
    );
    assert_eq!(served.says(&["databases", "pools", "list", MAIN]), "no pools\n");
}

#[test]
fn what_a_database_refuses_is_told_in_its_familys_words() {
    let served = served("redis://app:hunter2@127.0.0.1:1/0");
    let gone = "The resource you requested could not be found. (404)";
    for (arguments, expected) in [
        (
            &["databases", "pools", "list", "nobody"][..],
            format!("database nobody: {gone}"),
        ),
        (
            &["databases", "pools", "show", "pg-main/nobody"],
            format!("database pool pg-main/nobody: {gone}"),
        ),
        (
            &["databases", "pools", "delete", "pg-main/nobody"],
            format!("database pool pg-main/nobody: {gone}"),
        ),
        (
            &["databases", "pools", "pause", "pg-main/nobody"],
            "database pool pg-main/nobody: Not found. (404)".to_owned(),
        ),
        (
            &["databases", "eviction-policy", "nobody"],
            format!("database nobody: {gone}"),
        ),
    ] {
        assert_eq!(served.refuses(arguments), format!("error: {expected}"), "{arguments:?}");
    }
    for arguments in [
        &["databases", "pools", "set", "pg-main/web", "--size", "0"][..],
        &["databases", "sql-mode", MAIN],
        &["databases", "sql-mode", "cache", "ANSI"],
        &["databases", "eviction-policy", MAIN, "noeviction"],
        &["databases", "eviction-policy", "cache", "as_you_like"],
        &["databases", "upgrade", MAIN, "99"],
    ] {
        let said = served.refuses(arguments);
        assert!(
            said.ends_with(" (422)") && !said.contains("hunter2"),
            "{arguments:?}: {said}"
        );
    }
    let said = served.refuses(&["databases", "eviction-policy", "cache"]);
    assert!(
        said.ends_with(" (503)") && said.contains(" Request ") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn an_engines_setting_is_shown_and_made_so() {
    let Some(redis) = Redis::start(&[]) else { return };
    let served = served(&redis.url());
    assert_eq!(served.says(&["databases", "eviction-policy", "cache"]), "noeviction\n");
    let changed = served.says(&["databases", "eviction-policy", "cache", "allkeys_lru"]);
    assert_eq!(
        changed,
        "changed eviction_policy of database cache to \"allkeys_lru\"\n"
    );
    assert_eq!(
        served.json(&["databases", "eviction-policy", "cache"]),
        json!({"eviction_policy": "allkeys_lru"})
    );
}
