//! Who is measured: fairpool and its peers behind one trait, shared by the benches that set them side by side.
//!
//! | file | what |
//! |---|---|
//! | `subject.rs` | the trait, and the one text of the measured loops |
//! | `backend.rs` | what their managers connect to |
//! | `ours.rs` | fairpool |
//! | `managed.rs` | pools that open and check connections by themselves |
//! | `plain.rs` | subjects that manage nothing, and the floor |

#![allow(dead_code, reason = "each bench uses its part")]

pub(crate) mod backend;
pub(crate) mod subject;

pub(crate) mod managed;
pub(crate) mod ours;
pub(crate) mod plain;
