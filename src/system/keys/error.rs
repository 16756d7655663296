//! Why a keyed pool gave no connection, in words that tell an operator where to look.

use super::status::KeyedCounts;
use crate::pool::error::ConnectFailure;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why [`Keyed::acquire`](crate::Keyed::acquire) failed. Its sources are told as by [`AcquireError`](crate::AcquireError).
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyedError<E> {
    /// The request's time ran out.
    Timeout(Box<KeyedTimeout<E>>),
    /// `queue_limit` requests stand in the lines already.
    QueueFull {
        /// The limit that was reached.
        queue_limit: u32,
    },
    /// [`Keyed::clear`](crate::Keyed::clear) or [`Keyed::clear_key`](crate::Keyed::clear_key) removed the request.
    Cleared,
    /// The pool drains or is closed.
    Closed,
    /// The key's backend refuses for good: see [`Manager::is_transient`](crate::Manager::is_transient).
    Connect(Arc<E>),
    /// No tokio runtime: polled outside one, with none given to the builder, so nobody could open a connection.
    NoRuntime,
}

/// The circumstances of a timeout in a keyed pool.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeyedTimeout<E> {
    /// What the request was waiting for when its time ran out.
    pub stage: KeyedStage,
    /// How long it had waited.
    pub waited: Duration,
    /// The most connections of all keys together.
    pub limit: u32,
    /// The most connections of one key.
    pub per_key: Option<u32>,
    /// Whether the pool was paused.
    pub paused: bool,
    /// The counts of all keys together.
    pub all: KeyedCounts,
    /// The counts of the request's own key.
    pub key: KeyedCounts,
    /// What the key's last attempt to connect came to, if it failed.
    pub last_connect: Option<ConnectFailure<E>>,
    /// The pool's name, if it was given one.
    pub pool: Option<Arc<str>>,
}

/// What a request in a keyed pool was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyedStage {
    /// Its turn in the line of its key: the key had its maximum.
    KeyLine,
    /// Its turn in the shared line: the limit was reached by all keys together.
    Line,
    /// A new connection, also while room is made for it or the backend rests after a failed attempt.
    Connect,
    /// An idle connection of its key that was being validated.
    Validate,
}

impl fmt::Display for KeyedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyedStage::KeyLine => "key line",
            KeyedStage::Line => "shared line",
            KeyedStage::Connect => "connect",
            KeyedStage::Validate => "validate",
        })
    }
}

impl<E: fmt::Display> fmt::Display for KeyedTimeout<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.stage {
            _ if self.paused => "the pool is paused",
            KeyedStage::KeyLine => "the key had its maximum",
            KeyedStage::Line => "every connection was taken",
            KeyedStage::Connect => "the key's backend gave no connection",
            KeyedStage::Validate => "an idle connection did not pass validation in time",
        };
        let (waited, stage) = (self.waited, self.stage);
        if let Some(pool) = &self.pool {
            write!(f, "pool {pool}: ")?;
        }
        write!(
            f,
            "no connection after {waited:?} (stage {stage}): {why}; limit {}",
            self.limit
        )?;
        if let Some(per_key) = self.per_key {
            write!(f, ", {per_key} a key")?;
        }
        write!(f, "; all keys: {}; this key: {}", self.all, self.key)?;
        match &self.last_connect {
            Some(failure) => write!(f, "; last connect failed: {failure}"),
            None => Ok(()),
        }
    }
}

impl<E: fmt::Display> fmt::Display for KeyedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyedError::Timeout(timeout) => timeout.fmt(f),
            KeyedError::QueueFull { queue_limit: 0 } => f.write_str("nobody may wait (queue_limit is 0)"),
            KeyedError::QueueFull { queue_limit } => write!(f, "the line is full ({queue_limit} requests wait)"),
            KeyedError::Cleared => f.write_str("the request was cleared from the line"),
            KeyedError::Closed => f.write_str("the pool is closed"),
            KeyedError::Connect(error) => write!(f, "the key's backend refuses connections: {error}"),
            KeyedError::NoRuntime => f.write_str("no tokio runtime to open a connection on"),
        }
    }
}

impl<E: Error + 'static> Error for KeyedError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            KeyedError::Timeout(timeout) => timeout.last_connect.as_ref()?.source(),
            KeyedError::Connect(error) => error.source(),
            _ => None,
        }
    }
}
