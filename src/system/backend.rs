//! A system: one backend, the pool that its connectors share, and the pools that some of them have to themselves.
//!
//! All of them are pools of one manager, so that a new generation, a drain or the end concerns every connection to the backend.

use super::connector::handle::{ConnectorBuilder, Core};
use super::connector::status::ConnectorStatus;
use super::management::Management;
use crate::observe::Status;
use crate::pool::builder::Builder;
use crate::pool::drain::DrainReport;
use crate::pool::handle::Pool;
use crate::pool::manager::Manager;
use crate::pool::options::{Options, OptionsError};
use crate::sync::primitives::Mutex;
use futures::future::join_all;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// One backend: hosts and credentials (the manager), a GENERAL pool that its connectors share, and the pools that connectors in
/// other modes have to themselves. Cheap to clone; all clones are the same system.
///
/// ```
/// # use fairpool::{Limit, Management, System, doc::{Demo, block_on}};
/// # block_on(async {
/// let orders = System::builder(Demo, 16).name("orders").build()?; // at most 16 in the shared pool
/// let shop = orders.connector("shop").build()?; // from the shared pool
/// let reports = orders.connector("reports").management(Management::Custom(2)).build()?; // two of its own
/// let mut conn = shop.acquire().await?;
/// conn.query("select 1").await?;
/// reports.set_management(Management::General)?; // live: nobody who waits or holds a lease notices
/// # Ok(()) });
/// ```
pub struct System<M: Manager> {
    pub(super) shared: Arc<Shared<M>>,
}

/// Adds what the user wants to the builder of each pool.
type Configure<M> = Box<dyn Fn(Builder<Arc<M>>) -> Builder<Arc<M>> + Send + Sync>;

pub(super) struct Shared<M: Manager> {
    pub(super) name: Arc<str>,
    manager: Arc<M>,
    configure: Configure<M>,
    pub(super) general: Pool<Arc<M>>,
    family: Mutex<Family<M>>,
}

/// Who belongs to a system. Nothing is called under its lock.
struct Family<M: Manager> {
    /// The pools of connectors, those that serve their last line included.
    own: Vec<Pool<Arc<M>>>,
    connectors: Vec<Weak<Core<M>>>,
    /// The system drains or is closed: a pool that comes late is closed at once.
    ended: bool,
    /// The system is paused: so is a pool that comes late.
    paused: bool,
}

/// Builds a [`System`].
#[must_use = "a builder makes nothing until it is built"]
pub struct SystemBuilder<M: Manager> {
    manager: M,
    limit: u32,
    name: Arc<str>,
    options: Option<Options>,
    configure: Configure<M>,
}

impl<M: Manager> SystemBuilder<M> {
    /// What errors and status call it.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The options of every pool of this system, but for the limit.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// Has the builder of each of the system's pools pass through here: for hooks, observers, a runtime. Limits are set
    /// afterwards.
    ///
    /// ```
    /// # use fairpool::{System, doc::Demo};
    /// let system = System::builder(Demo, 8)
    ///     .pools(|pool| pool.after_connect(|conn| Box::pin(conn.query("set time zone 'UTC'"))))
    ///     .build()?;
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn pools(mut self, configure: impl Fn(Builder<Arc<M>>) -> Builder<Arc<M>> + Send + Sync + 'static) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// The system. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<System<M>, OptionsError> {
        let SystemBuilder {
            manager,
            limit,
            name,
            options,
            configure,
        } = self;
        let manager = Arc::new(manager);
        let builder = Pool::builder(manager.clone()).name(name.clone());
        let builder = match options {
            Some(options) => builder.options(options),
            None => builder,
        };
        let general = configure(builder).limit(limit).build()?;
        Ok(System {
            shared: Arc::new(Shared {
                name,
                manager,
                configure,
                general,
                family: Mutex::new(Family {
                    own: Vec::new(),
                    connectors: Vec::new(),
                    ended: false,
                    paused: false,
                }),
            }),
        })
    }
}

impl<M: Manager> System<M> {
    /// Begins a system over this manager, whose shared pool has this limit. It has no default: how many connections a backend
    /// bears is a decision.
    pub fn builder(manager: M, limit: u32) -> SystemBuilder<M> {
        SystemBuilder {
            manager,
            limit,
            name: "system".into(),
            options: None,
            configure: Box::new(|builder| builder),
        }
    }

