//! What a registry is made of: its store, the drivers of its connections, what is declared.

use super::super::models::{Connection, ConnectionType, QueryHost};
use super::super::store::{MemoryStore, Store};
use super::error::OpenError;
use super::fixed::{Declared, GeneralLimits};
use super::live::{Driver, Factory};
use super::root::Registry;
use super::state::{Inner, State};
use super::watchers::Watchers;
use super::write::WRITERS_IN_LINE;
use crate::sync::primitives::{AtomicBool, Mutex};
use crate::{Limit, Manager};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Builds a [`Registry`].
#[must_use = "a builder makes nothing until it is opened"]
pub struct RegistryBuilder {
    store: Box<dyn Store>,
    drivers: HashMap<ConnectionType, Arc<dyn Driver>>,
    declared: Declared,
    general: GeneralLimits,
    upgrade_patience: Duration,
    pub(super) watchers: Watchers,
}

impl RegistryBuilder {
    pub(super) fn new() -> Self {
        let builder = RegistryBuilder {
            store: Box::new(MemoryStore::new()),
            drivers: HashMap::new(),
            declared: Declared::new(),
            general: GeneralLimits::default(),
            watchers: Watchers::default(),
            upgrade_patience: super::upgrade::PATIENCE,
        };
        super::drivers::register(builder)
    }

    /// Where resources are kept; in memory unless said otherwise.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Box::new(store);
        self
    }

    /// How connections of a type become live: a manager for each of a connection's hosts, which are tried in turn. It is asked
    /// when a connection is defined, before anything changes, and must open nothing; its error is part of the refusal, so it shows
    /// no secret. The drivers of this crate whose features are on are registered already; this takes the place of one.
    ///
    /// ```
    /// # use fairpool::doc::{Demo, block_on};
    /// use fairpool::resource::models::{Connection, ConnectionType, QueryHost};
    /// use fairpool::resource::registry::Registry;
    ///
    /// # block_on(async {
    /// let demo = |_: &Connection, host: &QueryHost| match host.port() {
    ///     Some(80) => Ok(Demo),
    ///     _ => Err("only port 80 is answered here"),
    /// };
    /// let registry = Registry::builder().driver(ConnectionType::Http, demo).open().await?;
    /// # Ok(()) });
    /// ```
    pub fn driver<M, E>(
        self,
        kind: ConnectionType,
        driver: impl Fn(&Connection, &QueryHost) -> Result<M, E> + Send + Sync + 'static,
    ) -> Self
    where
        M: Manager,
        E: fmt::Display + 'static,
    {
        self.whole_driver(kind, move |connection| {
            let hosts = connection.query_hosts().iter();
            hosts.map(|host| driver(connection, host)).collect()
        })
    }

    /// The same by one call for all hosts of a connection, for what is dear to read and the same for all of them.
    pub(super) fn whole_driver<M, E>(
        mut self,
        kind: ConnectionType,
        driver: impl Fn(&Connection) -> Result<Vec<M>, E> + Send + Sync + 'static,
    ) -> Self
    where
        M: Manager,
        E: fmt::Display + 'static,
    {
        self.drivers.insert(kind, Arc::new(Factory::new(driver)));
        self
    }

    /// What the configuration file declares, which nobody else can change.
    pub fn fixed(mut self, declared: Declared) -> Self {
        self.declared = declared;
        self
    }

    /// How many connections the shared pools hold.
    pub fn general(mut self, limits: GeneralLimits) -> Self {
        self.general = limits;
        self
    }

    /// How long an [upgrade](Registry::upgrade) waits for connections to come back; 30 s unless said otherwise. Requests are held
    /// meanwhile, for 120 s at most.
    pub fn upgrade_patience(mut self, patience: Duration) -> Self {
        self.upgrade_patience = patience;
        self
    }

    /// Reads the store and makes everything live. What cannot be live is there all the same, and
    /// [`problems`](Registry::problems) says why it is not.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or a record of it; what is declared does not fit together; or there is no tokio runtime here.
    pub async fn open(self) -> Result<Registry, OpenError> {
        tokio::runtime::Handle::try_current().map_err(|_| OpenError::NoRuntime)?;
        let RegistryBuilder {
            store,
            drivers,
            declared,
            general,
            upgrade_patience,
            watchers,
        } = self;
        let writer = Limit::builder(1).queue_limit(WRITERS_IN_LINE).build();
        let inner = Arc::new(Inner {
            store,
            drivers,
            general: Mutex::new(general),
            upgrade_patience,
            watchers,
            writer: writer.expect("bug: 1 is a limit"),
            is_torn: AtomicBool::new(false),
            state: Mutex::new(State::default()),
        });
        let stored = Arc::new(inner.stored().await?);
        let beside = stored.clone();
        let done = inner.apart(move |inner| inner.judged(declared, &beside));
        let judged = done.await.map_err(OpenError::BrokenOff)?.map_err(OpenError::Declared)?;
        inner.enforce(judged, &stored);
        inner.follow(Arc::unwrap_or_clone(stored)).await?;
        Ok(Registry { inner })
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder")
            .field("store", &self.store)
            .field("drivers", &self.drivers.keys())
            .field("declared", &self.declared)
            .field("general", &self.general)
            .field("upgrade_patience", &self.upgrade_patience)
            .finish()
    }
}
