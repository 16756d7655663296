//! The resource interface over HTTP: each family's documented answers in process, what stands before its handlers, a server on a
//! real socket, whatever can be sent, and whether the OpenAPI documents say what is so.
#![cfg(feature = "server")]

#[path = "server/anything.rs"]
mod anything;
#[path = "server/connections.rs"]
mod connections;
#[path = "server/kit.rs"]
mod kit;
#[path = "server/openapi.rs"]
mod openapi;
#[path = "server/operations.rs"]
mod operations;
#[path = "server/order.rs"]
mod order;
#[path = "server/pools.rs"]
mod pools;
#[path = "server/settings.rs"]
mod settings;
#[path = "server/socket.rs"]
mod socket;
