//! Counters: how many slots are in which state of the supervisor's work, and what has happened so far.
//!
//! Each is its own atomic, Relaxed: they inform, and decide nothing but how much work to begin.

use crate::observe::Totals;
use crate::sync::primitives::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What the supervisor does with an occupied slot that is neither idle nor lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Connecting,
    Validating,
    Resetting,
    Closing,
}

#[derive(Debug)]
pub(crate) struct Tally {
    work: [AtomicU32; 4],
    pub(crate) opened: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) connect_failures: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) cleared: AtomicU64,
    pub(crate) cancelled: AtomicU64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Tally {
            work: std::array::from_fn(|_| AtomicU32::new(0)),
            opened: zero(),
            closed: zero(),
            connect_failures: zero(),
            timeouts: zero(),
            cleared: zero(),
            cancelled: zero(),
        }
    }

    pub(crate) fn begin(&self, work: Work) {
        self.work[work as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn end(&self, work: Work) {
        self.work[work as usize].fetch_sub(1, Relaxed);
    }

    pub(crate) fn at(&self, work: Work) -> u32 {
        self.work[work as usize].load(Relaxed)
    }

    pub(crate) fn totals(&self, leases: u64, queued: u64) -> Totals {
        Totals {
            leases,
            opened: self.opened.load(Relaxed),
            closed: self.closed.load(Relaxed),
            connect_failures: self.connect_failures.load(Relaxed),
            queued,
            timeouts: self.timeouts.load(Relaxed),
            cleared: self.cleared.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
        }
    }
}

/// The attempts that one supervisor has under way. Those of one that was replaced, on a runtime that nobody drives, may never
/// end: they hold their slots, but nobody else up.
#[derive(Debug, Default)]
pub(crate) struct Duty {
    connecting: AtomicU32,
    validating: AtomicU32,
}

impl Duty {
    fn of(&self, work: Work) -> &AtomicU32 {
        match work {
            Work::Connecting => &self.connecting,
            Work::Validating => &self.validating,
            Work::Resetting | Work::Closing => unreachable!("bug: no attempt"),
        }
    }

    pub(crate) fn begin(&self, work: Work) {
        self.of(work).fetch_add(1, Relaxed);
    }

    pub(crate) fn end(&self, work: Work) {
        self.of(work).fetch_sub(1, Relaxed);
    }

    pub(crate) fn at(&self, work: Work) -> u32 {
        self.of(work).load(Relaxed)
    }
}

/// Counts one event.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
