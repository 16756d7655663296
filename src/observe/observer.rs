//! Who listens to a pool, to what of it, and the scopes that a listener may open around what takes time.

use super::event::Event;

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

    /// What of each lease it wants to be told: nothing, unless this says so. Asked once, when the pool is built.
    fn interest(&self) -> Interest {
        Interest::RARE
    }

    /// Something begins that takes time; what is returned lives until that ends. Asked only where
    /// [`Interest::scopes`] is set.
    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        let _ = activity;
        None
    }
}

/// What an observer wants to see beyond the events that are rare. Each costs something with every lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Interest {
    /// [`Event::Acquired`] for each lease, not only for those that waited: every acquire leaves the shortest path.
    pub leases: bool,
    /// [`Event::Acquired`] for each lease, with evidence about the order of grants: a look at the line under its lock.
    pub order: bool,
    /// [`Event::Released`] for one lease in so many, chosen at random; 0 for none, 1 for each. A lease that is not chosen
    /// pays a comparison, one that is chosen pays two looks at the clock.
    pub use_time: u32,
    /// [`Observer::scope`] is asked when a request joins the line and when a connection is being opened.
    pub scopes: bool,
}

impl Interest {
    /// What is rare: waits, timeouts, connects, closes and the like. Costs a lease nothing.
    pub const RARE: Interest = Interest {
        leases: false,
        order: false,
        use_time: 0,
        scopes: false,
    };

    /// And each lease.
    #[must_use]
    pub const fn with_leases(mut self) -> Self {
        self.leases = true;
        self
    }

    /// And evidence about the order of grants.
    #[must_use]
    pub const fn with_order(mut self) -> Self {
        self.order = true;
        self
    }

    /// And how long one lease in so many lasted.
    #[must_use]
    pub const fn with_use_time(mut self, one_in: u32) -> Self {
        self.use_time = one_in;
        self
    }

    /// And scopes.
    #[must_use]
    pub const fn with_scopes(mut self) -> Self {
        self.scopes = true;
        self
    }

    /// What either wants.
    #[must_use]
    pub fn and(self, other: Interest) -> Self {
        let use_time = match (self.use_time, other.use_time) {
            (0, one_in) | (one_in, 0) => one_in,
            (one_in, other) => one_in.min(other),
        };
        Interest {
            leases: self.leases || other.leases,
            order: self.order || other.order,
            use_time,
            scopes: self.scopes || other.scopes,
        }
    }
}

/// What takes time in a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// A request waits in the line.
    Wait,
    /// A connection is being opened.
    Connect,
}

/// A listener's companion to one wait or one connect, dropped when that has ended, however it ended.
pub trait Scope: Send + Sync + 'static {
    /// Runs one poll of the manager's `connect` inside; it must call `poll` once.
    fn within(&self, poll: &mut dyn FnMut()) {
        poll();
    }

    /// How it ended. Not told where the task was dropped, panicked, or lost its runtime.
    fn ended(&self, ending: Ending) {
        let _ = ending;
    }
}

/// How a wait or a connect ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The request was served; the connection was opened.
    Done,
    /// The time ran out.
    TimedOut,
    /// It failed.
    Failed,
    /// `clear` removed the request.
    Cleared,
    /// The pool was closed.
    Closed,
    /// The request was dropped.
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_interests_together_are_what_either_wants() {
        let timed = Interest::RARE.with_use_time(64);
        assert_eq!(timed.and(Interest::RARE), timed);
        assert_eq!(Interest::RARE.and(timed), timed);
        assert_eq!(timed.and(Interest::RARE.with_use_time(8)).use_time, 8);
        let all = Interest::RARE
            .with_order()
            .and(Interest::RARE.with_scopes().with_leases());
        assert_eq!((all.leases, all.order, all.use_time, all.scopes), (true, true, 0, true));
    }
}
