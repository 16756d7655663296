//! Why the registry refused, failed to open, or lent no connection: one line each, without secrets.

use super::super::models::{ConnectionType, ConnectorName, Invalid};
use super::super::store::{Kind, StoreError};
use super::fixed::DeclareError;
pub use super::kind::ResourceKind;
use crate::{AcquireError, ConnectorError, DynError, LimitError, Status};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why the registry did not do what it was asked. Nothing has changed, unless it says otherwise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is none of this name.
    NotFound {
        /// Of which kind.
        kind: ResourceKind,
        /// Which one.
        name: String,
    },
    /// It would break these rules.
    Invalid(Invalid),
    /// Another one has this name already.
    Taken {
        /// Of which kind.
        kind: ResourceKind,
        /// Which name.
        name: String,
    },
    /// The configuration file declares it, so only the file changes it.
    Fixed {
        /// Of which kind.
        kind: ResourceKind,
        /// Which one.
        name: String,
    },
    /// Others need it.
    InUse {
        /// Of which kind.
        kind: ResourceKind,
        /// Which one.
        name: String,
        /// The connectors that use it.
        by: Vec<ConnectorName>,
    },
    /// It waits for what it had lent before it was drained.
    StillOut {
        /// Of which kind.
        kind: ResourceKind,
        /// Which one.
        name: String,
        /// Requests that wait, and connections that are lent or not closed yet.
        left: u32,
    },
    /// No driver here makes connections of this type live.
    NoDriver(ConnectionType),
    /// Nothing here can do this, and why.
    Unsupported(String),
    /// It cannot be done now, and why. A change that was under way when its runtime ended may have been stored.
    Unavailable(String),
    /// The store is slow: too many changes wait for it already.
    Crowded {
        /// How many.
        waiting: u32,
    },
    /// The change panicked, perhaps in a driver or a store. Before the next one the store is read.
    Panicked,
    /// The store did not take the change, or did not say so: one that failed may be found in it later.
    Store(StoreError),
}

/// Why a registry did not open.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OpenError {
    /// The store could not be read.
    Store(StoreError),
    /// A record of the store is no resource of today's rules.
    Unreadable {
        /// Of which kind.
        kind: Kind,
        /// Which one.
        key: String,
        /// What is wrong with it; no values.
        reason: String,
    },
    /// What was declared does not fit together.
    Declared(DeclareError),
    /// It was broken off.
    BrokenOff(RegistryError),
    /// `open` was not called on a tokio runtime.
    NoRuntime,
}

/// Why a handle lent no connection. `E` is why the connector gave none: a [`ConnectorError`], or an [`AnyConnectorError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum HandleError<E> {
    /// The connector is paused or drained.
    Held {
        /// Which one.
        connector: ConnectorName,
        /// What became of the request.
        error: LimitError,
    },
    /// The connection pool, under whose limit the connector is, admitted nobody.
    Limit {
        /// Which one.
        connector: ConnectorName,
        /// The connection pool.
        pool: Arc<str>,
        /// Why not.
        error: LimitError,
    },
    /// The connection gave none.
    Connection(E),
    /// The time that an API proxy's settings allow for the wait in line ran out, and no attempt to connect that is under way can
    /// serve the request.
    Expired {
        /// Which one.
        connector: ConnectorName,
        /// How long it had waited for a connection.
        waited: Duration,
        /// The counts of the pool that it uses, at that moment.
        status: Box<Status>,
    },
    /// The request was cleared from the connector's line.
    Cleared(ConnectorName),
    /// The connector has been deleted.
    Deleted(ConnectorName),
    /// The connector's connection is there, but not live.
    NotLive {
        /// Which one.
        connector: ConnectorName,
        /// Why not.
        reason: Arc<str>,
    },
    /// The connector's connection is now one of another manager than the handle is for.
    OtherManager(ConnectorName),
}

impl RegistryError {
    pub(super) fn not_found(kind: ResourceKind, name: impl fmt::Display) -> Self {
        let name = name.to_string();
        RegistryError::NotFound { kind, name }
    }

    pub(super) fn fixed(kind: ResourceKind, name: impl fmt::Display) -> Self {
        let name = name.to_string();
        RegistryError::Fixed { kind, name }
    }

    pub(super) fn taken(kind: ResourceKind, name: impl fmt::Display) -> Self {
        let name = name.to_string();
        RegistryError::Taken { kind, name }
    }
}

