//! Family 5: connectors, which tie connections to connection pools.

use super::super::models::{
    ConnectionSettings, Connector, ConnectorChange, ConnectorDefinition, ConnectorId, Invalid, Violation,
};
use super::super::store::{Change, Kind};
use super::current::Current;
use super::desk::{Desk, Live};
use super::error::{RegistryError, ResourceKind};
use super::handle::{AnyHandle, Handle};
use super::root::Registry;
use super::state::{ConnectorEntry, Inner, MaybeLive, Origin};
use super::write::{Plan, drawn, numbered_body};
use crate::Manager;
use crate::resource::models::PoolId;
use std::sync::Arc;
use std::time::Duration;

/// # Family 5: connectors
impl Registry {
    /// Makes a connector.
    ///
    /// # Errors
    ///
    /// Its name is taken, there is no such connection or connection pool, or the store did not take it.
    pub async fn create_connector(&self, definition: ConnectorDefinition) -> Result<Connector, RegistryError> {
        self.write(move |inner| {
            if inner.connector_entry(definition.name().as_str()).is_some() {
                return Err(RegistryError::taken(ResourceKind::Connector, definition.name()));
            }
            let first = ConnectorId::new(1).expect("bug: 1 is an id");
            let draft = Connector::new(first, definition.clone());
            inner.judge_connector(&draft)?;
            // Its number is drawn by the store.
            let (kind, body) = (Kind::Connector, numbered_body(&draft));
            let definition = definition.clone();
            Plan::commit(vec![Change::Create { kind, body }], move |inner, committed| {
                let id = drawn(&committed, |number| ConnectorId::new(number).ok());
                let connector = Connector::new(id, definition);
                inner.place_connector(connector.clone(), Origin::Stored(committed.version), None);
                connector
            })
        })
        .await
    }

    /// A connector; an API proxy's is called `project/proxy`.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn connector(&self, name: &str) -> Result<Connector, RegistryError> {
        Ok(self.inner.known_connector(name)?.model.clone())
    }

    /// All connectors, those of API proxies included, by name.
    pub fn connectors(&self) -> Vec<Connector> {
        let state = self.inner.state.lock();
        state.connectors.values().map(|entry| entry.model.clone()).collect()
    }

    /// Changes what is given. Requests that wait and leases that are out finish where they are; later ones go the new way. One
    /// that waits for its connection pool's turn takes its connection from where the connector then leads.
    ///
    /// # Errors
    ///
    /// There is none of this name, CUSTOM would be without a size, there is no such connection or connection pool, the file
    /// declares it, or the store did not take it.
    pub async fn change_connector(&self, name: &str, change: ConnectorChange) -> Result<Connector, RegistryError> {
        let name = name.to_owned();
        self.write(move |inner| {
            let known = inner.known_connector(&name)?;
            let Origin::Stored(from) = known.origin else {
                return Err(RegistryError::fixed(ResourceKind::Connector, &name));
            };
            let connector = known.model.changed(change.clone())?;
            if connector == known.model {
                return Ok(Plan::Nothing(connector));
            }
            inner.judge_connector(&connector)?;
            let change = Change::Update {
                kind: Kind::Connector,
                key: connector.id().to_string(),
                from,
                body: numbered_body(&connector),
            };
            Plan::commit(vec![change], move |inner, committed| {
                inner.place_connector(connector.clone(), Origin::Stored(committed.version), None);
                connector
            })
        })
        .await
    }

    /// Deletes a connector: the requests that wait through it fail, what it has lent comes back as usual, and its handles say that
    /// it was deleted.
    ///
    /// # Errors
    ///
    /// There is none of this name, the file declares it, or the store did not take it.
    pub async fn delete_connector(&self, name: &str) -> Result<(), RegistryError> {
        let name = name.to_owned();
        self.write(move |inner| {
            let known = inner.known_connector(&name)?;
            let Origin::Stored(from) = known.origin else {
                return Err(RegistryError::fixed(ResourceKind::Connector, &name));
            };
            let (kind, key) = (Kind::Connector, known.model.id().to_string());
            let name = name.clone();
            Plan::commit(vec![Change::Delete { kind, key, from }], move |inner, _| {
                inner.remove_connector(&name);
            })
        })
        .await
    }

    /// A connector to take connections from, typed by the manager that its driver makes.
    ///
    /// # Errors
    ///
    /// There is none of this name, its connection is not live, or is one of another manager.
    ///
    /// ```
    /// # use fairpool::doc::{Demo, block_on};
    /// use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionType, ConnectorDefinition, QueryHost};
    /// use fairpool::resource::registry::Registry;
    /// use serde_json::json;
    ///
    /// # block_on(async {
    /// let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    /// let registry = Registry::builder().driver(ConnectionType::Http, demo).open().await?;
    /// let orders = json!({"name": "orders", "type": "http", "queryHosts": ["a:80"]});
    /// registry.put_connection(ConnectionDefinition::try_from(&orders)?).await?;
    /// let mail = json!({"name": "mail", "connection": "orders", "mode": "CUSTOM", "size": 4});
    /// registry.create_connector(ConnectorDefinition::try_from(&mail)?).await?;
    ///
    /// let mail = registry.handle::<Demo>("mail")?;
    /// let mut conn = mail.acquire().await?;
    /// conn.query("select 1").await?;
    ///
    /// registry.delete_connector("mail").await?;
    /// assert_eq!(mail.acquire().await.unwrap_err().to_string(), "connector 'mail' has been deleted");
    /// # Ok(()) });
    /// ```
    pub fn handle<M: Manager>(&self, name: &str) -> Result<Handle<M>, RegistryError> {
        let desk = self.inner.known_connector(name)?.desk.clone();
        match desk.seat().live {
            Live::Yes(live) if live.as_any().is::<crate::Connector<Current<M>>>() => Ok(Handle::new(desk)),
            Live::Yes(_) => Err(RegistryError::Unsupported(format!(
                "connector {name:?} is not of the manager {}",
                std::any::type_name::<M>()
            ))),
            Live::No(reason) => Err(RegistryError::Unavailable(format!("connector {name:?}: {reason}"))),
            Live::Deleted => Err(RegistryError::not_found(ResourceKind::Connector, name)),
        }
    }

    /// A connector to take connections from, whatever its manager.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn any_handle(&self, name: &str) -> Result<AnyHandle, RegistryError> {
        Ok(AnyHandle::new(self.inner.known_connector(name)?.desk.clone()))
    }
}

