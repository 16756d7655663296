//! Why a session's statement failed: on the way to a server connection, at the server, or by the session's mode.

use super::super::error::{Error, said};
use super::mode::{SessionMode, SessionState};
use crate::{AcquireError, KeyedError};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// Why a call of a [`Session`](super::Session) failed.
///
/// The text is one line and begins with the phase: whether there was no server connection, the server refused, or the session
/// did.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::{Refusal, SessionError, SessionMode};
///
/// let error = SessionError::Refused { mode: SessionMode::Statement, refusal: Refusal::Transaction };
/// assert_eq!(
///     error.to_string(),
///     "refused in statement mode: a transaction of several statements, of which nothing took effect"
/// );
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The pool gave no server connection; nothing was sent.
    Acquire(AcquireError<Error>),
    /// The same for a session with a login of its own.
    Login {
        /// Whose.
        user: Arc<str>,
        /// What the pool of all users said.
        error: KeyedError<Error>,
    },
    /// The session was opened without a login, and its pool names no user: [`ManagedSessions`](super::ManagedSessions).
    Nobody,
    /// The server refused, or the network failed on the way to it and back.
    Server {
        /// The database and where it is.
        database: Arc<str>,
        /// What was said.
        error: tokio_postgres::Error,
    },
    /// The session's mode does not allow it; nothing of it took effect.
    Refused {
        /// The mode.
        mode: SessionMode,
        /// What was not allowed.
        refusal: Refusal,
    },
    /// The session's transaction is rolled back, or will be: nothing of it takes effect. After this came from anything but a
    /// `commit`, the session goes on with a `ROLLBACK`.
    Aborted(Abortion),
    /// In session mode the server connection has ended, and the session's state with it: open another session.
    Lost {
        /// The database and where it is.
        database: Arc<str>,
    },
    /// The same, after `DISCARD ALL` or `DEALLOCATE ALL`, which took the prepared statements that tokio-postgres counts on; so did a
    /// pooler between here and the server, if there is one.
    Discarded {
        /// The database and where it is.
        database: Arc<str>,
    },
    /// An [audit](super::Sessions::audit) has found what the text of the statements did not tell. They took effect, and what
    /// they left in the session is gone.
    LeftBehind {
        /// The mode.
        mode: SessionMode,
        /// What was found, with its name.
        found: Vec<(SessionState, String)>,
    },
}

/// What a mode does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A transaction over several statements, in statement mode.
    Transaction,
    /// Session state that would be lost, see [`Losses::Refuse`](super::Losses).
    State(SessionState),
    /// `BEGIN`, `COMMIT` and `ROLLBACK` as SQL while a [`SessionTransaction`](super::SessionTransaction) is at it.
    Control,
    /// [`Session::transaction`](super::Session::transaction) while SQL has a transaction open.
    Nested,
    /// `COPY` from or to the client by a call that has no data to send and nowhere to put it.
    Copy,
}

/// Why a transaction came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Abortion {
    /// A statement of it failed, so a commit would have rolled back.
    Failed,
    /// The future of one of its statements was dropped before the answer came.
    Dropped,
    /// Its server connection has ended. If that happened in a commit, nobody knows its outcome.
    Disconnected,
    /// `DEALLOCATE ALL` took the prepared statements of its server connection, which was closed.
    Discarded,
    /// It was over before its commit.
    Ended,
}

const DISCARDED: &str =
    "the connection's prepared statements are gone, as after DISCARD ALL or DEALLOCATE ALL, so it was closed";

impl SessionError {
    /// The server's SQLSTATE, if it was the server that refused.
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            SessionError::Server { error, .. } => error.code(),
            SessionError::Acquire(AcquireError::Connect(error)) => error.code(),
            SessionError::Login {
                error: KeyedError::Connect(error),
                ..
            } => error.code(),
            _ => None,
        }
    }

    /// What was refused, if the session's mode did it.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            SessionError::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }

    /// What tokio-postgres said, if it did.
    pub fn postgres(&self) -> Option<&tokio_postgres::Error> {
        match self {
            SessionError::Server { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::Acquire(error) => write!(f, "no server connection: {error}"),
            SessionError::Login { user, error } => write!(f, "no server connection for {user}: {error}"),
            SessionError::Nobody => {
                f.write_str("no server connection: the pool names no user, and the session was opened without one")
            }
            SessionError::Server { database, error } => write!(f, "{database}: {}", said(error)),
            SessionError::Refused { mode, refusal } => write!(f, "refused in {mode} mode: {refusal}"),
            SessionError::Aborted(why) => write!(f, "the transaction is rolled back: {why}"),
            SessionError::Lost { database } => {
                write!(f, "{database}: the session is lost with its server connection")
            }
            SessionError::Discarded { database } => {
                write!(f, "{database}: the session is lost: {DISCARDED}")
            }
            SessionError::LeftBehind { mode, found } => {
                write!(f, "lost in {mode} mode, though what made it took effect: ")?;
                for (at, (state, name)) in found.iter().enumerate() {
                    write!(f, "{}{state} ({name})", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Transaction => f.write_str("a transaction of several statements, of which nothing took effect"),
            Refusal::State(state) => {
                write!(f, "{state}, which would be lost at once; use {}", state.instead())
            }
            Refusal::Control => f.write_str("SQL that begins or ends a transaction within one that its guard ends"),
            Refusal::Nested => f.write_str("a transaction within one that SQL began"),
            Refusal::Copy => f.write_str("COPY from or to the client; use `connection` of a transaction"),
        }
    }
}

impl fmt::Display for Abortion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abortion::Failed => "a statement of it failed",
            Abortion::Dropped => "a statement of it was dropped before it was answered",
            Abortion::Disconnected => "its server connection has ended",
            Abortion::Discarded => DISCARDED,
            Abortion::Ended => "it was over before its commit",
        })
    }
}

impl StdError for SessionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            SessionError::Acquire(error) => error.source(),
            SessionError::Login { error, .. } => error.source(),
            SessionError::Server { error, .. } => error.source().and_then(StdError::source),
            _ => None,
        }
    }
}
