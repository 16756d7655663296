//! What can go wrong with a database and its connections: one line each that names the database and the reason.

use rusqlite::ErrorCode;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

/// Why a database could not be opened, or what came of a job on a connection.
///
/// `database` is the absolute path of the file, or the name of a database in memory. The text contains SQLite's own, so
/// [`source`](StdError::source) skips it; match the variant, or ask [`sqlite`](Error::sqlite), for the error itself.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The database could not be opened as asked.
    Open {
        /// Which one.
        database: Arc<str>,
        /// What is wrong with it.
        reason: String,
        /// SQLite's error, if it was SQLite that refused.
        error: Option<rusqlite::Error>,
    },
    /// A job returned an error.
    Sql {
        /// On which database.
        database: Arc<str>,
        /// What the job returned.
        error: rusqlite::Error,
    },
    /// A job, or the [setup](super::Sqlite::setup), panicked. Its connection has been closed.
    Panicked {
        /// On which database.
        database: Arc<str>,
        /// What the panic said.
        message: String,
    },
    /// The connection has been closed since an earlier job panicked.
    Closed {
        /// To which database.
        database: Arc<str>,
    },
    /// A lease left more behind than a rollback undoes: see [`Sqlite::retire_altered`](super::Sqlite::retire_altered).
    Altered {
        /// On which database.
        database: Arc<str>,
    },
    /// The path names another file now than the one that is open.
    Moved {
        /// Which path.
        database: Arc<str>,
    },
    /// The operating system gave no thread for the connection.
    Thread {
        /// To which database.
        database: Arc<str>,
        /// Why.
        error: io::Error,
    },
}

impl Error {
    /// The database that this is about: an absolute path, or the name of a database in memory.
    pub fn database(&self) -> &str {
        match self {
            Error::Open { database, .. }
            | Error::Sql { database, .. }
            | Error::Panicked { database, .. }
            | Error::Closed { database }
            | Error::Altered { database }
            | Error::Moved { database }
            | Error::Thread { database, .. } => database,
        }
    }

    /// SQLite's error, if this comes from SQLite.
    pub fn sqlite(&self) -> Option<&rusqlite::Error> {
        match self {
            Error::Open { error, .. } => error.as_ref(),
            Error::Sql { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether another connection held a lock for longer than the busy timeout, so that the same may work later.
    pub fn is_busy(&self) -> bool {
        let code = self.sqlite().and_then(rusqlite::Error::sqlite_error_code);
        matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether opening the database again may go better by itself: a lock, a disk or a machine that is too busy,
    /// against a path, a file or a setting that somebody has to change.
    pub(super) fn is_transient(&self) -> bool {
        let code = match self {
            Error::Open { error, .. } => error.as_ref().and_then(rusqlite::Error::sqlite_error_code),
            Error::Sql { error, .. } => error.sqlite_error_code(),
            _ => return true,
        };
        matches!(
            code,
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::OutOfMemory
                    | ErrorCode::DiskFull
                    | ErrorCode::FileLockingProtocolFailed
                    | ErrorCode::OperationInterrupted
            )
        )
    }

    /// An error of SQLite while it opened `database`; `file` and `writes` say what was asked of the file system.
    pub(super) fn open(database: Arc<str>, error: rusqlite::Error, file: Option<&Path>, writes: bool) -> Self {
        let text = error.to_string();
        // `open` appends the path, which stands before the reason here.
        let mut reason = match file.and_then(|file| text.strip_suffix(&*format!(": {}", file.display()))) {
            Some(text) => text.to_owned(),
            None => text,
        };
        if let (Some(ErrorCode::CannotOpen), Some(file)) = (error.sqlite_error_code(), file) {
            if let Some(hint) = hint(file, writes) {
                reason = format!("{reason} ({hint})");
            }
        }
        // The text may quote the SQL of a setup, on as many lines as that has.
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Error::Open {
            database,
            reason,
            error: Some(error),
        }
    }
}

/// What the file system says about a file that SQLite cannot open; SQLite says the same for all of it.
fn hint(file: &Path, writes: bool) -> Option<String> {
    if file.is_dir() {
        return Some("it is a directory".to_owned());
    }
    match file.parent() {
        Some(parent) if !parent.is_dir() => Some(format!("no directory {}", parent.display())),
        _ => std::fs::OpenOptions::new()
            .read(true)
            .write(writes)
            .open(file)
            .err()
            .map(|error| error.to_string()),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Open { database, reason, .. } => write!(f, "cannot open {database}: {reason}"),
            Error::Sql { database, error } => write!(f, "{database}: {error}"),
            Error::Panicked { database, message } => write!(f, "{database}: a job panicked: {message}"),
            Error::Closed { database } => write!(f, "{database}: the connection is closed, an earlier job panicked"),
            Error::Altered { database } => write!(f, "{database}: the connection was altered by its last lease"),
            Error::Moved { database } => write!(f, "{database}: the file was moved, removed or replaced"),
            Error::Thread { database, error } => write!(f, "cannot open {database}: no thread for it: {error}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Thread { error, .. } => error.source(),
            _ => self.sqlite().and_then(StdError::source),
        }
    }
}
