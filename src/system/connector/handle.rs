//! The connector as users hold it, and its builder.

use super::super::backend::System;
use super::super::limit::handle::Limit;
use super::super::management::Management;
use super::route::Route;
use super::status::ConnectorStatus;
use crate::pool::clock::{Clock, nanos};
use crate::pool::handle::Pool;
use crate::pool::manager::Manager;
use crate::pool::options::OptionsError;
use crate::sync::primitives::{AtomicU64, Mutex, Ordering::Relaxed};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A named user of a [`System`]. Cheap to clone; all clones are the same connector.
///
/// A request first waits for its turn under the connector's [`Limit`], if it stands under one, and then takes a connection by
/// its [`Management`]; one deadline covers both, and an error names the stage. Whoever has been admitted holds the limit's permit
/// while it waits for a connection: a system that is slow or full can so hold up the limit, and everybody else under it.
///
/// ```
/// # use fairpool::{Limit, Management, System, doc::{Demo, block_on}};
/// # use std::time::Duration;
/// # block_on(async {
/// let exports = Limit::builder(2).name("exports").build()?;
/// let orders = System::builder(Demo, 16).name("orders").build()?;
/// let nightly = orders
///     .connector("nightly")
///     .limit(exports.clone())
///     .acquire_timeout(Duration::from_secs(5))
///     .build()?;
/// let conn = nightly.acquire().await?;
/// assert_eq!(exports.status().in_flight, 1);
/// drop(conn);
/// # Ok(()) });
/// ```
pub struct Connector<M: Manager> {
    pub(super) core: Arc<Core<M>>,
}

/// What all handles of one connector share.
pub(crate) struct Core<M: Manager> {
    name: Arc<str>,
    pub(super) system: System<M>,
    pub(super) clock: Clock,
    /// Replaced whole; nothing is called under it.
    pub(super) route: Mutex<Route<M>>,
    /// The same.
    limit: Mutex<Option<Limit>>,
    /// Nanoseconds; `u64::MAX` for any time, and `AS_THE_POOL` for that of the pool.
    acquire_timeout: AtomicU64,
}

/// No timeout of the connector's own: the pool's counts for both stages.
const AS_THE_POOL: u64 = 0;

/// Builds a [`Connector`].
#[must_use = "a builder makes nothing until it is built"]
pub struct ConnectorBuilder<M: Manager> {
    system: System<M>,
    name: Arc<str>,
    management: Management,
    limit: Option<Limit>,
    acquire_timeout: Option<Option<Duration>>,
}

impl<M: Manager> ConnectorBuilder<M> {
    pub(in super::super) fn new(system: System<M>, name: Arc<str>) -> Self {
        ConnectorBuilder {
            system,
            name,
            management: Management::General,
            limit: None,
            acquire_timeout: None,
        }
    }

    /// Where connections come from; `General` unless said otherwise.
    pub fn management(mut self, management: Management) -> Self {
        self.management = management;
        self
    }

    /// The limit above this connector, which others may share.
    pub fn limit(mut self, limit: impl Into<Option<Limit>>) -> Self {
        self.limit = limit.into();
        self
    }

    /// How long an acquire may take in both stages together; `None` for any time. Without this the timeout of the pool counts,
    /// for both stages as well.
    pub fn acquire_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.acquire_timeout = Some(timeout.into());
        self
    }

    /// The connector.
    ///
    /// # Errors
    ///
    /// The CUSTOM size or the timeout is out of its range.
    pub fn build(self) -> Result<Connector<M>, OptionsError> {
        let ConnectorBuilder {
            system,
            name,
            management,
            limit,
            acquire_timeout,
        } = self;
        let timeout = match acquire_timeout {
            None => AS_THE_POOL,
            Some(timeout) => judged(timeout)?,
        };
        let core = Arc::new(Core {
            name,
            clock: Clock::start(),
            route: Mutex::new(Route {
                management: Management::General,
                pool: system.pool().clone(),
                turn: 0,
            }),
            limit: Mutex::new(limit),
            acquire_timeout: AtomicU64::new(timeout),
            system,
        });
        core.set_management(management)?;
        core.system.shared.enlist(&core);
        Ok(Connector { core })
    }
}

