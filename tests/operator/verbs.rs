//! Each verb once for people and once for scripts.

use crate::kit::Served;
use fairpool::resource::registry::ResourceKind;
use serde_json::json;

#[test]
fn pools_are_made_listed_changed_shown_and_deleted() {
    let served = Served::start();
    assert_eq!(served.says(&["pools", "list"]), "no connection pools\n");
    assert_eq!(served.json(&["pools", "list"]), json!({"data": []}));

    let made = served.says(&["pools", "set", "orders", "--limit", "20", "--timeout", "5"]);
    let expected = "created connection pool orders\nid          1\nname        orders\nlimit       20\ntimeout     5\n";
    assert!(made.starts_with(expected), "{made}");
    let made = served.json(&["pools", "set", "日本語", "--limit=7"]);
    assert_eq!((&made["data"]["id"], &made["data"]["limit"]), (&json!(2), &json!(7)));

    let table = served.says(&["pools", "list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("ID  NAME    LIMIT  TIMEOUT  UPDATED"), "{table}");
    assert!(lines[1].starts_with(" 1  orders     20        5  20"), "{table}");
    assert!(lines[2].starts_with(" 2  日本語      7        –  20"), "{table}");
    let sorted = served.json(&["pools", "list", "--filter", "R,日", "--sort", "-id,-limit"]);
    assert_eq!(
        (&sorted["data"][0]["name"], &sorted["data"][1]["id"]),
        (&json!("orders"), &json!(2))
    );

    let changed = served.says(&["pools", "set", "orders", "--no-timeout", "--rename", "a b/c"]);
    assert!(
        changed.starts_with("changed connection pool orders\nid          1\nname        a b/c\n"),
        "{changed}"
    );
    assert!(!changed.contains("timeout"), "{changed}");
    assert_eq!(served.json(&["pools", "show", "a b/c"])["data"]["limit"], 20);
    assert_eq!(served.json(&["pools", "show", "1"])["data"]["name"], "a b/c");

    assert_eq!(
        served.says(&["pools", "delete", "a b/c"]),
        "deleted connection pool a b/c\n"
    );
    assert!(served.json(&["pools", "delete", "2"])["message"].is_string());
    assert_eq!(served.says(&["pools", "list"]), "no connection pools\n");
}

#[test]
fn a_list_has_all_pages_and_a_name_is_found_on_any_of_them() {
    let served = Served::start();
    let registry = served.registry.clone().expect("a registry");
    served.runtime.block_on(async {
        for at in 0..230 {
            let new = json!({"name": format!("pool {at}"), "limit": 1});
            let new = fairpool::resource::models::NewConnectionPool::try_from(&new).expect("a pool");
            registry.create_connection_pool(new).await.expect("a pool");
        }
    });
    assert_eq!(served.says(&["pools", "list"]).lines().count(), 231);
    // Its name is a part of a hundred others'.
    assert_eq!(served.json(&["pools", "show", "pool 2"])["data"]["id"], 3);
    assert_eq!(
        served.json(&["pools", "set", "pool 2", "--limit", "9"])["data"]["id"],
        3
    );
}

#[test]
fn operations_say_what_they_came_to() {
    let served = Served::start();
    served.says(&["pools", "set", "orders", "--limit", "1"]);
    let registry = served.registry.clone().expect("a registry");
    let id = fairpool::resource::models::PoolId::new(1).expect("an id");
    let limit = registry.limit(id).expect("a pool");
    let held = limit.try_acquire().expect("room");
    let waits: Vec<_> = (0..2)
        .map(|_| {
            let limit = limit.clone();
            served.runtime.spawn(async move { limit.acquire().await.map(drop) })
        })
        .collect();
    while limit.status().pending < 2 {
        std::thread::yield_now();
    }
    assert_eq!(
        served.says(&["pools", "clear", "orders"]),
        "cleared 2 requests of connection pool orders\n"
    );
    for wait in waits {
        assert!(served.runtime.block_on(wait).expect("no panic").is_err());
    }
    assert_eq!(served.json(&["pools", "clear", "1"]), json!({"data": {"cleared": 0}}));
    assert_eq!(
        served.says(&["pools", "pause", "orders"]),
        "paused connection pool orders\n"
    );
    let state = |registry: &fairpool::resource::registry::Registry| {
        registry
            .status_of(ResourceKind::ConnectionPool, "orders")
            .expect("a pool")
            .state
    };
    assert_eq!(state(&registry), "paused");
    assert_eq!(
        served.says(&["pools", "resume", "orders"]),
        "resumed connection pool orders\n"
    );
    assert_eq!(state(&registry), "open");

    // One is still out when the patience ends, and a script has to know.
    let drain = ["pools", "drain", "orders", "--patience", "1"];
    let said = served.refuses(&drain);
    let expected = "error: connection pool orders: its drain did not end in time: 1 still out, 0 requests cut off";
    assert_eq!(said, expected);
    drop(held);
    served.says(&["pools", "resume", "orders"]);
    let said = served.says(&drain);
    assert!(
        said.starts_with("drained connection pool orders in ") && said.ends_with(" s, 0 requests cut off\n"),
        "{said}"
    );
    served.says(&["pools", "resume", "orders"]);
    let report = served.json(&["pools", "drain", "orders"]);
    assert_eq!(report["data"]["completed"], true);
    assert_eq!(state(&registry), "closed");
}

#[test]
fn a_connection_is_changed_in_what_is_given_and_keeps_the_rest_with_its_secrets() {
    let served = Served::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("passphrase");
    std::fs::write(&file, "hunter2\n").expect("a file");
    let secret = format!("passphrase=@{}", file.display());
    let set = [
        "connections",
        "set",
        "cache",
        "type=http",
        "queryHosts=a:1",
        "queryHosts=http://u:hunter2@b",
        &secret,
    ];
    let made = served.says(&set);
    assert!(
        made.starts_with("created connection cache\nname        cache\ntype        http\n"),
        "{made}"
    );
    assert!(made.contains("queryHosts  a:1, http://***@b\n"), "{made}");
    assert!(
        made.contains("passphrase  ********\n") && !made.contains("hunter2"),
        "{made}"
    );

    let changed = served.json(&["connections", "set", "cache", "title=the cache", "timeout=1500"]);
    assert_eq!(changed["connection"]["title"], "the cache");
    let registry = served.registry.clone().expect("a registry");
    let stored = registry.connection("cache").expect("a connection");
    assert_eq!(stored.passphrase().map(|secret| secret.reveal()), Some("hunter2"));
    assert_eq!(stored.query_hosts()[1].reveal(), "http://u:hunter2@b");
    assert_eq!(stored.timeout().map(|time| time.as_millis()), Some(1500));

    let table = served.says(&["connections", "list"]);
    assert!(
        table.starts_with("NAME     TYPE  HOSTS              PROTOCOL  TITLE\n"),
        "{table}"
    );
    assert!(
        table.contains("\ncache    http  a:1, http://***@b  plain     the cache\n"),
        "{table}"
    );
    assert_eq!(served.json(&["connections", "list"])[0]["name"], "backend");
    assert!(
        served
            .says(&["connections", "show", "cache"])
            .contains("title       the cache\n")
    );
    served.says(&["connections", "set", "cache", "title="]);
    assert_eq!(served.json(&["connections", "show", "cache"]).get("title"), None);

    for (verb, done) in [
        ("pause", "paused"),
        ("resume", "resumed"),
        ("invalidate", "invalidated"),
    ] {
        assert_eq!(
            served.says(&["connections", verb, "cache"]),
            format!("{done} connection cache\n")
        );
    }
    assert_eq!(
        served.says(&["connections", "clear", "cache"]),
        "cleared 0 requests of connection cache\n"
    );
    assert!(
        served
            .says(&["connections", "drain", "cache"])
            .starts_with("drained connection cache in ")
    );
    assert_eq!(
        served.says(&["connections", "delete", "cache"]),
        "deleted connection cache\n"
    );
}

#[test]
fn connectors_are_put_under_a_pool_by_its_name() {
    let served = Served::start();
    served.says(&["pools", "set", "orders", "--limit", "20"]);
    let made = served.says(&[
        "connectors",
        "set",
        "mail",
        "--connection",
        "backend",
        "--pool",
        "orders",
    ]);
    let expected =
        "created connector mail\nname                mail\nconnection          backend\nconnection_pool_id  1\n";
    assert!(made.starts_with(expected), "{made}");
    let table = served.says(&["pools", "show", "orders"]);
    assert!(
        table.contains(
            "\nCONNECTOR  MODE     SIZE  CONNECTION  HOSTS\nmail       GENERAL     –  backend     backend:80\n"
        ),
        "{table}"
    );
    let changed = served.json(&[
        "connectors",
        "set",
        "mail",
        "--mode",
        "CUSTOM",
        "--size",
        "8",
        "--no-pool",
    ]);
    let expected = json!({"data": {"name": "mail", "connection": "backend", "mode": "CUSTOM", "size": 8}});
    assert_eq!(changed, expected);
    assert_eq!(served.json(&["connectors", "show", "mail"]), expected);
    assert!(served.says(&["connectors", "show", "mail"]).contains("size        8\n"));
    let table = served.says(&["connectors", "list"]);
    assert!(
        table.starts_with(
            "NAME         CONNECTION  POOL ID  MODE     SIZE\nmail         backend           –  CUSTOM      8\n"
        ),
        "{table}"
    );
    for (verb, done) in [
        ("pause", "paused"),
        ("resume", "resumed"),
        ("invalidate", "invalidated"),
    ] {
        assert_eq!(
            served.says(&["connectors", verb, "mail"]),
            format!("{done} connector mail\n")
        );
    }
    assert_eq!(
        served.json(&["connectors", "clear", "mail"]),
        json!({"data": {"cleared": 0}})
    );
    assert!(
        served
            .says(&["connectors", "drain", "mail"])
            .starts_with("drained connector mail in ")
    );
    assert_eq!(
        served.says(&["connectors", "delete", "mail"]),
        "deleted connector mail\n"
    );
}

#[test]
fn proxies_are_listed_by_project_and_their_settings_patched() {
    let served = Served::start();
    let table = "PROJECT/PROXY  CONNECTION\nshop/basket    backend\n";
    assert_eq!(served.says(&["proxies", "list"]), table);
    assert_eq!(served.says(&["proxies", "list", "shop"]), table);
    assert_eq!(served.json(&["proxies", "list"])["data"][0]["name"], "basket");

    let set = [
        "proxies",
        "set",
        "shop/basket",
        "customConnectionPoolSize=20",
        "connectionPoolManagementType=CUSTOM",
    ];
    let said = served.says(&set);
    let expected = "changed API proxy shop/basket; the defaults count until connectionSettingsEnabled=true\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.contains("\ncustomConnectionPoolSize      20\n"), "{said}");
    assert_eq!(
        served.json(&["proxies", "set", "shop/basket", "connectionSettingsEnabled=true"]),
        json!({"success": true})
    );
    let settings = served.json(&["proxies", "show", "shop/basket"]);
    assert_eq!(settings["customConnectionPoolSize"], 20);
    assert!(
        served
            .says(&["proxies", "show", "shop/basket"])
            .starts_with("connectionSettingsEnabled     true\n")
    );
    assert_eq!(
        served.says(&["proxies", "clear", "shop/basket"]),
        "cleared 0 requests of API proxy shop/basket\n"
    );
    for (verb, done) in [
        ("pause", "paused"),
        ("resume", "resumed"),
        ("invalidate", "invalidated"),
    ] {
        assert_eq!(
            served.says(&["proxies", verb, "shop/basket"]),
            format!("{done} API proxy shop/basket\n")
        );
    }
    assert!(
        served
            .says(&["proxies", "drain", "shop/basket"])
            .starts_with("drained API proxy shop/basket in ")
    );
}
