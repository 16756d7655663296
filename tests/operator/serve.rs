//! Against the program that serves, as somebody would run both.

use crate::kit::{fairpool, ran};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_and_its_operator_understand_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    std::fs::write(
        &keys,
        "# of both\nthe-key-of-an-administrator\nthe-key-of-a-spectator-only read\n",
    )
    .expect("a file");
    let keys = keys.to_str().expect("UTF-8");
    let mut command = fairpool(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "memory",
        "--api-key-file",
        keys,
    ]);
    let mut serving = Serving(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs"),
    );
    let out = serving.0.stdout.take().expect("piped");
    let line = BufReader::new(out).lines().next().expect("a line").expect("UTF-8");
    let url = line.strip_prefix("listening on ").expect("an address").to_owned();
    let says = |arguments: &[&str]| {
        let mut command = fairpool(arguments);
        command.env("FAIRPOOL_SERVER", &url).env("FAIRPOOL_API_KEY_FILE", keys);
        let ran = ran(command);
        assert_eq!((ran.code, &*ran.error), (Some(0), ""), "{arguments:?}: {ran:?}");
        ran.out
    };
    says(&["pools", "set", "orders", "--limit", "20"]);
    says(&["connections", "set", "cache", "type=redis", "queryHosts=127.0.0.1:1"]);
    says(&["connectors", "set", "mail", "--connection", "cache", "--pool", "orders"]);
    assert!(says(&["pools", "show", "orders"]).contains("\nmail       GENERAL     –  cache       127.0.0.1:1\n"));
    let frame = says(&["top", "--once", "--interval", "0.1"]);
    assert!(
        frame.contains("\norders   pool      20 ") && frame.contains("3 live"),
        "{frame}"
    );
}
