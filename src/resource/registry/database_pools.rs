//! Family 2: the pools of a managed database, each live from the moment in which its creation is acknowledged.

use super::super::models::{
    DatabasePool, DatabasePoolDefinition, DatabasePoolName, DatabasePoolReplacement, Engine, PoolConnection,
};
use super::super::store::{Change, Kind, Version};
use super::connections::FAREWELL;
use super::database::{LivePool, Way};
use super::databases::DatabaseEntry;
use super::error::{RegistryError, ResourceKind};
use super::root::Registry;
use super::state::Inner;
use super::write::{Plan, body};
use std::sync::Arc;

/// A pool as it is now.
pub(super) struct DatabasePoolEntry {
    pub(super) model: DatabasePool,
    pub(super) version: Version,
    /// Or why it is not.
    pub(super) live: Result<Arc<LivePool>, Arc<str>>,
}

const KIND: ResourceKind = ResourceKind::DatabasePool;

/// # Family 2: pools of managed databases
impl Registry {
    /// The pools of a database, by name.
    ///
    /// # Errors
    ///
    /// There is no such database, or its engine has no pools.
    pub fn database_pools(&self, id: &str) -> Result<Vec<DatabasePool>, RegistryError> {
        self.inner.pooling(id)?;
        let state = self.inner.state.lock();
        let pools = state
            .database_pools
            .get(id)
            .into_iter()
            .flat_map(|pools| pools.values());
        Ok(pools.map(|entry| entry.model.clone()).collect())
    }

    /// A pool of a database.
    ///
    /// # Errors
    ///
    /// There is no such database, its engine has no pools, or there is no pool of this name.
    pub fn database_pool(&self, id: &str, name: &str) -> Result<DatabasePool, RegistryError> {
        Ok(self.inner.known_database_pool(id, name)?.model.clone())
    }

    /// Where a pool leads, as its answers show it.
    ///
    /// # Errors
    ///
    /// As [`database_pool`](Registry::database_pool).
    pub fn database_connection(&self, id: &str, name: &str) -> Result<PoolConnection, RegistryError> {
        let pool = self.database_pool(id, name)?;
        Ok(self.database(id)?.connection_of(&pool))
    }

    /// Makes a pool. Nothing is opened before somebody asks for it.
    ///
    /// With a `user` all its sessions are that user, with the password that the file declares of him (`[[database.user]]`) or, if
    /// he is the server URL's own user, with the URL's. Of anybody else no password is known, so an empty one is shown to a server that
    /// asks for one. Without a `user` each session is whom it is opened for, with the password that it brings; the URL's is not
    /// lent to anybody.
    ///
    /// ```
    /// # use fairpool::{doc::block_on, resource::registry::Registry};
    /// use fairpool::resource::models::{DatabaseDefinition, DatabasePoolDefinition};
    /// use fairpool::resource::registry::{Declared, RegistryError};
    /// use serde_json::json;
    ///
    /// # block_on(async {
    /// let url = "postgresql://doadmin:secret@db.example:25060/defaultdb";
    /// let orders = DatabaseDefinition::try_from(json!({"id": "orders", "engine": "pg", "url": url}))?;
    /// let registry = Registry::builder().fixed(Declared::new().database(orders)).open().await?;
    ///
    /// let pool = json!({"name": "backend-pool", "mode": "transaction", "size": 10, "db": "defaultdb", "user": "doadmin"});
    /// let pool = DatabasePoolDefinition::try_from(pool)?;
    /// let made = registry.create_database_pool("orders", pool.clone()).await;
    /// # #[cfg(feature = "postgres")]
    /// assert_eq!(made?.size(), 10);
    /// let again = registry.create_database_pool("orders", pool).await;
    /// # #[cfg(feature = "postgres")]
    /// assert!(matches!(again, Err(RegistryError::Taken { .. })));
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// As [`database_pool`](Registry::database_pool); its name is taken, or the store did not take it.
    pub async fn create_database_pool(
        &self,
        id: &str,
        definition: DatabasePoolDefinition,
    ) -> Result<DatabasePool, RegistryError> {
        let id = id.to_owned();
        self.write(move |inner| {
            let (database, id) = (inner.pooling(&id)?, id.clone());
            let pool = DatabasePool::from(definition.clone());
            let state = inner.state.lock();
            if state
                .database_pools
                .get(&id)
                .is_some_and(|pools| pools.contains_key(pool.name()))
            {
                return Err(RegistryError::taken(KIND, pool.name()));
            }
            drop(state);
            Plan::apart(move |_| {
                let way = Way::of(&database.model, &pool).map_err(RegistryError::Unsupported)?;
                let insert = Change::Insert {
                    kind: Kind::DatabasePool,
                    key: key(&id, pool.name()),
                    body: body(&pool),
                };
                Plan::commit(vec![insert], move |inner, committed| {
                    inner.place_database_pool(&id, pool.clone(), committed.version, Ok(way));
                    pool
                })
            })
        })
        .await
    }

