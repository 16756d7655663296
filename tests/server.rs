//! The resource interface over HTTP: each family's documented answers in process, what stands before its handlers, a server on a
//! real socket, lists beside a plain model, writers that race, where a secret is heard, and whether the OpenAPI documents say what is so.
#![cfg(feature = "server")]

#[path = "server/answers.rs"]
mod answers;
#[path = "server/connections.rs"]
mod connections;
#[cfg(all(feature = "postgres", feature = "redis", feature = "mysql"))]
#[path = "server/databases.rs"]
mod databases;
#[cfg(all(
    feature = "mysql",
    feature = "postgres",
    feature = "prometheus",
    feature = "redis",
    feature = "tracing"
))]
#[path = "server/ears.rs"]
mod ears;
#[cfg(all(feature = "postgres", feature = "redis", feature = "mysql"))]
#[path = "server/engines.rs"]
mod engines;
#[path = "server/kit.rs"]
mod kit;
#[path = "server/lists.rs"]
mod lists;
#[cfg(all(feature = "postgres", feature = "redis", feature = "mysql"))]
#[path = "server/managed.rs"]
mod managed;
#[path = "server/openapi.rs"]
mod openapi;
#[path = "server/operations.rs"]
mod operations;
#[path = "server/order.rs"]
mod order;
#[path = "server/pools.rs"]
mod pools;
#[path = "server/race.rs"]
mod race;
#[path = "server/schema.rs"]
mod schema;
#[cfg(all(
    feature = "mysql",
    feature = "postgres",
    feature = "prometheus",
    feature = "redis",
    feature = "tracing"
))]
#[path = "server/secrets.rs"]
mod secrets;
#[cfg(all(feature = "postgres", feature = "redis", feature = "mysql"))]
mod servers;
#[path = "server/settings.rs"]
mod settings;
#[path = "server/sites.rs"]
mod sites;
#[path = "server/socket.rs"]
mod socket;
