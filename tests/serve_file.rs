//! The configuration file: what it declares is there and fixed, and each mistake is told with its line and key, and without its
//! value.
#![cfg(all(unix, feature = "cli"))]

mod serving;

use serde_json::json;
use serving::{Home, KEY};

#[test]
fn what_the_file_declares_is_there_and_fixed() {
    let home = Home::new();
    let file = home.write(
        "fairpool.toml",
        r#"
        [general]
        per_host = 3

        [[connection]]
        name = "orders"
        type = "sqlite"
        queryHosts = ["orders.db"]
        title = "Orders"
        decoratorOptions = ""

        [[connector]]
        name = "mail"
        connection = "orders"
        mode = "CUSTOM"
        size = 4

        [[project]]
        name = "shop"
        api_proxy = [{ name = "basket", connection = "orders" }]

        [[project]]
        name = "empty"
        "#,
    );
    let server = home.start_with_key(&["--config", &file]);
    let connections = server.json("GET /api/v1/connections");
    assert_eq!(connections[0]["title"], "Orders");
    assert_eq!(
        server.json("GET /fairpool/v1/status/connections/orders")["data"]["limit"],
        3
    );
    assert_eq!(
        server.json("GET /fairpool/v1/status/connectors/mail")["data"]["limit"],
        4
    );
    assert_eq!(
        server.json("GET /fairpool/v1/projects")["data"],
        json!([{"name": "empty"}, {"name": "shop"}])
    );
    let proxies = server.json("GET /fairpool/v1/projects/shop/apiProxies");
    assert_eq!(proxies["data"][0]["connector"], "shop/basket");

    for (request, body) in [
        (
            "POST /api/v1/connections",
            r#"{"connection": {"name": "orders", "type": "sqlite", "queryHosts": ["b.db"]}}"#,
        ),
        ("DELETE /api/v1/connections/orders", ""),
        ("DELETE /fairpool/v1/connectors/mail", ""),
    ] {
        let answer = server.ask(request, body);
        assert!((400..500).contains(&answer.status), "{request}: {answer:?}");
        assert!(answer.body.contains("configuration file"), "{request}: {answer:?}");
    }
    assert_eq!(server.json("GET /api/v1/connections"), connections);
    // What the file leaves open is changed and kept.
    let settings = "/apiops/projects/shop/apiProxies/basket/settings/connection/";
    assert_eq!(
        server.ask(&format!("PATCH {settings}"), r#"{"readTimeout": 7}"#).status,
        200
    );
    server.end();
    let server = home.start_with_key(&["--config", &file]);
    assert_eq!(server.json(&format!("GET {settings}"))["readTimeout"], 7);
}

/// A file, with the line and the words of each mistake, in their order.
type Bad = (&'static str, &'static [(usize, &'static str)]);

const BAD: &[Bad] = &[
    ("a = [1\nb = 2", &[(2, "")]),
    ("[[connection]]\nname = \"hunter2", &[(2, "invalid basic string")]),
    ("[general]\n[general]", &[(2, "duplicate key")]),
    (
        "\n\n[generale]",
        &[(3, "the file: unknown key \"generale\" (known are api_key, ")],
    ),
    ("connection = 7", &[(1, "connection must be written as [[connection]]")]),
    (
        "[connection]\nname = \"a\"",
        &[(1, "connection must be written as [[connection]]")],
    ),
    (
        "[[rate_limit]]\nper_hour = 1",
        &[(1, "rate_limit must be written as [rate_limit]")],
    ),
    (
        "[rate_limit]\nper_minute = -1\nper_hour = 99999999999999999999\nper_day = 1",
        &[
            (2, "[rate_limit]: per_minute must be at least 0"),
            (3, "[rate_limit]: per_hour must not be greater than 4294967295"),
            (
                4,
                "[rate_limit]: unknown key \"per_day\" (known are per_minute, per_hour)",
            ),
        ],
    ),
    (
        "[general]\nper_host = 0\ntotal = \"hunter2\"",
        &[
            (2, "[general]: per_host must be at least 1"),
            (3, "[general]: total must be an integer"),
        ],
    ),
    (
        "[[api_key]]\nname = \"ops\"\nkey = \"hunter2 hunter2 hunter2\"\n\n[[api_key]]\nsha256 = \"hunter2\"\nscopes = [\"hunter2\"]",
        &[
            (1, "[[api_key]] \"ops\": scopes is required"),
            (
                3,
                "[[api_key]] \"ops\": key is refused: a key must consist of visible ASCII",
            ),
            (6, "[[api_key]]: sha256 is refused: a key's hash must be a SHA-256"),
            (7, "[[api_key]]: scopes must be of read, operate, write"),
        ],
    ),
    (
        "[[api_key]]\nscopes = \"read\"\n[[api_key]]\nkey = 7\nscopes = []",
        &[
            (1, "[[api_key]]: key is required, or sha256"),
            (2, "[[api_key]]: scopes must be a list of strings"),
            (4, "[[api_key]]: key must be a string"),
        ],
    ),
    (
        "[[jwt]]\nname = \"login\"\nsecret = \"hunter2\"\naudience = \"fairpool\"\nleeway = 1e9",
        &[
            (
                3,
                "[[jwt]] \"login\": secret is refused: a key must have at least 32 characters",
            ),
            (5, "[[jwt]] \"login\": leeway must not be greater than 3600 seconds"),
        ],
    ),
    (
        "[[connection]]\nname = \"orders\"\ntype = \"postgres\"\nqueryHosts = [\n  \"db:5432\",\n  \"postgres://u:hunter2@:x\",\n]\ntimeout = 1.5\n\
         key = \"********\"\nqueryhosts = []",
        &[
            (
                6,
                "[[connection]] \"orders\": queryHosts.1 must be a host, host:port or URL",
            ),
            (8, "[[connection]] \"orders\": timeout must be an integer"),
            (9, "[[connection]] \"orders\": key is the mask that answers show"),
            (10, "[[connection]] \"orders\": unknown key \"queryhosts\""),
        ],
    ),
    (
        "[[connection]]\ntype = \"oracle\"\nqueryHosts = 1979-05-27",
        &[
            (1, "[[connection]]: name is required"),
            (2, "[[connection]]: type must be one of druid, "),
            (3, "[[connection]]: queryHosts must be an array"),
        ],
    ),
    (
        "[[connection]]\nname = \"a\"\ntype = \"sqlite\"\nqueryHosts = [\"a.db\"]\n\n[[connection]]\nname = \"a\"\ntype = \"sqlite\"\nqueryHosts = [\"b.db\"]",
        &[(7, "[[connection]] \"a\": name is that of the connection on line 1")],
    ),
    // What a driver says.
    (
        "\n\n[[connection]]\nname = \"a\"\ntype = \"redis\"\nqueryHosts = [\"redis://u:hunter2@h/0?ca_file=/etc/passwd\"]",
        &[(
            3,
            "connection \"a\": queryHosts: an option that names a file is not taken here",
        )],
    ),
    (
        "[[connection]]\nname = \"a\"\ntype = \"druid\"\nqueryHosts = [\"h\"]",
        &[(1, "connections of type druid are not supported here")],
    ),
    (
        "[[database]]\nid = \"a\"\nengine = \"pg\"\nurl = \"postgres://u:hunter2@h:x/d\"\nversion = \"15\"\n\n[[database.server]]\n\
         version = \"16\"\nurl = \"redis://u:hunter2@h\"\n\n[[database.user]]\nname = \"b\"\npasword = \"hunter2\"",
        &[
            (4, "[[database]] \"a\": url must be a host, host:port or URL"),
            (11, "[[database]] \"a\": user.0.password is required"),
            (13, "[[database.user]] \"b\": unknown key \"pasword\""),
        ],
    ),
    (
        "[[database]]\nid = \"a\"\nengine = \"pg\"\nurl = \"postgres://h/d\"\n[[database.server]]\n\nversion = \"16\"\n\
         url = \"redis://u:hunter2@h\"\n[[database.server]]\nurl = \"postgres://h/d\"\nversion = 17",
        &[(11, "[[database]] \"a\": server.1.version must be a string")],
    ),
    (
        "[[database]]\nid = \"a\"\nengine = \"pg\"\nurl = \"postgres://h/d\"\n[[database.server]]\n\nversion = \"16\"\n\
         url = \"redis://u:hunter2@h\"",
        &[(8, "[[database]] \"a\": server.0.url ")],
    ),
    (
        "[[database]]\nid = \"a\"\nengine = \"redis\"\nurl = \"redis://h\"\n[[database]]\nid = \"a\"\nengine = \"redis\"\nurl = \"redis://h\"",
        &[(6, "[[database]] \"a\": id is that of the database on line 1")],
    ),
    (
        "[[database]]\nid = \"a\"\nengine = \"redis\"\nurl = \"redis://u:hunter2@h/hunter2\"",
        &[(1, "database \"a\": url: ")],
    ),
    (
        "[[api_key]]\nkey = [\"hunter2\"]\nscopes = [\"read\"]",
        &[(2, "[[api_key]]: key must be a string")],
    ),
    (
        "[[connector]]\nname = \"mail\"\nconnection = \"orders\"\nmode = \"CUSTOM\"",
        &[(1, "[[connector]] \"mail\": size is required when mode is CUSTOM")],
    ),
    (
        "[[project]]\nname = \"a/b\"\n[[project]]\n[[project.api_proxy]]\nname = \"c\"\n[[project]]\nname = \"d\"\n\
         [[project.api_proxy]]\nname = \"e\"\n[[project.api_proxy]]\nname = \"e\"\nconnection = \"\"\nconection = \"x\"",
        &[
            (
                2,
                "[[project]] \"a/b\": name must be free of / and of control characters",
            ),
            (3, "[[project]]: name is required"),
            (8, "[[project.api_proxy]] \"e\": connection is required"),
            (
                12,
                "[[project.api_proxy]] \"e\": connection must be at least 1 characters",
            ),
            (13, "[[project.api_proxy]] \"e\": unknown key \"conection\""),
        ],
    ),
    (
        "[[connector]]\nname = \"a/b\"\nconnection = \"c\"\n[[project]]\nname = \"a\"\n[[project.api_proxy]]\nname = \"b\"\nconnection = \"c\"",
        &[(
            7,
            "[[project.api_proxy]] \"b\": name is that of the connector on line 1",
        )],
    ),
    (
        "[[project]]\nname = \"a\"\n[[project]]\nname = \"a\"",
        &[(4, "[[project]] \"a\": name is that of the project on line 1")],
    ),
];

#[test]
fn each_mistake_is_told_with_its_line_and_key_and_without_its_value() {
    let home = Home::new();
    for (text, mistakes) in BAD {
        let file = home.write("bad.toml", text);
        let (code, said) = home.refusal(&["--api-key", KEY, "--config", &file, "--store", "memory"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(!said.contains("hunter2") && !said.contains("passwd"), "{said}");
        let said = said.strip_prefix("error: ").expect("an error");
        let said: Vec<&str> = said.split("; ").collect();
        assert_eq!(said.len(), mistakes.len(), "{said:?}");
        for (said, (line, words)) in said.iter().zip(*mistakes) {
            let expected = format!("{file}:{line}: {words}");
            assert!(said.starts_with(&expected), "{said}\n{expected}");
        }
    }
}

#[test]
fn the_example_is_a_file_that_serves() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fairpool.toml");
    let home = Home::new();
    let key = "a-key-beside-those-of-the-file";
    let server = home.start(&["--config", example, "--api-key", key]);
    let names = |path: &str| {
        let list = server.ask_as(key, &format!("GET {path}"), "").json();
        let list = list.get("data").cloned().unwrap_or(list);
        let names = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["name"].to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("/api/v1/connections"), r#""orders" "sessions""#);
    assert_eq!(
        names("/fairpool/v1/connectors"),
        r#""mail" "shop/basket" "shop/checkout""#
    );
    // Whoever copies it has let nobody in but those whose keys are his own.
    for known in ["abc", "KEY", "key", "secret", "fairpool", ""] {
        assert_eq!(
            server.ask_as(known, "GET /api/v1/connections", "").status,
            401,
            "{known}"
        );
    }
    assert!(!server.log().contains("warning: conn"), "{}", server.log());
}
