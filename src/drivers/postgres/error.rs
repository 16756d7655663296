//! What can go wrong with a connection, apart from what the server says to a user's own queries. Knows no password.

use super::settings::Settings;
use super::tls;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// Why a connection could not be configured, opened, checked or cleaned.
///
/// Queries fail with [`tokio_postgres::Error`]; this is what the [manager](super::Postgres) and
/// [`Connection`](super::Connection)'s own methods return. The text is one line, begins with the option or the database that
/// it is about, and contains what the server or the network said, so [`source`](StdError::source) skips that. Of a
/// [setup](super::Postgres::setup) that the server refuses it says the number and the SQLSTATE, and of a
/// [parameter](super::Postgres::parameter) the name: what the server said may quote them, and only [`postgres`](Error::postgres) has
/// that.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::postgres::Postgres;
///
/// let error = Postgres::from_url("postgresql://app:secret@db.example:54x2/orders").unwrap_err();
/// assert_eq!(error.to_string(), "url: port: not a number from 1 to 65535");
/// let error = Postgres::from_url("postgresql://app@db.example/orders?sslmod=require").unwrap_err();
/// assert_eq!(error.to_string(), "url: unknown option sslmod");
/// ```
#[non_exhaustive]
pub enum Error {
    /// An option makes no sense. Nothing was connected to.
    Option {
        /// Which one, as it is spelled in a URL.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection could be opened.
    Connect {
        /// To which database, on which hosts.
        database: Arc<str>,
        /// What is wrong: of several hosts, each.
        reason: String,
        /// Whether it may go better later by itself.
        transient: bool,
        /// What tokio-postgres said of the last host, if the session had begun.
        error: Option<tokio_postgres::Error>,
    },
    /// A connection failed when it was checked or cleaned.
    Session {
        /// To which database.
        database: Arc<str>,
        /// What the server or the network said.
        error: tokio_postgres::Error,
    },
    /// The connection is closed.
    Closed {
        /// To which database.
        database: Arc<str>,
    },
    /// What the last lease left behind could not be undone.
    Unclean {
        /// On which database.
        database: Arc<str>,
        /// What it was.
        reason: String,
    },
}

/// Why one host could not be used.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) transient: bool,
    pub(super) error: Option<tokio_postgres::Error>,
}

impl Error {
    /// What tokio-postgres said, if it did.
    pub fn postgres(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Error::Connect { error, .. } => error.as_ref(),
            Error::Session { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The server's SQLSTATE, if it was the server that refused.
    pub fn code(&self) -> Option<&SqlState> {
        self.postgres()?.code()
    }

    /// Whether the same may go better later by itself: a network, a server that starts or is full; against what somebody
    /// has to change, such as a password, a name, a certificate or an option.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Option { .. } => false,
            Error::Connect { transient, .. } => *transient,
            Error::Session { error, .. } => is_transient(error),
            Error::Closed { .. } | Error::Unclean { .. } => true,
        }
    }

    pub(super) fn option(field: impl Into<String>, reason: impl fmt::Display) -> Self {
        Error::Option {
            field: field.into(),
            reason: reason.to_string(),
        }
    }
}

impl Failure {
    pub(super) fn network(error: &io::Error) -> Self {
        Failure {
            reason: format!("network: {error}"),
            // Somebody has to let us in: a socket in the file system, which has no number of its own. Of TCP it is a word of the
            // network's, such as a balancer's that has no server at the moment.
            transient: error.kind() != io::ErrorKind::PermissionDenied || error.raw_os_error().is_some(),
            error: None,
        }
    }

    /// tokio-postgres failed while it did `what`, which may be nothing to speak of.
    pub(super) fn postgres(what: &str, error: tokio_postgres::Error) -> Self {
        let what = if what.is_empty() {
            String::new()
        } else {
            format!("{what}: ")
        };
        Failure {
            reason: format!("{what}{}", said(&error)),
            transient: is_transient(&error) && !is_refused_by_a_pooler(&error),
            error: Some(error),
        }
    }

    /// No session was begun. The server quotes the value of a parameter that it does not like, which may hold a secret.
    pub(super) fn session(settings: &Settings, error: tokio_postgres::Error) -> Self {
        let mut failure = Failure::postgres("", error);
        if let Some(said) = failure.error.as_ref().and_then(tokio_postgres::Error::as_db_error) {
            let code = said.code().code();
            let is_about_parameters = !OF_A_LOGIN.iter().any(|class| code.starts_with(class));
            if let Some(name) = settings.quoted_in(said.message()).filter(|_| is_about_parameters) {
                failure.reason = format!("parameter {name}: refused (SQLSTATE {code})");
            }
        }
        failure
    }

