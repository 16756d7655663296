//! One attempt to connect, and what follows from a failure.
//!
//! | it ended with | then |
//! |---|---|
//! | a connection of the current generation | to the head of the line, or idle |
//! | a connection of an older one | closed, and demand is looked at again |
//! | a transient error, a timeout, a panic | backoff; the line waits, and its timeouts carry the cause |
//! | a permanent error, nothing open or opening; or nothing open, and one came before this attempt | the line fails with it, and so do arrivals until the backoff ends |
//! | a permanent error, something open | as a transient one: those in line can still be served |

use super::super::error::ConnectFailure;
use super::super::held::Held;
use super::super::hooks;
use super::super::manager::Manager;
use super::super::shared::{Shared, since};
use super::super::tally::count;
use super::super::watch::Companion;
use super::unpanicked;
use crate::observe::{Activity, Ending, Event};
use crate::sync::queue::Failure;
use crate::sync::wakes::contained;
use std::sync::Arc;

/// Opens a connection in the slot it holds. Dropped at its await (the runtime is gone), the slot becomes vacant.
pub(super) async fn connect<M: Manager>(mut held: Held<M>, epoch: u32) {
    let shared = held.shared.clone();
    let begun = shared.now();
    shared.tell(|| Event::Connecting);
    let companion = shared.watch.scope(Activity::Connect);
    let limit = shared.options().connect_timeout;
    let attempt = async {
        let mut conn = shared.manager.connect().await?;
        // Its age counts from here, however long the hook takes.
        let born = shared.now();
        hooks::run::<M>(&shared.hooks.after_connect, &mut conn).await?;
        Ok((conn, born))
    };
    let attempt = companion.around(unpanicked(attempt));
    let outcome = tokio::time::timeout(limit, attempt).await;
    let failure = match outcome {
        Ok(Ok(Ok((conn, born)))) => {
            held.fill(conn, epoch, born);
            shared.faults.healed(shared.now());
            shared.opened(begun, &companion);
            return held.deliver();
        }
        Ok(Ok(Err::<_, M::Error>(error))) => ConnectFailure::Error(Arc::new(error)),
        Ok(Err(_)) => ConnectFailure::Panicked,
        Err(_) => ConnectFailure::TimedOut,
    };
    let permanent = match &failure {
        ConnectFailure::Error(error) => !shared.may_help(error),
        _ => false,
    };
    shared.not_opened(begun, &failure, &companion);
    let again = shared
        .faults
        .failed((failure.clone(), permanent), begun, shared.now(), &shared.options());
    let occupied = held.vacate();
    if permanent && (occupied == 0 || again && shared.filled() == 0) {
        fail_line(&shared, failure);
    }
}

impl<M: Manager> Shared<M> {
    /// An attempt succeeded; told inside its scope.
    pub(crate) fn opened(&self, begun: u64, scope: &Companion) {
        let took = since(self, begun);
        scope.inside(|| self.tell(|| Event::Opened { took }));
        scope.ended(|| Ending::Done);
    }

    /// An attempt failed.
    pub(crate) fn not_opened(&self, begun: u64, failure: &ConnectFailure<M::Error>, scope: &Companion) {
        count(&self.tally.connect_failures);
        let took = since(self, begun);
        scope.inside(|| {
            self.tell(|| Event::ConnectFailed {
                took,
                cause: failure.in_words(),
            })
        });
        scope.ended(|| match failure {
            ConnectFailure::TimedOut => Ending::TimedOut,
            _ => Ending::Failed,
        });
    }

    /// Whether another attempt may help after this error; a manager that panics over it does not know.
    pub(crate) fn may_help(&self, error: &M::Error) -> bool {
        contained(|| self.manager.is_transient(error)).unwrap_or(true)
    }
}

fn fail_line<M: Manager>(shared: &Arc<Shared<M>>, cause: ConnectFailure<M::Error>) {
    shared.faults.fail_fast(cause, shared.now());
    shared.line.fail_all(Failure::Fault);
}
