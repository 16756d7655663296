//! What goes wrong: one line, the server's own words, the documented exit code, and no secret.

use crate::kit::{KEY, READ, Served, fairpool, ran, refused};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn the_servers_texts_are_passed_on() {
    let served = Served::start();
    served.says(&["pools", "set", "taken", "--limit", "1"]);
    for (arguments, expected) in [
        (
            &["pools", "show", "nobody"][..],
            "connection pool nobody: Not found. (404)",
        ),
        (&["pools", "show", "99"], "connection pool 99: Not found. (404)"),
        (
            &["pools", "delete", "nobody"],
            "connection pool nobody: Not found. (404)",
        ),
        (
            &["pools", "clear", "no/bo dy"],
            "connection pool no/bo dy: Not found. (404)",
        ),
        (
            &["pools", "set", "a", "--limit", "0"],
            "connection pool a: The limit field must be at least 1. (422)",
        ),
        (
            &["pools", "set", "a", "--limit", "many"],
            "connection pool a: The limit field must be an integer. (422)",
        ),
        (
            &["pools", "set", "a", "--limit=-3", "--timeout=0"],
            "connection pool a: The limit field must be at least 1. The timeout field must be at least 1. (422)",
        ),
        (
            &["pools", "set", "a", "--timeout", "5"],
            "connection pool a: The limit field is required. (422)",
        ),
        (
            &["pools", "set", "a", "--limit", "2", "--rename", "taken"],
            "connection pool a: The name has already been taken. (422)",
        ),
        (
            &["pools", "set", "7", "--limit", "2"],
            "connection pool 7: there is no such id, and a new one has a name that is no number",
        ),
        (
            &["pools", "invalidate", "taken"],
            "connection pool taken: a connection pool has no connections of its own to invalidate (422)",
        ),
        (
            &["connections", "show", "nobody"],
            "connection nobody: Not found. (404)",
        ),
        (
            &["connectors", "set", "c", "--connection", "nobody"],
            "connector c: The connection field must be the name of a connection. (422)",
        ),
        (
            &["connectors", "set", "c", "--pool", "nobody"],
            "connection pool nobody: Not found. (404)",
        ),
        (
            &["proxies", "show", "shop/nobody"],
            "API proxy shop/nobody: ApiProxy (name: nobody) was not found! (404)",
        ),
        (
            &["proxies", "show", "mall/basket"],
            "API proxy mall/basket: Project 'mall' not found (404)",
        ),
        (&["proxies", "list", "mall"], "project mall: Not found. (404)"),
        (
            &["proxies", "set", "shop/basket", "connectionPoolManagementType=CUSTOM"],
            "API proxy shop/basket: Custom connection pool size is required when connectionPoolManagementType is CUSTOM (400)",
        ),
        (
            &["connections", "set", "backend", "title=x"],
            "connection backend: the connection \"backend\" is declared in the configuration file (400)",
        ),
    ] {
        assert_eq!(served.refuses(arguments), format!("error: {expected}"), "{arguments:?}");
    }
}

#[test]
fn keys_are_asked_for_refused_and_limited() {
    let served = Served::start();
    let without = |arguments: &[&str]| {
        let mut command = served.command(arguments);
        command.env_remove("FAIRPOOL_API_KEY");
        command
    };
    let said = refused(without(&["pools", "list"]), 1);
    assert_eq!(
        said,
        "error: connection pools: Unauthenticated. No key was given: --api-key-file FILE or FAIRPOOL_API_KEY. (401)"
    );
    for (group, said) in [
        ("pools", "connection pools: Unauthenticated. (401)"),
        ("connections", "connections: Unauthorized. (401)"),
        ("connectors", "connectors: Unauthenticated. (401)"),
    ] {
        let wrong = without(&[group, "list", "--api-key", "no-key-of-anybody-at-all"]);
        assert_eq!(refused(wrong, 1), format!("error: {said}"));
    }
    let wrong = without(&[
        "proxies",
        "show",
        "shop/basket",
        "--api-key",
        "no-key-of-anybody-at-all",
    ]);
    assert_eq!(refused(wrong, 1), "error: API proxy shop/basket: Invalid token (401)");

    // An argument counts more than the environment, wherever it stands.
    let mut looks = served.command(&["pools", "--api-key", READ, "set", "a", "--limit", "1"]);
    looks.env("FAIRPOOL_API_KEY", KEY);
    assert_eq!(
        refused(looks, 1),
        "error: connection pool a: This action is unauthorized. (403)"
    );

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, format!("# of the administrator\n\n{KEY} read,write\nanother\n")).expect("a file");
    let path = file.to_str().expect("UTF-8");
    let made = ran(without(&["pools", "set", "a", "--limit", "1", "--api-key-file", path]));
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut by_variable = without(&["pools", "list"]);
    by_variable.env("FAIRPOOL_API_KEY_FILE", path);
    assert_eq!(ran(by_variable).code, Some(0));
    let said = refused(without(&["pools", "list", "--api-key-file", "/no/such/file"]), 1);
    assert!(
        said.starts_with("error: cannot read the API key in /no/such/file: "),
        "{said}"
    );
}

