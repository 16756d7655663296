//! The generic pool.
pub(crate) mod error;
pub(crate) mod manager;
pub(crate) mod options;
pub(crate) mod status;
