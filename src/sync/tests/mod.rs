//! The loom suite.
