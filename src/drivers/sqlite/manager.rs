//! The manager: which database, and how its connections are set up.

use super::connection::Connection;
use super::error::Error;
use super::open::is_private;
use super::settings::{Journal, OpaqueSetup, Place, Settings, Synchronous};
use crate::{Manager, Options};
use rusqlite::types::Value;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Opens connections to one SQLite database. The [page above](super) says what each option does.
///
/// A clone opens connections to the same database, also to the same one in memory.
///
/// # Examples
///
/// ```
/// use fairpool::drivers::sqlite::{Journal, Sqlite};
/// use std::time::Duration;
///
/// let reports = Sqlite::file("reports.db")
///     .busy_timeout(Duration::from_secs(2))
///     .journal(Journal::Wal)
///     .pragma("cache_size", -16_000);
/// assert!(reports.database().ends_with("reports.db"));
/// ```
#[derive(Debug, Clone)]
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Sqlite {
    settings: Arc<Settings>,
}

impl Sqlite {
    /// A database in a file, which is made if it is missing (its directory is not). A relative path is resolved now, so
    /// a later change of the working directory changes nothing.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Sqlite::at(path.as_ref(), false)
    }

    /// A database in a file, to be read only: every write fails, and a missing file is an error.
    pub fn read_only(path: impl AsRef<Path>) -> Self {
        Sqlite::at(path.as_ref(), true)
    }

    /// A database in memory, shared by all connections of this process that are opened under this name. It appears with
    /// the first connection, and is gone when this manager, its clones and the last connection are.
    ///
    /// It has a rollback journal, in memory too: readers and a writer wait for each other. It holds at most 1 GiB.
    pub fn in_memory(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        // SQLite's memory file system: unlike a shared cache, its connections lock each other as those of a file do, so
        // the busy timeout works. A name that begins with a slash is shared; in hexadecimal it needs no escapes.
        let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        let uri = format!("file:/fairpool-{hex}?vfs=memdb");
        Sqlite::with(
            Place::Memory {
                uri,
                anchor: Arc::default(),
            },
            name.to_owned(),
        )
    }

    /// How long a statement waits for a lock that another connection holds, before it fails with "database is locked".
    pub fn busy_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.busy_timeout = timeout)
    }

    /// The journal mode of a file that is opened for writing.
    pub fn journal(self, journal: Journal) -> Self {
        self.set(|settings| settings.journal = journal)
    }

    /// When a file that is opened for writing waits for the disk.
    pub fn synchronous(self, synchronous: Synchronous) -> Self {
        self.set(|settings| settings.synchronous = synchronous)
    }

    /// Whether foreign keys are enforced.
    pub fn foreign_keys(self, on: bool) -> Self {
        self.set(|settings| settings.foreign_keys = on)
    }

    /// How many prepared statements a connection keeps for
    /// [`prepare_cached`](rusqlite::Connection::prepare_cached).
    pub fn statement_cache(self, statements: usize) -> Self {
        self.set(|settings| settings.statement_cache = statements)
    }

    /// Whether a missing file is made.
    pub fn create(self, on: bool) -> Self {
        self.set(|settings| settings.create = on)
    }

    /// A further PRAGMA, set on each new connection after the others, in the order of these calls. SQLite ignores one
    /// that it does not know.
    pub fn pragma(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(|settings| settings.pragmas.push((name.into(), value.into())))
    }

    /// Runs on each new connection, on its thread and after the PRAGMAs: to attach databases, or to add functions and
    /// temporary tables. An error or a panic fails the connect. What it sets up counts as how a connection should be,
    /// which [`retire_altered`](Sqlite::retire_altered) does not hold against it.
    pub fn setup<F>(self, setup: F) -> Self
    where
        F: Fn(&mut rusqlite::Connection) -> rusqlite::Result<()> + Send + Sync + 'static,
    {
        self.set(|settings| settings.setup = Some(OpaqueSetup(Arc::new(setup))))
    }

    /// Whether a connection is closed on its return, instead of being lent again, if during the lease a statement was
    /// prepared that attaches or detaches a database, makes a temporary table, index, trigger or view, or sets a
    /// PRAGMA.
    ///
    /// The pool's own `after_connect` hook counts as such too: use [`setup`](Sqlite::setup) instead.
    pub fn retire_altered(self, on: bool) -> Self {
        self.set(|settings| settings.retire_altered = on)
    }

    /// The absolute path of the file, or the name of a database in memory.
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    fn at(path: &Path, read_only: bool) -> Self {
        // What SQLite reads as "no file" must not become one; the connect explains it.
        let absolute = if is_private(path) {
            None
        } else {
            std::path::absolute(path).ok()
        };
        let path = absolute.unwrap_or_else(|| path.to_owned());
        let database = path.display().to_string();
        Sqlite::with(Place::File { path, read_only }, database)
    }

    fn with(place: Place, database: String) -> Self {
        Sqlite {
            settings: Arc::new(Settings::new(place, database)),
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Manager for Sqlite {
    type Connection = Connection;
    type Error = Error;

    async fn connect(&self) -> Result<Connection, Error> {
        Connection::open(self.settings.clone()).await
    }

    async fn validate(&self, conn: &mut Connection) -> Result<(), Error> {
        conn.validate().await
    }

    fn reset(&self, conn: &mut Connection) -> Option<impl Future<Output = Result<(), Error>> + Send> {
        (!conn.is_clean()).then(|| conn.reset())
    }

    fn is_broken(&self, conn: &mut Connection) -> bool {
        conn.is_broken()
    }

    fn close(&self, conn: Connection) -> Option<impl Future<Output = ()> + Send> {
        Some(conn.close())
    }

    fn backend(&self) -> Option<String> {
        Some(self.database().to_owned())
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }

    /// The defaults of every pool, but without a `max_lifetime`: a file fails over to nowhere.
    fn defaults(&self) -> Options {
        Options {
            max_lifetime: None,
            ..Options::default()
        }
    }
}
