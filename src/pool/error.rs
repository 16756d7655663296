//! Why an operation on the pool failed, in words that tell an operator where to look.
//!
//! A backend that is down never looks like a pool that is merely busy: a timeout names the phase in which the time went, the
//! counts at that moment, and what the last attempt to connect came to.

use crate::observe::{State, Status};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why [`Pool::acquire`](crate::Pool::acquire) failed.
///
/// The text contains that of the manager's error, if there is one, so [`source`](Error::source) skips that and goes on with its own
/// source: a report of the whole chain says nothing twice. The error itself is in the variant.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcquireError<E> {
    /// The request's time ran out.
    Timeout(Box<Timeout<E>>),
    /// `queue_limit` requests wait already.
    #[non_exhaustive]
    QueueFull {
        /// The limit that was reached.
        queue_limit: u32,
        /// Of which pool; and how its backend is, since the line may be full because that is down.
        refusal: Box<Refusal<E>>,
    },
    /// [`Pool::clear`](crate::Pool::clear) removed the request from the line.
    Cleared,
    /// The pool drains or is closed.
    Closed(Box<Refusal<E>>),
    /// No connection is open and the backend refuses for good: see [`Manager::is_transient`](crate::Manager::is_transient).
    Connect(Arc<E>),
    /// As `Connect`, but the manager panicked.
    ConnectPanicked,
    /// No tokio runtime: polled outside one, with none given to the builder, so nobody could open a connection.
    NoRuntime,
    /// [`Pool::acquire_blocking`](crate::Pool::acquire_blocking) was called in async code, where a thread that waits may stop
    /// the runtime.
    WouldBlock,
}

// Boxed where it is more than two words: an error's size is paid by every acquire that succeeds.

/// Which pool refused a request at once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal<E> {
    /// The pool's name, if it was given one.
    pub pool: Option<Arc<str>>,
    /// What its connections lead to, if the manager says so.
    pub backend: Option<Arc<str>>,
    /// What the last attempt to connect came to, if it failed.
    pub last_connect: Option<ConnectFailure<E>>,
}

/// The circumstances of a timeout.
#[derive(Debug)]
#[non_exhaustive]
pub struct Timeout<E> {
    /// What the request was waiting for when its time ran out.
    pub phase: Phase,
    /// How long it had waited.
    pub waited: Duration,
    /// The pool's counts at that moment.
    pub status: Status,
    /// What the last attempt to connect came to, if it failed.
    pub last_connect: Option<ConnectFailure<E>>,
    /// For how long the longest of the attempts to connect had been under way, if there were any.
    pub connecting_for: Option<Duration>,
    /// The pool's name, if it was given one.
    pub pool: Option<Arc<str>>,
    /// What its connections lead to, if the manager says so.
    pub backend: Option<Arc<str>>,
}

/// What a request was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Every connection that the limit allows was open and with somebody else: the pool is busy (or paused).
    Queue,
    /// The limit allowed another connection, and the backend had not given one: the backend is slow, or down.
    Connect,
    /// An idle connection was being validated, and had not answered.
    Validate,
}

/// How an attempt to connect failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectFailure<E> {
    /// The manager's error.
    Error(Arc<E>),
    /// It took longer than [`Options::connect_timeout`](crate::Options::connect_timeout).
    TimedOut,
    /// The manager panicked.
    Panicked,
}

/// Why [`Pool::try_acquire`](crate::Pool::try_acquire) returned nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// Nothing is idle; the supervisor has been asked for a connection (a [`Keyed`](crate::Keyed) pool asks for none).
    Empty,
    /// Others wait, and come first.
    Waiting,
    /// The pool is paused.
    Paused,
    /// The pool drains or is closed.
    Closed,
}

/// Why [`Pool::warm_up`](crate::Pool::warm_up) stopped short. Its sources are told as by [`AcquireError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum WarmUpError<E> {
    /// The time of one acquire ran out before so many connections were open.
    Timeout {
        /// Connections open at that moment.
        open: u32,
        /// What the last attempt to connect came to, if it failed.
        last_connect: Option<ConnectFailure<E>>,
    },
    /// The backend refuses for good.
    Connect(ConnectFailure<E>),
    /// The limit is lower than what was asked for.
    OverLimit {
        /// The pool's limit.
        limit: u32,
    },
    /// The pool drains or is closed.
    Closed,
    /// No tokio runtime to open connections on.
    NoRuntime,
}

impl<E> Clone for ConnectFailure<E> {
    fn clone(&self) -> Self {
        match self {
            ConnectFailure::Error(error) => ConnectFailure::Error(error.clone()),
            ConnectFailure::TimedOut => ConnectFailure::TimedOut,
            ConnectFailure::Panicked => ConnectFailure::Panicked,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectFailure::Error(error) => error.fmt(f),
            ConnectFailure::TimedOut => f.write_str("no answer within connect_timeout"),
            ConnectFailure::Panicked => f.write_str("the manager panicked"),
        }
    }
}

