//! Attempts to connect: counted in the manager, or, for a pool that has none, by the kernel for the whole machine.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A manager whose connects are counted.
pub(crate) struct Counted<M> {
    pub(crate) manager: M,
    attempts: Attempts,
}

#[derive(Clone, Default)]
pub(crate) struct Attempts(Arc<AtomicU64>);

impl<M> Counted<M> {
    pub(crate) fn new(manager: M) -> (Self, Attempts) {
        let attempts = Attempts::default();
        let counted = Counted {
            manager,
            attempts: attempts.clone(),
        };
        (counted, attempts)
    }

    pub(crate) fn count(&self) {
        self.attempts.0.fetch_add(1, Relaxed);
    }
}

impl Attempts {
    pub(crate) fn so_far(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// All connects that this machine's processes have begun (`ActiveOpens`): true of one pool where nothing else runs.
pub(crate) fn of_the_machine() -> u64 {
    let text = fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut pairs = names.split(' ').zip(values.split(' '));
    let found = pairs.find(|(name, _)| *name == "ActiveOpens");
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
}
