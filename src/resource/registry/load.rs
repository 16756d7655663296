//! What a store holds, read as resources; and how what is live comes to agree with it: when a registry opens, and when a change
//! was cut off or somebody else has written.

use super::super::models::{
    Connection, ConnectionPool, ConnectionSettings, Connector, DatabasePool, DatabaseRecord, PoolId, Stored,
};
use super::super::store::{Kind, Record, Version};
use super::connections::Way;
use super::desk::Live;
use super::error::{OpenError, RegistryError};
use super::state::{ConnectionEntry, Inner, Origin};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A store's contents, by what they are found by.
#[derive(Default, Clone)]
pub(super) struct Loaded {
    pub(super) pools: BTreeMap<PoolId, (ConnectionPool, Version)>,
    pub(super) connections: BTreeMap<String, (Connection, Version)>,
    pub(super) connectors: BTreeMap<String, (Connector, Version)>,
    pub(super) settings: BTreeMap<String, (ConnectionSettings, Version)>,
    pub(super) databases: BTreeMap<String, (DatabaseRecord, Version)>,
    /// By the database's id and the pool's name.
    pub(super) database_pools: BTreeMap<(String, String), (DatabasePool, Version)>,
}

/// A connection as the store has it, and as it is here.
type Differing = (Connection, Origin, Option<Arc<ConnectionEntry>>);

/// One that its driver has seen.
type Prepared = (Arc<Connection>, Origin, Result<Way, String>);

impl Inner {
    /// Reads the store and makes what differs live.
    pub(super) async fn load(self: &Arc<Self>) -> Result<(), OpenError> {
        let stored = self.stored().await?;
        self.follow(stored).await
    }

    /// What the store has.
    pub(super) async fn stored(&self) -> Result<Loaded, OpenError> {
        let contents = self.store.load().await.map_err(OpenError::Store)?;
        let mut loaded = Loaded::default();
        for record in contents.records {
            loaded.take(record)?;
        }
        Ok(loaded)
    }

    /// The same, for a change that finds that it must.
    pub(super) async fn reload(self: &Arc<Self>) -> Result<(), RegistryError> {
        self.load().await.map_err(unreadable)
    }

    /// Has what is live agree with this.
    pub(super) async fn follow(self: &Arc<Self>, mut loaded: Loaded) -> Result<(), OpenError> {
        let (databases, pools) = (&mut loaded.databases, &mut loaded.database_pools);
        self.load_databases(std::mem::take(databases), std::mem::take(pools))
            .await?;
        let (names, changed) = self.differing(std::mem::take(&mut loaded.connections));
        let ways = self.apart(move |inner| {
            let ways = changed.into_iter().map(|(model, origin, before)| {
                let way = inner.way(&model, before.as_deref());
                (Arc::new(model), origin, way)
            });
            ways.collect::<Vec<_>>()
        });
        self.follow_rest(loaded, &names, ways.await.map_err(OpenError::BrokenOff)?);
        Ok(())
    }

    /// The names of all, and those that are not here as the store has them.
    fn differing(&self, connections: BTreeMap<String, (Connection, Version)>) -> (BTreeSet<String>, Vec<Differing>) {
        let names = connections.keys().cloned().collect();
        let changed = connections.into_values().filter_map(|(model, version)| {
            let origin = Origin::Stored(version);
            let before = self.connection_entry(model.name().as_str());
            let is_other = |entry: &Arc<ConnectionEntry>| entry.origin != Origin::Fixed && entry.origin != origin;
            before.as_ref().is_none_or(is_other).then_some((model, origin, before))
        });
        (names, changed.collect())
    }

