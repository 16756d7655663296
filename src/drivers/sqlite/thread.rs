//! The thread of one connection: it opens the database, runs the jobs in the order of their numbers, and closes it.
//! Nobody else ever touches the connection, so nobody else ever waits for SQLite.

use super::error::Error;
use super::ledger::Ledger;
use super::open::open;
use super::settings::Settings;
use super::{busy, moved};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// Work for the thread: it runs something and sends the outcome to whoever waits for it.
pub(super) type Job = Box<dyn FnOnce(&mut Thread) + Send>;

/// What the thread keeps while it serves.
pub(super) struct Thread {
    connection: rusqlite::Connection,
    ledger: Arc<Ledger>,
    database: Arc<str>,
}

/// The life of a thread: opens, says how that went, serves until nobody can send jobs any more, closes, says so.
pub(super) fn live(
    settings: &Settings,
    ledger: Arc<Ledger>,
    jobs: Receiver<Job>,
    opened: oneshot::Sender<Result<Option<moved::Identity>, Error>>,
    closed: oneshot::Sender<()>,
) {
    busy::prepare(ledger.clone(), settings.busy_timeout);
    let connection = match catch_unwind(AssertUnwindSafe(|| open(settings, &ledger))) {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return drop(opened.send(Err(error))),
        Err(panic) => return drop(opened.send(Err(panicked(settings.database.clone(), &*panic)))),
    };
    let mut thread = Thread {
        connection,
        ledger,
        database: settings.database.clone(),
    };
    thread.settle();
    let identity = settings.place.file().and_then(moved::identity);
    if opened.send(Ok(identity)).is_ok() {
        thread.serve(&jobs);
    }
    // Jobs that came after a panic have nobody to run them; dropping them tells those who wait.
    drop(jobs);
    let turn = settings.closing.lock();
    drop(thread);
    drop(turn);
    let _ = closed.send(());
}

impl Thread {
    /// Runs one job, and keeps the ledger before anybody can learn of the outcome. `None`: nobody wanted it any more.
    pub(super) fn run<R>(
        &mut self,
        job: u64,
        work: impl FnOnce(&mut rusqlite::Connection) -> R,
    ) -> Option<Result<R, Error>> {
        self.ledger.begin(job);
        if self.ledger.is_unwanted() {
            drop(work);
            self.settle();
            return None;
        }
        // Whatever state a panic left the connection in, it is closed and never used again.
        match catch_unwind(AssertUnwindSafe(|| work(&mut self.connection))) {
            Ok(outcome) => {
                self.settle();
                Some(Ok(outcome))
            }
            Err(panic) => {
                self.ledger.leave();
                Some(Err(panicked(self.database.clone(), &*panic)))
            }
        }
    }

    fn serve(&mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            // What a job holds, and an outcome that nobody waits for, are dropped here, and may panic too.
            if catch_unwind(AssertUnwindSafe(|| job(self))).is_err() {
                self.ledger.leave();
            }
            if self.ledger.is_gone() {
                return;
            }
        }
    }

    fn settle(&self) {
        if self.connection.is_autocommit() {
            self.ledger.settle();
        }
    }
}

fn panicked(database: Arc<str>, panic: &(dyn Any + Send)) -> Error {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "no message".to_owned(),
    };
    Error::Panicked { database, message }
}
