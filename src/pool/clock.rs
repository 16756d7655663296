//! The pool's time: nanoseconds since it was built, by the runtime's clock, so that a paused clock pauses the pool.

use crate::sync::wakes::contained;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Clock(Instant::now())
    }

    /// Nanoseconds since the start. Two runtimes with paused clocks may disagree; a moment before the start is 0.
    #[inline]
    pub(crate) fn now(self) -> u64 {
        // With tokio's `test-util` its clock panics in thread-local teardown, where a guard may still be dropped.
        let now = contained(Instant::now).unwrap_or_else(plain_now);
        nanos(now.saturating_duration_since(self.0))
    }

    /// That moment on the runtime's clock.
    pub(crate) fn instant(self, at: u64) -> Instant {
        self.0 + Duration::from_nanos(at)
    }
}

#[cold]
fn plain_now() -> Instant {
    std::time::Instant::now().into()
}

/// A duration in the pool's unit; centuries are cut short.
pub(crate) fn nanos(time: Duration) -> u64 {
    time.as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(time.subsec_nanos()))
}

/// The time between two moments, zero if the clock went back.
pub(crate) fn between(from: u64, to: u64) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}
