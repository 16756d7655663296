//! `fairpool serve` as its operator meets it: the built binary, its options, variables, files, signals and exit codes.
#![cfg(all(unix, feature = "cli"))]

mod serving;

use serde_json::json;
use serving::{Answer, Home, KEY, answer, mode, request_text};
use std::io::Write;
use std::net::TcpStream;

const POOLS: &str = "/api/v1/connection-pools";

#[test]
fn it_says_where_it_listens_and_serves_every_family() {
    let home = Home::new();
    let server = home.start_with_key(&["--store", "memory"]);
    for (path, status) in [
        (POOLS, 200),
        ("/api/v1/connections", 200),
        ("/fairpool/v1/connectors", 200),
        ("/fairpool/v1/projects", 200),
        ("/fairpool/v1/status", 200),
        ("/apiops/projects/none/apiProxies/none/settings/connection/", 404),
        ("/metrics", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/openapi/connection-pools.json", 200),
        ("/elsewhere", 404),
    ] {
        let answer = server.ask(&format!("GET {path}"), "");
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.head.contains("\r\nx-request-id: "), "{path}: {answer:?}");
    }
    assert_eq!(server.ask_as("", "GET /healthz", "").status, 200);
    assert_eq!(server.ask_as("", "GET /metrics", "").status, 401);
    assert!(!home.path("fairpool.db").exists());
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn without_any_key_it_is_refused() {
    let home = Home::new();
    let empty = home.write("empty.toml", "# nothing\n");
    let none = home.write("keys", "# no key\n\n");
    for arguments in [
        &[][..],
        &["--config", &empty],
        &["--api-key-file", &none],
        &["--api-key", " "],
    ] {
        let (code, said) = home.refusal(arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.starts_with("error: nobody could ask anything without a key"),
            "{said}"
        );
    }
    assert!(!home.path("fairpool.db").exists(), "a refusal leaves nothing behind");
}

#[test]
fn insecure_goes_with_a_loopback_address_only() {
    let home = Home::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let (code, said) = home.refusal(&["--insecure", "--listen", address]);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.starts_with("error: --insecure goes with a loopback address only"),
            "{said}"
        );
    }
    let server = home.start(&["--insecure", "--store", "memory"]);
    assert_eq!(server.ask_as("", &format!("POST {POOLS}"), NEW).status, 200);
    server.told("without keys: everybody on this machine may do everything");
}

const NEW: &str = r#"{"name": "orders", "limit": 8}"#;

#[test]
fn a_key_may_do_what_was_said_of_it() {
    let home = Home::new();
    let keys = "# key and scopes\nfile-key-that-is-long read  operate\n\n  from-the-file-all-scopes\n\
                sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad read\n";
    let keys = home.write("keys", keys);
    let server = home.start(&[
        "--store",
        "memory",
        "--api-key",
        "secret",
        "--api-key=other-key-of-the-line",
        "--read-key",
        "reader-of-the-command-line",
        "--api-key-file",
        &keys,
    ]);
    let clear = format!("POST {POOLS}/1/clear");
    let delete = format!("DELETE {POOLS}/7");
    for (key, read, operate, write) in [
        ("secret", 200, 404, 404),
        ("other-key-of-the-line", 200, 404, 404),
        ("reader-of-the-command-line", 200, 403, 403),
        ("file-key-that-is-long", 200, 404, 403),
        ("from-the-file-all-scopes", 200, 404, 404),
        ("abc", 200, 403, 403),
        ("Secret", 401, 401, 401),
        ("read", 401, 401, 401),
        ("", 401, 401, 401),
    ] {
        let status = |request: &str| server.ask_as(key, request, "").status;
        let statuses = (status(&format!("GET {POOLS}")), status(&clear), status(&delete));
        assert_eq!(statuses, (read, operate, write), "{key}");
    }
    server.told("warning: a key of --api-key has fewer than 16 characters, and can be guessed");
    for secret in ["secret ", "other-key", "reader-of", "file-key", "from-the-file"] {
        assert!(!server.log().contains(secret), "{}", server.log());
    }
}