impl<M: Manager> Connector<M> {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        self.core.name()
    }

    /// The system that it uses.
    pub fn system(&self) -> &System<M> {
        &self.core.system
    }

    /// Where its connections come from.
    pub fn management(&self) -> Management {
        self.core.route().management
    }

    /// The pool from which its connections come now, to look at or operate on: the shared one, or its own. In mode `None` it is a
    /// pool in which nothing is ever idle.
    pub fn pool(&self) -> Pool<Arc<M>> {
        self.core.route().pool
    }

    /// The limit above it.
    pub fn limit(&self) -> Option<Limit> {
        self.core.limit()
    }

    /// Changes where connections come from, live: requests that wait and leases that are out finish where they are, later ones go
    /// the new way. A CUSTOM pool that is left serves its line, then closes.
    ///
    /// # Errors
    ///
    /// The CUSTOM size is out of its range; nothing has changed.
    pub fn set_management(&self, management: Management) -> Result<(), OptionsError> {
        self.core.set_management(management)
    }

    /// Puts the connector under another limit, or none. Requests in the old limit's line, and leases under it, stay there.
    pub fn set_limit(&self, limit: impl Into<Option<Limit>>) {
        let limit = limit.into();
        let old = std::mem::replace(&mut *self.core.limit.lock(), limit);
        drop(old);
    }

    /// How long a request that begins from now on may take in both stages together; `None` for any time.
    ///
    /// # Errors
    ///
    /// The timeout is zero; nothing has changed.
    pub fn set_acquire_timeout(&self, timeout: impl Into<Option<Duration>>) -> Result<(), OptionsError> {
        self.core.acquire_timeout.store(judged(timeout.into())?, Relaxed);
        Ok(())
    }

    /// The connector's counts now.
    pub fn status(&self) -> ConnectorStatus {
        self.core.status()
    }
}

impl<M: Manager> Core<M> {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn limit(&self) -> Option<Limit> {
        self.limit.lock().clone()
    }

    pub(super) fn is_under(&self, limit: &Limit) -> bool {
        self.limit.lock().as_ref().is_some_and(|now| now.is(limit))
    }

    /// How long both stages may take, in nanoseconds.
    pub(super) fn patience(&self) -> u64 {
        match self.acquire_timeout.load(Relaxed) {
            AS_THE_POOL => self.route().pool.shared.live.acquire_timeout.load(Relaxed),
            own => own,
        }
    }

    pub(in super::super) fn status(&self) -> ConnectorStatus {
        let route = self.route();
        ConnectorStatus {
            name: self.name.clone(),
            management: route.management,
            limit: self.limit().map(|limit| (limit.name(), limit.status())),
            pool: route.pool.status(),
        }
    }
}

impl<M: Manager> Drop for Core<M> {
    /// The last handle and request are gone, perhaps not the last lease.
    fn drop(&mut self) {
        let pool = self.route().pool;
        self.leave(&pool);
    }
}

fn judged(timeout: Option<Duration>) -> Result<u64, OptionsError> {
    let fine = timeout != Some(Duration::ZERO);
    OptionsError::unless(fine, "acquire_timeout", &timeout.unwrap_or_default(), "more than 0")?;
    Ok(timeout.map_or(u64::MAX, nanos))
}

impl<M: Manager> Clone for Connector<M> {
    fn clone(&self) -> Self {
        Connector {
            core: self.core.clone(),
        }
    }
}

impl<M: Manager> fmt::Debug for Connector<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl<M: Manager> fmt::Debug for ConnectorBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorBuilder")
            .field("name", &self.name)
            .field("management", &self.management)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
