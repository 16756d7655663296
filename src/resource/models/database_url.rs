//! Where a managed database's server is: a URL, of which its parts but the password can be shown.
//!
//! Promises: `Debug`, `Display` and `Serialize` show neither user nor password, nor what else of it may be one. What a URL's
//! options mean is its driver's to say; here only those count that an answer's `connection` names.

use super::connection::ConnectionType;
use super::fields::{Field, field_from_outside};
use super::invalid::Violation;
use super::query_host::{QueryHost, address};
use super::secret::Secret;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A URL of a managed database's server.
///
/// ```
/// use fairpool::resource::models::DatabaseUrl;
///
/// let url: DatabaseUrl = "postgresql://doadmin:s%40same@db.example:25060/defaultdb?sslmode=require".parse()?;
/// assert_eq!((url.hosts().as_str(), url.port()), ("db.example", Some(25060)));
/// assert_eq!((url.user().as_deref(), url.database().as_deref()), (Some("doadmin"), Some("defaultdb")));
/// assert_eq!(url.to_string(), "postgresql://***@db.example:25060/defaultdb?sslmode=require");
/// assert!(url.reveal().contains("s%40same"));
/// # Ok::<(), fairpool::resource::models::Violation>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(QueryHost);

const URL: &str = "a URL";

impl DatabaseUrl {
    /// A URL of any scheme.
    ///
    /// # Errors
    ///
    /// It is none. The error does not contain the text.
    pub fn new(text: &str) -> Result<Self, Violation> {
        // Without a scheme it would be taken for an address.
        if !text.contains("://") {
            return Err(Violation::NotA(URL));
        }
        QueryHost::new(ConnectionType::Http, text).map(DatabaseUrl)
    }

    /// The text in clear, for whoever opens the connection.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What stands before `://`.
    pub fn scheme(&self) -> &str {
        self.reveal().split_once("://").map_or("", |(scheme, _)| scheme)
    }

    /// The hosts, with commas between several: those of the URL, or of its option `host`.
    pub fn hosts(&self) -> String {
        let parts = self.parts();
        let hosts: Vec<String> = parts
            .hosts
            .split(',')
            .filter(|host| !host.is_empty())
            .map(|host| decoded(host_and_port(host).0))
            .collect();
        match self.option("host") {
            Some(host) => host,
            None => hosts.join(","),
        }
    }

    /// The port of the first host, if the URL names it.
    pub fn port(&self) -> Option<u16> {
        let first = self.parts().hosts.split(',').next().unwrap_or_default();
        match self.option("port") {
            Some(ports) => ports.split(',').next().and_then(|port| port.parse().ok()),
            None => host_and_port(first).1,
        }
    }

    /// The user, if the URL names one.
    pub fn user(&self) -> Option<String> {
        let (user, _) = self.parts().user?;
        Some(decoded(user)).filter(|user| !user.is_empty())
    }

    /// The user's password, if the URL has one.
    pub fn password(&self) -> Option<Secret> {
        let (_, password) = self.parts().user?;
        Some(Secret::new(decoded(password?)))
    }

    /// The database, if the URL names one.
    pub fn database(&self) -> Option<String> {
        Some(decoded(self.parts().path)).filter(|database| !database.is_empty())
    }

    /// The first option of this name, decoded.
    pub fn option(&self, name: &str) -> Option<String> {
        let options = self.parts().query.split('&');
        let mut options = options.filter_map(|option| option.split_once('='));
        options
            .find(|(known, _)| *known == name)
            .map(|(_, value)| decoded(value))
    }

    /// What stands behind the user, as it does there.
    pub(super) fn authority(&self) -> String {
        match self.option("host") {
            Some(hosts) => encoded(&hosts),
            None => self.parts().hosts.to_owned(),
        }
    }

    fn parts(&self) -> Parts<'_> {
        let (_, rest) = self.reveal().split_once("://").unwrap_or_default();
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let user = user.map(|user| match user.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (user, None),
        });
        Parts {
            user,
            hosts,
            path,
            query,
        }
    }
}

struct Parts<'a> {
    user: Option<(&'a str, Option<&'a str>)>,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

/// A host may be percent-encoded, as the path of a socket; a port never is.
fn host_and_port(text: &str) -> (&str, Option<u16>) {
    if let Some(parts) = address(text) {
        return parts;
    }
    match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, None),
    }
}

/// With every `%41` as the byte that it stands for; a `%` that begins none stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            bytes.push((high * 16 + low) as u8);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// As part of a URL: all but letters, digits and `-._~` as their bytes.
pub(super) fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

impl std::str::FromStr for DatabaseUrl {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        DatabaseUrl::new(text)
    }
}

/// Without user and password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As it is displayed.
impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Field for DatabaseUrl {
    fn parse(value: &Value) -> Result<Self, Violation> {
        DatabaseUrl::new(value.as_str().ok_or(Violation::NotAString)?)
    }
}

field_from_outside!(DatabaseUrl);