#[test]
fn no_secret_is_in_any_output() {
    let served = Served::start();
    let secret = "hunter2-and-more";
    let password = format!("http://user:{secret}@{}", &served.url()["http://".len()..]);
    let broken = format!("{secret} x\u{e9}");
    let field = format!("passphrase={secret}");
    let unknown = format!("pasphrase={secret}");
    let host = format!("queryHosts=http://u:{secret}@a:x");
    for arguments in [
        &["pools", "list", "--api-key", secret][..],
        &["pools", "list", "--api-key", &broken],
        &["pools", "list", "--api-key", secret, "--api-key-file", "/no/such/file"],
        &["pools", "list", "--server", &password],
        &[
            "pools",
            "list",
            "--json",
            "--server",
            "http://127.0.0.1:1",
            "--api-key",
            secret,
        ],
        &["connections", "set", "a", &field],
        &["connections", "set", "a", secret],
        &["connections", "set", "a", &unknown],
        &["connections", "set", "a", "type=postgres", &host],
        &["connections", "set", "b", "type=http", "queryHosts=a", &field],
        &["connections", "set", "b", "title=x", "--json"],
        &["connections", "list"],
        &["connections", "show", "b"],
        &["top", "--once", "--interval", "0.1", "--api-key", secret],
    ] {
        let ran = ran(served.command(arguments));
        assert!(
            !ran.out.contains(secret) && !ran.error.contains(secret),
            "{arguments:?}: {ran:?}"
        );
        assert!(!ran.error.contains("hunter2"), "{arguments:?}: {ran:?}");
    }
    assert!(served.says(&["connections", "show", "b"]).contains("********"));
}

#[test]
fn a_server_that_is_not_there_or_says_nothing_is_named() {
    let (port, silent) = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
        (
            gone.local_addr().expect("an address").port(),
            TcpListener::bind("127.0.0.1:0").expect("a port"),
        )
    };
    let url = format!("http://127.0.0.1:{port}");
    for arguments in [
        &["pools", "list"][..],
        &["top", "--once"],
        &["databases", "list", "--json"],
    ] {
        let command = fairpool(&[arguments, &["--server", &url]].concat());
        assert_eq!(
            refused(command, 1),
            format!("error: cannot reach {url}: connection refused")
        );
    }
    // It takes the connection, and that is all.
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let began = Instant::now();
    let said = refused(fairpool(&["top", "--once", "--server", &url]), 1);
    assert_eq!(said, format!("error: cannot reach {url}: no answer within 5 s"));
    assert!(began.elapsed() >= Duration::from_secs(4));
}

#[test]
fn what_makes_no_sense_is_2() {
    for (arguments, why) in [
        (&["pools", "set", "a"][..], "required arguments were not provided"),
        (
            &["pools", "set", "a", "--timeout", "5", "--no-timeout"],
            "cannot be used with",
        ),
        (&["pools", "drain", "a", "--patience", "0"], "0 is not in 1..=3600"),
        (&["pools", "frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (&["connections", "set", "a"], "required arguments were not provided"),
        (&["top", "--interval", "0"], "0 is not in 0.1..=3600"),
        (&["top", "--json"], "required arguments were not provided"),
    ] {
        let said = refused(fairpool(arguments), 2);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    for (arguments, why) in [
        (
            &["pools", "list", "--server", "localhost:80"][..],
            "the server is a URL such as http://127.0.0.1:8080",
        ),
        (
            &["pools", "list", "--api-key", "a b"],
            "the API key has characters that no key has",
        ),
        (
            &["connections", "set", "a", "tpye=http"],
            "no field is called \"tpye\"; there are: type, queryHosts",
        ),
        (&["proxies", "show", "basket"], "an API proxy is named PROJECT/PROXY"),
        (
            &["databases", "pools", "show", "main"],
            "a database pool is named DATABASE/POOL",
        ),
        (
            &["top", "--once", "--sort", "beauty"],
            "there is no column \"beauty\" to sort by",
        ),
    ] {
        let said = refused(fairpool(arguments), 2);
        assert!(said.starts_with(&format!("error: {why}")), "{arguments:?}: {said}");
    }
    let said = refused(fairpool(&["top"]), 1);
    assert_eq!(said, "error: top needs a terminal; --once prints one frame as text");
}

#[test]
fn every_help_has_its_examples() {
    for group in ["pools", "connections", "connectors", "proxies", "databases", "top"] {
        let help = ran(fairpool(&[group, "--help"]));
        assert_eq!(help.code, Some(0), "{help:?}");
        assert!(help.out.contains("\nExamples:\n  fairpool "), "{}", help.out);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_news() {
    let served = Served::start();
    let mut command = served.command(&["pools", "list"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), &*ended.stderr), (Some(141), &b""[..]));
}
