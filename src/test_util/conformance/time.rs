//! The clock of a check.
//!
//! Under tokio's paused clock time leaps to the next timer whenever the runtime has nothing to do. A backend that works on a
//! socket or a thread leaves the runtime with nothing to do, so its timeouts would end it while it works. Here leaping is held
//! off by a blocking task that never ends while the check runs, and time is moved by hand:
//!
//! - by **beats**: that task sends one each millisecond, and a task on the runtime moves the clock a millisecond for each that
//!   it receives. So the clock never runs faster than the machine's, managers that sleep wake up, and on a machine too busy to
//!   run the check time stands still rather than run out;
//! - by [`leap`]: where nothing of the backend's is under way and a timeout has to end what was made to hang.

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::error::TrySendError;

const BEAT: Duration = Duration::from_millis(1);

/// How long the end of a runtime waits for what the manager left running on its blocking threads.
const FAREWELL: Duration = Duration::from_secs(1);

/// A runtime of one thread whose clock goes by beats.
pub(super) struct World {
    runtime: Option<Runtime>,
    /// Dropped, it ends the beats.
    going: Option<Sender<()>>,
}

impl World {
    pub(super) fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
        let (going, stopped) = channel::<()>();
        // A beat for which the runtime had no time is lost: were they to pile up, time would rush when it has.
        let (tell, mut beats) = tokio::sync::mpsc::channel(1);
        runtime.spawn_blocking(move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout)
                && tell.try_send(()) != Err(TrySendError::Closed(()))
            {}
        });
        runtime.spawn(async move {
            while beats.recv().await.is_some() {
                leap(BEAT).await;
            }
        });
        Ok(World {
            runtime: Some(runtime),
            going: Some(going),
        })
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime
            .as_ref()
            .expect("bug: a world that has ended")
            .block_on(future)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.going.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(FAREWELL);
        }
    }
}

/// Moves the clock, and lets whoever that wakes run.
pub(super) async fn leap(time: Duration) {
    tokio::time::advance(time).await;
}

/// Lets so much time pass in beats.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// `None` if the future has not ended after so much time in beats.
pub(super) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(time, future).await.ok()
}