#[test]
fn a_bad_option_is_one_line_without_secrets() {
    let home = Home::new();
    let keys = home.write("keys", "good-key-that-is-long\nhunter2-hunter2-hunter2 dance\n");
    let long = "hunter2".repeat(100);
    for (arguments, code, why) in [
        (&["--store", "redis"][..], 2, "must be memory or sqlite:FILE"),
        (&["--store", "sqlite:"], 2, "must be memory or sqlite:FILE"),
        (&["--shutdown-timeout", "-1"], 2, "-1 is not in 0..=3600"),
        (
            &["--api-key", &long],
            1,
            "--api-key: a key must have at most 512 characters",
        ),
        (
            &["--api-key", "hunter2é"],
            1,
            "--api-key: a key must consist of visible ASCII",
        ),
        (
            &["--api-key-file", &keys],
            1,
            ":2: scopes must be of read, operate, write",
        ),
        (&["--api-key-file", "none"], 1, "error: none: No such file"),
        (&["--config", "none.toml"], 1, "error: none.toml: No such file"),
        (&["--api-key", KEY, "--store", "sqlite:none/a.db"], 1, "no directory"),
        (
            &["--api-key", KEY, "--listen", "127.0.0.1"],
            1,
            "cannot listen on 127.0.0.1",
        ),
    ] {
        let (got, said) = home.refusal(arguments);
        assert_eq!(got, Some(code), "{said}");
        assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn variables_say_what_options_say() {
    let home = Home::new();
    let configuration = "[[api_key]]\nkey = \"key-of-the-file-long\"\nscopes = [\"read\"]\n";
    let configuration = home.write("a.toml", configuration);
    let keys = home.write("keys", "from-the-file-all-scopes");
    let mut command = home.command(&[]);
    command.envs([
        ("FAIRPOOL_LISTEN", "127.0.0.1:0"),
        ("FAIRPOOL_CONFIG", &configuration),
        ("FAIRPOOL_STORE", "sqlite:of-the-variable.db"),
        ("FAIRPOOL_API_KEY", "first-of-the-variable second-of-the-variable"),
        ("FAIRPOOL_READ_KEY", "reader-of-the-variable"),
        ("FAIRPOOL_API_KEY_FILE", &keys),
        ("FAIRPOOL_PUBLIC_URL", "https://pools.example/"),
        ("FAIRPOOL_LOG_REQUESTS", "all"),
    ]);
    let server = home.spawn(command);
    for (key, status) in [
        ("first-of-the-variable", 200),
        ("second-of-the-variable", 200),
        ("reader-of-the-variable", 403),
        ("from-the-file-all-scopes", 200),
        ("key-of-the-file-long", 403),
    ] {
        let body = json!({"name": key, "limit": 1}).to_string();
        assert_eq!(
            server.ask_as(key, &format!("POST {POOLS}"), &body).status,
            status,
            "{key}"
        );
    }
    let page = server
        .ask_as("key-of-the-file-long", &format!("GET {POOLS}"), "")
        .json();
    assert_eq!(page["meta"]["path"], format!("https://pools.example{POOLS}"));
    server.told(&format!("200 GET {POOLS} "));
    assert!(home.path("of-the-variable.db").exists());

    let mut help = home.command(&["--help"]);
    help.env("FAIRPOOL_API_KEY", "first-of-the-variable");
    let help = help.output().expect("the binary runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    assert!(
        help.contains("FAIRPOOL_API_KEY]") && !help.contains("of-the-variable"),
        "{help}"
    );

    let mut insecure = home.command(&["--listen", "127.0.0.1:0", "--store", "memory"]);
    insecure.env("FAIRPOOL_INSECURE", "true");
    assert_eq!(home.spawn(insecure).ask_as("", &format!("GET {POOLS}"), "").status, 200);
}

#[test]
fn what_was_stored_is_there_after_a_restart_in_a_file_of_its_owner_alone() {
    let home = Home::new();
    let server = home.start_with_key(&[]);
    assert_eq!(mode(&home.path("fairpool.db")), 0o600);
    let made = server.ask(&format!("POST {POOLS}"), NEW).json();
    let connection =
        r#"{"connection": {"name": "orders", "type": "sqlite", "queryHosts": ["orders.db"], "title": "Orders"}}"#;
    assert_eq!(server.ask("POST /api/v1/connections", connection).status, 200);
    let connector = r#"{"name": "shop", "connection": "orders", "connection_pool_id": 1}"#;
    assert_eq!(server.ask("POST /fairpool/v1/connectors", connector).status, 201);
    assert_eq!(server.end().code(), Some(0));

    let server = home.start_with_key(&["--store", "sqlite:fairpool.db"]);
    let page = server.json(&format!("GET {POOLS}/1?include=connectors.system"));
    assert_eq!(page["data"]["created_at"], made["data"]["created_at"]);
    assert_eq!(page["data"]["connectors"][0]["system"]["title"], "Orders");

    let (code, said) = home.refusal(&["--api-key", KEY, "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("error: ") && said.contains("fairpool.db"), "{said}");
}

#[test]
fn a_request_under_way_is_answered_before_it_ends() {
    let home = Home::new();
    for signal in ["-TERM", "-INT"] {
        let mut server = home.start_with_key(&[]);
        let text = request_text(
            KEY,
            &format!("POST {POOLS}"),
            &json!({"name": signal, "limit": 1}).to_string(),
        );
        let (first, rest) = text.split_at(text.len() - 4);
        let mut socket = TcpStream::connect(server.address()).expect("a server");
        socket.write_all(first.as_bytes()).expect("a server");
        // Another one has been answered meanwhile: the head of this one is read.
        assert_eq!(server.ask("GET /readyz", "").status, 200);
        server.signal(signal);
        server.told("told to end: answering the requests under way");
        socket.write_all(rest.as_bytes()).expect("a server");
        let answered: Answer = answer(&mut socket).expect("an answer");
        assert_eq!(answered.status, 200, "{answered:?}");
        assert_eq!(server.wait().code(), Some(0));
        assert!(server.log().trim_end().ends_with(" ended"), "{}", server.log());
        assert!(TcpStream::connect(server.address()).is_err());
    }
    let server = home.start_with_key(&[]);
    assert_eq!(server.json(&format!("GET {POOLS}"))["meta"]["total"], 2);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let home = Home::new();
    for (first, second, code) in [("-TERM", "-INT", 130), ("-INT", "-TERM", 143)] {
        ended_at_once(&home, first, second, code);
    }
}

fn ended_at_once(home: &Home, first: &str, second: &str, code: i32) {
    let mut server = home.start_with_key(&["--shutdown-timeout", "3600"]);
    let mut socket = TcpStream::connect(server.address()).expect("a server");
    let text = request_text(KEY, &format!("POST {POOLS}"), NEW);
    socket.write_all(&text.as_bytes()[..text.len() - 4]).expect("a server");
    assert_eq!(server.ask("GET /readyz", "").status, 200);
    server.signal(first);
    server.told("told to end: ");
    server.signal(second);
    assert_eq!(server.wait().code(), Some(code), "{}", server.log());
    assert!(server.log().contains("for the second time"), "{}", server.log());
}
