//! Family 4: named connections, each a live system.

use super::super::models::{Connection, ConnectionDefinition};
use super::super::store::{Change, Kind};
use super::error::{RegistryError, ResourceKind};
use super::live::{LiveSystem, Prepared};
use super::root::Registry;
use super::state::{ConnectionEntry, Inner, MaybeLive, Origin};
use super::write::{Plan, body};
use std::sync::Arc;
use std::time::Duration;

/// How a definition becomes live.
pub(super) enum Way {
    /// The system goes on under it.
    On(Arc<dyn LiveSystem>, Box<dyn Prepared>),
    /// Another system takes over.
    Over(Arc<dyn LiveSystem>),
}

/// How long a system that was replaced may take to serve its lines; what it has lent comes back when it does.
pub(super) const FAREWELL: Duration = Duration::from_secs(60);

/// # Family 4: named connections
impl Registry {
    /// Makes a connection, or replaces the definition of that name; a masked secret keeps the stored one. Another definition
    /// starts a new generation: what was opened under the old one closes when it comes back. The same one changes nothing.
    ///
    /// Another type makes another system: those who wait finish at the old one, which is then drained.
    ///
    /// # Errors
    ///
    /// A mask stands for nothing stored or would take its secret elsewhere, the file declares it, its type has no driver here or the driver does not understand it,
    /// or the store did not take it.
    ///
    /// ```
    /// # use fairpool::doc::{Demo, block_on};
    /// use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionType, QueryHost};
    /// use fairpool::resource::registry::Registry;
    /// use serde_json::json;
    ///
    /// # block_on(async {
    /// let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    /// let registry = Registry::builder().driver(ConnectionType::Http, demo).open().await?;
    /// let posted = json!({"name": "orders", "type": "http", "queryHosts": ["a:80"], "passphrase": "sesame"});
    /// let stored = registry.put_connection(ConnectionDefinition::try_from(&posted)?).await?;
    ///
    /// // Sent back as it was shown, it changes nothing.
    /// let same = registry.put_connection(ConnectionDefinition::try_from(json!(*stored))?).await?;
    /// assert_eq!(same.passphrase().map(|secret| secret.reveal()), Some("sesame"));
    /// # Ok(()) });
    /// ```
    pub async fn put_connection(&self, definition: ConnectionDefinition) -> Result<Arc<Connection>, RegistryError> {
        self.write(move |inner| {
            let name = definition.name();
            let known = inner.connection_entry(name.as_str());
            let model = definition
                .clone()
                .into_connection(known.as_ref().map(|known| &*known.model))?;
            let (kind, key) = (Kind::Connection, name.as_str().to_owned());
            let change = match known.as_ref().map(|known| known.origin) {
                Some(Origin::Fixed) => return Err(RegistryError::fixed(ResourceKind::Connection, name)),
                Some(Origin::Stored(from)) => Change::Update {
                    kind,
                    key,
                    from,
                    body: body(&model),
                },
                None => Change::Insert {
                    kind,
                    key,
                    body: body(&model),
                },
            };
            if let Some(known) = known
                .as_ref()
                .filter(|known| known.system.is_ok() && *known.model == model)
            {
                return Ok(Plan::Nothing(known.model.clone()));
            }
            if !inner.drivers.contains_key(&model.kind()) {
                return Err(RegistryError::NoDriver(model.kind()));
            }
            Plan::apart(move |inner| {
                let way = inner.way(&model, known.as_deref());
                let way = way.map_err(RegistryError::Unsupported)?;
                let model = Arc::new(model);
                Plan::commit(vec![change], move |inner, committed| {
                    inner.place_connection(model.clone(), Origin::Stored(committed.version), Ok(way));
                    model
                })
            })
        })
        .await
    }

    /// A connection. Its `Serialize` shows no secret.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn connection(&self, name: &str) -> Result<Arc<Connection>, RegistryError> {
        Ok(self.inner.known_connection(name)?.model.clone())
    }

    /// All connections, by name.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        let state = self.inner.state.lock();
        state.connections.values().map(|entry| entry.model.clone()).collect()
    }

    /// Deletes a connection that no connector uses. What it has lent comes back and closes.
    ///
    /// # Errors
    ///
    /// There is none of this name, connectors use it, the file declares it, or the store did not take it.
    pub async fn delete_connection(&self, name: &str) -> Result<(), RegistryError> {
        let name = name.to_owned();
        self.write(move |inner| {
            let kind = ResourceKind::Connection;
            let known = inner.known_connection(&name)?;
            let Origin::Stored(from) = known.origin else {
                return Err(RegistryError::fixed(kind, &name));
            };
            let users = inner.state.lock().users(&name);
            if !users.is_empty() {
                let by = users.iter().map(|user| user.model.name().clone()).collect();
                let name = name.clone();
                return Err(RegistryError::InUse { kind, name, by });
            }
            let (kind, key) = (Kind::Connection, name.clone());
            let name = name.clone();
            Plan::commit(vec![Change::Delete { kind, key, from }], move |inner, _| {
                inner.remove_connection(&name);
            })
        })
        .await
    }
}

impl Inner {
    /// How this definition can be live; nothing has happened yet. A driver may read files meanwhile.
    pub(super) fn way(&self, model: &Connection, known: Option<&ConnectionEntry>) -> Result<Way, String> {
        let kind = model.kind();
        let driver = self.drivers.get(&kind);
        let driver = driver.ok_or_else(|| RegistryError::NoDriver(kind).to_string())?;
        let limit = self.general.lock().of(model.query_hosts().len());
        let prepared = driver.prepare(model, limit);
        let prepared = prepared.map_err(|reason| format!("connection {:?}: {reason}", model.name().as_str()))?;
        match known.map(|known| (known.model.kind(), &known.system)) {
            Some((before, Ok(system))) if before == kind && prepared.fits(&**system) => {
                Ok(Way::On(system.clone(), prepared))
            }
            _ => Ok(Way::Over(prepared.found(&self.watchers)?)),
        }
    }

    pub(super) fn place_connection(&self, model: Arc<Connection>, origin: Origin, way: Result<Way, String>) {
        let name = model.name().clone();
        let (system, is_same): (MaybeLive, bool) = match way {
            Ok(Way::On(system, prepared)) => {
                prepared.replace(&*system);
                (Ok(system), true)
            }
            Ok(Way::Over(system)) => (Ok(system), false),
            Err(reason) => (Err(reason.into()), false),
        };
        let entry = ConnectionEntry { model, origin, system };
        let old = self.state.lock().connections.insert(name.clone(), Arc::new(entry));
        if is_same {
            return;
        }
        let users = self.state.lock().users(name.as_str());
        for user in users {
            self.seat_anew(&user);
        }
        if let Some(old) = old {
            farewell(&old);
        }
    }

    pub(super) fn remove_connection(&self, name: &str) {
        let old = self.state.lock().connections.remove(name);
        let users = self.state.lock().users(name);
        for user in users {
            self.seat_anew(&user);
        }
        if let Some(old) = old {
            farewell(&old);
        }
    }
}

/// Lets a system that nobody comes to any more serve its lines, then end.
fn farewell(old: &ConnectionEntry) {
    if let Ok(system) = &old.system {
        let system = system.clone();
        tokio::spawn(async move { system.drain(FAREWELL).await });
    }
}
