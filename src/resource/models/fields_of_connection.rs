//! The fields of a named connection, in the document's order: from JSON, as answers show them, and as the store keeps them.

use super::connection::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, Protocol};
use super::fields::{Fields, Read, from_outside, read};
use super::invalid::{Invalid, Violation};
use super::number::{Bounded, Milliseconds};
use super::query_host::{self, QueryHost};
use super::secret::Secret;
use super::stored::{Stored, value_of};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A connection without anything that may be left out.
impl Connection {
    pub(super) fn bare(name: ConnectionName, kind: ConnectionType, query_hosts: Vec<QueryHost>) -> Self {
        Connection {
            name,
            kind,
            query_hosts,
            title: None,
            version: None,
            timeout: Bounded::known::<0>(),
            sql_timeout: Bounded::known::<0>(),
            protocol: Protocol::Plain,
            ca: None,
            cert: None,
            key: None,
            passphrase: None,
            decorator: None,
            decorator_options: None,
            sock_password: None,
            sock_host: None,
            sock_username: None,
        }
    }

    fn fields<'a>(&'a self, text: fn(&'a QueryHost) -> String, secret: fn(&'a Secret) -> &'a str) -> Shown<'a> {
        Shown {
            name: &self.name,
            kind: self.kind,
            query_hosts: self.query_hosts.iter().map(text).collect(),
            title: self.title(),
            version: self.version(),
            timeout: self.timeout,
            sql_timeout: self.sql_timeout,
            protocol: self.protocol,
            ca: self.ca(),
            cert: self.cert(),
            key: self.key().map(secret),
            passphrase: self.passphrase().map(secret),
            decorator: self.decorator(),
            decorator_options: self.decorator_options(),
            sock_password: self.sock_password().map(secret),
            sock_host: self.sock_host.as_deref(),
            sock_username: self.sock_username(),
        }
    }
}

/// A connection's fields as JSON has them; one that is not set has no key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    name: &'a ConnectionName,
    #[serde(rename = "type")]
    kind: ConnectionType,
    query_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    timeout: Milliseconds,
    sql_timeout: Milliseconds,
    protocol: Protocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decorator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decorator_options: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sock_password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sock_host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sock_username: Option<&'a str>,
}

/// As answers show it: secrets masked, hosts without user and password.
impl Serialize for Connection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields(QueryHost::to_string, |_| Secret::MASK)
            .serialize(serializer)
    }
}

impl Stored for Connection {
    fn to_store(&self) -> Value {
        value_of(&self.fields(|host| host.reveal().to_owned(), Secret::reveal))
    }

    fn from_store(value: &Value) -> Result<Self, Invalid> {
        read::<ConnectionDefinition>(value).map(|ConnectionDefinition(connection)| connection)
    }
}

/// The methods by which a definition is built from Rust: `name: Type`, or `name: Option` of a type.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($given:ty) => $value:expr;)+) => {
        impl ConnectionDefinition {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(self, $name: $given) -> Self {
                    ConnectionDefinition(Connection { $name: $value, ..self.0 })
                }
            )+
        }
    };
}

setters! {
    /// What people call it.
    title(impl Into<String>) => some(title);
    /// The backend's version.
    version(impl Into<String>) => some(version);
    /// How long a query may take, 0 for any time.
    timeout(Milliseconds) => timeout;
    /// The same for SQL.
    sql_timeout(Milliseconds) => sql_timeout;
    /// Whether it is encrypted.
    protocol(Protocol) => protocol;
    /// The authorities that may vouch for the server, as PEM.
    ca(impl Into<String>) => some(ca);
    /// The client's certificate, as PEM.
    cert(impl Into<String>) => some(cert);
    /// The client's private key, as PEM.
    key(Secret) => secret(key);
    /// What opens the key.
    passphrase(Secret) => secret(passphrase);
    /// Which decorator the manager is to use.
    decorator(impl Into<String>) => some(decorator);
    /// What it is told.
    decorator_options(impl Into<String>) => some(decorator_options);
    /// The proxy's password.
    sock_password(Secret) => secret(sock_password);
    /// The proxy's user.
    sock_username(impl Into<String>) => some(sock_username);
}

