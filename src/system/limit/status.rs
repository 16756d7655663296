//! A look at a limit in numbers.

use crate::observe::State;
use std::fmt;
use std::time::Duration;

/// A limit's counts at one moment. Permits that nobody waits for move while they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitStatus {
    /// The most that may be in flight at once.
    pub limit: u32,
    /// Admitted, and not finished yet; more than `limit` only after it was lowered.
    pub in_flight: u32,
    /// Requests waiting.
    pub pending: u32,
    /// How long the first in line has waited.
    pub oldest_wait: Option<Duration>,
    /// Whether the limit admits.
    pub state: State,
    /// What has happened so far.
    pub totals: LimitTotals,
}

/// What has happened at a limit since it was made. Admissions without a wait are not counted: that would cost each of them
/// a write that all threads share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LimitTotals {
    /// Requests that had to wait in the line.
    pub queued: u64,
    /// Requests whose time ran out.
    pub timeouts: u64,
    /// Requests that `clear` removed.
    pub cleared: u64,
    /// Requests dropped while they waited.
    pub cancelled: u64,
    /// Requests turned away because the line was full.
    pub refused: u64,
}

impl fmt::Display for LimitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitStatus {
            limit,
            in_flight,
            pending,
            ..
        } = self;
        write!(f, "limit {limit}, in flight {in_flight}, pending {pending}")?;
        match self.state {
            State::Open => Ok(()),
            State::Paused => f.write_str(", paused"),
            State::Draining => f.write_str(", draining"),
            State::Closed => f.write_str(", closed"),
        }
    }
}
