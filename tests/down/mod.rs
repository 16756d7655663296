//! What the tests of outages share.
//!
//! | file | what |
//! |---|---|
//! | `backend.rs` | PostgreSQL and Redis, as far as an outage is concerned: how to use a connection, how to count them |
//! | `fault.rs` | what can go wrong, at the proxy and at the server, and what an error says of it |
//! | `outage.rs` | the course of one: at work, down, healed, at rest, drained; what is demanded at each |

pub(crate) mod backend;
pub(crate) mod fault;
pub(crate) mod outage;