    /// Replaces all of a pool but its name. Another `size` or `mode` is live at once; another `db` or `user` starts a new
    /// generation: what was opened before is lent no more, and closes when it comes back.
    ///
    /// # Errors
    ///
    /// As [`database_pool`](Registry::database_pool), or the store did not take it.
    pub async fn replace_database_pool(
        &self,
        id: &str,
        name: &str,
        replacement: DatabasePoolReplacement,
    ) -> Result<DatabasePool, RegistryError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.write(move |inner| {
            let (database, id) = (inner.pooling(&id)?, id.clone());
            let known = inner.known_database_pool(&id, &name)?;
            let pool = known.model.replaced(replacement.clone());
            if pool == known.model && known.live.is_ok() {
                return Ok(Plan::Nothing(pool));
            }
            Plan::apart(move |_| {
                let way = Way::of(&database.model, &pool).map_err(RegistryError::Unsupported)?;
                let update = Change::Update {
                    kind: Kind::DatabasePool,
                    key: key(&id, pool.name()),
                    from: known.version,
                    body: body(&pool),
                };
                Plan::commit(vec![update], move |inner, committed| {
                    inner.place_database_pool(&id, pool.clone(), committed.version, Ok(way));
                    pool
                })
            })
        })
        .await
    }

    /// Deletes a pool, which is drained: nobody new is admitted, those who wait and those who hold a connection finish, for a
    /// minute at most.
    ///
    /// # Errors
    ///
    /// As [`database_pool`](Registry::database_pool), or the store did not take it.
    pub async fn delete_database_pool(&self, id: &str, name: &str) -> Result<(), RegistryError> {
        let (id, name) = (id.to_owned(), name.to_owned());
        self.write(move |inner| {
            let id = id.clone();
            let known = inner.known_database_pool(&id, &name)?;
            let delete = Change::Delete {
                kind: Kind::DatabasePool,
                key: key(&id, known.model.name()),
                from: known.version,
            };
            Plan::commit(vec![delete], move |inner, _| {
                inner.remove_database_pool(&id, known.model.name());
            })
        })
        .await
    }
}

impl Inner {
    /// A database whose engine has pools.
    pub(super) fn pooling(&self, id: &str) -> Result<Arc<DatabaseEntry>, RegistryError> {
        let entry = self.known_database(id)?;
        match entry.model.engine() {
            Engine::Postgres => Ok(entry),
            engine => Err(RegistryError::Unsupported(format!(
                "a database of engine {engine} has no connection pools"
            ))),
        }
    }

    pub(super) fn known_database_pool(&self, id: &str, name: &str) -> Result<Arc<DatabasePoolEntry>, RegistryError> {
        self.pooling(id)?;
        let state = self.state.lock();
        let entry = state.database_pools.get(id).and_then(|pools| pools.get(name)).cloned();
        entry.ok_or_else(|| RegistryError::not_found(KIND, name))
    }

    /// The same by both names as one: `id/pool`.
    pub(super) fn named_database_pool(&self, both: &str) -> Result<Arc<DatabasePoolEntry>, RegistryError> {
        let found = both
            .rsplit_once('/')
            .map(|(id, name)| self.known_database_pool(id, name));
        let found = found.and_then(Result::ok);
        found.ok_or_else(|| RegistryError::not_found(KIND, both))
    }

    pub(super) fn pools_of_database(&self, id: &str) -> Vec<Arc<DatabasePoolEntry>> {
        let state = self.state.lock();
        let pools = state
            .database_pools
            .get(id)
            .into_iter()
            .flat_map(|pools| pools.values());
        pools.cloned().collect()
    }

    /// How a pool can be live now; nothing has happened yet.
    pub(super) fn database_pool_way(&self, id: &str, pool: &DatabasePool) -> Result<Way, String> {
        let database = self.known_database(id);
        let database = database.map_err(|_| "its database is not declared".to_owned())?;
        Way::of(&database.model, pool)
    }

    /// Makes a pool live, whether it is new or changed.
    pub(super) fn place_database_pool(
        &self,
        id: &str,
        model: DatabasePool,
        version: Version,
        way: Result<Way, String>,
    ) {
        let name = model.name().clone();
        let known = {
            let state = self.state.lock();
            state.database_pools.get(id).and_then(|pools| pools.get(&name)).cloned()
        };
        let before = known.as_ref().and_then(|known| known.live.as_ref().ok());
        let live = match (way, before) {
            (Ok(way), Some(live)) => {
                live.follow(way);
                Ok(live.clone())
            }
            (Ok(way), None) => Ok(LivePool::found(&key(id, &name), way, &self.watchers)),
            (Err(reason), _) => {
                before.into_iter().for_each(farewell);
                Err(reason.into())
            }
        };
        let entry = Arc::new(DatabasePoolEntry { model, version, live });
        let old = {
            let mut state = self.state.lock();
            let pools = state.database_pools.entry(id.to_owned()).or_default();
            pools.insert(name, entry)
        };
        drop((old, known));
    }

    pub(super) fn remove_database_pool(&self, id: &str, name: &DatabasePoolName) {
        let old = {
            let mut state = self.state.lock();
            let pools = state.database_pools.entry(id.to_owned()).or_default();
            let old = pools.remove(name);
            if pools.is_empty() {
                state.database_pools.remove(id);
            }
            old
        };
        old.iter().filter_map(|old| old.live.as_ref().ok()).for_each(farewell);
    }

    /// The pools of a database that was declared, changed, moved, or is declared no more.
    pub(super) fn seat_database_pools(&self, id: &str) {
        for entry in self.pools_of_database(id) {
            let way = self.database_pool_way(id, &entry.model);
            self.place_database_pool(id, entry.model.clone(), entry.version, way);
        }
    }
}

/// As the store and the operators call a pool. A pool's name has no `/` in it.
pub(super) fn key(id: &str, name: &DatabasePoolName) -> String {
    format!("{id}/{name}")
}

/// Lets a pool that nobody comes to any more serve its line, then end.
fn farewell(live: &Arc<LivePool>) {
    let live = live.clone();
    tokio::spawn(async move { live.drain(FAREWELL).await });
}