impl From<Invalid> for RegistryError {
    fn from(invalid: Invalid) -> Self {
        RegistryError::Invalid(invalid)
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryError::NotFound { kind, name } => write!(f, "there is no {kind} {name:?}"),
            RegistryError::Invalid(invalid) => invalid.fmt(f),
            RegistryError::Taken { kind, name } => write!(f, "another {kind} is called {name:?} already"),
            RegistryError::Fixed { kind, name } => {
                write!(f, "the {kind} {name:?} is declared in the configuration file")
            }
            RegistryError::InUse { kind, name, by } => {
                write!(f, "the {kind} {name:?} is used by ")?;
                by.iter().enumerate().try_for_each(|(at, name)| {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{:?}", name.as_str())
                })
            }
            RegistryError::StillOut { kind, name, left } => write!(
                f,
                "the {kind} {name:?} was drained and {left} of its connections and requests are left: resume it when they have finished"
            ),
            RegistryError::NoDriver(kind) => write!(f, "connections of type {kind} are not supported here"),
            RegistryError::Unsupported(reason) | RegistryError::Unavailable(reason) => f.write_str(reason),
            RegistryError::Crowded { waiting } => write!(f, "the store is slow: {waiting} changes wait for it already"),
            RegistryError::Panicked => f.write_str("the change panicked"),
            RegistryError::Store(error) => write!(f, "store: {error}"),
        }
    }
}

// The sources' texts are part of ours.
impl Error for RegistryError {}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Store(error) => write!(f, "store: {error}"),
            OpenError::Unreadable { kind, key, reason } => write!(f, "store: {kind} {key:?}: {reason}"),
            OpenError::Declared(error) => write!(f, "declared: {error}"),
            OpenError::BrokenOff(error) => error.fmt(f),
            OpenError::NoRuntime => f.write_str("a registry opens on a tokio runtime"),
        }
    }
}

impl Error for OpenError {}

/// Why a connector of a manager that is not known here gave no connection.
#[derive(Debug, Clone)]
pub struct AnyConnectorError {
    is_timeout: bool,
    is_closed: bool,
    error: DynError,
}

impl AnyConnectorError {
    /// The [`ConnectorError`] inside, to downcast it.
    pub fn inner(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }
}

impl<E: Error + Send + Sync + 'static> From<ConnectorError<E>> for AnyConnectorError {
    fn from(error: ConnectorError<E>) -> Self {
        AnyConnectorError {
            is_timeout: error.is_timeout(),
            is_closed: error.is_closed(),
            error: Arc::new(error),
        }
    }
}

impl fmt::Display for AnyConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for AnyConnectorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// What a handle wants to know of a connector's error.
pub(super) trait Outcome {
    fn is_timeout(&self) -> bool;
    /// The connector's pool is over.
    fn is_closed(&self) -> bool;
}

impl<E> Outcome for ConnectorError<E> {
    fn is_timeout(&self) -> bool {
        ConnectorError::is_timeout(self)
    }

    fn is_closed(&self) -> bool {
        let ConnectorError::Connection { error, .. } = self else {
            return false;
        };
        matches!(error, AcquireError::Closed(_))
    }
}

impl Outcome for AnyConnectorError {
    fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }
}

#[expect(private_bounds, reason = "only the two errors of connectors stand in it")]
impl<E: Outcome> HandleError<E> {
    /// Whether the request's time ran out, wherever it stood.
    pub fn is_timeout(&self) -> bool {
        match self {
            HandleError::Held { error, .. } | HandleError::Limit { error, .. } => {
                matches!(error, LimitError::Timeout(_))
            }
            HandleError::Connection(error) => error.is_timeout(),
            HandleError::Expired { .. } => true,
            _ => false,
        }
    }
}

impl<E: fmt::Display> fmt::Display for HandleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandleError::Held { connector, error } => write!(f, "connector '{connector}': {error}"),
            HandleError::Limit { connector, pool, error } => {
                write!(f, "connector '{connector}' under connection pool '{pool}': {error}")
            }
            HandleError::Connection(error) => error.fmt(f),
            HandleError::Expired {
                connector,
                waited,
                status,
            } => write!(
                f,
                "connector '{connector}': no connection after {waited:?}, and none is on its way; {status}"
            ),
            HandleError::Cleared(connector) => {
                write!(f, "connector '{connector}': the request was cleared from the line")
            }
            HandleError::Deleted(connector) => write!(f, "connector '{connector}' has been deleted"),
            HandleError::NotLive { connector, reason } => write!(f, "connector '{connector}': {reason}"),
            HandleError::OtherManager(connector) => write!(
                f,
                "connector '{connector}' now uses a connection of another manager than this handle is for"
            ),
        }
    }
}

impl<E: Error + 'static> Error for HandleError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            HandleError::Connection(error) => error.source(),
            _ => None,
        }
    }
}
