//! What can happen in a pool.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// What happened. What is rare is always told; what happens with every lease, to those whose [`Interest`](crate::Interest)
/// it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request joined the line.
    Queued,
    /// A request got its connection. Told of those that waited in the line; of all, where somebody is interested in leases.
    Acquired {
        /// How long it stood in the line; zero if it did not.
        waited: Duration,
        /// Evidence for [`OrderChecker`](crate::OrderChecker), where an observer wants it.
        order: Option<Order>,
    },
    /// A lease has ended. Told of a sample, as far as somebody is interested in it.
    Released {
        /// How long the connection was lent.
        used: Duration,
    },
    /// A request's time ran out.
    TimedOut {
        /// How long it stood in the line.
        waited: Duration,
    },
    /// A request was refused because the line was full.
    QueueFull,
    /// A request was refused, or removed from the line, since no connection can be had.
    Refused {
        /// Since the pool is draining or closed; otherwise since its backend cannot be connected to, and no retry will help.
        closed: bool,
    },
    /// A request was dropped while it stood in the line.
    Cancelled,
    /// `clear` removed so many requests.
    Cleared {
        /// How many.
        requests: usize,
    },
    /// An attempt to connect begins.
    Connecting,
    /// A connection was opened.
    Opened {
        /// How long that took.
        took: Duration,
    },
    /// An attempt to connect failed.
    ConnectFailed {
        /// How long that took.
        took: Duration,
        /// What went wrong, in the words of the error and of its sources.
        cause: Arc<str>,
    },
    /// A validation ended.
    Validated {
        /// How long it took.
        took: Duration,
        /// Whether the connection passed.
        sound: bool,
    },
    /// A reset ended.
    Reset {
        /// How long it took.
        took: Duration,
        /// Whether the connection is clean.
        clean: bool,
    },
    /// A lease has lasted for longer than
    /// [`report_leases_over`](crate::Builder::report_leases_over). Told once for each, while it still lasts.
    LongLease {
        /// For how long by now.
        held: Duration,
        /// Where it was taken.
        taken_at: &'static Location<'static>,
    },
    /// A request has to wait whose task holds a connection of this pool already, as far as
    /// [`warn_nested`](crate::Builder::warn_nested) can tell: when all do so, none goes on.
    Nested {
        /// Where the request was made.
        waiting_at: &'static Location<'static>,
        /// Where the connection was taken.
        holding_at: &'static Location<'static>,
    },
    /// A connection left the pool.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

/// Why a connection left its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Broken, marked so, or dropped by a panic.
    Broken,
    /// It failed its validation.
    Invalid,
    /// Its reset failed.
    Unclean,
    /// Unused for too long.
    Idle,
    /// Too old.
    Lifetime,
    /// It went back to a pool that has no place for it any more: of an older generation, above a lowered limit, or after
    /// the end of the pool.
    Retired,
    /// Its holder took it along.
    Detached,
    /// It was opened for one lease only.
    Unpooled,
}

/// Evidence about one grant, gathered under the line's lock. Tickets are numbered from 1 as they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Tickets drawn before the request was first polled.
    pub drawn_before: u64,
    /// The request's own ticket, if it had to wait.
    pub ticket: Option<u64>,
    /// The first ticket still in the line after the grant.
    pub still_waiting: Option<u64>,
}
