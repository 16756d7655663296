//! What a configuration file declares: the registry shows it and refuses to change it.

use super::super::models::{
    ConnectionDefinition, ConnectionName, ConnectorDefinition, ConnectorName, DatabaseDefinition, Violation,
};
use super::error::{RegistryError, ResourceKind};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

/// What is fixed: connections, connectors, projects with their API proxies, managed databases. A store's own record of the same name
/// stays where it is and is not shown while the name is declared.
///
/// ```
/// use fairpool::resource::models::{ConnectionDefinition, ConnectionName, ConnectionType};
/// use fairpool::resource::registry::Declared;
///
/// let orders = ConnectionName::new("orders")?;
/// let declared = Declared::new()
///     .connection(ConnectionDefinition::new(orders.clone(), ConnectionType::Http, ["a:80", "b:80"])?)
///     .api_proxy("shop", "basket", orders)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "it is declared when a builder has it"]
pub struct Declared {
    pub(super) connections: Vec<ConnectionDefinition>,
    pub(super) connectors: Vec<ConnectorDefinition>,
    pub(super) databases: Vec<DatabaseDefinition>,
    /// By project and name: what it is as a connector, and its connection.
    pub(super) projects: BTreeMap<String, BTreeMap<String, Proxy>>,
}

#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub(super) connector: ConnectorName,
    pub(super) connection: ConnectionName,
}

/// How many connections the shared pool of a connection holds: so many a host, and so many in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneralLimits {
    per_host: u32,
    total: u32,
}

/// Why a declaration is refused as a whole: what of it does not fit, and why not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeclareError {
    /// Of which kind.
    pub kind: ResourceKind,
    /// Which one.
    pub name: String,
    /// Why not.
    pub error: RegistryError,
}

impl Declared {
    /// Nothing.
    pub fn new() -> Self {
        Declared::default()
    }

    /// A connection.
    pub fn connection(mut self, definition: ConnectionDefinition) -> Self {
        self.connections.push(definition);
        self
    }

    /// A connector. As long as its connection pool does not exist, it is under no limit.
    pub fn connector(mut self, definition: ConnectorDefinition) -> Self {
        self.connectors.push(definition);
        self
    }

    /// A managed database. Its pools are made under it and deleted, itself not.
    pub fn database(mut self, definition: DatabaseDefinition) -> Self {
        self.databases.push(definition);
        self
    }

    /// A project, perhaps without proxies.
    ///
    /// # Errors
    ///
    /// Its name is empty, or has a `/` or a control character in it.
    pub fn project(mut self, project: &str) -> Result<Self, Violation> {
        judge(project)?;
        self.projects.entry(project.to_owned()).or_default();
        Ok(self)
    }

    /// An API proxy of a project: the connector `project/name`. Its settings can be changed, the proxy itself not.
    ///
    /// # Errors
    ///
    /// One of the names is empty, has a `/` or a control character in it, or both together are too long for a connector's
    /// name.
    pub fn api_proxy(self, project: &str, name: &str, connection: ConnectionName) -> Result<Self, Violation> {
        judge(name)?;
        let mut declared = self.project(project)?;
        let connector = ConnectorName::new(proxy_key(project, name))?;
        let proxies = declared.projects.entry(project.to_owned()).or_default();
        proxies.insert(name.to_owned(), Proxy { connector, connection });
        Ok(declared)
    }
}

impl Declared {
    pub(super) fn proxies(&self) -> Vec<Proxy> {
        let proxies = self.projects.values().flat_map(BTreeMap::values);
        proxies.cloned().collect()
    }
}

impl DeclareError {
    pub(super) fn new(kind: ResourceKind, name: impl fmt::Display, error: RegistryError) -> Self {
        let name = name.to_string();
        DeclareError { kind, name, error }
    }
}

impl fmt::Display for DeclareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            // It names fields only.
            RegistryError::Invalid(invalid) => write!(f, "the {} {:?}: {invalid}", self.kind, self.name),
            error => error.fmt(f),
        }
    }
}

impl Error for DeclareError {}

impl GeneralLimits {
    /// So many a host, and so many for all hosts of a connection together.
    ///
    /// # Errors
    ///
    /// One of them is 0, or above the 65,536 that a pool can hold.
    pub fn new(per_host: u32, total: u32) -> Result<Self, Violation> {
        for limit in [per_host, total] {
            if limit == 0 {
                return Err(Violation::AtLeast(1));
            }
            if limit > LARGEST {
                return Err(Violation::AtMost(LARGEST.into()));
            }
        }
        Ok(GeneralLimits { per_host, total })
    }

    /// For one host.
    pub fn per_host(self) -> u32 {
        self.per_host
    }

    /// For all hosts of a connection.
    pub fn total(self) -> u32 {
        self.total
    }

    pub(super) fn of(self, hosts: usize) -> u32 {
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        self.per_host.saturating_mul(hosts.max(1)).min(self.total)
    }
}

const LARGEST: u32 = 65_536;

/// 1,024 a host and 2,048 in all.
impl Default for GeneralLimits {
    fn default() -> Self {
        GeneralLimits {
            per_host: 1024,
            total: 2048,
        }
    }
}

/// As connectors and the store call a proxy.
pub(super) fn proxy_key(project: &str, name: &str) -> String {
    format!("{project}/{name}")
}

fn judge(name: &str) -> Result<(), Violation> {
    let fits = |c: char| c != '/' && !c.is_control();
    match name {
        "" => Err(Violation::TooShort(1)),
        name if name.chars().all(fits) => Ok(()),
        _ => Err(Violation::NotA("free of / and of control characters")),
    }
}
