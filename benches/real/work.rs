//! What a lease is used for, and what a client and a pool must be able to do for that.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Connections of every pool.
pub(crate) const CONNECTIONS: u32 = 8;

/// Rows of the table `item`, or keys.
pub(crate) const ROWS: u32 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// `SELECT 1`, `PING`.
    Select,
    /// A row by its key, with a prepared statement; `GET`.
    Read,
    /// Begin, update a row, read it, commit; `MULTI`, `INCR`, `GET`, `EXEC`.
    Transaction,
}

impl Work {
    pub(crate) const ALL: [Work; 3] = [Work::Select, Work::Read, Work::Transaction];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Work::Select => "select",
            Work::Read => "read",
            Work::Transaction => "transaction",
        }
    }
}

/// A connection that can do it, in the words of its client. A failure ends the bench.
pub(crate) trait Client: Send {
    fn perform(&mut self, work: Work, key: u32) -> impl Future<Output = ()> + Send;
}

/// What one lease is for.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) work: Work,
    pub(crate) key: u32,
    /// Once set, whoever comes to its turn goes again, so that a long line is soon gone.
    pub(crate) over: &'a AtomicBool,
}

impl Job<'_> {
    pub(crate) async fn run(self, conn: &mut impl Client) {
        if !self.over.load(Relaxed) {
            conn.perform(self.work, self.key).await;
        }
    }
}

/// A pool under measurement, its connections open.
pub(crate) trait Subject: Send + Sync + 'static {
    /// Acquire, work, release.
    fn lease(&self, job: Job<'_>) -> impl Future<Output = ()> + Send;
}
