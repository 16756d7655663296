//! How what is declared comes into force: when a registry opens, and anew while it serves. Judged as a whole first, then in force as a
//! whole, in a writer's turn.
//!
//! | declared | then |
//! |---|---|
//! | as before | nothing happens |
//! | otherwise than before | as after a change over HTTP: only a connection whose definition is another begins a generation |
//! | under a name that the store has | it hides the store's |
//! | no longer | the store's of that name comes to light, or nothing is left of it |

use super::super::models::Connector;
use super::super::store::Version;
use super::error::{RegistryError, ResourceKind};
use super::fixed::{DeclareError, Declared, GeneralLimits};
use super::judged::{Gone, Judged};
use super::load::{Loaded, unreadable};
use super::root::Registry;
use super::state::{ConnectionEntry, ConnectorEntry, Inner, Origin};
use crate::sync::primitives::Ordering::Relaxed;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What another declaration changed of one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Changed {
    /// Of which kind.
    pub kind: ResourceKind,
    /// Which one; an API proxy is called `project/proxy`.
    pub name: String,
    /// What of it.
    pub how: Redeclared,
}

/// What became of something that is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Redeclared {
    /// It was not declared before.
    Added,
    /// It is declared otherwise than before.
    Changed,
    /// It is not declared any more.
    Removed,
}

/// Why another declaration is not in force, or not followed. Nothing has changed, except where it says so.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RedeclareError {
    /// It does not fit together, or not to what the store has.
    Declared(DeclareError),
    /// The registry could not begin.
    Registry(RegistryError),
    /// The declaration is in force, but what the store has was not brought into line with it: that is broken off. The next change
    /// makes up for it.
    Unfollowed(RegistryError),
}

/// Of no store: what bears it is not as any store has it.
const UNSTORED: Origin = Origin::Stored(Version::new(u64::MAX));

impl Registry {
    /// Puts this in the place of what was declared, and these limits in the place of those of the shared pools. It is all in force when
    /// it is acknowledged, or nothing is. Says what has changed, by kind and name.
    ///
    /// # Errors
    ///
    /// What is declared does not fit together; a connection that is declared no longer is used by connectors of the store, or a managed
    /// database by its pools; the store cannot be read; or there is no tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// What has begun goes on when the future is dropped.
    ///
    /// ```
    /// # use fairpool::doc::{Demo, block_on};
    /// use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, QueryHost};
    /// use fairpool::resource::registry::{Declared, GeneralLimits, Registry};
    ///
    /// # block_on(async {
    /// # let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    /// let orders = |host| ConnectionDefinition::new(ConnectionName::new("orders").unwrap(), ConnectionType::Http, [host]);
    /// let registry = Registry::builder()
    ///     .driver(ConnectionType::Http, demo)
    ///     .fixed(Declared::new().connection(orders("a:80")?))
    ///     .open()
    ///     .await?;
    ///
    /// let other = Declared::new().connection(orders("b:80")?).project("shop")?;
    /// let changes = registry.redeclare(other, GeneralLimits::default()).await?;
    /// let said: Vec<_> = changes.iter().map(ToString::to_string).collect();
    /// assert_eq!(said, [r#"the connection "orders" is declared anew"#, r#"the project "shop" is declared"#]);
    /// # Ok(()) });
    /// ```
    pub async fn redeclare(&self, declared: Declared, general: GeneralLimits) -> Result<Vec<Changed>, RedeclareError> {
        // Refusals come out of the turn as what they are.
        let done = self.in_turn(move |inner| async move { inner.redeclare(declared, general).await });
        done.await.unwrap_or_else(|error| Err(RedeclareError::Registry(error)))
    }
}

impl Inner {
    async fn redeclare(
        self: Arc<Self>,
        declared: Declared,
        general: GeneralLimits,
    ) -> Result<Result<Vec<Changed>, RedeclareError>, RegistryError> {
        let stored = Arc::new(self.stored().await.map_err(unreadable)?);
        let beside = stored.clone();
        let judged = match self.apart(move |inner| inner.judged(declared, &beside)).await? {
            Ok(judged) => judged,
            Err(refused) => return Ok(Err(RedeclareError::Declared(refused))),
        };
        self.is_torn.store(true, Relaxed);
        let changes = self.enforce(judged, &stored);
        // After it: systems were prepared with the limits of before.
        self.set_general(general);
        // What was cut off before is in force now, too.
        let followed = self.follow(Arc::unwrap_or_clone(stored)).await;
        if let Err(error) = followed.map_err(unreadable) {
            return Ok(Err(RedeclareError::Unfollowed(error)));
        }
        self.is_torn.store(false, Relaxed);
        Ok(Ok(changes))
    }

