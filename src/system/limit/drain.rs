//! The orderly end of a limit: admit nobody new, let those in line and in flight finish until a deadline, then close.

use super::handle::Limit;
use crate::pool::clock::{between, nanos};
use crate::pool::timer::Timer;
use futures::future::{Either, select};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What a [`Limit::drain`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitDrainReport {
    /// Nobody was cut off, and everybody in flight has finished.
    pub completed: bool,
    /// Still in flight when the patience ended.
    pub still_out: u32,
    /// Requests that were failed because the patience ended.
    pub failed: usize,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for LimitDrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitDrainReport {
            completed,
            still_out,
            failed,
            took,
        } = self;
        let how = if *completed { "drained" } else { "gave up draining" };
        write!(
            f,
            "{how} after {took:?}: {still_out} still in flight, {failed} requests failed"
        )
    }
}

impl Limit {
    /// Admits nobody new, lets those in line and in flight finish, then closes; what has not finished when `patience` is over
    /// is cut off as by [`close`](Limit::close). A paused limit resumes. Without timers (outside of tokio) the patience is not
    /// waited for: what has not finished at once is cut off.
    ///
    /// # Cancel safety
    ///
    /// A dropped drain leaves the limit draining: nobody new is admitted, and nobody is cut off.
    ///
    /// ```
    /// # use fairpool::{Limit, doc::block_on};
    /// # use std::time::Duration;
    /// # block_on(async {
    /// let limit = Limit::new(2)?;
    /// drop(limit.acquire().await?);
    /// assert!(limit.drain(Duration::from_secs(10)).await.completed);
    /// assert!(limit.acquire().await.is_err());
    /// # Ok(()) });
    /// ```
    pub async fn drain(&self, patience: Duration) -> LimitDrainReport {
        let shared = &self.shared;
        let began = shared.now();
        let until = began.saturating_add(nanos(patience));
        let cut_off_before = shared.line.cut_off();
        shared.line.drain(|| shared.now());
        let mut timer = pin!(Timer::default());
        loop {
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            let census = shared.line.census();
            if census.held == 0 && census.pending == 0 || shared.now() >= until {
                break;
            }
            let slept = poll_fn(|cx| match timer.as_mut().poll(cx, || shared.clock.instant(until)) {
                Ok(slept) => slept.map(|()| true),
                Err(_) => Poll::Ready(false),
            });
            // Dropped here, the line goes on without us.
            if let Either::Right((false, _)) = select(changed, slept).await {
                break;
            }
        }
        let failed = shared.close() - cut_off_before;
        let still_out = shared.line.census().held;
        LimitDrainReport {
            completed: failed == 0 && still_out == 0,
            still_out,
            failed,
            took: between(began, shared.now()),
        }
    }
}
