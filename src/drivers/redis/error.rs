//! What can go wrong with a server and its connections: one line each that names the server, or the part of the
//! configuration, and the reason. No password is ever in it.

use redis::RedisError;
use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

/// Why a connection could not be opened, checked or cleaned.
///
/// What comes of a command is the crate's own [`RedisError`]. `server` is the database and the address, as in
/// `database 0 on cache.example:6379`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option makes no sense, or a file that it names cannot be used. Nothing was connected to.
    Option {
        /// Which one: `url: port`, `ca_file`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no TLS session to be had with this server: its certificate, or ours, is not accepted.
    Tls {
        /// Which server.
        server: Arc<str>,
        /// Why.
        error: rustls::Error,
    },
    /// The proxy does not lead to the server.
    Proxy {
        /// To which server.
        server: Arc<str>,
        /// What is wrong.
        reason: String,
        /// Whether somebody has to change something.
        permanent: bool,
    },
    /// The socket could not be opened, or failed.
    Io {
        /// To which server.
        server: Arc<str>,
        /// When.
        stage: Stage,
        /// How.
        error: io::Error,
    },
    /// The server said no.
    Refused {
        /// Which server.
        server: Arc<str>,
        /// When.
        stage: Stage,
        /// The first word of the answer: `WRONGPASS`, `LOADING`, `ERR`.
        code: String,
        /// The rest of it.
        message: String,
        /// Whether somebody has to change something before it will say yes.
        permanent: bool,
    },
    /// Something came that is no answer to what was asked.
    OutOfStep {
        /// From which server.
        server: Arc<str>,
        /// When.
        stage: Stage,
        /// What came.
        reason: String,
    },
}

/// What was going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// A connection was being opened.
    Connect,
    /// It was being checked before a lease.
    Validate,
    /// It was being cleaned after one.
    Reset,
}

impl Error {
    /// Whether the same may go better later by itself: a server that is away, loading or full, against a password, an
    /// address, a certificate or an option that somebody has to change.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Option { .. } | Error::Tls { .. } => false,
            // Of a socket in the file system, which has no number of its own; TCP's is a word of the network's.
            Error::Io { error, .. } => {
                error.kind() != io::ErrorKind::PermissionDenied || error.raw_os_error().is_some()
            }
            Error::Refused { permanent, .. } | Error::Proxy { permanent, .. } => !permanent,
            Error::OutOfStep { stage, .. } => *stage != Stage::Connect,
        }
    }

    pub(super) fn option(field: &str, reason: impl Into<String>) -> Self {
        Error::Option {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }

    /// The same of a part of the URL.
    pub(super) fn url(part: &str, reason: impl Into<String>) -> Self {
        Error::option(&format!("url: {part}"), reason)
    }

    /// A failure of the socket; one of TLS beneath it comes out as such.
    pub(super) fn io(server: &Arc<str>, stage: Stage, error: io::Error) -> Self {
        let server = server.clone();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => Error::Tls {
                server,
                error: tls.clone(),
            },
            None => Error::Io { server, stage, error },
        }
    }

    /// Bytes that are not Redis's protocol.
    pub(super) fn protocol(server: &Arc<str>, stage: Stage, error: &RedisError) -> Self {
        Error::OutOfStep {
            server: server.clone(),
            stage,
            reason: format!("it does not speak Redis's protocol ({})", one_line(&error.to_string())),
        }
    }
}

/// What rustls says, but for what nobody could make out.
fn tls(error: &rustls::Error) -> String {
    match error {
        // webpki's word for a certificate that is marked as an authority's, and so may be no server's.
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))
            if other.to_string() == "CaUsedAsEndEntity" =>
        {
            "the server's certificate is an authority's own; it has to be one that an authority has signed".to_owned()
        }
        other => other.to_string(),
    }
}

/// Texts of others may have several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Option { field, reason } => write!(f, "{field}: {reason}"),
            Error::Tls { server, error } => write!(f, "{}tls: {}", Stage::Connect.begin(server), tls(error)),
            Error::Proxy { server, reason, .. } => write!(f, "{}{reason}", Stage::Connect.begin(server)),
            Error::Io { server, stage, error } => write!(f, "{}{error}", stage.begin(server)),
            Error::Refused {
                server,
                stage,
                code,
                message,
                ..
            } => {
                let gap = if message.is_empty() { "" } else { " " };
                write!(f, "{}{code}{gap}{}", stage.begin(server), one_line(message))
            }
            Error::OutOfStep { server, stage, reason } => write!(f, "{}{reason}", stage.begin(server)),
        }
    }
}

impl Stage {
    fn begin(self, server: &str) -> String {
        match self {
            Stage::Connect => format!("cannot connect to {server}: "),
            Stage::Validate => format!("{server}: health check: "),
            Stage::Reset => format!("{server}: reset: "),
        }
    }
}

/// The text contains that of the cause, so the source skips it.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Io { error, .. } => error.source(),
            Error::Tls { error, .. } => error.source(),
            _ => None,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_permission_is_for_somebody_to_give_in_the_file_system_alone() {
        let error = |error| Error::io(&"cache.example:6379".into(), Stage::Connect, error);
        let tcp = io::Error::from_raw_os_error(1);
        assert_eq!(tcp.kind(), io::ErrorKind::PermissionDenied);
        let unix = io::Error::new(tcp.kind(), "/run/redis.sock: no permission");
        assert!(error(tcp).is_transient());
        assert!(!error(unix).is_transient());
    }
}
