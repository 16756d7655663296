//! What all handles, permits and requests of one limit share.
//!
//! **Lock order**: the locks of the line and the name are each taken alone.

use super::status::{LimitStatus, LimitTotals};
use crate::observe::State;
use crate::pool::clock::{Clock, between};
use crate::pool::watch::Watch;
use crate::sync::counter::{Counter, Permit};
use crate::sync::line::{Given, Line, Phase};
use crate::sync::primitives::{AtomicU32, AtomicU64, Mutex, Ordering::Relaxed};
use crate::sync::wakes::contained;
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) line: Line<Counter>,
    pub(crate) clock: Clock,
    /// Swapped whole; nothing else happens under it.
    pub(crate) name: Mutex<Arc<str>>,
    /// Nanoseconds; `u64::MAX` for any time.
    pub(crate) timeout: AtomicU64,
    pub(crate) queue_limit: AtomicU32,
    pub(crate) tally: Tally,
    pub(crate) watch: Watch,
    /// Told when a permit left for good, which only an ending limit cares for. Nobody leaving the line ends a drain: while
    /// somebody waits, all permits are held, and the last of those to come back tells.
    pub(crate) changed: Notify,
}

/// Each is its own atomic: they inform and decide nothing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) timeouts: AtomicU64,
    pub(crate) cleared: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Shared {
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn name(&self) -> Arc<str> {
        self.name.lock().clone()
    }

    /// A permit comes back: to the head of the line, or to the counter.
    #[inline(always)]
    pub(crate) fn give(&self, permit: Permit) {
        match self.line.give(permit, 0, || self.now()) {
            Given::Kept | Given::Stirred => {}
            Given::Leaves(_) => self.announce(),
        }
    }

    /// Calls those who wait for the end of the limit; their wakers are somebody else's code.
    #[cold]
    pub(crate) fn announce(&self) {
        contained(|| self.changed.notify_waiters());
    }

    pub(crate) fn status(&self) -> LimitStatus {
        let census = self.line.census();
        LimitStatus {
            limit: census.limit,
            in_flight: census.held,
            pending: census.pending,
            oldest_wait: census.oldest.map(|asked| between(asked, self.now())),
            state: match census.phase {
                Phase::Open if census.paused => State::Paused,
                Phase::Open => State::Open,
                Phase::Draining => State::Draining,
                Phase::Closed => State::Closed,
            },
            totals: LimitTotals {
                queued: self.line.tickets().0,
                timeouts: self.tally.timeouts.load(Relaxed),
                cleared: self.tally.cleared.load(Relaxed),
                cancelled: self.tally.cancelled.load(Relaxed),
                refused: self.tally.refused.load(Relaxed),
            },
        }
    }
}
