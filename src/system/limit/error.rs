//! Why a limit admitted nobody.

use super::status::LimitStatus;
use crate::observe::State;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why [`Limit::acquire`](crate::Limit::acquire) failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// The request's time ran out.
    Timeout(Box<LimitTimeout>),
    /// `queue_limit` requests wait already.
    QueueFull {
        /// The limit that was reached.
        queue_limit: u32,
    },
    /// [`Limit::clear`](crate::Limit::clear) removed the request from the line.
    Cleared,
    /// The limit drains or is closed.
    Closed,
    /// A request whose time is bounded has to wait, and there is no tokio runtime with timers here.
    NoRuntime,
}

/// The circumstances of a timeout at a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitTimeout {
    /// The limit's name.
    pub name: Arc<str>,
    /// How long the request had waited.
    pub waited: Duration,
    /// The limit's counts at that moment.
    pub status: LimitStatus,
}

/// Why [`Limit::try_acquire`](crate::Limit::try_acquire) admitted nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryLimitError {
    /// As many are in flight as the limit allows.
    Busy,
    /// Others wait, and come first.
    Waiting,
    /// The limit is paused.
    Paused,
    /// The limit drains or is closed.
    Closed,
}

impl fmt::Display for LimitTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitTimeout { name, waited, status } = self;
        let why = match status.state {
            State::Paused => "is paused",
            _ => "is busy",
        };
        write!(f, "not admitted after {waited:?}: the limit '{name}' {why}; {status}")
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitError::Timeout(timeout) => timeout.fmt(f),
            LimitError::QueueFull { queue_limit: 0 } => f.write_str("nobody may wait (queue_limit is 0)"),
            LimitError::QueueFull { queue_limit } => write!(f, "the line is full ({queue_limit} requests wait)"),
            LimitError::Cleared => f.write_str("the request was cleared from the line"),
            LimitError::Closed => f.write_str("the limit is closed"),
            LimitError::NoRuntime => f.write_str("no tokio runtime with timers to wait on"),
        }
    }
}

impl fmt::Display for TryLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryLimitError::Busy => "as many are in flight as the limit allows",
            TryLimitError::Waiting => "other requests wait",
            TryLimitError::Paused => "the limit is paused",
            TryLimitError::Closed => "the limit is closed",
        })
    }
}

impl Error for LimitError {}

impl Error for TryLimitError {}
