//! Whether what is declared can be in force: all of it is judged before anything happens.

use super::super::models::{
    Connection, ConnectionName, ConnectorDefinition, ConnectorName, Database, DatabaseDefinition, DatabaseId,
};
use super::connections::Way;
use super::desk::Live;
use super::drivers;
use super::error::{RegistryError, ResourceKind};
use super::fixed::{DeclareError, Declared, Proxy};
use super::load::Loaded;
use super::state::{ConnectionEntry, ConnectorEntry, Inner, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A declaration that can be in force.
pub(super) struct Judged {
    pub(super) databases: Vec<DatabaseDefinition>,
    /// Without a way, the system that is there goes on as it is.
    pub(super) connections: Vec<(Arc<Connection>, Option<Way>)>,
    pub(super) connectors: Vec<ConnectorDefinition>,
    pub(super) proxies: Vec<Proxy>,
    pub(super) projects: BTreeMap<String, BTreeMap<String, Proxy>>,
}

/// What was declared before and is not any more.
pub(super) struct Gone {
    pub(super) databases: Vec<DatabaseId>,
    pub(super) connections: Vec<Arc<ConnectionEntry>>,
    pub(super) connectors: Vec<Arc<ConnectorEntry>>,
    pub(super) projects: Vec<String>,
}

impl Inner {
    /// Whether all of it can be in force. Nothing has happened yet.
    pub(super) fn judged(&self, declared: Declared, stored: &Loaded) -> Result<Judged, DeclareError> {
        let mut judged = Judged {
            databases: Vec::new(),
            connections: Vec::new(),
            connectors: Vec::new(),
            proxies: declared.proxies(),
            projects: declared.projects,
        };
        let mut names = BTreeSet::new();
        let mut once = |kind: ResourceKind, name: &str| match names.insert((kind, name.to_owned())) {
            true => Ok(()),
            false => Err(DeclareError::new(kind, name, RegistryError::taken(kind, name))),
        };
        for definition in declared.databases {
            let (kind, id) = (ResourceKind::Database, definition.id().as_str());
            once(kind, id)?;
            let understood = drivers::judge(&definition);
            let refused = |reason| DeclareError::new(kind, id, RegistryError::Unsupported(reason));
            understood.map_err(refused)?;
            self.judge_server(&definition, stored).map_err(refused)?;
            judged.databases.push(definition);
        }
        for definition in declared.connections {
            let (kind, name) = (ResourceKind::Connection, definition.name().clone());
            once(kind, name.as_str())?;
            let refused = |error| DeclareError::new(kind, &name, error);
            let model = definition.into_connection(None);
            let model = model.map_err(|invalid| refused(invalid.into()))?;
            let known = self.connection_entry(name.as_str());
            let is_same = |known: &ConnectionEntry| known.system.is_ok() && *known.model == model;
            let way = match known.as_deref() {
                Some(known) if is_same(known) => None,
                known => {
                    let way = self.way(&model, known);
                    Some(way.map_err(|reason| refused(RegistryError::Unsupported(reason)))?)
                }
            };
            judged.connections.push((Arc::new(model), way));
        }
        let connectors = declared.connectors.iter().map(ConnectorDefinition::name);
        for name in connectors.chain(judged.proxies.iter().map(|proxy| &proxy.connector)) {
            once(ResourceKind::Connector, name.as_str())?;
        }
        judged.connectors = declared.connectors;
        self.judge_users(&judged, stored)?;
        self.judge_gone(&judged, stored)?;
        Ok(judged)
    }

    /// A database that has moved stays where it is, so its server has to be declared: as one of its servers, or as its own.
    fn judge_server(&self, definition: &DatabaseDefinition, stored: &Loaded) -> Result<(), String> {
        let id = definition.id().as_str();
        let Some((record, _)) = stored.databases.get(id) else {
            return Ok(());
        };
        let Some(version) = record.lost_by(definition) else {
            return Ok(());
        };
        let then = Database::with(definition.clone(), record);
        let known = self.known_database(id).ok();
        if known.is_some_and(|known| known.model.url() == then.url()) {
            return Ok(());
        }
        Err(format!(
            "it has moved to its server of version {version}, which is not declared any more: declare that server, or its URL as \
             the database's own with version = \"{version}\""
        ))
    }

    /// What serves now is not led to a connection that nobody knows.
    fn judge_users(&self, judged: &Judged, stored: &Loaded) -> Result<(), DeclareError> {
        let connectors = judged.connectors.iter().map(|one| (one.name(), one.connection()));
        let proxies = judged.proxies.iter().map(|one| (&one.connector, &one.connection));
        for (name, connection) in connectors.chain(proxies) {
            let is_declared = || judged.connections.iter().any(|(model, _)| model.name() == connection);
            let is_known = stored.connections.contains_key(connection.as_str()) || is_declared();
            let serves = |entry: Arc<ConnectorEntry>| matches!(entry.desk.seat().live, Live::Yes(_));
            if !is_known && self.connector_entry(name.as_str()).is_some_and(serves) {
                let missing = RegistryError::not_found(ResourceKind::Connection, connection);
                return Err(DeclareError::new(ResourceKind::Connector, name, missing));
            }
        }
        Ok(())
    }

    /// What the store has must not lose what it needs.
    fn judge_gone(&self, judged: &Judged, stored: &Loaded) -> Result<(), DeclareError> {
        let gone = self.gone(judged);
        for entry in &gone.connections {
            let (kind, name) = (ResourceKind::Connection, entry.model.name());
            if stored.connections.contains_key(name.as_str()) {
                continue;
            }
            let users = stored.connectors.values().map(|(connector, _)| connector);
            let users = users.filter(|user| user.connection() == name && !judged.declares(user.name()));
            let by: Vec<_> = users.map(|user| user.name().clone()).collect();
            if !by.is_empty() {
                let used = RegistryError::InUse {
                    kind,
                    name: name.to_string(),
                    by,
                };
                return Err(DeclareError::new(kind, name, used));
            }
        }
        for id in &gone.databases {
            let pools = stored.database_pools.keys().filter(|(of, _)| of == id.as_str());
            let pools: Vec<_> = pools.map(|(_, pool)| format!("{pool:?}")).collect();
            if !pools.is_empty() {
                let reason = format!("the database {:?} has the pools {}", id.as_str(), pools.join(", "));
                let used = RegistryError::Unsupported(reason);
                return Err(DeclareError::new(ResourceKind::Database, id, used));
            }
        }
        Ok(())
    }

    pub(super) fn gone(&self, judged: &Judged) -> Gone {
        let state = self.state.lock();
        let databases = state.databases.keys();
        let databases = databases.filter(|id| judged.databases.iter().all(|declared| declared.id() != *id));
        let connections = state.connections.values().filter(|entry| entry.origin == Origin::Fixed);
        let is_declared = |name: &ConnectionName| judged.connections.iter().any(|(model, _)| model.name() == name);
        let connectors = state.connectors.values().filter(|entry| entry.origin == Origin::Fixed);
        let projects = state.projects.keys();
        Gone {
            databases: databases.cloned().collect(),
            connections: connections
                .filter(|entry| !is_declared(entry.model.name()))
                .cloned()
                .collect(),
            connectors: connectors
                .filter(|entry| !judged.declares(entry.model.name()))
                .cloned()
                .collect(),
            projects: projects
                .filter(|project| !judged.projects.contains_key(*project))
                .cloned()
                .collect(),
        }
    }
}

impl Judged {
    fn declares(&self, connector: &ConnectorName) -> bool {
        let own = self.connectors.iter().any(|own| own.name() == connector);
        own || self.proxies.iter().any(|proxy| proxy.connector == *connector)
    }
}