    /// `names`: of the stored connections, of which `ways` are those that differ.
    fn follow_rest(&self, loaded: Loaded, names: &BTreeSet<String>, ways: Vec<Prepared>) {
        self.follow_pools(loaded.pools);
        let known: Vec<_> = self.state.lock().connections.values().cloned().collect();
        for (model, origin, way) in ways {
            self.place_connection(model, origin, way);
        }
        for entry in known {
            let name = entry.model.name().as_str();
            if entry.origin != Origin::Fixed && !names.contains(name) {
                self.remove_connection(name);
            }
        }
        self.follow_connectors(loaded.connectors);
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let entries = state.settings.iter();
            entries.map(|(key, (_, version))| (key.clone(), *version)).collect()
        };
        for key in known.keys().filter(|key| !loaded.settings.contains_key(*key)) {
            self.place_settings(key, None);
        }
        for (key, (model, version)) in loaded.settings {
            if known.get(&key) != Some(&version) {
                self.place_settings(&key, Some((model, version)));
            }
        }
    }

    fn follow_pools(&self, pools: BTreeMap<PoolId, (ConnectionPool, Version)>) {
        let known: BTreeMap<PoolId, Version> = {
            let state = self.state.lock();
            let entries = state.pools.all().iter();
            entries.map(|entry| (entry.model.id(), entry.version)).collect()
        };
        for id in known.keys().filter(|id| !pools.contains_key(id)) {
            self.remove_pool(*id, || {});
        }
        let changed = pools
            .into_iter()
            .filter(|(id, (_, version))| known.get(id) != Some(version));
        self.place_pools(changed.map(|(_, pool)| pool).collect());
    }

    fn follow_connectors(&self, connectors: BTreeMap<String, (Connector, Version)>) {
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let entries = state.connectors.values();
            entries
                .map(|entry| (entry.model.name().to_string(), entry.origin))
                .collect()
        };
        for (name, origin) in &known {
            if *origin != Origin::Fixed && !connectors.contains_key(name) {
                self.remove_connector(name);
            }
        }
        for (name, (model, version)) in connectors {
            let origin = Origin::Stored(version);
            if known
                .get(&name)
                .is_none_or(|before| *before != Origin::Fixed && *before != origin)
            {
                self.place_connector(model, origin, None);
            }
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let state = self.state.lock();
        let connections = state.connections.values().filter_map(|entry| {
            let reason = entry.system.as_ref().err()?;
            Some(format!("connection {:?}: {reason}", entry.model.name().as_str()))
        });
        let connectors = state
            .connectors
            .values()
            .filter_map(|entry| match entry.desk.seat().live {
                Live::No(reason) => Some(format!("connector {:?}: {reason}", entry.model.name().as_str())),
                Live::Yes(_) | Live::Deleted => None,
            });
        let pools = state.under.iter().filter(|(id, _)| state.pools.by_id(**id).is_none());
        let limits = pools.flat_map(|(id, names)| {
            names.iter().map(move |name| {
                let name = name.as_str();
                format!("connector {name:?}: there is no connection pool {id}, so it is under no limit")
            })
        });
        let all = connections.chain(connectors).chain(limits);
        all.chain(super::load_databases::problems(&state)).collect()
    }
}

impl Loaded {
    fn take(&mut self, record: Record) -> Result<(), OpenError> {
        let version = record.version;
        match record.kind {
            Kind::ConnectionPool => {
                let pool: ConnectionPool = read(&record, true)?;
                self.pools.insert(pool.id(), (pool, version));
            }
            Kind::Connection => {
                let connection: Connection = read(&record, false)?;
                self.connections
                    .insert(connection.name().to_string(), (connection, version));
            }
            Kind::Connector => {
                let connector: Connector = read(&record, true)?;
                self.connectors
                    .insert(connector.name().to_string(), (connector, version));
            }
            Kind::ConnectionSettings => {
                let settings = read(&record, false)?;
                self.settings.insert(record.key, (settings, version));
            }
            Kind::DatabasePool => {
                let pool = read(&record, false)?;
                let (id, name) = record.key.rsplit_once('/').unwrap_or_default();
                let key = (id.to_owned(), name.to_owned());
                self.database_pools.insert(key, (pool, version));
            }
            Kind::Database => {
                let database = read(&record, false)?;
                self.databases.insert(record.key, (database, version));
            }
            // Others keep theirs.
            _ => {}
        }
        Ok(())
    }
}

pub(super) fn unreadable(error: OpenError) -> RegistryError {
    match error {
        OpenError::Store(error) => RegistryError::Store(error),
        OpenError::BrokenOff(error) => error,
        error => RegistryError::Unavailable(error.to_string()),
    }
}

/// `is_numbered`: its key is its id, which its body does not have.
fn read<T: Stored>(record: &Record, is_numbered: bool) -> Result<T, OpenError> {
    let unreadable = |reason: String| OpenError::Unreadable {
        kind: record.kind,
        key: record.key.clone(),
        reason,
    };
    let mut value: Value = record.body.read().map_err(|error| unreadable(error.to_string()))?;
    if let (true, Some(fields)) = (is_numbered, value.as_object_mut()) {
        let number = record.key.parse::<u64>();
        let number = number.map_err(|_| unreadable("its key is no number".to_owned()))?;
        fields.insert("id".to_owned(), number.into());
    }
    T::from_store(&value).map_err(|invalid| unreadable(invalid.to_string()))
}
