//! Managed databases against real servers: their pools in each mode, every change while leases are out, and the move to another
//! major version under load.
//!
//! | file | hazard |
//! |---|---|
//! | `databases/mod.rs` | what the tests share: a server for all, a registry, who counts at the server |
//! | `databases/pools.rs` | a pool that is made, changed or deleted, and is not so at once |
//! | `databases/modes.rs` | more connections than its size; a connection kept too long, or lent to somebody else |
//! | `databases/operations.rs` | an operator's word that is not followed |
//! | `databases/upgrade.rs` | a request that fails by a move, or a move that half happens |
//! | `databases/races.rs` | pools that change while a move waits: moved without having been held, or held without an end |
#![cfg(all(feature = "resource", feature = "sqlite", feature = "postgres"))]

mod databases;
mod servers;
