//! What a store holds, read as resources; and how what is live comes to agree with it: when a registry opens, and when a change
//! was cut off or somebody else has written.

use super::super::models::{Connection, ConnectionPool, ConnectionSettings, Connector, PoolId, Stored};
use super::super::store::{Kind, Record, Version};
use super::desk::Live;
use super::error::{OpenError, RegistryError};
use super::state::{Inner, Origin};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A store's contents, by what they are found by.
#[derive(Default)]
struct Loaded {
    pools: BTreeMap<PoolId, (ConnectionPool, Version)>,
    connections: BTreeMap<String, (Connection, Version)>,
    connectors: BTreeMap<String, (Connector, Version)>,
    settings: BTreeMap<String, (ConnectionSettings, Version)>,
}

impl Inner {
    /// Reads the store and makes what differs live.
    pub(super) async fn load(&self) -> Result<(), OpenError> {
        let contents = self.store.load().await.map_err(OpenError::Store)?;
        let mut loaded = Loaded::default();
        for record in contents.records {
            loaded.take(record)?;
        }
        self.follow(loaded);
        Ok(())
    }

    /// The same, for a change that finds that it must.
    pub(super) async fn reload(&self) -> Result<(), RegistryError> {
        self.load().await.map_err(|error| match error {
            OpenError::Store(error) => RegistryError::Store(error),
            error => RegistryError::Unavailable(error.to_string()),
        })
    }

    fn follow(&self, loaded: Loaded) {
        let Loaded {
            pools,
            connections,
            connectors,
            settings,
        } = loaded;
        self.follow_pools(pools);
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let entries = state.connections.values();
            entries
                .map(|entry| (entry.model.name().to_string(), entry.clone()))
                .collect()
        };
        for (name, (model, version)) in &connections {
            let origin = Origin::Stored(*version);
            let before = known.get(name);
            if before.is_none_or(|entry| entry.origin != Origin::Fixed && entry.origin != origin) {
                let way = self.way(model, before.map(|entry| &**entry));
                self.place_connection(Arc::new(model.clone()), origin, way);
            }
        }
        for (name, entry) in known {
            if entry.origin != Origin::Fixed && !connections.contains_key(&name) {
                self.remove_connection(&name);
            }
        }
        self.follow_connectors(connectors);
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let entries = state.settings.iter();
            entries.map(|(key, (_, version))| (key.clone(), *version)).collect()
        };
        for key in known.keys().filter(|key| !settings.contains_key(*key)) {
            self.place_settings(key, None);
        }
        for (key, (model, version)) in settings {
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
        connections.chain(connectors).chain(limits).collect()
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
            // Others keep theirs.
            _ => {}
        }
        Ok(())
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
