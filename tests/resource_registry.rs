//! What the registry promises of each change, over a backend in memory: from the moment of the answer it is so, and nobody who
//! waits or holds a lease is lost.
#![cfg(feature = "resource")]

mod registry;

#[path = "registry/connections.rs"]
mod connections;
#[path = "registry/connectors.rs"]
mod connectors;
#[path = "registry/fixed.rs"]
mod fixed;
#[path = "registry/operations.rs"]
mod operations;
#[path = "registry/pools.rs"]
mod pools;
#[path = "registry/redeclare.rs"]
mod redeclare;
#[path = "registry/redeclare_databases.rs"]
mod redeclare_databases;
#[path = "registry/stores.rs"]
mod stores;
#[path = "registry/watched.rs"]
mod watched;
#[path = "registry/writers.rs"]
mod writers;