impl<E: Error + 'static> ConnectFailure<E> {
    /// The error with its sources, each told once.
    pub(crate) fn in_words(&self) -> Arc<str> {
        let mut words = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let more = error.to_string();
            // Many errors end with their source already.
            if !words.ends_with(&more) {
                words.push_str(": ");
                words.push_str(&more);
            }
            source = error.source();
        }
        words.into()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Queue => "queue",
            Phase::Connect => "connect",
            Phase::Validate => "validate",
        })
    }
}

/// Without the digits that nobody reads.
fn brief(time: Duration) -> Duration {
    match time.as_nanos() {
        0..1_000_000 => time,
        _ => Duration::from_millis(time.as_millis() as u64),
    }
}

impl<E: fmt::Display> fmt::Display for Timeout<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.phase {
            Phase::Queue if self.status.state == State::Paused => "the pool is paused",
            Phase::Queue if self.status.resetting + self.status.closing > 0 => {
                "every connection was in use, being cleaned or being closed"
            }
            Phase::Queue => "every connection was in use",
            Phase::Connect => "gave no connection",
            Phase::Validate => "an idle connection did not pass validation in time",
        };
        if let Some(pool) = &self.pool {
            write!(f, "pool {pool}: ")?;
        }
        write!(
            f,
            "no connection after {:?} (phase {}): ",
            brief(self.waited),
            self.phase
        )?;
        if self.phase == Phase::Connect {
            write!(f, "{} ", self.backend.as_deref().unwrap_or("the backend"))?;
        }
        write!(f, "{why}; {}", self.status)?;
        if let (Phase::Connect, Some(time)) = (self.phase, self.connecting_for) {
            write!(f, "; an attempt to connect has had no answer for {:?}", brief(time))?;
        }
        tell_failure(f, self.last_connect.as_ref(), self.backend.as_deref())
    }
}

/// The manager's own error names what it is about; the pool's words about it do not.
fn tell_failure<E: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    failure: Option<&ConnectFailure<E>>,
    backend: Option<&str>,
) -> fmt::Result {
    match (failure, backend) {
        (None, _) => Ok(()),
        (Some(failure @ ConnectFailure::TimedOut), Some(backend)) => {
            write!(f, "; last connect to {backend} failed: {failure}")
        }
        (Some(failure), _) => write!(f, "; last connect failed: {failure}"),
    }
}

impl<E: fmt::Display> fmt::Display for AcquireError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquireError::Timeout(timeout) => timeout.fmt(f),
            AcquireError::QueueFull { queue_limit, refusal } => {
                if let Some(pool) = &refusal.pool {
                    write!(f, "pool {pool}: ")?;
                }
                match queue_limit {
                    0 => f.write_str("no connection was idle, and nobody may wait (queue_limit 0)")?,
                    _ => write!(f, "the line is full (queue_limit {queue_limit})")?,
                }
                tell_failure(f, refusal.last_connect.as_ref(), refusal.backend.as_deref())
            }
            AcquireError::Cleared => f.write_str("the request was cleared from the line"),
            AcquireError::Closed(refusal) => {
                if let Some(pool) = &refusal.pool {
                    write!(f, "pool {pool}: ")?;
                }
                f.write_str("the pool is closed")
            }
            AcquireError::Connect(error) => write!(f, "the backend refuses connections: {error}"),
            AcquireError::ConnectPanicked => f.write_str("the manager panicked while connecting"),
            AcquireError::NoRuntime => f.write_str("no tokio runtime to open a connection on"),
            AcquireError::WouldBlock => f.write_str(
                "a blocking acquire in async code could stop the runtime: await `acquire`, or move to `spawn_blocking`",
            ),
        }
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Empty => "no connection is idle",
            TryAcquireError::Waiting => "other requests wait",
            TryAcquireError::Paused => "the pool is paused",
            TryAcquireError::Closed => "the pool is closed",
        })
    }
}

impl<E: fmt::Display> fmt::Display for WarmUpError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WarmUpError::Timeout {
                open,
                last_connect: Some(failure),
            } => {
                write!(
                    f,
                    "only {open} connections were opened in time; last connect failed: {failure}"
                )
            }
            WarmUpError::Timeout {
                open,
                last_connect: None,
            } => {
                write!(f, "only {open} connections were opened in time")
            }
            WarmUpError::Connect(failure) => write!(f, "the backend refuses connections: {failure}"),
            WarmUpError::OverLimit { limit } => write!(f, "more connections were asked for than the limit of {limit}"),
            WarmUpError::Closed => f.write_str("the pool is closed"),
            WarmUpError::NoRuntime => f.write_str("no tokio runtime to open a connection on"),
        }
    }
}

impl<E: Error + 'static> Error for ConnectFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ConnectFailure::Error(error) => error.source(),
            _ => None,
        }
    }
}

impl<E: Error + 'static> Error for AcquireError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            AcquireError::Timeout(timeout) => timeout.last_connect.as_ref()?.source(),
            AcquireError::QueueFull { refusal, .. } => refusal.last_connect.as_ref()?.source(),
            AcquireError::Connect(error) => error.source(),
            _ => None,
        }
    }
}

impl Error for TryAcquireError {}

impl<E: Error + 'static> Error for WarmUpError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            WarmUpError::Timeout {
                last_connect: Some(failure),
                ..
            }
            | WarmUpError::Connect(failure) => failure.source(),
            _ => None,
        }
    }
}