    /// The statement of the setup with this number failed. The server may quote it, and it may hold a secret.
    pub(super) fn setup(number: usize, error: tokio_postgres::Error) -> Self {
        let what = format!("statement {number} of the setup");
        let mut failure = Failure::postgres(&what, error);
        if let Some(code) = failure.error.as_ref().and_then(tokio_postgres::Error::code) {
            failure.reason = format!("{what}: refused (SQLSTATE {})", code.code());
        }
        failure
    }

    pub(super) fn transient(reason: impl Into<String>) -> Self {
        Failure {
            reason: reason.into(),
            transient: true,
            error: None,
        }
    }
}

/// In one line: who said what.
pub(super) fn said(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        return format!("the server says: {message} (SQLSTATE {})", error.code().code());
    }
    match error.source() {
        Some(source) if source.is::<io::Error>() => refusal(source).unwrap_or_else(|| format!("network: {source}")),
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// In TLS 1.3 the handshake is over before the server has looked at the client's certificate.
fn refusal(source: &(dyn StdError + 'static)) -> Option<String> {
    let inner = source.downcast_ref::<io::Error>()?.get_ref()?;
    tls::refusal(inner.downcast_ref()?)
}

/// The classes of SQLSTATE that a retry does not change: what is unsupported, unauthorised, misspelled or not there.
const PERMANENT: [&str; 8] = ["0A", "0L", "0P", "22", "28", "3D", "3F", "42"];

/// Those that are about who connects and to what, or about the server; so whatever they quote is no parameter.
const OF_A_LOGIN: [&str; 4] = ["28", "3D", "53", "57"];

/// What PgBouncer says to a login that no retry makes better. It has one SQLSTATE, a violation of the protocol, for all that it
/// says, so its words have to tell; those of version 1.18, and older ones'.
const REFUSED: [&str; 11] = [
    "authentication failed",
    "auth failed",
    "no such database",
    "no such user",
    "unsupported startup parameter",
    "login rejected",
    "ssl required",
    "tls connection required",
    "tls client certificate required",
    "tls certificate name mismatch",
    "bouncer config error",
];

fn is_refused_by_a_pooler(error: &tokio_postgres::Error) -> bool {
    let is_refusal = |said: &str| REFUSED.iter().any(|words| said.contains(words));
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::PROTOCOL_VIOLATION && is_refusal(&error.message().to_ascii_lowercase())
    })
}

fn is_transient(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        return !PERMANENT.iter().any(|class| code.code().starts_with(class));
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        // Not the network: an answer or a method of authentication that cannot be.
        Some(error) => !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData),
        // A password that is missing, a configuration that cannot be; or the end of the connection, which says no more.
        None => error.is_closed(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Option { field, reason } => write!(f, "{field}: {reason}"),
            Error::Connect { database, reason, .. } => write!(f, "cannot connect to {database}: {reason}"),
            Error::Session { database, error } => write!(f, "{database}: {}", said(error)),
            Error::Closed { database } => write!(f, "{database}: the connection is closed"),
            Error::Unclean { database, reason } => write!(f, "{database}: not clean after its lease: {reason}"),
        }
    }
}

/// Without what the server said when a connection was opened, beyond its reason.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Option { field, reason } => f
                .debug_struct("Option")
                .field("field", field)
                .field("reason", reason)
                .finish(),
            Error::Connect {
                database,
                reason,
                transient,
                ..
            } => f
                .debug_struct("Connect")
                .field("database", database)
                .field("reason", reason)
                .field("transient", transient)
                .field("code", &self.code())
                .finish_non_exhaustive(),
            Error::Session { database, error } => f
                .debug_struct("Session")
                .field("database", database)
                .field("error", error)
                .finish(),
            Error::Closed { database } => f.debug_struct("Closed").field("database", database).finish(),
            Error::Unclean { database, reason } => f
                .debug_struct("Unclean")
                .field("database", database)
                .field("reason", reason)
                .finish(),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.postgres().and_then(StdError::source).and_then(StdError::source)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn no_permission_is_for_somebody_to_give_in_the_file_system_alone() {
        let tcp = io::Error::from_raw_os_error(1);
        assert_eq!(tcp.kind(), io::ErrorKind::PermissionDenied);
        assert!(Failure::network(&tcp).transient);
        let unix = io::Error::new(tcp.kind(), tcp);
        assert!(!Failure::network(&unix).transient);
    }
}
