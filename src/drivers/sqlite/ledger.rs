//! What a connection's handle and its thread tell each other without a lock: which job is unwanted, which one was the
//! last to leave the connection clean. Knows no SQLite.
//!
//! Jobs are numbered from 1 (the opening) as the handle issues them, and the thread runs them in that order. All that
//! is said is said with these numbers, so nothing said about one job can hit the next:
//!
//! | number | written by | says |
//! |---|---|---|
//! | issued | the handle, for itself | the last job sent |
//! | `running` | the thread, for itself | the job at work |
//! | `cancelled` | the handle | nobody wants the jobs up to this one; they stop at their next step |
//! | `settled` | the thread | this job left no transaction open; equal to issued: nothing to reset |
//!
//! `settled` is stored with Release when the job is done, and loaded with Acquire: who sees the connection at rest sees
//! it as its last job left it. The other numbers guard no data; a late look at `cancelled` only stops a job later.

use crate::sync::primitives::{AtomicBool, AtomicU64, Ordering};

/// The number of the job that opens the database.
pub(super) const OPENING: u64 = 1;

/// See the [table](self).
#[derive(Debug)]
pub(super) struct Ledger {
    running: AtomicU64,
    cancelled: AtomicU64,
    settled: AtomicU64,
    /// The thread serves no more: a job panicked.
    gone: AtomicBool,
    /// A job changed what outlives a transaction; only ever set where the manager asked for it.
    altered: AtomicBool,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Ledger {
            running: AtomicU64::new(OPENING),
            cancelled: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            gone: AtomicBool::new(false),
            altered: AtomicBool::new(false),
        }
    }

    /// Thread: `job` begins.
    pub(super) fn begin(&self, job: u64) {
        self.running.store(job, Ordering::Relaxed);
    }

    /// Thread: whether nobody wants the job at work any more.
    pub(super) fn is_unwanted(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) >= self.running.load(Ordering::Relaxed)
    }

    /// Thread: the job at work left the connection in autocommit mode.
    pub(super) fn settle(&self) {
        self.settled
            .store(self.running.load(Ordering::Relaxed), Ordering::Release);
    }

    /// Thread: no further job is served.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Thread: the job at work changes the connection itself.
    pub(super) fn alter(&self) {
        self.altered.store(true, Ordering::Release);
    }

    /// Handle: nobody wants the jobs up to this one.
    pub(super) fn cancel(&self, job: u64) {
        self.cancelled.store(job, Ordering::Relaxed);
    }

    /// Handle: whether the thread has done everything up to `issued`, and left no transaction open.
    pub(super) fn is_settled(&self, issued: u64) -> bool {
        self.settled.load(Ordering::Acquire) == issued
    }

    /// Handle: whether the thread has stopped serving.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Handle: whether a job has changed the connection itself.
    pub(super) fn is_altered(&self) -> bool {
        self.altered.load(Ordering::Acquire)
    }
}
