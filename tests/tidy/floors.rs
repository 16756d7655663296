//! Rules about floors: imports go down only, rooms on one floor are strangers, foreign crates stay in their rooms.

use crate::lexer::Token;
use crate::paths::named;
use crate::tree::{Finding, Source, Tree, each, finds, holds};

/// What a room of `src` may name, besides itself and the door to atomics.
enum Sight {
    /// These rooms.
    Rooms(&'static [&'static str]),
    /// What users see: the items that `src/lib.rs` exports.
    Face,
    /// The same, and what these rooms export; its own rooms know each other.
    Above(&'static [&'static str]),
}

/// From the ground up. `src/lib.rs` joins the rooms, `src/doc.rs` serves the documentation's examples, and `src/bin` is a
/// crate of its own: they stand outside the table.
const FLOORS: [(&str, Sight); 9] = [
    ("sync", Sight::Rooms(&[])),
    ("observe", Sight::Rooms(&[])),
    ("pool", Sight::Rooms(&["sync", "observe"])),
    ("system", Sight::Rooms(&["sync", "observe", "pool"])),
    ("drivers", Sight::Face),
    ("compat", Sight::Face),
    ("test_util", Sight::Face),
    ("resource", Sight::Above(&["drivers"])),
    ("server", Sight::Above(&["resource"])),
];

/// Atomics and locks are for every room.
const DOOR: [&str; 3] = ["crate", "sync", "primitives"];

/// Foreign crates that only these folders may name.
const GUESTS: [(&str, &[&str]); 41] = [
    ("tokio_postgres", &["src/drivers/postgres"]),
    ("tokio_postgres_rustls", &["src/drivers/postgres"]),
    ("socket2", &["src/drivers/postgres", "src/drivers/redis"]),
    (
        "rustls_native_certs",
        &[
            "src/drivers/postgres",
            "src/drivers/redis",
            "src/resource/registry/tls",
            "src/bin/fairpool/operator/client",
        ],
    ),
    ("tokio_socks", &["src/drivers/postgres", "src/drivers/redis"]),
    ("pkcs8", &["src/resource/registry/tls"]),
    ("tokio_rustls", &["src/drivers/redis"]),
    (
        "rustls",
        &[
            "src/drivers/postgres",
            "src/drivers/mysql",
            "src/drivers/redis",
            "src/resource/registry/tls",
            "src/bin/fairpool/operator/client",
        ],
    ),
    ("ureq", &["src/bin/fairpool/operator"]),
    (
        "ratatui",
        &["src/bin/fairpool/operator/session", "src/bin/fairpool/top"],
    ),
    ("unicode_width", &["src/bin/fairpool/operator/shown"]),
    (
        "mysql_async",
        &[
            "src/drivers/mysql",
            "src/resource/registry/drivers",
            "src/resource/registry/engine_mysql",
        ],
    ),
    // The tables of the rooms name theirs.
    (
        "redis",
        &[
            "src/drivers/redis",
            "src/drivers/mod",
            "src/resource/registry/drivers",
            "src/resource/registry/engine_redis",
        ],
    ),
    ("bb8", &["src/compat/bb8", "src/compat/mod"]),
    ("deadpool", &["src/compat/deadpool", "src/compat/mod"]),
    ("r2d2", &["src/compat/r2d2", "src/compat/mod"]),
    ("rusqlite", &["src/drivers/sqlite", "src/resource/store/sqlite"]),
    (
        "tokio",
        &[
            "src/pool",
            "src/observe/export/metrics",
            "src/system",
            "src/drivers",
            "src/compat",
            "src/test_util",
            "src/resource/store/sqlite",
            "src/resource/registry",
            "src/server",
            "src/bin",
            "src/doc",
        ],
    ),
    // Beside its room, the table of the rooms names it; prometheus-client has a module of that name, and deadpool's objects have
    // metrics.
    (
        "metrics",
        &[
            "src/observe/export/metrics",
            "src/observe/export/mod",
            "src/observe/export/prometheus",
            "src/compat/deadpool",
            "src/server/mod",
            "src/server/metrics",
            "src/bin/fairpool/serve/routers",
        ],
    ),
    (
        "tracing",
        &[
            "src/observe/export/tracing",
            "src/observe/export/mod",
            "src/server/tracing",
            "src/server/mod",
        ],
    ),
    ("prometheus_client", &["src/observe/export/prometheus"]),
    ("tower_layer", &["src/system/tower"]),
    ("tower_service", &["src/system/tower"]),
    ("clap", &["src/bin"]),
    ("indicatif", &["src/bin"]),
    ("anyhow", &["src/bin"]),
    ("hdrhistogram", &["src/bin"]),
    ("serde", &["src/pool/options", "src/resource", "src/server", "src/bin"]),
    ("serde_json", &["src/bin", "src/resource", "src/server"]),
    ("axum", &["src/server", "src/bin/fairpool/serve"]),
    ("hyper", &["src/server/serve"]),
    ("hyper_util", &["src/server/serve"]),
    (
        "percent_encoding",
        &["src/server/path", "src/bin/fairpool/operator/client"],
    ),
    ("base64", &["src/server/auth"]),
    // TLS has a module of that name.
    (
        "ring",
        &[
            "src/server/auth",
            "src/drivers/postgres",
            "src/drivers/redis",
            "src/resource/registry/tls",
            "src/bin/fairpool/operator/client",
        ],
    ),
    ("subtle", &["src/server/auth"]),
    // No crate, but as closely kept: one file makes statuses.
    ("StatusCode", &["src/server/status"]),
    ("zeroize", &["src/resource/models"]),
    ("memchr", &["src/resource/registry/names"]),
    ("tempfile", &["src/bin"]),
    ("toml", &["src/bin/fairpool/serve/file"]),
];

