//! Where a connection leads: `host`, `host:port`, a URL, or the file of an embedded database.
//!
//! Promises: what is shown of a URL has neither user nor password, nor the values of parameters that look secret. Where it is unclear
//! what of a URL is a password, it is refused (an `@` after the host), or more is hidden than must be (parameters, fragments). Which schemes and parameters a backend knows is its driver's to say.

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
/// What ends the text before a parameter's name.
const SEPARATORS: [char; 8] = ['/', ';', '?', '&', ',', ':', ' ', '='];
const SENSITIVE: [&str; 12] = [
    "pass", "pwd", "secret", "token", "key", "auth", "user", "cred", "sig", "jwt", "private", "%",
];

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

    /// Whether it may be what an answer showed, sent back.
    pub(super) fn is_masked(&self) -> bool {
        self.form != Form::Address && self.reveal().contains(HIDDEN)
    }

    /// The stored host of which this is the image; rather the one in its place.
    pub(super) fn kept(&self, stored: &[QueryHost], at: usize) -> Option<Self> {
        let shows_this = |stored: &&QueryHost| stored.form == self.form && shown(stored.reveal()) == self.reveal();
        let kept = stored.get(at).filter(shows_this);
        kept.or_else(|| stored.iter().find(shows_this)).cloned()
    }

    /// Whether both are the same, whatever their users and passwords.
    pub(super) fn leads_where(&self, other: &QueryHost) -> bool {
        fn without_user(host: &QueryHost) -> (&str, &str) {
            let text = host.reveal();
            let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
            (scheme, rest.rsplit_once('@').map_or(rest, |(_, rest)| rest))
        }
        self.form == other.form && without_user(self) == without_user(other)
    }

    fn address(&self) -> Option<(&str, Option<u16>)> {
        if self.form == Form::Address {
            address(self.reveal())
        } else {
            None
        }
    }
}

/// Without user, password and other secrets.
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
    // A parser of browsers' URLs takes a `\` for a `/`, and ends the host there.
    is_scheme && leads_somewhere && !text.contains(|c: char| c.is_control() || c == ' ' || c == '\\')
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
    let (rest, fragment) = match rest.split_once('#') {
        // No backend knows one, so nothing is lost.
        Some((rest, fragment)) if !fragment.is_empty() => (rest, format!("#{HIDDEN}")),
        _ => (rest, String::new()),
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => {
            let parameters: Vec<String> = query.split('&').map(covered).collect();
            (path, format!("?{}", parameters.join("&")))
        }
        None => (rest, String::new()),
    };
    format!("{scheme}{user}{}{query}{fragment}", covered(path))
}

/// A path or parameter, without all that follows the first name that may be a secret's: what ends its value is not known.
fn covered(text: &str) -> String {
    let signs = text.match_indices('=').chain(text.match_indices("%3D"));
    let signs = signs.chain(text.match_indices("%3d"));
    let ends = signs.filter_map(|(at, sign)| {
        let (before, value) = (&text[..at], at + sign.len());
        let name = before.rsplit(SEPARATORS).next().unwrap_or(before);
        (value < text.len() && is_sensitive(name)).then_some(value)
    });
    match ends.min() {
        Some(end) => format!("{}{HIDDEN}", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a parameter may hold a secret, by its name; an encoded name could be any.
fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.iter().any(|word| name.contains(word))
}
