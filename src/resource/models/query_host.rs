//! Where a connection leads: `host`, `host:port`, a URL, or the file of an embedded database.
//!
//! Promises: what is shown of a URL has neither user nor password. Where it is unclear what of a URL is a password, it is
//! refused (an `@` after the host), or more is hidden than must be (parameters). Which schemes and parameters a backend knows is its driver's to say.

use super::connection::ConnectionType;
use super::invalid::Violation;
use super::secret::Secret;
use std::fmt;
use std::net::Ipv6Addr;

/// One of a connection's hosts.
///
/// ```
/// use fairpool::resource::models::{ConnectionType, QueryHost};
///
/// let plain = QueryHost::new(ConnectionType::Postgres, "db.example:5432")?;
/// assert_eq!((plain.host(), plain.port()), (Some("db.example"), Some(5432)));
///
/// let url = QueryHost::new(ConnectionType::Postgres, "postgres://app:hunter2@db.example/orders")?;
/// assert_eq!(url.to_string(), "postgres://***@db.example/orders");
/// assert!(url.reveal().contains("hunter2"));
/// # Ok::<(), fairpool::resource::models::Violation>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct QueryHost {
    text: Secret,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Address,
    Url,
    File,
}

const LONGEST: usize = 2048;
const ADDRESS: &str = "a host, host:port or URL";
const PLAIN_AT: &str = "a URL with %40 for any @ after its host";
const HOST: &str = "a host or host:port";
const FILE: &str = "a file";
/// What stands for user and password, or for the value of a parameter.
const HIDDEN: &str = "***";

impl QueryHost {
    /// A host of a connection of this type: a file for `sqlite`, one on the network for the others.
    ///
    /// # Errors
    ///
    /// It is nothing of that kind. The error does not contain the text.
    pub fn new(kind: ConnectionType, text: &str) -> Result<Self, Violation> {
        let form = match kind {
            ConnectionType::Sqlite => Form::File,
            _ if text.contains("://") => Form::Url,
            _ => Form::Address,
        };
        if text.chars().count() > LONGEST {
            return Err(Violation::TooLong(LONGEST as u64));
        }
        let fits = match form {
            Form::Address => address(text).is_some(),
            Form::Url => is_url(text),
            Form::File => !text.is_empty() && !text.contains(char::is_control),
        };
        if form == Form::Url && has_late_at(text) {
            return Err(Violation::NotA(PLAIN_AT));
        }
        if !fits {
            return Err(Violation::NotA(if form == Form::File { FILE } else { ADDRESS }));
        }
        let text = Secret::new(text);
        Ok(QueryHost { text, form })
    }

    /// The text in clear, for whoever opens the connection.
    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }

    /// The host of `host` and `host:port`, without an IPv6 address' brackets.
    pub fn host(&self) -> Option<&str> {
        self.address().map(|(host, _)| host)
    }

    /// The port of `host:port`.
    pub fn port(&self) -> Option<u16> {
        self.address()?.1
    }

    /// The URL in clear, if it is one.
    pub fn reveal_url(&self) -> Option<&str> {
        (self.form == Form::Url).then(|| self.reveal())
    }

    /// The file of an embedded database.
    pub fn reveal_file(&self) -> Option<&str> {
        (self.form == Form::File).then(|| self.reveal())
    }

    /// What is meant by this host, when it may be one that an answer showed: the stored one of which it is the image.
    pub(crate) fn keeping(self, stored: &[QueryHost], at: usize) -> Result<Self, Violation> {
        let text = self.reveal();
        if !has_hidden(text) {
            return Ok(self);
        }
        let shows_this = |stored: &&QueryHost| shown(stored.reveal()) == text;
        let kept = stored
            .get(at)
            .filter(shows_this)
            .or_else(|| stored.iter().find(shows_this));
        kept.cloned().ok_or(Violation::NothingStored)
    }

    fn address(&self) -> Option<(&str, Option<u16>)> {
        if self.form == Form::Address {
            address(self.reveal())
        } else {
            None
        }
    }
}

/// Without user and password.
impl fmt::Display for QueryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.reveal()))
    }
}

impl fmt::Debug for QueryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&shown(self.reveal()), f)
    }
}

/// The rule about `host` and `host:port` alone, for a SOCKS proxy.
pub(crate) fn proxy(text: &str) -> Result<(), Violation> {
    address(text).map(|_| ()).ok_or(Violation::NotA(HOST))
}

/// Host and port of `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`.
pub(crate) fn address(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        host.parse::<Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(port(rest.strip_prefix(':')?)?))),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((host, digits)) => (host, Some(port(digits)?)),
        None => (text, None),
    };
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
    is_host.then_some((host, port))
}

fn port(digits: &str) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|_| is_number);
    port.filter(|&port| port > 0)
}

/// A scheme, and somewhere to go: hosts with commas between them, or a path.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let leads_somewhere = if hosts.is_empty() {
        // A socket's path instead of a host.
        path.len() > 1
    } else {
        hosts.split(',').all(is_url_host)
    };
    is_scheme && leads_somewhere && !text.contains(|c: char| c.is_control() || c == ' ')
}

/// Whether an `@` stands behind the host: in a path it is rare, and in a password with a `/` before it it would be shown.
fn has_late_at(text: &str) -> bool {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split_once(['/', '?', '#'])
        .is_some_and(|(_, late)| late.contains('@'))
}

/// A host may be percent-encoded here, as the path of a socket.
fn is_url_host(host: &str) -> bool {
    address(&host.replace('%', "-")).is_some()
}

fn shown(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    // The last of them: a password may hold an `@`.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) if !scheme.is_empty() => (format!("{HIDDEN}@"), rest),
        _ => (String::new(), rest),
    };
    let Some((before, query)) = rest.split_once('?') else {
        return scheme + &user + rest;
    };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, value)) if is_sensitive(name) && !value.is_empty() => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    });
    let parameters: Vec<String> = parameters.collect();
    format!("{scheme}{user}{before}?{}", parameters.join("&"))
}

/// Whether a URL's parameter may hold a secret, by its name; an encoded name could be any.
fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["pass", "pwd", "secret", "token", "key", "auth", "user", "cred", "%"];
    words.iter().any(|word| name.contains(word))
}

/// Whether something in it may be what an answer shows in place of a secret.
fn has_hidden(text: &str) -> bool {
    text.contains("://***@") || text.contains("=***")
}
