//! The parts of the `scale` bench: one file a question, and what they share.

pub(crate) mod counting;
pub(crate) mod finding;
pub(crate) mod rig;

pub(crate) mod allocations;
pub(crate) mod beside;
pub(crate) mod bytes;
pub(crate) mod cancels;
pub(crate) mod instructions;
pub(crate) mod limits;
