//! One checkout of a connector: its turn under the limit, then a connection, both before one deadline.

use super::super::limit::error::LimitError;
use super::super::management::Management;
use super::error::{ConnectorError, TryConnectorError};
use super::handle::{Connector, Core};
use super::lease::Lease;
use super::route::Route;
use crate::pool::clock::{between, nanos};
use crate::pool::error::{AcquireError, TryAcquireError};
use crate::pool::manager::Manager;
use crate::pool::notes::Site;
use crate::pool::owned::OwnedPooled;
use std::future::poll_fn;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

impl<M: Manager> Connector<M> {
    /// Takes a connection: waits for a turn under the limit, if the connector stands under one, then for a connection by its
    /// management; for at most its `acquire_timeout` in all.
    ///
    /// # Errors
    ///
    /// See [`ConnectorError`], which names the stage.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, the request leaves whichever line it stands in, and a permit that it held goes to the next.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<Lease<M>, ConnectorError<M::Error>>> + Send {
        let site = Location::caller();
        async move { self.core.acquire(self.core.patience(), site).await }
    }

    /// `acquire` with a timeout of its own.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Connector::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Connector::acquire).
    #[track_caller]
    pub fn acquire_within(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Lease<M>, ConnectorError<M::Error>>> + Send {
        self.core.acquire(nanos(timeout), Location::caller())
    }

    /// Takes a connection that is idle now, under a permit that is free now. It never waits and never opens one; in mode `None`,
    /// where nothing is idle, it always fails.
    ///
    /// # Errors
    ///
    /// Says why not, and at which stage.
    ///
    /// ```
    /// # use fairpool::{System, TryAcquireError, TryConnectorError, doc::{Demo, block_on}};
    /// # block_on(async {
    /// let shop = System::builder(Demo, 1).build()?.connector("shop").build()?;
    /// let lease = shop.acquire().await?;
    /// assert_eq!(shop.try_acquire().unwrap_err(), TryConnectorError::Connection(TryAcquireError::Empty));
    /// drop(lease);
    /// assert!(shop.try_acquire().is_ok());
    /// # Ok(()) });
    /// ```
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Lease<M>, TryConnectorError> {
        let permit = match self.core.limit() {
            Some(limit) => Some(limit.try_acquire_owned().map_err(TryConnectorError::Limit)?),
            None => None,
        };
        loop {
            let route = self.core.route();
            match route.pool.try_acquire_owned() {
                Ok(conn) => return Ok(Lease::new(conn, permit)),
                Err(TryAcquireError::Closed) if self.core.route().turn != route.turn => {}
                Err(error) => return Err(TryConnectorError::Connection(error)),
            }
        }
    }
}

impl<M: Manager> Core<M> {
    /// `site`: where in the user's code.
    async fn acquire(&self, patience: u64, site: Site) -> Result<Lease<M>, ConnectorError<M::Error>> {
        let began = self.clock.now();
        let remaining = || {
            let spent = self.clock.now().saturating_sub(began);
            Duration::from_nanos(patience.saturating_sub(spent))
        };
        let permit = loop {
            let Some(limit) = self.limit() else { break None };
            let mut admission = pin!(limit.acquire_owned_within(remaining()));
            let mut at_the_door = true;
            // Dropped here, the request leaves the limit's line.
            let admitted = poll_fn(|cx| {
                let first = std::mem::take(&mut at_the_door);
                admission.as_mut().poll(cx).map(|admitted| (admitted, first))
            });
            match admitted.await {
                (Ok(permit), _) => break Some(permit),
                // Closed before it joined the line, and not the connector's limit any more: it follows the connector.
                (Err(LimitError::Closed), true) if !self.is_under(&limit) => {}
                (Err(error), _) => {
                    return Err(ConnectorError::Limit {
                        connector: self.name().clone(),
                        limit: limit.name(),
                        error,
                    });
                }
            }
        };
        let admitted_after = match permit {
            Some(_) => between(began, self.clock.now()),
            None => Duration::ZERO,
        };
        let conn = loop {
            let route = self.route();
            // Dropped here, the request leaves the pool's line, and the permit goes to the next under the limit.
            match route.take(remaining(), site).await {
                // The connector has gone another way since, so that this request came too late: it follows.
                Err(AcquireError::Closed(_)) if self.route().turn != route.turn => {}
                outcome => break outcome,
            }
        };
        match conn {
            Ok(conn) => Ok(Lease::new(conn, permit)),
            Err(error) => Err(ConnectorError::Connection {
                connector: self.name().clone(),
                system: self.system.name().clone(),
                admitted_after,
                error,
            }),
        }
    }
}

impl<M: Manager> Route<M> {
    async fn take(&self, remaining: Duration, site: Site) -> Result<OwnedPooled<Arc<M>>, AcquireError<M::Error>> {
        match self.management {
            Management::None => self.pool.open_within(remaining, site).await,
            Management::General | Management::Custom(_) => self.pool.acquire_owned_at(remaining, site).await,
        }
    }
}
