//! From a URL to settings. What is wrong is named; what might be a part of a password is not shown.

use super::error::Error;
use super::settings::{Place, Settings};
use redis::{IntoConnectionInfo, parse_redis_url};

/// What may stand after the question mark, and where: everywhere, with TLS, with a Unix socket.
const EVERYWHERE: [&str; 2] = ["protocol", "client_name"];
const TLS: [&str; 3] = ["ca_file", "cert_file", "key_file"];
const UNIX: [&str; 3] = ["db", "user", "pass"];

const ESCAPES: &str = "(in a user's name or password, write / ? # @ : and % as %2F %3F %23 %40 %3A and %25)";

/// Nothing of it is shown, since it is rather a password than a user's name.
const PASSWORD_ALONE: &str =
    "is without a password (a password alone stands behind a colon, as in redis://:password@host)";

const SCHEMES: [&str; 7] = [
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "unix",
    "redis+unix",
    "valkey+unix",
];

/// The settings that a URL stands for.
pub(super) fn parse(text: &str) -> Result<Settings, Error> {
    let Some(url) = parse_redis_url(text) else {
        return Err(diagnose(text));
    };
    let scheme = url.scheme().to_owned();
    let is_unix = scheme.ends_with("unix");
    let is_tls = matches!(&*scheme, "rediss" | "valkeys");
    if is_unix {
        if url.host_str().is_some_and(|host| !host.is_empty()) || url.path().len() < 2 {
            return Err(Error::url("path", "must be absolute, as in unix:///run/redis.sock"));
        }
    } else {
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Error::url("host", "is missing"));
        }
        let database = url.path().trim_matches('/');
        if !database.is_empty() && database.parse::<u32>().is_err() {
            return Err(Error::url("database", "must be a number, as in redis://host:6379/0"));
        }
    }
    match url.fragment() {
        None | Some("insecure") if is_tls => {}
        None => {}
        Some(_) => return Err(Error::url("#", format!("has no meaning here {ESCAPES}"))),
    }
    if !url.username().is_empty() && url.password().is_none() {
        return Err(Error::url("user", PASSWORD_ALONE));
    }
    if has_bad_escape(text) {
        return Err(Error::url(
            "%",
            format!("stands without two hexadecimal digits {ESCAPES}"),
        ));
    }
    let mut extra = Vec::new();
    for (name, value) in url.query_pairs() {
        let known =
            EVERYWHERE.contains(&&*name) || is_tls && TLS.contains(&&*name) || is_unix && UNIX.contains(&&*name);
        if !known {
            let further: &[&str] = if is_tls {
                &TLS
            } else if is_unix {
                &UNIX
            } else {
                &[]
            };
            // With an @ it is rather the rest of a password.
            if !is_plain(&name) || url.query().is_some_and(|query| query.contains('@')) {
                return Err(Error::url("?", format!("has no meaning here {ESCAPES}")));
            }
            let all: Vec<_> = EVERYWHERE.iter().chain(further).copied().collect();
            return Err(Error::url(
                &name,
                format!("no such option (there are {})", all.join(", ")),
            ));
        }
        if name == "protocol" && !matches!(&*value, "2" | "3" | "resp2" | "resp3") {
            return Err(Error::url("protocol", "must be resp2 or resp3"));
        }
        if name == "db" && value.parse::<u32>().is_err() {
            return Err(Error::url("db", "must be a number"));
        }
        extra.push((name.into_owned(), value.into_owned()));
    }
    // What is left to go wrong are escapes in the user's name and password.
    let info = url
        .into_connection_info()
        .map_err(|error| Error::url("user, password or address", error.to_string()))?;
    let mut settings = Settings::new(&info)?;
    apply(&mut settings, extra)?;
    Ok(settings)
}

fn apply(settings: &mut Settings, extra: Vec<(String, String)>) -> Result<(), Error> {
    let (mut certificate, mut key) = (None, None);
    for (name, value) in extra {
        match &*name {
            "client_name" => settings.client_name = Some(value),
            "ca_file" => settings.tls.ca_file = Some(value.into()),
            "cert_file" => certificate = Some(value.into()),
            "key_file" => key = Some(value.into()),
            _ => {}
        }
    }
    settings.tls.client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => return Err(Error::url("key_file", "is missing beside cert_file")),
        (None, Some(_)) => return Err(Error::url("cert_file", "is missing beside key_file")),
    };
    Ok(())
}

/// Why a text is no URL of a Redis server. Nothing of it is shown but the scheme: without its escapes, a password can look
/// like anything.
fn diagnose(text: &str) -> Error {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Error::url("scheme", "is missing, as in redis://host:6379/0");
    };
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        let what = if is_plain(scheme) {
            format!("`{scheme}`")
        } else {
            "this".to_owned()
        };
        return Error::url("scheme", format!("{what} is none of {}", SCHEMES.join(", ")));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    if host.is_empty() {
        Error::url("host", format!("is missing {ESCAPES}"))
    } else if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        Error::url("port", format!("must be a number from 1 to 65535 {ESCAPES}"))
    } else {
        Error::url("host", format!("is no name and no address {ESCAPES}"))
    }
}

/// The parser takes such a percent sign for itself.
fn has_bad_escape(text: &str) -> bool {
    let mut escapes = text.split('%').skip(1);
    escapes.any(|rest| rest.len() < 2 || !rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

/// Whether a word can be the name of an option, or of a scheme, that somebody has misspelt.
fn is_plain(word: &str) -> bool {
    word.len() < 20
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

impl Place {
    /// Whether what is said to the server is encrypted.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Place::Tls { .. })
    }
}