#[test]
fn imports_go_down_only() {
    holds(each(&Tree::load().sources, imports));
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    holds(each(&Tree::load().sources, guests));
}

fn imports(source: &Source) -> Vec<Finding> {
    let Some((room, _)) = source
        .path
        .strip_prefix("src/")
        .and_then(|inside| inside.split_once('/'))
    else {
        return Vec::new();
    };
    if room == "bin" {
        return Vec::new();
    }
    let Some((_, sight)) = FLOORS.iter().find(|(name, _)| *name == room) else {
        return vec![Finding::new(
            &source.path,
            0,
            format!("`src/{room}` has no floor: give it one in tests/tidy/floors.rs"),
        )];
    };
    let inside = named(&source.tokens)
        .into_iter()
        .filter(|path| path.names[0] == "crate" && !path.starts_with(&DOOR));
    inside
        .filter_map(|path| {
            let names: Vec<&str> = path.names.iter().skip(1).map(String::as_str).collect();
            let breach = breach(room, sight, path.token, &names)?;
            Some(source.find(path.token, format!("names `{}`: {breach}", path.names.join("::"))))
        })
        .collect()
}

/// What is wrong with a file of `room` naming this path of the crate, if anything.
fn breach(room: &str, sight: &Sight, token: &Token, names: &[&str]) -> Option<String> {
    let target = names.first().copied().unwrap_or("*");
    let is_room = FLOORS.iter().any(|(name, _)| *name == target);
    match sight {
        _ if target == "*" => Some("say which room it comes from".to_owned()),
        Sight::Face if target == room => {
            // The floor's own `mod.rs` lists its rooms; each of them is a stranger to the others.
            let own = token.module.get(1).map(String::as_str);
            let is_module = names
                .get(1)
                .is_some_and(|name| name.starts_with(|c: char| c.is_lowercase() || c == '*'));
            let strangers = own.is_some() && is_module && names.get(1).copied() != own;
            strangers.then(|| "rooms on one floor are strangers".to_owned())
        }
        Sight::Face => is_room.then(|| format!("{room} know only what `src/lib.rs` exports")),
        Sight::Above(rooms) if target == room || rooms.contains(&target) => None,
        Sight::Above(_) => is_room.then(|| format!("{room} knows only what `src/lib.rs` exports")),
        Sight::Rooms(rooms) if target == room || rooms.contains(&target) => None,
        Sight::Rooms(_) if is_room => Some(format!("imports go down only, and `{target}` is not below `{room}`")),
        Sight::Rooms(_) => Some("below the crate's face, an item is named by its room".to_owned()),
    }
}

fn guests(source: &Source) -> Vec<Finding> {
    if !source.in_folder("src") {
        return Vec::new();
    }
    let at_home = |rooms: &[&str]| {
        rooms
            .iter()
            .any(|room| source.in_folder(room) || source.path == format!("{room}.rs"))
    };
    let strays = source
        .tokens
        .iter()
        .filter(|token| !token.in_tests())
        .filter_map(|token| {
            let (name, rooms) = GUESTS.iter().find(|(name, _)| token.text == *name)?;
            (!at_home(rooms)).then(|| source.find(token, format!("`{name}` is named only in {}", rooms.join(", "))))
        });
    strays.collect()
}

