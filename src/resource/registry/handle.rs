//! How a service reaches what is live: by the connector's name, typed by the manager or not.

use super::current::Current;
use super::desk::Desk;
use super::error::{AnyConnectorError, HandleError};
use super::lease::{AnyLease, Leased};
use super::live::LiveConnector;
use crate::{Connector, ConnectorError, Manager};
use futures::future::BoxFuture;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// A connector of the registry. It follows every later change: of its mode, its limit, its connection, and its end. Cheap to
/// clone.
///
/// See [`Registry::handle`](super::Registry::handle) for an example.
pub struct Handle<M: Manager> {
    desk: Arc<Desk>,
    manager: PhantomData<fn() -> M>,
}

/// A connector of the registry whose manager need not be known. Otherwise as a [`Handle`].
#[derive(Clone)]
pub struct AnyHandle {
    desk: Arc<Desk>,
}

type Outcome<M> = Result<Leased<M>, HandleError<ConnectorError<<M as Manager>::Error>>>;

impl<M: Manager> Handle<M> {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Handle {
            desk,
            manager: PhantomData,
        }
    }

    /// The connector's name.
    pub fn name(&self) -> &str {
        self.desk.name().as_str()
    }

    /// Takes a connection: waits for a turn under the connection pool's limit, if the connector is under one, for as long as
    /// that pool allows; then for a connection, for as long as its driver's `acquire_timeout` allows. An API proxy's
    /// `connectionRequestTimeout` bounds both together instead; after that a request goes on only if an attempt to connect that is
    /// under way can serve it, for at most another `connectTimeout`.
    ///
    /// # Errors
    ///
    /// [`HandleError`] names the stage.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, the request leaves whichever line it stands in, and a permit that it held goes to the next.
    ///
    /// # Panics
    ///
    /// An API proxy's request has to wait for a connection, and there is no tokio runtime with timers here.
    pub async fn acquire(&self) -> Outcome<M> {
        self.request(None).await
    }

    /// `acquire` within this time in all.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Handle::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Handle::acquire).
    pub async fn acquire_within(&self, timeout: Duration) -> Outcome<M> {
        self.request(Some(timeout)).await
    }

    async fn request(&self, within: Option<Duration>) -> Outcome<M> {
        // Boxed, as it is deep: in the futures of a service, with a driver's errors in it, the compiler would give up its layout.
        let connect = |live: Arc<dyn LiveConnector>, left: Option<Duration>| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let connector = live.as_any().downcast_ref::<Connector<Current<M>>>();
                let Some(connector) = connector else {
                    return Err(HandleError::OtherManager(self.desk.name().clone()));
                };
                let lease = match left {
                    Some(left) => connector.acquire_within(left).await,
                    None => connector.acquire().await,
                };
                lease.map_err(HandleError::Connection)
            })
        };
        let (lease, places) = self.desk.serve(within, connect).await?;
        Ok(Leased::new(lease, places))
    }
}

impl AnyHandle {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        AnyHandle { desk }
    }

    /// The connector's name.
    pub fn name(&self) -> &str {
        self.desk.name().as_str()
    }

    /// As [`Handle::acquire`].
    ///
    /// # Errors
    ///
    /// [`HandleError`] names the stage.
    ///
    /// # Cancel safety
    ///
    /// As [`Handle::acquire`].
    pub async fn acquire(&self) -> Result<AnyLease, HandleError<AnyConnectorError>> {
        self.request(None).await
    }

    /// As [`Handle::acquire_within`].
    ///
    /// # Errors
    ///
    /// As [`acquire`](AnyHandle::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](AnyHandle::acquire).
    pub async fn acquire_within(&self, timeout: Duration) -> Result<AnyLease, HandleError<AnyConnectorError>> {
        self.request(Some(timeout)).await
    }

    async fn request(&self, within: Option<Duration>) -> Result<AnyLease, HandleError<AnyConnectorError>> {
        let connect = |live: Arc<dyn LiveConnector>, left: Option<Duration>| async move {
            live.acquire(left).await.map_err(HandleError::Connection)
        };
        let (lease, places) = self.desk.serve(within, connect).await?;
        Ok(lease.with(places))
    }
}

impl<M: Manager> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Handle::new(self.desk.clone())
    }
}

impl<M: Manager> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("connector", &self.name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AnyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyHandle")
            .field("connector", &self.name())
            .finish_non_exhaustive()
    }
}