    /// Puts it in the place of what was declared before. Whoever calls it has the store's contents followed after that.
    pub(super) fn enforce(&self, judged: Judged, stored: &Loaded) -> Vec<Changed> {
        let gone = self.gone(&judged);
        let mut changes = Vec::new();
        let mut said = |kind, name: &dyn fmt::Display, how| {
            let name = name.to_string();
            changes.push(Changed { kind, name, how });
        };
        let added_or = |is_known: bool| match is_known {
            true => Redeclared::Changed,
            false => Redeclared::Added,
        };
        for definition in judged.databases {
            let id = definition.id().clone();
            let known = self.known_database(id.as_str()).ok();
            if known
                .as_ref()
                .is_none_or(|known| *known.model.definition() != definition)
            {
                self.place_database(definition);
                said(ResourceKind::Database, &id, added_or(known.is_some()));
            }
        }
        for (model, way) in judged.connections {
            let name = model.name().clone();
            let known = self.connection_entry(name.as_str());
            let was_declared = known.is_some_and(|known| known.origin == Origin::Fixed);
            if way.is_some() || !was_declared {
                said(ResourceKind::Connection, &name, added_or(was_declared));
            }
            match way {
                Some(way) => self.place_connection(model, Origin::Fixed, Ok(way)),
                None => self.call_connection(name.as_str(), Origin::Fixed),
            }
        }
        let before = std::mem::replace(&mut self.state.lock().projects, judged.projects.clone());
        for project in judged.projects.keys().filter(|project| !before.contains_key(*project)) {
            said(ResourceKind::Project, project, Redeclared::Added);
        }
        let was_declared = |entry: &ConnectorEntry, as_proxy: bool| {
            entry.origin == Origin::Fixed && entry.settings.is_some() == as_proxy
        };
        for definition in judged.connectors {
            let name = definition.name().clone();
            let id = self.state.lock().id_of_declared(&name);
            let model = Connector::new(id, definition);
            let known = self.connector_entry(name.as_str());
            let known = known.filter(|known| was_declared(known, false));
            if known.as_ref().is_none_or(|known| known.model != model) {
                self.place_connector(model, Origin::Fixed, None);
                said(ResourceKind::Connector, &name, added_or(known.is_some()));
            }
        }
        for proxy in judged.proxies {
            let known = self.connector_entry(proxy.connector.as_str());
            let known = known.filter(|known| was_declared(known, true));
            if known
                .as_ref()
                .is_none_or(|known| *known.model.connection() != proxy.connection)
            {
                self.place_proxy(&proxy);
                said(ResourceKind::ApiProxy, &proxy.connector, added_or(known.is_some()));
            }
        }
        self.retire(&gone, stored, said);
        changes.sort();
        changes
    }

    /// Users first, so that none of them looks for a connection that is not there.
    fn retire(&self, gone: &Gone, stored: &Loaded, mut said: impl FnMut(ResourceKind, &dyn fmt::Display, Redeclared)) {
        for entry in &gone.connectors {
            let name = entry.model.name();
            match stored.connectors.contains_key(name.as_str()) {
                // Its requests stay where they are; the store says what it is now.
                true => self.call_connector(name.as_str(), UNSTORED),
                false => self.remove_connector(name.as_str()),
            }
            let kind = match entry.settings.is_some() {
                true => ResourceKind::ApiProxy,
                false => ResourceKind::Connector,
            };
            said(kind, name, Redeclared::Removed);
        }
        for entry in &gone.connections {
            let name = entry.model.name();
            let origin = match stored.connections.get(name.as_str()) {
                Some((model, version)) if *model == *entry.model && entry.system.is_ok() => Origin::Stored(*version),
                _ => UNSTORED,
            };
            self.call_connection(name.as_str(), origin);
            said(ResourceKind::Connection, name, Redeclared::Removed);
        }
        for id in &gone.databases {
            self.remove_database(id);
            said(ResourceKind::Database, id, Redeclared::Removed);
        }
        for project in &gone.projects {
            said(ResourceKind::Project, project, Redeclared::Removed);
        }
    }

    /// It is what it is, and somebody else says so.
    fn call_connection(&self, name: &str, origin: Origin) {
        let Some(entry) = self.connection_entry(name) else {
            return;
        };
        let (model, system) = (entry.model.clone(), entry.system.clone());
        let same = ConnectionEntry { model, origin, system };
        let old = {
            let mut state = self.state.lock();
            state.connections.insert(entry.model.name().clone(), Arc::new(same))
        };
        drop(old);
    }

    fn call_connector(&self, name: &str, origin: Origin) {
        let Some(entry) = self.connector_entry(name) else {
            return;
        };
        let same = ConnectorEntry {
            model: entry.model.clone(),
            origin,
            desk: entry.desk.clone(),
            settings: entry.settings.clone(),
        };
        let old = self.state.lock().put_connector(same);
        drop(old);
    }

    fn set_general(&self, limits: GeneralLimits) {
        let before = std::mem::replace(&mut *self.general.lock(), limits);
        if before == limits {
            return;
        }
        let entries: Vec<_> = self.state.lock().connections.values().cloned().collect();
        for entry in entries {
            if let Ok(system) = &entry.system {
                system.set_limit(limits.of(entry.model.query_hosts().len()));
            }
        }
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Changed { kind, name, how } = self;
        write!(
            f,
            "the {kind} {name:?} is declared{}",
            match how {
                Redeclared::Added => "",
                Redeclared::Changed => " anew",
                Redeclared::Removed => " no longer",
            }
        )
    }
}

impl fmt::Display for RedeclareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedeclareError::Declared(error) => error.fmt(f),
            RedeclareError::Registry(error) => error.fmt(f),
            RedeclareError::Unfollowed(error) => write!(
                f,
                "what is declared is in force, but what the store has was not brought into line with it: {error}"
            ),
        }
    }
}

// The sources' texts are part of ours.
impl Error for RedeclareError {}
