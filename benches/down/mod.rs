//! The parts of the `down` bench.
//!
//! | file | what |
//! |---|---|
//! | `fault.rs` | the faults by name |
//! | `subject.rs` | what is asked of a pool, and the settings that all share |
//! | `ours.rs`, `bb8.rs`, `deadpool.rs`, `mobc.rs`, `sqlx.rs` | a pool each, over its usual manager |
//! | `attempts.rs` | who counts attempts to connect that nobody accepts |
//! | `course.rs` | one outage of one pool, and what is measured |
//! | `tables.rs` | the figures in Markdown and JSON |

pub(crate) mod attempts;
pub(crate) mod bb8;
pub(crate) mod course;
pub(crate) mod deadpool;
pub(crate) mod fault;
pub(crate) mod mobc;
pub(crate) mod ours;
pub(crate) mod sqlx;
pub(crate) mod subject;
pub(crate) mod tables;
