//! A look at the pool in numbers.

use std::fmt;
use std::time::Duration;

/// The pool's counts at one moment. Connections move while they are counted, so the counts may not quite add up (they are
/// not taken under one lock); at rest they do: `idle + in_use + connecting + validating + resetting + closing` connections
/// are open or on their way, and the rest of `limit` is vacant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The most connections there may be.
    pub limit: u32,
    /// Open and waiting to be lent.
    pub idle: u32,
    /// Lent.
    pub in_use: u32,
    /// Being opened.
    pub connecting: u32,
    /// Being validated before they are lent.
    pub validating: u32,
    /// Being cleaned after they came back.
    pub resetting: u32,
    /// On their way out: they still count against the limit.
    pub closing: u32,
    /// Requests waiting.
    pub pending: u32,
    /// How long the first in line has waited.
    pub oldest_wait: Option<Duration>,
    /// Raised by each [`Pool::invalidate`](crate::Pool::invalidate).
    pub generation: u32,
    /// Whether the pool lends.
    pub state: State,
    /// What has happened so far.
    pub totals: Totals,
}

/// Whether a pool lends connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It does.
    Open,
    /// The line is held; nobody fails.
    Paused,
    /// Nobody new is admitted; the line and the leases finish.
    Draining,
    /// Nobody is served any more.
    Closed,
}

/// What has happened in a pool since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Totals {
    /// Connections lent and given back.
    pub leases: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections closed, dropped or detached.
    pub closed: u64,
    /// Attempts to connect that failed.
    pub connect_failures: u64,
    /// Requests that had to wait in the line.
    pub queued: u64,
    /// Requests whose time ran out.
    pub timeouts: u64,
    /// Requests that `clear` removed.
    pub cleared: u64,
    /// Requests dropped while they waited.
    pub cancelled: u64,
}

impl Status {
    /// Connections that exist or are on their way; never more than the limit except by a shrink's debt.
    pub fn occupied(&self) -> u32 {
        self.open() + self.connecting
    }

    /// Connections that exist.
    pub fn open(&self) -> u32 {
        self.idle + self.in_use + self.validating + self.resetting + self.closing
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status {
            limit,
            idle,
            in_use,
            connecting,
            pending,
            ..
        } = self;
        write!(
            f,
            "limit {limit}, in use {in_use}, idle {idle}, connecting {connecting}"
        )?;
        for (count, what) in [
            (self.validating, "validating"),
            (self.resetting, "resetting"),
            (self.closing, "closing"),
        ] {
            if count > 0 {
                write!(f, ", {what} {count}")?;
            }
        }
        write!(f, ", pending {pending}")?;
        match self.state {
            State::Open => Ok(()),
            State::Paused => f.write_str(", paused"),
            State::Draining => f.write_str(", draining"),
            State::Closed => f.write_str(", closed"),
        }
    }
}
