//! A request's own timer, on whatever runtime polls the request: armed late, and armed anew when the request has moved.

use super::desk::timer_here;
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
        at: impl FnOnce() -> Instant,
    ) -> Result<Poll<()>, NoTimers> {
        let mut this = self.project();
        let here = current_runtime().unwrap_or(0);
        if here != *this.on {
            this.sleep.set(if here == 0 { None } else { timer_here(at()) });
            *this.on = here;
        }
        this.sleep.as_pin_mut().map(|sleep| sleep.poll(cx)).ok_or(NoTimers)
    }
}
