//! What there is: the resources with what makes them live, under one lock, and what the registry was built with.
//!
//! **Lock**: held for a look or a replacement; nothing live is called and nothing dropped under it. Whoever changes anything
//! holds the writers' permit (`write.rs`) meanwhile, so that between two looks only readers come.

use super::super::models::{
    Connection, ConnectionName, ConnectionSettings, ConnectionType, Connector, ConnectorId, ConnectorName, DatabaseId,
    DatabasePoolName, DatabaseRecord, PoolId,
};
use super::super::store::{Store, Version};
use super::database_pools::DatabasePoolEntry;
use super::databases::DatabaseEntry;
use super::desk::Desk;
use super::error::{RegistryError, ResourceKind};
use super::fixed::{GeneralLimits, Proxy};
use super::live::{Driver, LiveSystem};
use super::pools::Pools;
use super::watchers::Watchers;
use crate::Limit;
use crate::sync::primitives::{AtomicBool, Mutex};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Inner {
    pub(super) store: Box<dyn Store>,
    pub(super) drivers: HashMap<ConnectionType, Arc<dyn Driver>>,
    pub(super) general: Mutex<GeneralLimits>,
    /// How long an upgrade waits for leases.
    pub(super) watchers: Watchers,
    pub(super) upgrade_patience: Duration,
    /// The writers' line: one permit, held for the length of a change.
    pub(super) writer: Limit,
    /// What is here may differ from the store's contents, since a change was cut off after its commit had begun. Only who holds the
    /// permit reads or writes it, and takes it over with the permit.
    pub(super) is_torn: AtomicBool,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) pools: Pools,
    pub(super) connections: BTreeMap<ConnectionName, Arc<ConnectionEntry>>,
    pub(super) connectors: BTreeMap<ConnectorName, Arc<ConnectorEntry>>,
    /// The connectors that ask to be under a pool's limit.
    pub(super) under: BTreeMap<PoolId, BTreeSet<ConnectorName>>,
    /// By `project/proxy`, declared or not.
    pub(super) settings: BTreeMap<String, (ConnectionSettings, Version)>,
    pub(super) databases: BTreeMap<DatabaseId, Arc<DatabaseEntry>>,
    /// By database, declared or not.
    pub(super) database_records: BTreeMap<String, (DatabaseRecord, Version)>,
    /// The same.
    pub(super) database_pools: BTreeMap<String, BTreeMap<DatabasePoolName, Arc<DatabasePoolEntry>>>,
    /// As the file declares them.
    pub(super) projects: BTreeMap<String, BTreeMap<String, Proxy>>,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Fixed,
    Stored(Version),
}

/// The system of a connection, or why there is none.
pub(super) type MaybeLive = Result<Arc<dyn LiveSystem>, Arc<str>>;

pub(super) struct ConnectionEntry {
    pub(super) model: Arc<Connection>,
    pub(super) origin: Origin,
    pub(super) system: MaybeLive,
}

pub(super) struct ConnectorEntry {
    pub(super) model: Connector,
    pub(super) origin: Origin,
    pub(super) desk: Arc<Desk>,
    /// An API proxy's, those that count.
    pub(super) settings: Option<ConnectionSettings>,
}

impl Inner {
    pub(super) fn connection_entry(&self, name: &str) -> Option<Arc<ConnectionEntry>> {
        self.state.lock().connections.get(name).cloned()
    }

    pub(super) fn known_connection(&self, name: &str) -> Result<Arc<ConnectionEntry>, RegistryError> {
        let entry = self.connection_entry(name);
        entry.ok_or_else(|| RegistryError::not_found(ResourceKind::Connection, name))
    }

    pub(super) fn connector_entry(&self, name: &str) -> Option<Arc<ConnectorEntry>> {
        self.state.lock().connectors.get(name).cloned()
    }
}

impl State {
    pub(super) fn system(&self, connection: &ConnectionName) -> MaybeLive {
        match self.connections.get(connection) {
            Some(entry) => entry.system.clone(),
            None => Err(format!("there is no connection {:?}", connection.as_str()).into()),
        }
    }

    pub(super) fn limit(&self, id: Option<PoolId>) -> Option<Limit> {
        Some(self.pools.by_id(id?)?.limit.clone())
    }

    pub(super) fn users(&self, connection: &str) -> Vec<Arc<ConnectorEntry>> {
        let entries = self.connectors.values();
        let users = entries.filter(|entry| entry.model.connection().as_str() == connection);
        users.cloned().collect()
    }

    /// Puts a connector in the place of what had its name. Returns that, to be dropped without the lock.
    pub(super) fn put_connector(&mut self, entry: ConnectorEntry) -> Option<Arc<ConnectorEntry>> {
        let name = entry.model.name().clone();
        let old = self.take_connector(name.as_str());
        if let Some(id) = entry.model.connection_pool_id() {
            self.under.entry(id).or_default().insert(name.clone());
        }
        self.connectors.insert(name, Arc::new(entry));
        old
    }

    pub(super) fn take_connector(&mut self, name: &str) -> Option<Arc<ConnectorEntry>> {
        let old = self.connectors.remove(name)?;
        if let Some(id) = old.model.connection_pool_id() {
            let under = self.under.entry(id).or_default();
            under.remove(name);
            if under.is_empty() {
                self.under.remove(&id);
            }
        }
        Some(old)
    }

    /// An id for a connector that no store has numbered, the same after a restart as long as no two names meet. Above what a store
    /// draws in a lifetime, and exact in a JSON number.
    pub(super) fn id_of_declared(&self, name: &ConnectorName) -> ConnectorId {
        const FIRST: u64 = 1 << 52;
        // FNV-1a.
        let hash = name.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let is_taken = |id: ConnectorId| {
            let mut others = self.connectors.values();
            others.any(|other| other.model.id() == id && other.model.name() != name)
        };
        (0..)
            .map(|step| FIRST + hash.wrapping_add(step) % FIRST)
            .map(|id| ConnectorId::new(id).expect("bug: an id of 53 bits is in range"))
            .find(|&id| !is_taken(id))
            .expect("bug: there are more ids than connectors")
    }
}
