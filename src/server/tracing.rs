//! The journal of requests for the crate `tracing` (features `server` and `tracing`).

use super::journal::{Entry, Journal};
use tracing::{debug, error};

/// Tells the subscriber of the crate `tracing` of every request: an `ERROR` with its cause where something is wrong here, else a `DEBUG`.
/// The target is `fairpool::server`.
///
/// ```
/// use fairpool::server::{RouterOptions, TracingJournal};
///
/// let options = RouterOptions::new().journal(TracingJournal::new());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingJournal(());

impl TracingJournal {
    /// A journal for any number of routers.
    pub fn new() -> Self {
        TracingJournal(())
    }
}

impl Journal for TracingJournal {
    fn answered(&self, entry: &Entry<'_>) {
        let (request_id, method, path) = (entry.request_id, entry.method, entry.path);
        let (status, took) = (entry.status, entry.took.as_secs_f64());
        match entry.cause {
            Some(cause) => {
                error!(target: "fairpool::server", request_id, method, path, status, took, cause, "request failed")
            }
            None => debug!(target: "fairpool::server", request_id, method, path, status, took, "request"),
        }
    }
}