    /// Begins a connector of this system.
    pub fn connector(&self, name: impl Into<Arc<str>>) -> ConnectorBuilder<M> {
        ConnectorBuilder::new(self.clone(), name.into())
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    /// The shared pool, with all its operations and live setters.
    pub fn pool(&self) -> &Pool<Arc<M>> {
        &self.shared.general
    }

    /// Every pool of this system: the shared one, then those of its connectors. For an operation on all of them:
    ///
    /// ```
    /// # use fairpool::{System, doc::Demo};
    /// # use std::time::Duration;
    /// # let system = System::builder(Demo, 8).build()?;
    /// for pool in system.pools() {
    ///     pool.set_connect_timeout(Duration::from_secs(5))?;
    /// }
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn pools(&self) -> Vec<Pool<Arc<M>>> {
        let mut pools = vec![self.shared.general.clone()];
        pools.extend(self.shared.living());
        pools
    }

    /// The manager that all pools of this system use.
    pub fn manager(&self) -> &M {
        &self.shared.manager
    }

    /// Starts a new generation in every pool: no connection whose connect began before is lent again.
    pub fn invalidate(&self) {
        self.pools().iter().for_each(Pool::invalidate);
    }

    /// Holds the lines of all pools, those that connectors will have from now on included: once this has returned nothing is lent
    /// or opened until [`resume`](System::resume). Nobody fails, but timeouts run on.
    pub fn pause(&self) {
        self.shared.family.lock().paused = true;
        self.shared.hold(&self.pools());
    }

    /// Goes on after a [`pause`](System::pause), in all pools.
    pub fn resume(&self) {
        self.shared.family.lock().paused = false;
        self.shared.hold(&self.pools());
    }

    /// Removes every request that waits for a connection of this system at this moment, as [`Pool::clear`] does. Returns how
    /// many.
    pub fn clear(&self) -> usize {
        self.pools().iter().map(Pool::clear).sum()
    }

    /// Ends all pools of the system as [`Pool::drain`] does, at the same time; a pool that a connector would have from now on is
    /// closed from the beginning.
    ///
    /// # Cancel safety
    ///
    /// A dropped drain goes on in every pool that it had begun to drain, which after its first poll are all.
    pub async fn drain(&self, patience: Duration) -> SystemDrainReport {
        self.shared.family.lock().ended = true;
        let pools = self.pools();
        let reports = join_all(pools.iter().map(|pool| pool.drain(patience))).await;
        SystemDrainReport { pools: reports }
    }

    /// Closes all pools of the system.
    pub fn close(&self) {
        self.shared.family.lock().ended = true;
        self.pools().iter().for_each(Pool::close);
    }

    /// The system's counts now.
    pub fn status(&self) -> SystemStatus {
        let connectors = {
            let family = self.shared.family.lock();
            family.connectors.iter().filter_map(Weak::upgrade).collect::<Vec<_>>()
        };
        let own = self.pools().iter().skip(1).map(Pool::status).collect::<Vec<_>>();
        SystemStatus {
            name: self.shared.name.clone(),
            general: self.shared.general.status(),
            occupied_elsewhere: own.iter().map(Status::occupied).sum(),
            connectors: connectors.iter().map(|core| core.status()).collect(),
        }
    }
}

impl<M: Manager> Shared<M> {
    /// A pool for this connector alone; `None` for the shared one.
    pub(super) fn own_pool(
        &self,
        connector: &str,
        management: Management,
    ) -> Result<Option<Pool<Arc<M>>>, OptionsError> {
        let builder = || {
            let name = format!("{}/{connector}", self.name);
            let builder = Pool::builder(self.manager.clone()).name(name);
            // What has been changed live counts more than what the user once configured.
            (self.configure)(builder).options(self.general.options())
        };
        let pool = match management {
            Management::General => return Ok(None),
            Management::Custom(size) => builder().limit(size).build()?,
            Management::None => builder().loose().build()?,
        };
        self.living();
        let ended = {
            let mut family = self.family.lock();
            family.own.push(pool.clone());
            family.ended
        };
        if ended {
            pool.close();
        }
        self.hold(std::slice::from_ref(&pool));
        Ok(Some(pool))
    }

    /// Has these pools paused or not as the system is. Of several callers at once the last to look sees them agree.
    fn hold(&self, pools: &[Pool<Arc<M>>]) {
        loop {
            let paused = self.family.lock().paused;
            pools.iter().for_each(|pool| match paused {
                true => pool.pause(),
                false => pool.resume(),
            });
            if self.family.lock().paused == paused {
                return;
            }
        }
    }

    /// The pools of connectors; forgets those that are over.
    fn living(&self) -> Vec<Pool<Arc<M>>> {
        let known = self.family.lock().own.clone();
        // Outside the lock: a status looks into the pool.
        let (over, living): (Vec<_>, Vec<_>) = known.into_iter().partition(is_over);
        if !over.is_empty() {
            let gone = |pool: &Pool<_>| over.iter().any(|gone| same(pool, gone));
            self.family.lock().own.retain(|pool| !gone(pool));
        }
        living
    }

    pub(super) fn enlist(&self, core: &Arc<Core<M>>) {
        let mut family = self.family.lock();
        family.connectors.retain(|known| known.strong_count() > 0);
        family.connectors.push(Arc::downgrade(core));
    }
}

/// It ends, and nobody and nothing is left in it: whether anybody was there to close it makes no difference.
fn is_over<M: Manager>(pool: &Pool<M>) -> bool {
    let status = pool.status();
    pool.is_closed() && status.occupied() == 0 && status.pending == 0
}

fn same<M: Manager>(one: &Pool<M>, other: &Pool<M>) -> bool {
    Arc::ptr_eq(&one.shared, &other.shared)
}

/// A system's counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemStatus {
    /// The system's name.
    pub name: Arc<str>,
    /// The shared pool.
    pub general: Status,
    /// Connections that are open or on their way outside the shared pool, in whatever mode.
    pub occupied_elsewhere: u32,
    /// Its connectors.
    pub connectors: Vec<ConnectorStatus>,
}

impl fmt::Display for SystemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SystemStatus {
            name,
            general,
            occupied_elsewhere,
            connectors,
        } = self;
        write!(f, "{name}: {general}; {occupied_elsewhere} occupied elsewhere")?;
        connectors.iter().try_for_each(|connector| write!(f, "\n  {connector}"))
    }
}

/// What a [`System::drain`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemDrainReport {
    /// One report for each pool, that of the shared one first.
    pub pools: Vec<DrainReport>,
}

impl SystemDrainReport {
    /// Whether every pool drained completely.
    pub fn completed(&self) -> bool {
        self.pools.iter().all(|report| report.completed)
    }
}

impl<M: Manager> Clone for System<M> {
    fn clone(&self) -> Self {
        System {
            shared: self.shared.clone(),
        }
    }
}

impl<M: Manager> fmt::Debug for System<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl<M: Manager> fmt::Debug for SystemBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemBuilder")
            .field("name", &self.name)
            .field("limit", &self.limit)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
