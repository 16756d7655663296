//! Where work may block, and how a connection travels between threads: whoever drops it, its own drop runs where it may block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use tokio::runtime::Handle;

/// Runs `work` on a thread that may block: one of the runtime's, or without a runtime one of its own. A runtime that is shutting
/// down, and a system without threads, drop it unrun.
pub(super) fn off<W: FnOnce() + Send + 'static>(work: W) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => alone(work),
    }
}

fn alone<W: FnOnce() + Send + 'static>(work: W) {
    // Failing, it drops the work; whoever waits for it learns of that.
    let _ = thread::Builder::new().name("r2d2".to_owned()).spawn(work);
}

/// What becomes of a connection that leaves for good.
pub(super) type Farewell<C> = Arc<dyn Fn(C) + Send + Sync>;

/// A connection in transit or at rest.
pub(super) struct Parcel<C: Send + 'static> {
    /// `None` only once it is opened.
    conn: Option<C>,
    farewell: Farewell<C>,
}

impl<C: Send + 'static> Parcel<C> {
    pub(super) fn new(conn: C, farewell: Farewell<C>) -> Self {
        Parcel {
            conn: Some(conn),
            farewell,
        }
    }

    pub(super) fn conn(&mut self) -> &mut C {
        self.conn.as_mut().expect("bug: a parcel is opened once")
    }

    pub(super) fn open(mut self) -> C {
        self.conn.take().expect("bug: a parcel is opened once")
    }

    /// Drops the connection here, where it may block. A panic of its drop ends here.
    pub(super) fn bury(mut self) {
        let farewell = self.farewell.clone();
        if let Some(conn) = self.conn.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| farewell(conn)));
        }
    }
}

impl<C: Send + 'static> Drop for Parcel<C> {
    /// Not on a runtime's thread: one that shuts down would drop it again here.
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            let farewell = self.farewell.clone();
            alone(move || {
                let _ = catch_unwind(AssertUnwindSafe(|| farewell(conn)));
            });
        }
    }
}
