//! The operator's verbs: what the interface over HTTP offers, from a terminal or a script, against a running server.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the groups of verbs |
//! | `pools.rs`, `connections.rs`, `connectors.rs`, `proxies.rs` | list, show, set, delete of each kind |
//! | `databases.rs`, `database_pools.rs` | managed databases, the settings of their engines, their pools |
//! | `operate.rs` | clear, drain, pause, resume, invalidate, which all kinds share |
//! | `fields.rs` | `FIELD=VALUE` arguments |
//! | `access.rs` | which server, and the key |
//! | `client.rs`, `failure.rs` | a request and its answer; why there is none |
//! | `session.rs` | how an answer goes out: for people, or as JSON |
//! | `table.rs`, `shown.rs` | tables by the width of a terminal; texts that are fit to be shown |
//!
//! Values are judged by the server alone, and refused in its words. A name that it would ignore is refused here.

mod access;
mod client;
mod connections;
mod connectors;
mod database_pools;
mod databases;
mod failure;
mod fields;
mod operate;
mod pools;
mod proxies;
mod session;
mod shown;
mod table;

pub(crate) use access::Access;
pub(crate) use client::{Call, Client};
pub(crate) use failure::{Failure, Senseless, senseless};
pub(crate) use session::columns;
pub(crate) use shown::{NONE, cut, json_line, shown, width};

use anyhow::Result;

/// What is operated on.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Connection pools of a running server: list, show, set, delete, clear, drain, pause, resume
    Pools(pools::Pools),
    /// Named connections
    Connections(connections::Connections),
    /// Connectors, which use connections, perhaps under a connection pool's limit
    Connectors(connectors::Connectors),
    /// API proxies and their connection settings
    Proxies(proxies::Proxies),
    /// Managed databases: their pools, their engines' settings, upgrades
    Databases(databases::Databases),
}

/// Does it; returns the exit code.
pub(crate) fn run(command: Command) -> Result<u8> {
    match command {
        Command::Pools(pools) => pools.run(),
        Command::Connections(connections) => connections.run(),
        Command::Connectors(connectors) => connectors.run(),
        Command::Proxies(proxies) => proxies.run(),
        Command::Databases(databases) => databases.run(),
    }
}