impl Inner {
    pub(super) fn known_connector(&self, name: &str) -> Result<Arc<ConnectorEntry>, RegistryError> {
        let entry = self.connector_entry(name);
        entry.ok_or_else(|| RegistryError::not_found(ResourceKind::Connector, name))
    }

    pub(super) fn connectors_under(&self, id: PoolId) -> Vec<Arc<ConnectorEntry>> {
        let state = self.state.lock();
        let names = state.under.get(&id).into_iter().flatten();
        names.filter_map(|name| state.connectors.get(name).cloned()).collect()
    }

    pub(super) fn without_pool(&self, model: &Connector) -> Connector {
        let out = model.changed(ConnectorChange::default().connection_pool(None));
        out.expect("bug: a connector without a limit keeps the rules that it kept with one")
    }

    /// Whether what it names is there.
    pub(super) fn judge_connector(&self, connector: &Connector) -> Result<(), Invalid> {
        let state = self.state.lock();
        if !state.connections.contains_key(connector.connection()) {
            return Err(Invalid::new("connection", Violation::NotA("the name of a connection")));
        }
        match connector.connection_pool_id() {
            Some(id) if state.pools.by_id(id).is_none() => {
                let violation = Violation::NotA("the id of a connection pool");
                Err(Invalid::new("connection_pool_id", violation))
            }
            _ => Ok(()),
        }
    }

    /// Makes a connector live, whether it is new or changed. `settings`: an API proxy's, those that count.
    pub(super) fn place_connector(&self, model: Connector, origin: Origin, settings: Option<ConnectionSettings>) {
        let (known, system, limit) = {
            let state = self.state.lock();
            let limit = state.limit(model.connection_pool_id());
            let known = state.connectors.get(model.name()).cloned();
            (known, state.system(model.connection()), limit)
        };
        let stays = |known: &Arc<ConnectorEntry>| known.model.connection() == model.connection();
        let before = known
            .as_ref()
            .filter(|known| stays(known))
            .map(|known| known.desk.seat().live);
        let live = match before {
            Some(Live::Yes(live)) => {
                let done = live.set_management(model.management());
                done.expect("bug: the size of a connector is in range");
                Live::Yes(live)
            }
            _ => found(&system, &model),
        };
        if let (Live::Yes(live), Some(settings)) = (&live, &settings) {
            live.set_connect_timeout(settings.connect_timeout().as_seconds());
        }
        let desk = match &known {
            Some(known) => known.desk.clone(),
            None => Desk::new(model.name(), limit.clone(), live.clone()),
        };
        drop(desk.reseat(|seat| {
            (seat.live, seat.limit) = (live, limit);
            let time = |of: fn(&ConnectionSettings) -> Duration| settings.as_ref().map(of);
            seat.patience = time(|settings| settings.connection_request_timeout().as_seconds());
            seat.grace = time(|settings| settings.connect_timeout().as_seconds());
        }));
        let old = self.state.lock().put_connector(ConnectorEntry {
            model,
            origin,
            desk,
            settings,
        });
        drop((old, known));
    }

    /// Its connection has become another system, or none.
    pub(super) fn seat_anew(&self, entry: &ConnectorEntry) {
        let system = self.state.lock().system(entry.model.connection());
        let live = found(&system, &entry.model);
        if let (Live::Yes(live), Some(settings)) = (&live, &entry.settings) {
            live.set_connect_timeout(settings.connect_timeout().as_seconds());
        }
        drop(entry.desk.reseat(|seat| seat.live = live));
    }

    pub(super) fn remove_connector(&self, name: &str) {
        let old = self.state.lock().take_connector(name);
        if let Some(old) = old {
            old.desk.delete();
        }
    }
}

fn found(system: &MaybeLive, model: &Connector) -> Live {
    let live = system.clone().and_then(|system| {
        let connector = system.connector(model.name().as_str(), model.management());
        connector.map_err(Into::into)
    });
    match live {
        Ok(live) => Live::Yes(live),
        Err(reason) => Live::No(reason),
    }
}
