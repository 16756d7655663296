//! Connectors, which tie the others together: a named user of a connection, perhaps under a connection pool's limit.

use super::connection::{Connection, ConnectionName};
use super::connection_pool::PoolId;
use super::fields::{Fields, Read, from_outside};
use super::invalid::{Invalid, Violation};
use super::number::{PoolSize, id};
use super::settings::ManagementType;
use super::stored::{Stored, value_of};
use super::text::{PRINTABLE, printable, text};
use crate::Management;
use serde::Serialize;
use serde_json::Value;

id! {
    /// By which a list names a connector beside its name.
    ConnectorId
}

text! {
    /// A connector's name, by which it is found: 1 to 255 characters. An API proxy's is `project/proxy`.
    ConnectorName(1..=255, printable, PRINTABLE)
}

/// A named user of a connection.
///
/// ```
/// use fairpool::{Management, resource::models::{Connector, ConnectorChange, ConnectorDefinition, ConnectorId}};
/// use serde_json::json;
///
/// let posted = json!({"name": "mail", "connection": "orders", "connection_pool_id": 1, "mode": "CUSTOM", "size": 4});
/// let connector = Connector::new(ConnectorId::new(7)?, ConnectorDefinition::try_from(&posted)?);
/// assert_eq!(json!(connector), posted);
/// assert_eq!(connector.management(), Management::Custom(4));
///
/// let out = ConnectorChange::try_from(&json!({"connection_pool_id": null}))?;
/// assert_eq!(connector.changed(out)?.connection_pool_id(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connector {
    #[serde(skip)]
    id: ConnectorId,
    #[serde(flatten)]
    definition: ConnectorDefinition,
}

/// A connector as it is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorDefinition {
    name: ConnectorName,
    connection: ConnectionName,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_pool_id: Option<PoolId>,
    mode: ManagementType,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<PoolSize>,
}

/// What is to change in a connector: only what is given. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectorChange {
    connection: Option<ConnectionName>,
    connection_pool_id: Option<Option<PoolId>>,
    mode: Option<ManagementType>,
    size: Option<PoolSize>,
}

impl Connector {
    /// A connector that is made now, under an id that nobody else has.
    pub fn new(id: ConnectorId, definition: ConnectorDefinition) -> Self {
        Connector { id, definition }
    }

    /// This connector after a change.
    ///
    /// # Errors
    ///
    /// CUSTOM would be without a size.
    pub fn changed(&self, change: ConnectorChange) -> Result<Self, Invalid> {
        let now = self.definition.clone();
        let definition = ConnectorDefinition {
            name: now.name,
            connection: change.connection.unwrap_or(now.connection),
            connection_pool_id: change.connection_pool_id.unwrap_or(now.connection_pool_id),
            mode: change.mode.unwrap_or(now.mode),
            size: change.size.or(now.size),
        };
        match definition.mode.with_size(definition.size) {
            Some(_) => Ok(Connector {
                id: self.id,
                definition,
            }),
            None => Err(Invalid::new("size", NO_SIZE)),
        }
    }

    /// Its id.
    pub fn id(&self) -> ConnectorId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &ConnectorName {
        &self.definition.name
    }

    /// The connection that it uses.
    pub fn connection(&self) -> &ConnectionName {
        &self.definition.connection
    }

    /// The connection pool under whose limit it is.
    pub fn connection_pool_id(&self) -> Option<PoolId> {
        self.definition.connection_pool_id
    }

    /// Where its connections come from.
    pub fn management(&self) -> Management {
        let management = self.definition.mode.with_size(self.definition.size);
        management.expect("bug: a CUSTOM connector has a size")
    }

    /// As its connection pool lists it: `{id, name, mode, size?}`, and with its connection also `system`.
    pub fn included<'a>(&'a self, system: Option<&'a Connection>) -> impl Serialize + 'a {
        Included {
            id: self.id,
            name: self.name(),
            mode: self.definition.mode,
            size: self.definition.size,
            system: system.map(|connection| System {
                name: connection.name(),
                kind: connection.kind(),
                title: connection.title(),
                query_hosts: connection.query_hosts().iter().map(ToString::to_string).collect(),
            }),
        }
    }
}

