//! What a record is about, and the name under which it is kept.

use std::fmt;

/// The kind of a record. Keys are unique within a kind.
///
/// The name of a kind is part of every store's format: it never changes. Another kind needs a number of its own in the format
/// of the file (see `sqlite/schema.rs`), so that an older program refuses what it would not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A limit and its line, shared by connectors.
    ConnectionPool,
    /// What was changed of a managed database itself: engine settings, the server that it moved to.
    Database,
    /// A pool of a managed database.
    DatabasePool,
    /// The connection settings of an API proxy.
    ConnectionSettings,
    /// A named connection.
    Connection,
    /// What ties a connection to its pool.
    Connector,
    /// A topic of a managed database.
    Topic,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::ConnectionPool,
        Kind::Database,
        Kind::DatabasePool,
        Kind::ConnectionSettings,
        Kind::Connection,
        Kind::Connector,
        Kind::Topic,
    ];

    /// The name in stores and in errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::resource::store::Kind;
    ///
    /// assert_eq!(Kind::ConnectionPool.name(), "connection_pool");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Kind::ConnectionPool => "connection_pool",
            Kind::Database => "database",
            Kind::DatabasePool => "database_pool",
            Kind::ConnectionSettings => "connection_settings",
            Kind::Connection => "connection",
            Kind::Connector => "connector",
            Kind::Topic => "topic",
        }
    }

    /// The kind of this name, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use fairpool::resource::store::Kind;
    ///
    /// assert!(Kind::ALL.iter().all(|kind| Kind::from_name(kind.name()) == Some(*kind)));
    /// assert_eq!(Kind::from_name("session"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
