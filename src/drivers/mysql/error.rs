//! What can go wrong with a configuration, a connect or a reset: one line each that names the server, and shows no secret.

use super::tls::Fault;
use mysql_async::{IoError, ServerError};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a manager could not be made, a connection not be opened, or one not be lent again.
///
/// `server` is the database and the address, as in `orders on db.example:3306`. The text contains that of `error`, so
/// [`source`](StdError::source) skips it; match the variant, or ask [`mysql`](Error::mysql), for the error itself.
#[non_exhaustive]
pub enum Error {
    /// A URL, an option or a file that one names is wrong.
    Config {
        /// Which part or option.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection could be opened.
    Connect {
        /// To which server.
        server: Arc<str>,
        /// The server's reason, or that of the way there.
        error: mysql_async::Error,
    },
    /// A connection was opened, and a statement that prepares it failed: see [`Mysql::setup`](super::Mysql::setup). It may hold
    /// a secret, and the server may quote it: so text and `Debug` say no more than the number and the server's code.
    Setup {
        /// On which server.
        server: Arc<str>,
        /// Which one, from 1: those of the options come first. 0 is the options' callback.
        statement: usize,
        /// Why.
        error: mysql_async::Error,
    },
    /// A health check or a reset failed.
    Failed {
        /// On which server.
        server: Arc<str>,
        /// Why.
        error: mysql_async::Error,
    },
    /// An answer came that belongs to an earlier statement, or none where one was due: somebody dropped a call halfway.
    OutOfStep {
        /// On which server.
        server: Arc<str>,
    },
    /// A lease left an answer behind that would have taken too long to read.
    Abandoned {
        /// On which server.
        server: Arc<str>,
    },
    /// A reset left something behind: another database, role or character set than at the beginning.
    NotRestored {
        /// On which server.
        server: Arc<str>,
    },
}

impl Error {
    /// The error of `mysql_async`, if this comes from there.
    pub fn mysql(&self) -> Option<&mysql_async::Error> {
        match self {
            Error::Connect { error, .. } | Error::Setup { error, .. } | Error::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The server's error, if it was the server that refused.
    pub fn refusal(&self) -> Option<&ServerError> {
        match self.mysql()? {
            mysql_async::Error::Server(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the same may go better later by itself: a network, a server that is full or going down; against a
    /// password, a name, a privilege or a certificate, which somebody has to change.
    pub fn is_transient(&self) -> bool {
        use mysql_async::DriverError as Driver;
        match self {
            Error::Config { .. } => return false,
            Error::OutOfStep { .. } | Error::Abandoned { .. } | Error::NotRestored { .. } => return true,
            Error::Connect { .. } | Error::Setup { .. } | Error::Failed { .. } => {}
        }
        match self.mysql() {
            Some(mysql_async::Error::Server(error)) => match self {
                Error::Setup { .. } => is_of_the_moment(error),
                _ => may_pass(error),
            },
            Some(mysql_async::Error::Driver(
                Driver::UnknownAuthPlugin { .. }
                | Driver::MysqlOldPasswordDisabled
                | Driver::CleartextPluginDisabled
                | Driver::NoKeyFound
                | Driver::NamedPipesDisabled
                | Driver::CantParseServerVersion { .. },
            )) => false,
            Some(error) => !Fault::of(error).is_some_and(|fault| fault.is_permanent),
            None => true,
        }
    }

    pub(super) fn connect(server: &Arc<str>, error: mysql_async::Error) -> Self {
        Error::Connect {
            server: server.clone(),
            error,
        }
    }

    pub(super) fn failed(server: &Arc<str>, error: mysql_async::Error) -> Self {
        Error::Failed {
            server: server.clone(),
            error,
        }
    }
}

/// Whether what a server has refused may be granted later, with nobody changing anything.
pub(super) fn may_pass(error: &ServerError) -> bool {
    match error.code {
        // Too many connections, of all or of this user; an hourly allowance used up.
        1040 | 1203 | 1226 => true,
        // The host is blocked or not allowed; the account is locked, its password has expired, TLS is required.
        1129 | 1130 | 1820 | 1862 | 3118 | 3159 | 4151 => false,
        // A way to log in that the server does not know; an account without a password by another way.
        1045 | 1251 | 1275 | 1524 | 1698 => false,
        // Class 28: who somebody is; class 42: what they may, and what they wrote.
        _ => !error.state.starts_with("28") && !error.state.starts_with("42"),
    }
}

/// Whether a statement that was refused may be accepted later: a lock, an end or a lack that passes.
fn is_of_the_moment(error: &ServerError) -> bool {
    match error.code {
        // No disk, no memory, no thread; shutting down; locked for too long; killed.
        1021 | 1037 | 1038 | 1041 | 1135 | 1053 | 1205 | 1317 | 1927 => true,
        // The network; a deadlock.
        _ => error.state.starts_with("08") || error.state.starts_with("40"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config { field, reason } => write!(f, "{field}: {reason}"),
            Error::Connect { server, error } => write!(f, "cannot connect to {server}: {}", Line(error)),
            Error::Setup {
                server,
                statement,
                error,
            } => {
                write!(f, "cannot set up a connection to {server}: ")?;
                match statement {
                    0 => f.write_str("the callback: ")?,
                    number => write!(f, "statement {number} of the setup: ")?,
                }
                match error {
                    mysql_async::Error::Server(error) => write!(f, "refused (error {})", error.code),
                    error => write!(f, "{}", Line(error)),
                }
            }
            Error::Failed { server, error } => write!(f, "{server}: {}", Line(error)),
            Error::OutOfStep { server } => write!(f, "{server}: the answer of an earlier statement was still due"),
            Error::Abandoned { server } => write!(f, "{server}: a lease left an answer unread"),
            Error::NotRestored { server } => {
                write!(
                    f,
                    "{server}: the database, the role or the character set could not be restored"
                )
            }
        }
    }
}

/// Without what the server said of a setup.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, server) = match self {
            Error::Config { field, reason } => {
                let mut config = f.debug_struct("Config");
                return config.field("field", field).field("reason", reason).finish();
            }
            Error::Connect { server, .. } => ("Connect", server),
            Error::Setup { server, .. } => ("Setup", server),
            Error::Failed { server, .. } => ("Failed", server),
            Error::OutOfStep { server } => ("OutOfStep", server),
            Error::Abandoned { server } => ("Abandoned", server),
            Error::NotRestored { server } => ("NotRestored", server),
        };
        let mut told = f.debug_struct(name);
        told.field("server", server);
        match self {
            Error::Setup { statement, .. } => {
                let code = self.refusal().map(|refusal| refusal.code);
                told.field("statement", statement)
                    .field("code", &code)
                    .finish_non_exhaustive()
            }
            _ => match self.mysql() {
                Some(error) => told.field("error", error).finish(),
                None => told.finish(),
            },
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.mysql().and_then(StdError::source).and_then(StdError::source)
    }
}

/// An error of `mysql_async` on one line, without the names of its layers.
struct Line<'a>(&'a mysql_async::Error);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fault) = Fault::of(self.0) {
            return write!(f, "{}: {}", fault.field, fault.reason);
        }
        let text = match self.0 {
            mysql_async::Error::Server(error) => format!("{} (error {})", error.message, error.code),
            mysql_async::Error::Io(IoError::Io(error)) => error.to_string(),
            mysql_async::Error::Io(IoError::Tls(error)) => error.to_string(),
            mysql_async::Error::Driver(error) => error.to_string(),
            mysql_async::Error::Other(error) => error.to_string(),
            mysql_async::Error::Url(error) => error.to_string(),
        };
        // The server may quote a statement, on as many lines as that has.
        let mut words = text.split_whitespace();
        f.write_str(words.next().unwrap_or_default())?;
        words.try_for_each(|word| write!(f, " {word}"))
    }
}
