//! Family 1: connection pools, each a live limit from the moment in which its creation is acknowledged.

use super::super::models::{
    Connection, ConnectionPool, ConnectionPoolChange, Connector, ListQuery, Moment, NewConnectionPool, Page, PoolId,
    PoolName,
};
use super::super::store::{Change, Kind, Version};
use super::error::{RegistryError, ResourceKind};
use super::pools::{self, PoolEntry};
use super::root::Registry;
use super::state::{Inner, Origin};
use super::write::{Plan, drawn, numbered_body};
use crate::Limit;
use std::sync::Arc;

/// A connector with its connection, if that is there.
pub type Listed = (Connector, Option<Arc<Connection>>);

/// # Family 1: connection pools
impl Registry {
    /// Makes a connection pool.
    ///
    /// ```
    /// # use fairpool::{doc::block_on, resource::registry::{Registry, RegistryError}};
    /// use fairpool::resource::models::{Bounded, ConnectionPoolChange, NewConnectionPool, PoolName};
    ///
    /// # block_on(async {
    /// let registry = Registry::builder().open().await?;
    /// let new = NewConnectionPool::new(PoolName::new("orders")?, Bounded::new(8)?);
    /// let pool = registry.create_connection_pool(new.clone()).await?;
    /// assert!(matches!(registry.create_connection_pool(new).await, Err(RegistryError::Taken { .. })));
    ///
    /// // Another limit is live at once; whatever waits in the line goes on by it.
    /// let change = ConnectionPoolChange::default().limit(Bounded::new(16)?);
    /// assert_eq!(registry.change_connection_pool(pool.id(), change).await?.limit(), 16);
    /// assert_eq!(registry.clear_connection_pool(pool.id())?, 0);
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    ///
    /// Its name is taken, or the store did not take it.
    ///
    /// # Cancel safety
    ///
    /// The change is made whole, or not at all, also when the future is dropped. So with every change of a registry.
    pub async fn create_connection_pool(&self, new: NewConnectionPool) -> Result<ConnectionPool, RegistryError> {
        self.write(move |inner| {
            if inner.state.lock().pools.is_taken(new.name(), None) {
                return Err(RegistryError::taken(ResourceKind::ConnectionPool, new.name()));
            }
            let (new, now) = (new.clone(), Moment::now());
            let first = PoolId::new(1).expect("bug: 1 is an id");
            // Its number is drawn by the store.
            let body = numbered_body(&ConnectionPool::new(first, new.clone(), now));
            let kind = Kind::ConnectionPool;
            Plan::commit(vec![Change::Create { kind, body }], move |inner, committed| {
                let id = drawn(&committed, |number| PoolId::new(number).ok());
                let pool = ConnectionPool::new(id, new, now);
                inner.place_pools(vec![(pool.clone(), committed.version)]);
                pool
            })
        })
        .await
    }

    /// A connection pool.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub fn connection_pool(&self, id: PoolId) -> Result<ConnectionPool, RegistryError> {
        Ok(self.inner.pool(id)?.model.clone())
    }

    /// The page of connection pools that a query asks for.
    pub fn connection_pools(&self, query: &ListQuery) -> Page<ConnectionPool> {
        let found = self.inner.state.lock().pools.find(query);
        pools::page(query, &found)
    }

    /// Changes what is given. A raised limit admits those who wait now; a lowered one admits nobody until enough of those in
    /// flight have finished; a timeout is that of the next request.
    ///
    /// # Errors
    ///
    /// There is none of this id, the new name is taken, or the store did not take it.
    pub async fn change_connection_pool(
        &self,
        id: PoolId,
        change: ConnectionPoolChange,
    ) -> Result<ConnectionPool, RegistryError> {
        self.write(move |inner| {
            let known = inner.pool(id)?;
            if let Some(name) = change.new_name() {
                if inner.state.lock().pools.is_taken(name, Some(id)) {
                    return Err(RegistryError::taken(ResourceKind::ConnectionPool, name));
                }
            }
            if known.model.changed(change.clone(), known.model.updated_at()) == known.model {
                return Ok(Plan::Nothing(known.model.clone()));
            }
            let pool = known.model.changed(change.clone(), Moment::now());
            let changes = vec![update(&known, &pool)];
            Plan::commit(changes, move |inner, committed| {
                inner.place_pools(vec![(pool.clone(), committed.version)]);
                pool
            })
        })
        .await
    }

    /// Deletes a connection pool: the requests in its line fail, those in flight finish, and its connectors go on without a
    /// limit.
    ///
    /// # Errors
    ///
    /// There is none of this id, or the store did not take it.
    pub async fn delete_connection_pool(&self, id: PoolId) -> Result<(), RegistryError> {
        self.write(move |inner| {
            let known = inner.pool(id)?;
            let mut changes = vec![Change::Delete {
                kind: Kind::ConnectionPool,
                key: id.to_string(),
                from: known.version,
            }];
            let mut freed = Vec::new();
            for entry in inner.connectors_under(id) {
                let Origin::Stored(from) = entry.origin else { continue };
                let model = inner.without_pool(&entry.model);
                changes.push(Change::Update {
                    kind: Kind::Connector,
                    key: model.id().to_string(),
                    from,
                    body: numbered_body(&model),
                });
                freed.push(model);
            }
            Plan::commit(changes, move |inner, committed| {
                inner.remove_pool(id, || {
                    for model in freed {
                        inner.place_connector(model, Origin::Stored(committed.version), None);
                    }
                });
            })
        })
        .await
    }

    /// Removes every request that waits in the pool's line now, and touches none that it has admitted. Returns how many.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub fn clear_connection_pool(&self, id: PoolId) -> Result<usize, RegistryError> {
        Ok(self.inner.pool(id)?.limit.clear())
    }

    /// The connectors under a connection pool's limit, each with its connection; by name.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub fn connectors_of(&self, id: PoolId) -> Result<Vec<Listed>, RegistryError> {
        self.inner.pool(id)?;
        let state = self.inner.state.lock();
        let names = state.under.get(&id).into_iter().flatten();
        let entries = names.filter_map(|name| state.connectors.get(name));
        let with_connection = entries.map(|entry| {
            let connection = state.connections.get(entry.model.connection());
            (
                entry.model.clone(),
                connection.map(|connection| connection.model.clone()),
            )
        });
        Ok(with_connection.collect())
    }

    /// The live limit of a connection pool, for requests that go through no connector of the registry. It is the same one until the
    /// pool is deleted.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub fn limit(&self, id: PoolId) -> Result<Limit, RegistryError> {
        Ok(self.inner.pool(id)?.limit.clone())
    }

    /// [`limit`](Registry::limit), by the connection pool's name.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn limit_named(&self, name: &str) -> Result<Limit, RegistryError> {
        let entry = self.inner.state.lock().pools.by_name(name).cloned();
        let entry = entry.ok_or_else(|| RegistryError::not_found(ResourceKind::ConnectionPool, name))?;
        Ok(entry.limit.clone())
    }
}

