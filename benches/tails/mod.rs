//! The parts of the `tails` bench: one file a load (`steady`, `spike`, `storm`, `silence`), and what they share.

pub(crate) mod cpu;
pub(crate) mod entry;
pub(crate) mod plan;
pub(crate) mod waits;

pub(crate) mod silence;
pub(crate) mod spike;
pub(crate) mod steady;
pub(crate) mod storm;

use entry::Entry;
use plan::Plan;
use serde_json::Value;

/// One load, by the name under which the command line knows it.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Plan, &[Entry]) -> Vec<Section>,
}

/// What is told about it.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) table: String,
    pub(crate) json: Value,
}

pub(crate) const PARTS: [Part; 4] = [
    Part {
        name: "tails",
        run: steady::compare,
    },
    Part {
        name: "spike",
        run: spike::compare,
    },
    Part {
        name: "storm",
        run: storm::compare,
    },
    Part {
        name: "silence",
        run: silence::compare,
    },
];
