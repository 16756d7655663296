//! The handle of one connection: it sends work to the connection's thread and awaits the outcome. It never blocks, and
//! needs no runtime.

use super::error::Error;
use super::ledger::{Ledger, OPENING};
use super::moved::{Identity, identity};
use super::open::look;
use super::settings::Settings;
use super::thread::{Job, live};
use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::sync::oneshot;

/// A connection to an SQLite database, on a thread of its own.
///
/// The pool lends it; [`Manager::connect`](crate::Manager::connect) opens one without a pool. Dropping it ends the
/// thread without waiting for it; [`close`](Connection::close) waits.
pub struct Connection {
    settings: Arc<Settings>,
    jobs: mpsc::Sender<Job>,
    ledger: Arc<Ledger>,
    /// The number of the last job sent.
    issued: u64,
    /// Resolves when the thread has closed the file.
    closed: oneshot::Receiver<()>,
    /// The file that was opened.
    identity: Option<Identity>,
}

impl Connection {
    /// Runs `work` on the connection's thread; what it may return is what `rusqlite` returns.
    ///
    /// A transaction is best begun and finished in one call: it is faster, and nobody can be left in the middle of it.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] with what `work` returned; [`Error::Panicked`] if it panicked, after which the connection is
    /// closed; [`Error::Closed`] if an earlier one did.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future calls the work off. If it has not begun, it never will. If it has, its running statement is
    /// interrupted within microseconds, a wait for a lock ends within 10 ms, and it can commit no more; only a commit
    /// that is being written at that moment may go through. Later calls wait until it has ended. What it left open is
    /// rolled back before the connection is lent again. Rust code in `work` cannot be interrupted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fairpool::{Manager, drivers::sqlite::{Error, Sqlite}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let mut conn = Sqlite::in_memory("call").connect().await?;
    /// let sum: i64 = conn.call(|db| db.query_row("SELECT 1 + 1", [], |row| row.get(0))).await?;
    /// assert_eq!(sum, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn call<R, F>(&mut self, work: F) -> Result<R, Error>
    where
        F: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<R> + Send + 'static,
        R: Send + 'static,
    {
        self.run(work).await?.map_err(|error| Error::Sql {
            database: self.settings.database.clone(),
            error,
        })
    }

    /// As [`call`](Connection::call), for work that returns anything: an error type of your own, or nothing that can
    /// fail.
    ///
    /// # Errors
    ///
    /// [`Error::Panicked`] and [`Error::Closed`], as for `call`.
    ///
    /// # Cancel safety
    ///
    /// As for `call`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fairpool::{Manager, drivers::sqlite::{Error, Sqlite}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let mut conn = Sqlite::in_memory("run").connect().await?;
    /// assert_eq!(conn.run(|db| db.last_insert_rowid()).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<R, F>(&mut self, work: F) -> Result<R, Error>
    where
        F: FnOnce(&mut rusqlite::Connection) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.issued += 1;
        let number = self.issued;
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |thread| {
            if let Some(outcome) = thread.run(number, work) {
                let _ = reply.send(outcome);
            }
        });
        if self.jobs.send(job).is_err() {
            return Err(self.gone());
        }
        match self.wanted(number).wait(answer).await {
            Some(outcome) => outcome,
            None => Err(self.gone()),
        }
    }

    /// The database: the absolute path of its file, or its name if it is in memory.
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    /// Whether it has been closed, because a call panicked, or is not to be lent again, because it was
    /// [altered](super::Sqlite::retire_altered).
    pub fn is_broken(&self) -> bool {
        self.ledger.is_gone() || self.ledger.is_altered()
    }

    /// Closes the connection and waits until the file is closed, which for the last one of a database includes taking
    /// the write-ahead log back into it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the waiting.
    pub async fn close(self) {
        // As in a reset, for a call future that was leaked.
        drop(self.wanted(self.issued));
        let Connection { jobs, closed, .. } = self;
        drop(jobs);
        // An error means that the thread has ended, and the connection with it.
        let _ = closed.await;
    }

    /// Starts a thread that opens the database.
    pub(super) async fn open(settings: Arc<Settings>) -> Result<Self, Error> {
        let ledger = Arc::new(Ledger::new());
        let (jobs, todo) = mpsc::channel();
        let (tell_opened, opened) = oneshot::channel();
        let (tell_closed, closed) = oneshot::channel();
        let spawned = thread::Builder::new().name(settings.thread_name()).spawn({
            let (settings, ledger) = (settings.clone(), ledger.clone());
            move || live(&settings, ledger, todo, tell_opened, tell_closed)
        });
        if let Err(error) = spawned {
            return Err(Error::Thread {
                database: settings.database.clone(),
                error,
            });
        }
        let mut connection = Connection {
            settings,
            jobs,
            ledger,
            issued: OPENING,
            closed,
            identity: None,
        };
        let opened = connection.wanted(OPENING).wait(opened).await;
        connection.identity = opened.unwrap_or_else(|| Err(connection.gone()))?;
        Ok(connection)
    }

    /// Whether a reset would have nothing to do.
    pub(super) fn is_clean(&self) -> bool {
        self.ledger.is_settled(self.issued) && !self.ledger.is_altered()
    }

    /// Calls off whatever still runs, waits for its end and rolls back what it left open.
    pub(super) async fn reset(&mut self) -> Result<(), Error> {
        // A call future that was leaked, not dropped, has called nothing off.
        drop(self.wanted(self.issued));
        self.call(|connection| {
            if connection.is_autocommit() {
                Ok(())
            } else {
                connection.execute_batch("ROLLBACK")
            }
        })
        .await?;
        if self.ledger.is_altered() {
            return Err(Error::Altered {
                database: self.settings.database.clone(),
            });
        }
        Ok(())
    }

    /// Asks the thread to read from the file, and whether the path still names that file.
    pub(super) async fn validate(&mut self) -> Result<(), Error> {
        let (settings, opened) = (self.settings.clone(), self.identity);
        let moved = self.call(move |connection| {
            look(connection)?;
            Ok(opened.is_some() && settings.place.file().and_then(identity) != opened)
        });
        if moved.await? {
            Err(Error::Moved {
                database: self.settings.database.clone(),
            })
        } else {
            Ok(())
        }
    }

    fn wanted(&self, job: u64) -> Wanted<'_> {
        Wanted {
            ledger: &self.ledger,
            job,
        }
    }

    fn gone(&self) -> Error {
        Error::Closed {
            database: self.settings.database.clone(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("database", &self.settings.database)
            .field("jobs", &self.issued)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

/// Somebody waits for a job. Dropped, it calls the job off, which means nothing to one that has ended.
struct Wanted<'a> {
    ledger: &'a Ledger,
    job: u64,
}

impl Wanted<'_> {
    /// `None`: the thread dropped the job.
    async fn wait<T>(self, answer: oneshot::Receiver<T>) -> Option<T> {
        answer.await.ok()
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.ledger.cancel(self.job);
    }
}
