//! Why a connector gave no connection, and at which of its two stages.

use super::super::limit::error::{LimitError, TryLimitError};
use crate::pool::error::{AcquireError, TryAcquireError};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why [`Connector::acquire`](crate::Connector::acquire) failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectorError<E> {
    /// The first stage: the request was not admitted under the connector's limit. The system has not been asked.
    Limit {
        /// The connector.
        connector: Arc<str>,
        /// The limit that it stands under.
        limit: Arc<str>,
        /// Why not.
        error: LimitError,
    },
    /// The second stage: the request was admitted, and the system gave no connection.
    Connection {
        /// The connector.
        connector: Arc<str>,
        /// The system that it uses.
        system: Arc<str>,
        /// How long it took to be admitted.
        admitted_after: Duration,
        /// Why not.
        error: AcquireError<E>,
    },
}

/// Why [`Connector::try_acquire`](crate::Connector::try_acquire) gave no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryConnectorError {
    /// The limit admitted nobody. The system has not been asked.
    Limit(TryLimitError),
    /// The system had no connection to give.
    Connection(TryAcquireError),
}

/// The two stages of an acquire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Waiting for a turn under the connector's limit.
    Limit,
    /// Waiting for a connection of the system.
    Connection,
}

impl<E> ConnectorError<E> {
    /// The stage at which it failed.
    pub fn stage(&self) -> Stage {
        match self {
            ConnectorError::Limit { .. } => Stage::Limit,
            ConnectorError::Connection { .. } => Stage::Connection,
        }
    }

    /// Whether time ran out, at either stage.
    pub fn is_timeout(&self) -> bool {
        matches!(
            self,
            ConnectorError::Limit {
                error: LimitError::Timeout(_),
                ..
            } | ConnectorError::Connection {
                error: AcquireError::Timeout(_),
                ..
            }
        )
    }
}

impl TryConnectorError {
    /// The stage at which it failed.
    pub fn stage(&self) -> Stage {
        match self {
            TryConnectorError::Limit(_) => Stage::Limit,
            TryConnectorError::Connection(_) => Stage::Connection,
        }
    }
}

impl fmt::Display for TryConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryConnectorError::Limit(error) => write!(f, "stage limit: {error}"),
            TryConnectorError::Connection(error) => write!(f, "stage connection: {error}"),
        }
    }
}

// No source: its text is part of ours.
impl Error for TryConnectorError {}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Limit => "limit",
            Stage::Connection => "connection",
        })
    }
}

impl<E: fmt::Display> fmt::Display for ConnectorError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectorError::Limit {
                connector,
                limit,
                error,
            } => write!(f, "connector '{connector}' (stage limit, '{limit}'): {error}"),
            ConnectorError::Connection {
                connector,
                system,
                admitted_after,
                error,
            } => {
                write!(f, "connector '{connector}' (stage connection, system '{system}'")?;
                // Less is the clock's own noise, not a wait.
                if *admitted_after >= Duration::from_millis(1) {
                    write!(f, ", admitted after {admitted_after:?}")?;
                }
                write!(f, "): {error}")
            }
        }
    }
}

impl<E: Error + 'static> Error for ConnectorError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Their text is part of ours.
        match self {
            ConnectorError::Limit { error, .. } => error.source(),
            ConnectorError::Connection { error, .. } => error.source(),
        }
    }
}
