//! One frame as text, and the live view on a terminal that is none of ours to see.

use crate::kit::{Served, refused};
use serde_json::json;

#[test]
fn one_frame_has_everything_live_in_80_columns() {
    let served = Served::start();
    served.says(&["pools", "set", "orders", "--limit", "20"]);
    served.says(&[
        "connectors",
        "set",
        "mail",
        "--connection",
        "backend",
        "--pool",
        "orders",
    ]);
    served.says(&["connectors", "pause", "mail"]);
    let frame = served.says(&["top", "--once", "--interval", "0.1"]);
    let lines: Vec<&str> = frame.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{frame}");
    assert!(
        lines[0].starts_with(&format!("fairpool top  {}", served.url())),
        "{frame}"
    );
    assert!(lines[0].ends_with("4 live, 0 with a line, 1 not open"), "{frame}");
    assert_eq!(lines[1], "every 0.1 s, by pend ↓");
    assert_eq!(
        lines[2],
        "NAME          KIND   LIMIT IN USE  IDLE  PEND OLDEST LEASE/S WAIT/S FAIL/S"
    );
    assert!(
        lines.contains(&"orders        pool      20      0     –     0              –      0      0"),
        "{frame}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("mail        P ctor    1024")),
        "{frame}"
    );

    let by_name = served.says(&[
        "top",
        "--once",
        "--interval",
        "0.1",
        "--sort",
        "name",
        "--filter",
        "connector",
    ]);
    assert!(
        by_name.contains("\nmail        P ctor") && by_name.contains("\nshop/basket   ctor"),
        "{by_name}"
    );
    let status = served.says(&["top", "--once", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["data"][0]["name"], json!("orders"));
}

#[test]
fn a_refusal_ends_it_at_once() {
    let served = Served::start();
    let mut command = served.command(&["top", "--once"]);
    command.env("FAIRPOOL_API_KEY", "no-key-of-anybody-at-all");
    assert_eq!(refused(command, 1), "error: status: Unauthenticated. (401)");
}