impl Inner {
    fn limit_of(&self, model: &ConnectionPool) -> Limit {
        let limit = Limit::builder(model.limit()).timeout(model.timeout());
        let limit = self.watchers.limit(limit.name(shown(model.name()))).build();
        limit.expect("bug: a pool's limit and timeout are at least 1")
    }

    pub(super) fn pool(&self, id: PoolId) -> Result<Arc<PoolEntry>, RegistryError> {
        let entry = self.state.lock().pools.by_id(id).cloned();
        entry.ok_or_else(|| RegistryError::not_found(ResourceKind::ConnectionPool, id))
    }

    /// Makes these live, whether they are new or changed.
    pub(super) fn place_pools(&self, pools: Vec<(ConnectionPool, Version)>) {
        let (mut entries, mut new) = (Vec::new(), Vec::new());
        for (model, version) in pools {
            let known = self.state.lock().pools.by_id(model.id()).cloned();
            let limit = match known {
                Some(known) => {
                    follow(&known.limit, &model);
                    known.limit.clone()
                }
                None => {
                    let limit = self.limit_of(&model);
                    new.push((model.id(), limit.clone()));
                    limit
                }
            };
            entries.push(Arc::new(PoolEntry { model, version, limit }));
        }
        self.put_pools(entries);
        // Some may have asked for it before it was there: a file declares what it likes.
        for (id, limit) in new {
            for connector in self.connectors_under(id) {
                drop(connector.desk.reseat(|seat| seat.limit = Some(limit.clone())));
            }
        }
    }

    /// Puts these in the place of what had their ids.
    fn put_pools(&self, entries: Vec<Arc<PoolEntry>>) {
        let old: Vec<_> = {
            let mut state = self.state.lock();
            let old = entries
                .iter()
                .map(|entry| state.pools.remove(entry.model.id()))
                .collect();
            state.pools.insert(entries);
            old
        };
        drop(old);
    }

    /// `freed` has its connectors follow, before the line fails.
    pub(super) fn remove_pool(&self, id: PoolId, freed: impl FnOnce()) {
        let entry = self.state.lock().pools.remove(id);
        freed();
        // Those that a file declares still ask for it, and a store written by others may have more of them.
        for connector in self.connectors_under(id) {
            drop(connector.desk.reseat(|seat| seat.limit = None));
        }
        if let Some(entry) = entry {
            entry.limit.close();
        }
    }
}

fn update(known: &PoolEntry, pool: &ConnectionPool) -> Change {
    Change::Update {
        kind: Kind::ConnectionPool,
        key: pool.id().to_string(),
        from: known.version,
        body: numbered_body(pool),
    }
}

fn follow(limit: &Limit, model: &ConnectionPool) {
    // The timeout first: whoever is admitted by the limit asks again by it.
    let done = limit.set_timeout(model.timeout());
    let done = done.and_then(|()| limit.set_limit(model.limit()));
    done.expect("bug: a pool's limit and timeout are at least 1");
    let name = shown(model.name());
    if limit.name() != name {
        limit.set_name(name);
    }
}

/// As errors, events and metrics show a name: the document allows any text, but one line has to stay one.
fn shown(name: &PoolName) -> Arc<str> {
    let name = name.as_str();
    if !name.contains(char::is_control) {
        return name.into();
    }
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown.into()
}
