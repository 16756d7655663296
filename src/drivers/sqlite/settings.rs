//! What a connection's thread has to know to open its database. The public face is [`Sqlite`](super::Sqlite).

use crate::sync::primitives::Mutex;
use rusqlite::types::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How SQLite makes a transaction atomic: [`PRAGMA
/// journal_mode`](https://www.sqlite.org/pragma.html#pragma_journal_mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Journal {
    /// A write-ahead log beside the file: readers and one writer do not wait for each other. The file system must be
    /// local.
    #[default]
    Wal,
    /// A rollback journal, deleted after each transaction.
    Delete,
    /// A rollback journal, emptied after each transaction.
    Truncate,
    /// A rollback journal, overwritten after each transaction.
    Persist,
    /// A rollback journal in memory: a crash in mid-transaction ruins the file.
    Memory,
}

/// When SQLite waits for the disk: [`PRAGMA synchronous`](https://www.sqlite.org/pragma.html#pragma_synchronous).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Synchronous {
    /// Never: a power cut may ruin the file.
    Off,
    /// At checkpoints: with [`Journal::Wal`] a power cut loses the last transactions at most, and never ruins the file.
    #[default]
    Normal,
    /// At every commit.
    Full,
    /// As `Full`, and for the directory too.
    Extra,
}

/// What runs on each new connection.
pub(super) type Setup = dyn Fn(&mut rusqlite::Connection) -> rusqlite::Result<()> + Send + Sync;

/// Everything that a connection is opened with; shared by the manager and all its threads.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) place: Place,
    /// The absolute path or the name, for errors and threads.
    pub(super) database: Arc<str>,
    pub(super) busy_timeout: Duration,
    pub(super) journal: Journal,
    pub(super) synchronous: Synchronous,
    pub(super) foreign_keys: bool,
    pub(super) statement_cache: usize,
    pub(super) create: bool,
    pub(super) retire_altered: bool,
    pub(super) pragmas: Vec<(String, Value)>,
    pub(super) setup: Option<OpaqueSetup>,
    /// Connections close one at a time: of two that close together, each would see the other, and neither would take
    /// the log back into the file.
    pub(super) closing: Arc<Mutex<()>>,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File {
        path: PathBuf,
        read_only: bool,
    },
    Memory {
        uri: String,
        /// A connection that nobody uses: a database in memory lasts as long as one is open. The lock is held while one
        /// is opened, by threads of connections only.
        anchor: Arc<Mutex<Option<rusqlite::Connection>>>,
    },
}

/// A [`Setup`] that can be cloned and printed.
#[derive(Clone)]
pub(super) struct OpaqueSetup(pub(super) Arc<Setup>);

impl Settings {
    pub(super) fn new(place: Place, database: String) -> Self {
        Settings {
            place,
            database: database.into(),
            busy_timeout: Duration::from_secs(5),
            journal: Journal::default(),
            synchronous: Synchronous::default(),
            foreign_keys: true,
            statement_cache: 64,
            create: true,
            retire_altered: false,
            pragmas: Vec::new(),
            setup: None,
            closing: Arc::new(Mutex::new(())),
        }
    }

    /// Whether its connections may write.
    pub(super) fn writes(&self) -> bool {
        !matches!(self.place, Place::File { read_only: true, .. })
    }

    /// A name by which a person finds the thread in a list; Linux shows the first 15 bytes.
    pub(super) fn thread_name(&self) -> String {
        let name = match &self.place {
            Place::File { path, .. } => path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Place::Memory { .. } => Some(self.database.to_string()),
        };
        format!("sqlite {}", name.unwrap_or_default()).replace('\0', "?")
    }
}

impl Place {
    /// The path, if it is a file.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Place::File { path, .. } => Some(path),
            Place::Memory { .. } => None,
        }
    }
}

impl Journal {
    /// As the PRAGMA spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Journal::Wal => "wal",
            Journal::Delete => "delete",
            Journal::Truncate => "truncate",
            Journal::Persist => "persist",
            Journal::Memory => "memory",
        }
    }
}

impl Synchronous {
    /// As the PRAGMA spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Synchronous::Off => "off",
            Synchronous::Normal => "normal",
            Synchronous::Full => "full",
            Synchronous::Extra => "extra",
        }
    }
}

impl OpaqueSetup {
    pub(super) fn call(&self, connection: &mut rusqlite::Connection) -> rusqlite::Result<()> {
        (self.0)(connection)
    }
}

impl fmt::Debug for OpaqueSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("setup")
    }
}
