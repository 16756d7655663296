//! The events of a pool, and the trait of those who listen.

use std::time::Duration;

/// Listens to a pool; given to [`Builder::observer`](crate::Builder::observer).
///
/// It runs on the thread that caused the event, often inside somebody's acquire or release: be quick, and do not block. A
/// panic in it is caught and dropped.
///
/// ```
/// use fairpool::{Event, Observer};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Default)]
/// struct Opened(AtomicU64);
///
/// impl Observer for Opened {
///     fn on(&self, event: &Event) {
///         if let Event::Opened { .. } = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn on(&self, event: &Event);

    /// Whether [`Event::Acquired`] shall carry evidence about the order of grants. It costs a look at the line, under its
    /// lock, for each acquire. Asked once, when the pool is built.
    fn wants_order(&self) -> bool {
        false
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request joined the line.
    Queued,
    /// A request got its connection.
    Acquired {
        /// How long it stood in the line; zero if it did not.
        waited: Duration,
        /// Evidence for [`OrderChecker`](crate::OrderChecker), where an observer wants it.
        order: Option<Order>,
    },
    /// A request's time ran out.
    TimedOut {
        /// How long it stood in the line.
        waited: Duration,
    },
    /// A request was refused because the line was full.
    QueueFull,
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
