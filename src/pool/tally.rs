//! Counters: how many slots are in which state of the supervisor's work, and what has happened so far.
//!
//! Each is its own atomic, Relaxed: they inform, and decide nothing but how much work to begin.

use crate::observe::Totals;
use crate::sync::primitives::{AtomicU32, AtomicU64, Mutex, Ordering::Relaxed};

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
    /// What is under way for those who wait. Touched once when an attempt begins and once when it ends; its lock is taken alone.
    attempts: Mutex<Vec<Attempt>>,
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
            attempts: Mutex::new(Vec::new()),
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

    pub(crate) fn attempt_begins(&self, attempt: Attempt) {
        self.attempts.lock().push(attempt);
    }

    pub(crate) fn attempt_ends(&self, attempt: Attempt) {
        let mut attempts = self.attempts.lock();
        let ours = attempts.iter().position(|&other| other == attempt);
        attempts.swap_remove(ours.expect("bug: an attempt ended twice"));
    }

    /// The attempts of this kind that the supervisor of this term began, of which those that have lasted for `patience` have hung.
    pub(crate) fn attempts(&self, work: Work, term: u64, now: u64, patience: u64) -> Attempts {
        let mut found = Attempts {
            fresh: 0,
            hung: 0,
            last_hung: None,
            next: u64::MAX,
        };
        let attempts = self.attempts.lock();
        let ours = |attempt: &&Attempt| attempt.work == work && attempt.term == term;
        for &Attempt { begun, .. } in attempts.iter().filter(ours) {
            let hangs_at = begun.saturating_add(patience);
            if hangs_at <= now {
                found.hung += 1;
                found.last_hung = found.last_hung.max(Some(begun));
            } else {
                found.fresh += 1;
                found.next = found.next.min(hangs_at);
            }
        }
        found
    }

    /// When the connect began that has been under way for longest.
    pub(crate) fn oldest_connect(&self) -> Option<u64> {
        let attempts = self.attempts.lock();
        let connects = attempts.iter().filter(|attempt| attempt.work == Work::Connecting);
        connects.map(|attempt| attempt.begun).min()
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

/// A connect or a validation under way. What a supervisor began that was replaced, on a runtime that nobody drives, may never end:
/// it holds its slot, but nobody else up, so each looks at its own only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) work: Work,
    /// Of the supervisor that began it.
    pub(crate) term: u64,
    pub(crate) begun: u64,
}

/// The attempts of one kind that one supervisor has under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempts {
    pub(crate) fresh: u32,
    /// They have been under way for so long that those who wait count on them no more.
    pub(crate) hung: u32,
    /// When the last of those began.
    pub(crate) last_hung: Option<u64>,
    /// When the next one will have hung.
    pub(crate) next: u64,
}

/// Counts one event.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
