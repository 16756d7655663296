//! The orderly end of a limit: admit nobody new, let those in line and in flight finish until a deadline, then close. And its
//! beginning anew.

use super::handle::Limit;
use crate::pool::clock::{between, nanos};
use crate::pool::timer::Timer;
use crate::sync::counter::Census;
use crate::sync::line::Phase;
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
    /// [`reopen`](Limit::reopen) called it off.
    pub called_off: bool,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for LimitDrainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitDrainReport {
            completed,
            still_out,
            failed,
            called_off,
            took,
        } = self;
        let how = match (completed, called_off) {
            (true, _) => "drained",
            (false, true) => "called off",
            (false, false) => "gave up draining",
        };
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
        let (opening, cut_off_before) = shared.line.drain_opening(|| shared.now());
        let mut timer = pin!(Timer::default());
        loop {
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            let census = shared.line.census();
            // Already here, if somebody was quicker than the first look.
            if census.phase == Phase::Open || census.openings != opening {
                return called_off(&census, between(began, shared.now()));
            }
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
        let Some(failed) = shared.line.close_opening(opening) else {
            return called_off(&shared.line.census(), between(began, shared.now()));
        };
        shared.announce();
        let (failed, still_out) = (failed - cut_off_before, shared.line.census().held);
        LimitDrainReport {
            completed: failed == 0 && still_out == 0,
            still_out,
            failed,
            called_off: false,
            took: between(began, shared.now()),
        }
    }

    /// Admits again after a [`drain`](Limit::drain) or [`close`](Limit::close): those in line go on, and whoever is in flight
    /// still counts, so that the limit holds. A drain that is under way is called off. Anything else stays as it is.
    ///
    /// ```
    /// # use fairpool::Limit;
    /// let limit = Limit::new(1)?;
    /// let permit = limit.try_acquire().unwrap();
    /// limit.close();
    /// limit.reopen();
    /// assert!(limit.try_acquire().is_err()); // it is still in use
    /// drop(permit);
    /// assert!(limit.try_acquire().is_ok());
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn reopen(&self) {
        self.shared.line.reopen(|| self.shared.now());
        self.shared.announce();
    }
}

fn called_off(census: &Census, took: Duration) -> LimitDrainReport {
    LimitDrainReport {
        completed: false,
        still_out: census.held,
        failed: 0,
        called_off: true,
        took,
    }
}