impl ConnectionDefinition {
    /// The SOCKS5 proxy to go through: `host` or `host:port`; port 1080 if there is none.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn sock_host(self, host: &str) -> Result<Self, Violation> {
        query_host::proxy(host)?;
        let sock_host = Some(host.to_owned());
        Ok(ConnectionDefinition(Connection { sock_host, ..self.0 }))
    }
}

/// An empty text is the same as none.
fn some(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.is_empty())
}

fn secret(secret: Secret) -> Option<Secret> {
    Some(secret).filter(|secret| !secret.reveal().is_empty())
}

impl Read for ConnectionDefinition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name");
        let kind = fields.required("type");
        let hosts = query_hosts(fields, kind);
        let (title, version) = (text(fields, "title"), text(fields, "version"));
        let (timeout, sql_timeout) = (fields.optional("timeout"), fields.optional("sqlTimeout"));
        let protocol = fields.optional("protocol");
        let (ca, cert) = (text(fields, "ca"), text(fields, "cert"));
        let (key, passphrase) = (fields.optional("key"), fields.optional("passphrase"));
        let (decorator, decorator_options) = (text(fields, "decorator"), text(fields, "decoratorOptions"));
        let sock_password = either(fields, "sockPassword", "socksPassword");
        let sock_password = fields.optional(sock_password);
        let sock_host = either(fields, "sockHost", "socksHost");
        let sock_host = text(fields, sock_host).and_then(|host| match host {
            Some(host) => fields.parsed(sock_host, query_host::proxy(&host)).map(|()| Some(host)),
            None => Some(None),
        });
        let sock_username = either(fields, "sockUsername", "socksUsername");
        let sock_username = text(fields, sock_username);
        let bare = Connection::bare(name?, kind?, hosts?);
        Some(ConnectionDefinition(Connection {
            title: title?,
            version: version?,
            timeout: timeout?.unwrap_or(bare.timeout),
            sql_timeout: sql_timeout?.unwrap_or(bare.sql_timeout),
            protocol: protocol?.unwrap_or(bare.protocol),
            ca: ca?,
            cert: cert?,
            key: key?.and_then(secret),
            passphrase: passphrase?.and_then(secret),
            decorator: decorator?,
            decorator_options: decorator_options?,
            sock_password: sock_password?.and_then(secret),
            sock_host: sock_host?,
            sock_username: sock_username?,
            ..bare
        }))
    }
}

fn text(fields: &mut Fields<'_>, name: &'static str) -> Option<Option<String>> {
    fields
        .optional::<String>(name)
        .map(|text| text.filter(|text| !text.is_empty()))
}

/// The documented spelling, unless only the other one has a value.
fn either(fields: &Fields<'_>, documented: &'static str, alias: &'static str) -> &'static str {
    if !fields.has(documented) && fields.has(alias) {
        alias
    } else {
        documented
    }
}

/// More servers than anybody tries in turn.
const MOST_HOSTS: usize = 64;

/// At least one; without a known type they cannot be judged, beyond being texts.
fn query_hosts(fields: &mut Fields<'_>, kind: Option<ConnectionType>) -> Option<Vec<QueryHost>> {
    let name = "queryHosts";
    let list = match fields.value(name) {
        None | Some(Value::Null) => return fields.refuse(name, Violation::Required),
        Some(Value::Array(list)) if list.is_empty() => return fields.refuse(name, Violation::Required),
        // Each of them costs a manager, and those that are faulty a sentence.
        Some(Value::Array(list)) if list.len() > MOST_HOSTS => {
            return fields.refuse(name, Violation::NotA("a list of at most 64 hosts"));
        }
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return fields.refuse(name, Violation::NotAList),
    };
    let parse = |host: &Value| {
        let text = host.as_str().ok_or(Violation::NotAString)?;
        kind.map(|kind| QueryHost::new(kind, text)).transpose()
    };
    let parsed = list
        .iter()
        .enumerate()
        .map(|(at, host)| fields.parsed(format!("{name}.{at}"), parse(host)));
    // All of them first, so that every fault is noted.
    let parsed: Vec<Option<Option<QueryHost>>> = parsed.collect();
    parsed.into_iter().map(Option::flatten).collect()
}

from_outside!(ConnectionDefinition);
