//! What several users of connections share: limits, systems and their connectors.
//!
//! | file or room | noun |
//! |---|---|
//! | `limit` | a named concurrency limit with its own line |
//! | `backend` | a system: one backend, its shared pool, and the pools of its connectors |
//! | `connector` | a named user of a system, its lease, and why there is none |
//! | `management` | the three ways of coming by a connection |
//! | `tower` | a layer over a limit, with the feature `tower` |
//! | `keys` | many users or hosts under one bound |
//!
//! **Lock order**: every lock of this floor is taken alone; none is held while a pool or a limit is called.

pub(crate) mod backend;
pub(crate) mod connector;
pub(crate) mod keys;
pub(crate) mod limit;
pub(crate) mod management;
#[cfg(feature = "tower")]
pub(crate) mod tower;
