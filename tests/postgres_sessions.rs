//! Sessions over a real PostgreSQL: how long each mode keeps a connection, what it refuses, what a dropped future leaves, who
//! comes first, and who one is; beside PgBouncer, where that means the same.
#![cfg(feature = "postgres")]

mod servers;
mod sessions;
