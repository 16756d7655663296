//! The parts of the `costs` bench: `counts` (with `callgrind` and `atomics`) and `cancels`.

pub(crate) mod atomics;
pub(crate) mod callgrind;
pub(crate) mod entry;

pub(crate) mod cancels;
pub(crate) mod counts;
