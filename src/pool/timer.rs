//! A request's own timer, on whatever runtime polls the request: armed late, and armed anew when the request has moved.

use super::desk::{poll_timer, timer_here};
use super::whereabouts::current_runtime;
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep};

/// One timer. It knows no deadline of its own; whoever polls it says which one counts.
#[pin_project]
#[derive(Debug, Default)]
pub(crate) struct Timer {
    #[pin]
    sleep: Option<Sleep>,
    /// Whose timer that is. One must not be polled when its runtime is gone, and is of no use on another.
    on: u64,
}

/// There is no tokio runtime here, or it has no timers.
#[derive(Debug)]
pub(crate) struct NoTimers;

impl Timer {
    /// Ready when that moment has come.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        at: impl Fn() -> Instant,
    ) -> Result<Poll<()>, NoTimers> {
        let mut this = self.project();
        let here = current_runtime().unwrap_or(0);
        let arm = || if here == 0 { None } else { timer_here(at()) };
        if here != *this.on {
            this.sleep.set(arm());
            *this.on = here;
        } else if let Some(Some(rung)) = this.sleep.as_mut().as_pin_mut().map(|sleep| poll_timer(sleep, cx)) {
            return Ok(rung);
        } else {
            // Its runtime has ended without our noticing (`whereabouts`).
            this.sleep.set(arm());
        }
        let polled = this.sleep.as_pin_mut().and_then(|sleep| poll_timer(sleep, cx));
        polled.ok_or(NoTimers)
    }
}