#[test]
fn the_rule_about_imports_can_fail() {
    let check = |path: &str, text: &str| imports(&Source::new(path, text));
    let up = [("src/sync/a.rs:1", "`crate::pool::Pool`: imports go down only")];
    finds(check("src/sync/a.rs", "use crate::pool::Pool;"), &up);
    finds(check("src/sync/a.rs", "use super::super::pool::Pool;"), &up);
    finds(check("src/sync/a.rs", "use super::{super::pool::Pool, b};"), &up);
    finds(
        check("src/sync/a.rs", "fn f() { crate::pool::g() }"),
        &[("src/sync/a.rs:1", "`crate::pool::g`")],
    );
    finds(
        check("src/sync/a.rs", "use crate::observe::Event;"),
        &[("src/sync/a.rs:1", "not below `sync`")],
    );
    finds(
        check("src/observe/a.rs", "use crate::{sync::{primitives::AtomicU64, line}};"),
        &[("src/observe/a.rs:1", "sync::line")],
    );
    finds(
        check("src/pool/a.rs", "use crate::drivers::sqlite;"),
        &[("src/pool/a.rs:1", "not below `pool`")],
    );
    finds(
        check("src/pool/a.rs", "use crate::{Options, sync::line};"),
        &[("src/pool/a.rs:1", "named by its room")],
    );
    finds(
        check("src/pool/a.rs", "use crate::*;"),
        &[("src/pool/a.rs:1", "which room")],
    );
    finds(check("src/cellar/a.rs", ""), &[("src/cellar/a.rs", "no floor")]);
    let down = "use crate::{sync::line, observe::Event}; use super::b; use std::sync::Arc; use tokio::time;";
    finds(check("src/pool/a.rs", down), &[]);
}

#[test]
fn the_rule_about_rooms_can_fail() {
    let check = |path: &str, text: &str| imports(&Source::new(path, text));
    let driver = "src/drivers/a.rs";
    finds(
        check(driver, "use crate::{Manager, Options, sync::primitives::Mutex};"),
        &[],
    );
    finds(
        check(driver, "use crate::pool::Manager;"),
        &[(driver, "only what `src/lib.rs` exports")],
    );
    finds(
        check(driver, "use crate::sync::line::Line;"),
        &[(driver, "only what `src/lib.rs` exports")],
    );
    finds(check(driver, "use super::b::Thread;"), &[(driver, "strangers")]);
    finds(
        check("src/drivers/a/part.rs", "use crate::drivers::b;"),
        &[("src/drivers/a/part.rs", "strangers")],
    );
    finds(
        check("src/drivers/a/part.rs", "use super::Conn; use super::other::Y;"),
        &[],
    );
    let resource = "src/resource/registry/a.rs";
    finds(
        check(
            resource,
            "use crate::{System, resource::models::Connection, drivers::sqlite::Sqlite};",
        ),
        &[],
    );
    finds(
        check(resource, "use crate::system::backend::System;"),
        &[(resource, "knows only what `src/lib.rs` exports")],
    );
    finds(
        check(
            "src/drivers/mod.rs",
            "pub mod a; pub use self::a::A; use crate::Manager;",
        ),
        &[],
    );

    let above = "src/resource/store/a.rs";
    let allowed =
        "use crate::{Pool, drivers::sqlite::Sqlite, resource::models, sync::primitives::Mutex}; use super::b;";
    finds(check(above, allowed), &[]);
    finds(
        check(above, "use crate::pool::Pool;"),
        &[(above, "resource knows only what")],
    );
    finds(check(driver, "use crate::resource::store;"), &[(driver, "only what")]);

    let stray = guests(&Source::new("src/sync/a.rs", "use std::time;\nuse tokio::time::sleep;"));
    finds(stray, &[("src/sync/a.rs:2", "`tokio` is named only in src/pool")]);
    finds(
        guests(&Source::new("src/pool/a.rs", "use rusqlite as sql;")),
        &[("src/pool/a.rs:1", "src/drivers/sqlite")],
    );
    finds(
        guests(&Source::new(
            "src/drivers/sqlite.rs",
            "use rusqlite as sql; mod tests { use tempfile; }",
        )),
        &[],
    );
}