const NO_SIZE: Violation = Violation::RequiredWhen("mode is CUSTOM");

#[derive(Serialize)]
struct Included<'a> {
    id: ConnectorId,
    name: &'a ConnectorName,
    mode: ManagementType,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<PoolSize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System<'a>>,
}

#[derive(Serialize)]
struct System<'a> {
    name: &'a ConnectionName,
    #[serde(rename = "type")]
    kind: super::connection::ConnectionType,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(rename = "queryHosts")]
    query_hosts: Vec<String>,
}

impl ConnectorDefinition {
    /// A connector that shares its connection's connections, under no limit.
    pub fn new(name: ConnectorName, connection: ConnectionName) -> Self {
        ConnectorDefinition {
            name,
            connection,
            connection_pool_id: None,
            mode: ManagementType::General,
            size: None,
        }
    }

    /// Under this connection pool's limit.
    #[must_use]
    pub fn connection_pool(self, id: PoolId) -> Self {
        ConnectorDefinition {
            connection_pool_id: Some(id),
            ..self
        }
    }

    /// With connections of its own, at most this many.
    #[must_use]
    pub fn custom(self, size: PoolSize) -> Self {
        ConnectorDefinition {
            mode: ManagementType::Custom,
            size: Some(size),
            ..self
        }
    }

    /// With a connection for each lease and no pool.
    #[must_use]
    pub fn without_pool(self) -> Self {
        ConnectorDefinition {
            mode: ManagementType::None,
            ..self
        }
    }

    /// The name that it asks for, which has to be unique.
    pub fn name(&self) -> &ConnectorName {
        &self.name
    }

    /// What it uses.
    pub fn connection(&self) -> &ConnectionName {
        &self.connection
    }
}

impl ConnectorChange {
    /// Another connection.
    #[must_use]
    pub fn connection(self, connection: ConnectionName) -> Self {
        ConnectorChange {
            connection: Some(connection),
            ..self
        }
    }

    /// Under this connection pool's limit, or `None` for no limit.
    #[must_use]
    pub fn connection_pool(self, id: Option<PoolId>) -> Self {
        ConnectorChange {
            connection_pool_id: Some(id),
            ..self
        }
    }

    /// Connections from somewhere else.
    #[must_use]
    pub fn mode(self, mode: ManagementType) -> Self {
        ConnectorChange {
            mode: Some(mode),
            ..self
        }
    }

    /// Another size for CUSTOM.
    #[must_use]
    pub fn size(self, size: PoolSize) -> Self {
        ConnectorChange {
            size: Some(size),
            ..self
        }
    }
}

impl Read for ConnectorDefinition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, connection) = (fields.required("name"), fields.required("connection"));
        let connection_pool_id = fields.optional("connection_pool_id");
        let (mode, size) = (fields.optional("mode"), fields.optional("size"));
        let mode = mode.map(|mode| mode.unwrap_or(ManagementType::General));
        if matches!((mode, size), (Some(ManagementType::Custom), Some(None))) {
            return fields.refuse("size", NO_SIZE);
        }
        Some(ConnectorDefinition {
            name: name?,
            connection: connection?,
            connection_pool_id: connection_pool_id?,
            mode: mode?,
            size: size?,
        })
    }
}

impl Read for ConnectorChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let connection = fields.given("connection");
        let connection_pool_id = fields.removable("connection_pool_id");
        let (mode, size) = (fields.given("mode"), fields.optional("size"));
        Some(ConnectorChange {
            connection: connection?,
            connection_pool_id: connection_pool_id?,
            mode: mode?,
            size: size?,
        })
    }
}

impl Stored for Connector {
    fn to_store(&self) -> Value {
        let mut value = value_of(&self.definition);
        value["id"] = self.id.value().into();
        value
    }

    fn from_store(value: &Value) -> Result<Self, Invalid> {
        super::fields::read(value)
    }
}

impl Read for Connector {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id");
        let definition = ConnectorDefinition::read(fields);
        Some(Connector::new(id?, definition?))
    }
}

from_outside!(ConnectorDefinition, ConnectorChange);
