//! The files are read again while the server serves: all that they say is in force, with a line for each change, or nothing is, with
//! the mistake's line and key.
#![cfg(all(unix, feature = "cli"))]

mod serving;

use serde_json::{Value, json};
use serving::{Home, KEY, Server};

const FIRST: &str = r#"
[[api_key]]
key = "reader-of-the-first-file"
scopes = ["read"]

[rate_limit]
per_minute = 3

[general]
per_host = 3

[[connection]]
name = "orders"
type = "sqlite"
queryHosts = ["orders.db"]

[[connection]]
name = "mail"
type = "sqlite"
queryHosts = ["mail.db"]

[[connector]]
name = "shop"
connection = "orders"

[[project]]
name = "web"
api_proxy = [{ name = "basket", connection = "mail" }]

[[database]]
id = "9cc10173"
engine = "redis"
url = "redis://app:hunter2@cache.example:6379"
"#;

const SECOND: &str = r#"
[[api_key]]
key = "reader-of-the-other-file"
scopes = ["read"]

[rate_limit]
per_minute = 5
per_hour = 7

[general]
per_host = 4

[[connection]]
name = "orders"
type = "sqlite"
queryHosts = ["orders.db"]
title = "Orders"

[[connection]]
name = "mail"
type = "sqlite"
queryHosts = ["mail.db"]

[[connector]]
name = "letters"
connection = "mail"
mode = "CUSTOM"
size = 2

[[database]]
id = "9cc10173"
name = "cache"
engine = "redis"
url = "redis://app:hunter2@cache.example:6379"
"#;

/// Sends the signal and waits until this stands in a new line of the log.
fn hang_up(server: &Server, last: &str) -> Vec<String> {
    let before = server.log().lines().count();
    server.signal("-HUP");
    server.told_after(before, last);
    let log = server.log();
    let said = log.lines().skip(before).filter_map(|line| line.split_once(" SIGHUP: "));
    said.map(|(_, said)| said.to_owned()).collect()
}

fn status(server: &Server, of: &str) -> Value {
    server.json(&format!("GET /fairpool/v1/status/{of}"))["data"].clone()
}

