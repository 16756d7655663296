//! What there is to show of the pools of one name: what stands there now, what was counted, and how long things took.

use crate::observe::histogram::Spread;
use crate::observe::{State, Status};
use std::time::Duration;

/// What is counted. The order is that of [`Counts::counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Leases,
    /// Leases that did not wait.
    Direct,
    Queued,
    TimedOut,
    QueueFull,
    BackendDown,
    PoolClosed,
    Cleared,
    Cancelled,
    Opened,
    ConnectFailed,
    Broken,
    Invalid,
    Unclean,
    Idle,
    Lifetime,
    Retired,
    Detached,
    Unpooled,
    LongLease,
    Nested,
}

/// What takes time. The order is that of [`Counts::spans`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Wait,
    Use,
    Create,
    Validate,
    Reset,
}

pub(crate) const COUNTS: usize = Count::Nested as usize + 1;
pub(crate) const SPANS: usize = Span::Reset as usize + 1;

/// What only ever grows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) counts: [u64; COUNTS],
    pub(crate) spans: [Spread; SPANS],
}

/// Several pools of one name are shown as one: their connections, requests and counts are added.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) idle: u32,
    pub(crate) in_use: u32,
    pub(crate) connecting: u32,
    pub(crate) validating: u32,
    pub(crate) resetting: u32,
    pub(crate) closing: u32,
    pub(crate) limit: u32,
    pub(crate) min_idle: u32,
    pub(crate) pending: u32,
    /// Of the request that has waited longest.
    pub(crate) oldest_wait: Duration,
    /// The highest.
    pub(crate) generation: u32,
    /// How many pools are open, paused, draining, closed.
    pub(crate) states: [u32; 4],
    pub(crate) past: Counts,
    /// The last pool of this name is gone; this is shown once.
    pub(crate) ended: bool,
}

impl Counts {
    pub(crate) fn of(&self, count: Count) -> u64 {
        self.counts[count as usize]
    }

    #[cfg(feature = "prometheus")]
    pub(crate) fn span(&self, span: Span) -> &Spread {
        &self.spans[span as usize]
    }

    /// What was counted since then; of what takes time, nothing.
    #[cfg(feature = "metrics")]
    pub(crate) fn since(&self, then: &Counts) -> Counts {
        Counts {
            counts: std::array::from_fn(|at| self.counts[at].saturating_sub(then.counts[at])),
            spans: Default::default(),
        }
    }

    pub(crate) fn add(&mut self, other: &Counts) {
        for (mine, others) in self.counts.iter_mut().zip(other.counts) {
            *mine += others;
        }
        for (mine, others) in self.spans.iter_mut().zip(&other.spans) {
            mine.add(others);
        }
    }
}

impl Reading {
    /// One more pool of this name.
    pub(crate) fn add(&mut self, status: &Status, min_idle: u32) {
        self.idle += status.idle;
        self.in_use += status.in_use;
        self.connecting += status.connecting;
        self.validating += status.validating;
        self.resetting += status.resetting;
        self.closing += status.closing;
        self.limit = self.limit.saturating_add(status.limit);
        self.min_idle += min_idle;
        self.pending += status.pending;
        self.oldest_wait = self.oldest_wait.max(status.oldest_wait.unwrap_or_default());
        self.generation = self.generation.max(status.generation);
        self.states[match status.state {
            State::Open => 0,
            State::Paused => 1,
            State::Draining => 2,
            State::Closed => 3,
        }] += 1;
    }
}
