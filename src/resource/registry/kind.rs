//! What a registry has: kinds of resources, and what they are called in sentences and in paths.

use std::fmt;

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A limit and its line.
    ConnectionPool,
    /// A named connection.
    Connection,
    /// A named user of a connection.
    Connector,
    /// A project, which the file declares.
    Project,
    /// An API proxy of a project.
    ApiProxy,
    /// A managed database, which the file declares.
    Database,
    /// A pool of a managed database.
    DatabasePool,
}

impl ResourceKind {
    /// Those that are live: they have a status and operations.
    pub const LIVE: [ResourceKind; 4] = [
        ResourceKind::ConnectionPool,
        ResourceKind::Connection,
        ResourceKind::Connector,
        ResourceKind::DatabasePool,
    ];

    /// What one is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResourceKind::ConnectionPool => "connection pool",
            ResourceKind::Connection => "connection",
            ResourceKind::Connector => "connector",
            ResourceKind::Project => "project",
            ResourceKind::ApiProxy => "API proxy",
            ResourceKind::Database => "database",
            ResourceKind::DatabasePool => "database pool",
        }
    }

    /// What several are called in a path: `connection-pools`.
    pub const fn path(self) -> &'static str {
        match self {
            ResourceKind::ConnectionPool => "connection-pools",
            ResourceKind::Connection => "connections",
            ResourceKind::Connector => "connectors",
            ResourceKind::Project => "projects",
            ResourceKind::ApiProxy => "apiProxies",
            ResourceKind::Database => "databases",
            ResourceKind::DatabasePool => "database-pools",
        }
    }

    /// The live kind that a path calls so.
    ///
    /// ```
    /// use fairpool::resource::registry::ResourceKind;
    ///
    /// assert_eq!(ResourceKind::live("connectors"), Some(ResourceKind::Connector));
    /// assert_eq!(ResourceKind::live("projects"), None);
    /// ```
    pub fn live(path: &str) -> Option<Self> {
        Self::LIVE.into_iter().find(|kind| kind.path() == path)
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