#[test]
fn what_the_file_says_now_is_in_force_and_each_change_is_told() {
    let home = Home::new();
    let file = home.write("fairpool.toml", FIRST);
    let server = home.start_with_key(&["--config", &file]);
    assert_eq!(server.json("GET /fairpool/v1/databases")["data"][0]["name"], "9cc10173");
    let used = server.ask_as("reader-of-the-first-file", "GET /v2/databases/none/pools", "");
    assert_eq!(used.status, 404, "{used:?}");
    assert!(used.head.contains("\r\nratelimit-limit: 5000\r\n"), "{used:?}");
    let mail = status(&server, "connections/mail");
    assert_eq!(
        hang_up(&server, "SIGHUP: everything is as before"),
        ["everything is as before"]
    );

    home.write("fairpool.toml", SECOND);
    let said = hang_up(&server, "SIGHUP: [rate_limit]");
    assert_eq!(
        said,
        [
            r#"the connection "orders" is declared anew"#,
            r#"the connector "letters" is declared"#,
            r#"the connector "shop" is declared no longer"#,
            r#"the project "web" is declared no longer"#,
            r#"the API proxy "web/basket" is declared no longer"#,
            r#"the database "9cc10173" is declared anew"#,
            "of keys and tokens 1 are new, 1 count no longer",
            "[general] is per_host 4, total 2048",
            "[rate_limit] is per_minute 5, per_hour 7",
        ]
    );
    assert_eq!(server.json("GET /api/v1/connections/orders")["title"], "Orders");
    assert_eq!(status(&server, "connectors/letters")["limit"], 2);
    let metrics = server.ask("GET /metrics", "").body;
    for (pool, limit) in [("orders", 4), ("mail", 4), ("mail/letters", 2)] {
        let line = format!("db_client_connection_max{{db_client_connection_pool_name=\"{pool}\"}} {limit}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert_eq!(status(&server, "connections/orders")["limit"], 4);
    let now = status(&server, "connections/mail");
    assert_eq!((&now["limit"], &now["generation"]), (&json!(4), &mail["generation"]));
    assert_eq!(server.json("GET /fairpool/v1/projects")["data"], json!([]));
    assert_eq!(server.json("GET /fairpool/v1/databases")["data"][0]["name"], "cache");
    let read = |key: &str| server.ask_as(key, "GET /v2/databases/none/pools", "");
    assert_eq!(read("reader-of-the-first-file").status, 401);
    for _ in 0..5 {
        let answer = read("reader-of-the-other-file");
        assert_eq!(answer.status, 404);
        assert!(answer.head.contains("\r\nratelimit-limit: 7\r\n"), "{answer:?}");
    }
    assert_eq!(read("reader-of-the-other-file").status, 429);
    assert!(
        !server.log().contains("hunter2") && !server.log().contains("reader-of"),
        "{}",
        server.log()
    );
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_is_told_by_its_line_and_key() {
    let home = Home::new();
    let file = home.write("fairpool.toml", FIRST);
    let keys = home.write("keys", "of-the-key-file-and-long\n");
    let server = home.start_with_key(&["--config", &file, "--api-key-file", &keys]);
    let connector = r#"{"name": "late", "connection": "mail"}"#;
    assert_eq!(server.ask("POST /fairpool/v1/connectors", connector).status, 201);
    let look = || {
        let lists = [
            "/api/v1/connections",
            "/fairpool/v1/connectors",
            "/fairpool/v1/projects",
        ];
        let lists = lists.map(|list| server.json(&format!("GET {list}")));
        (
            lists,
            status(&server, "connections/orders"),
            server.json("GET /fairpool/v1/databases"),
        )
    };
    let before = look();
    let without_mail = SECOND.replace("\"mail\"", "\"post\"");
    let bad = [
        (
            SECOND.replace("per_host = 4", "per_host = 0"),
            "fairpool.toml:11: [general]: per_host must be at least 1",
        ),
        (SECOND.replace("size = 2", "sice = 2"), "unknown key \"sice\""),
        (
            SECOND.replace("type = \"sqlite\"", "type = \"druid\""),
            "fairpool.toml:13: connections of type druid are not supported here",
        ),
        (
            SECOND.replace(":hunter2@cache.example:6379", ":hunter2@cache.example:x"),
            ": url ",
        ),
        (SECOND.replace("[[database]]", "[[database"), "fairpool.toml:30: "),
        (
            without_mail,
            "fairpool.toml: the connection \"mail\" is used by \"late\"",
        ),
        (String::from("\0"), "fairpool.toml:1: "),
    ];
    for (text, why) in bad {
        home.write("fairpool.toml", &text);
        let said = hang_up(&server, "SIGHUP: nothing is changed: ");
        assert!(said.len() == 1 && said[0].contains(why), "{said:?} {why}");
        assert_eq!(look(), before);
        assert_eq!(server.ask_as("reader-of-the-first-file", "GET /readyz", "").status, 200);
    }
    // A mistake in the other file takes this one's changes along.
    home.write("fairpool.toml", SECOND);
    home.write("keys", "of-the-key-file-and-long dance\n");
    let said = hang_up(&server, "SIGHUP: nothing is changed: ");
    assert!(
        said[0].contains("keys:1: scopes must be of read, operate, write"),
        "{said:?}"
    );
    assert_eq!(look(), before);
    assert_eq!(
        server
            .ask_as("reader-of-the-other-file", "GET /api/v1/connections", "")
            .status,
        401
    );
    std::fs::remove_file(home.path("keys")).expect("a file");
    let said = hang_up(&server, "keys: No such file");
    assert_eq!(said.len(), 1);
    assert_eq!(look(), before);
    for secret in ["hunter2", "reader-of", "of-the-key-file", KEY] {
        assert!(!server.log().contains(secret), "{}", server.log());
    }
    // Mended, it is taken.
    home.write("keys", "another-one-of-the-key-file\n");
    hang_up(&server, "SIGHUP: [rate_limit]");
    assert_eq!(server.json("GET /api/v1/connections/orders")["title"], "Orders");
    assert_eq!(
        server
            .ask_as("of-the-key-file-and-long", "GET /api/v1/connections", "")
            .status,
        401
    );
}

#[test]
fn what_the_store_has_comes_to_light_when_the_file_does_not_say_it_any_more() {
    let home = Home::new();
    let server = home.start_with_key(&[]);
    let stored = r#"{"connection": {"name": "orders", "type": "sqlite", "queryHosts": ["a.db"], "title": "stored"}}"#;
    assert_eq!(server.ask("POST /api/v1/connections", stored).status, 200);
    assert_eq!(server.end().code(), Some(0));
    let file = home.write("fairpool.toml", FIRST);
    let server = home.start_with_key(&["--config", &file]);
    assert_eq!(server.json("GET /api/v1/connections/orders")["title"], Value::Null);
    home.write("fairpool.toml", "[general]\n");
    hang_up(&server, "SIGHUP: [rate_limit]");
    let list = server.json("GET /api/v1/connections");
    assert_eq!(
        (&list[0]["title"], list.as_array().map(Vec::len)),
        (&json!("stored"), Some(1))
    );
    assert_eq!(server.ask("DELETE /api/v1/connections/orders", "").status, 200);
}

#[test]
fn a_file_that_is_being_rewritten_or_does_not_come_changes_nothing_and_stops_nobody() {
    let home = Home::new();
    let file = home.write("fairpool.toml", FIRST);
    let keys = home.write("keys", "of-the-key-file-and-long\n");
    let server = home.start_with_key(&["--config", &file, "--api-key-file", &keys]);
    let old = ("of-the-key-file-and-long", "reader-of-the-first-file");
    let look = || {
        for key in [old.0, old.1] {
            assert_eq!(server.ask_as(key, "GET /api/v1/connections/orders", "").status, 200);
        }
    };
    for (name, whole, empty) in [
        ("fairpool.toml", FIRST, ["", "# to be continued\n"]),
        ("keys", "of-the-key-file-and-long\n", ["", "# to be continued\n\n"]),
    ] {
        for text in empty {
            home.write(name, text);
            let said = hang_up(&server, "SIGHUP: nothing is changed: ");
            let why = format!("{name}: empty, as if it were being rewritten");
            assert!(said.len() == 1 && said[0].ends_with(&why), "{said:?}");
            look();
        }
        // Nobody writes to it: whoever opens it waits for ever.
        std::fs::remove_file(home.path(name)).expect("a file");
        let made = std::process::Command::new("mkfifo").arg(home.path(name)).status();
        assert!(made.expect("mkfifo runs").success());
        let said = hang_up(&server, "SIGHUP: nothing is changed: ");
        let why = format!("{name}: not a regular file, so it is not read again");
        assert!(said.len() == 1 && said[0].ends_with(&why), "{said:?}");
        look();
        std::fs::remove_file(home.path(name)).expect("a pipe");
        home.write(name, whole);
        hang_up(&server, "SIGHUP: everything is as before");
    }
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_pipe_that_nobody_writes_does_not_keep_a_start_from_being_called_off() {
    let home = Home::new();
    let made = std::process::Command::new("mkfifo").arg(home.path("pipe")).status();
    assert!(made.expect("mkfifo runs").success());
    let mut command = home.command(&["--listen", "127.0.0.1:0", "--api-key", KEY, "--config", "pipe"]);
    let mut child = command
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    // Until it listens for signals, one kills it: that is an end, too, but not this one's.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let begun = std::time::Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if begun.elapsed() >= serving::NEVER {
            let _ = child.kill();
            panic!("it waits for its pipe");
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
