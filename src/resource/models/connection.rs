//! Named connections of the fourth family: a backend's hosts, how to speak to them, and what is secret about that.
//!
//! What is posted is a whole definition. Where it shows the mask of a secret, it means the stored one.

use super::choice::choice;
use super::invalid::{Invalid, Violation};
use super::number::Milliseconds;
use super::query_host::{self, QueryHost};
use super::secret::Secret;
use super::text::{PRINTABLE, printable, text};
use std::time::Duration;

text! {
    /// A connection's name, by which it is found: 1 to 255 characters.
    ConnectionName(1..=255, printable, PRINTABLE)
}

choice! {
    /// What is at the other end.
    ConnectionType {
        /// Druid's native queries.
        Druid = "druid",
        /// Druid's SQL.
        DruidSql = "druidsql",
        /// An HTTP service.
        Http = "http",
        /// PostgreSQL.
        Postgres = "postgres",
        /// MySQL or MariaDB.
        Mysql = "mysql",
        /// Redis or Valkey.
        Redis = "redis",
        /// A file of SQLite's.
        Sqlite = "sqlite",
    }
}

choice! {
    /// Whether the connection is encrypted, and the server known by its certificate.
    Protocol {
        /// Not encrypted.
        Plain = "plain",
        /// Encrypted; the certificate is verified.
        Tls = "tls",
        /// Encrypted; the certificate is not verified.
        TlsLoose = "tls-loose",
    }
}

/// A named connection. `Serialize` shows it as answers do; see [`Stored`](super::Stored) for its secrets.
///
/// ```
/// use fairpool::resource::models::ConnectionDefinition;
/// use serde_json::json;
///
/// let posted = json!({"name": "cache", "type": "redis", "queryHosts": ["redis://app:hunter2@r1:6379"], "passphrase": "sesame"});
/// let stored = ConnectionDefinition::try_from(&posted)?.into_connection(None)?;
/// let shown = json!(stored);
/// assert_eq!(shown["queryHosts"], json!(["redis://***@r1:6379"]));
/// assert_eq!(shown["passphrase"], "********");
///
/// // Sent back as it was shown, it changes nothing.
/// let same = ConnectionDefinition::try_from(&shown)?.into_connection(Some(&stored))?;
/// assert_eq!(same, stored);
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub(super) name: ConnectionName,
    pub(super) kind: ConnectionType,
    pub(super) query_hosts: Vec<QueryHost>,
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
    pub(super) timeout: Milliseconds,
    pub(super) sql_timeout: Milliseconds,
    pub(super) protocol: Protocol,
    pub(super) ca: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<Secret>,
    pub(super) passphrase: Option<Secret>,
    pub(super) decorator: Option<String>,
    pub(super) decorator_options: Option<String>,
    pub(super) sock_password: Option<Secret>,
    pub(super) sock_host: Option<String>,
    pub(super) sock_username: Option<String>,
}

/// A connection as it is posted; a secret in it may be a mask, which means the stored one, on the way that it took before
/// ([`into_connection`](ConnectionDefinition::into_connection)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionDefinition(pub(super) Connection);

const SOCKS_PORT: u16 = 1080;

impl Connection {
    /// Its name.
    pub fn name(&self) -> &ConnectionName {
        &self.name
    }

    /// What is at the other end.
    pub fn kind(&self) -> ConnectionType {
        self.kind
    }

    /// Where it is; several are tried in turn. At least one.
    pub fn query_hosts(&self) -> &[QueryHost] {
        &self.query_hosts
    }

    /// What people call it.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The backend's version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// How long a query may take; `None` for any time.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.as_milliseconds()
    }

    /// The same for SQL.
    pub fn sql_timeout(&self) -> Option<Duration> {
        self.sql_timeout.as_milliseconds()
    }

    /// Whether it is encrypted.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The authorities that may vouch for the server, as PEM.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// The client's certificate, as PEM.
    pub fn cert(&self) -> Option<&str> {
        self.cert.as_deref()
    }

    /// The client's private key, as PEM.
    pub fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// What opens the key.
    pub fn passphrase(&self) -> Option<&Secret> {
        self.passphrase.as_ref()
    }

    /// Which decorator the manager is to use.
    pub fn decorator(&self) -> Option<&str> {
        self.decorator.as_deref()
    }

    /// What it is told.
    pub fn decorator_options(&self) -> Option<&str> {
        self.decorator_options.as_deref()
    }

    /// Host and port of the SOCKS5 proxy to go through; 1080 if it names none.
    pub fn sock_host(&self) -> Option<(&str, u16)> {
        let (host, port) = query_host::address(self.sock_host.as_deref()?)?;
        Some((host, port.unwrap_or(SOCKS_PORT)))
    }

    /// The proxy's user.
    pub fn sock_username(&self) -> Option<&str> {
        self.sock_username.as_deref()
    }

    /// The proxy's password.
    pub fn sock_password(&self) -> Option<&Secret> {
        self.sock_password.as_ref()
    }
}

impl ConnectionDefinition {
    /// A connection to these hosts, in plain, without timeouts.
    ///
    /// # Errors
    ///
    /// There is no host, or one that is none of this type's.
    ///
    /// ```
    /// use fairpool::resource::models::{ConnectionDefinition, ConnectionName, ConnectionType, Protocol, Secret};
    ///
    /// let name = ConnectionName::new("orders")?;
    /// let connection = ConnectionDefinition::new(name, ConnectionType::Postgres, ["db1:5432", "db2:5432"])?
    ///     .protocol(Protocol::Tls)
    ///     .key(Secret::new("-----BEGIN PRIVATE KEY-----"))
    ///     .into_connection(None)?;
    /// assert_eq!(connection.query_hosts().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<H: AsRef<str>>(
        name: ConnectionName,
        kind: ConnectionType,
        hosts: impl IntoIterator<Item = H>,
    ) -> Result<Self, Invalid> {
        let (mut query_hosts, mut faults) = (Vec::new(), Vec::new());
        for (at, host) in hosts.into_iter().enumerate() {
            match QueryHost::new(kind, host.as_ref()) {
                Ok(host) => query_hosts.push(host),
                Err(violation) => faults.push((format!("queryHosts.{at}").into(), violation)),
            }
        }
        if query_hosts.is_empty() && faults.is_empty() {
            faults.push(("queryHosts".into(), Violation::Required));
        }
        match Invalid::of(faults) {
            Some(invalid) => Err(invalid),
            None => Ok(ConnectionDefinition(Connection::bare(name, kind, query_hosts))),
        }
    }

    /// The name under which it is to be kept.
    pub fn name(&self) -> &ConnectionName {
        &self.0.name
    }
}
