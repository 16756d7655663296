//! Wakers gathered under the line's lock and called after it.
//!
//! A waker is somebody else's code: it may take locks, run long, or panic. None of that may happen while the line is held,
//! and none of it may reach whoever happened to release a connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// One waker without allocating (a hand-off wakes one), more if need be (a clear wakes all).
#[derive(Default)]
#[must_use = "a waker that is not called is a lost wake-up"]
pub(crate) struct Wakes {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl Wakes {
    pub(crate) fn push(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.first.is_none() => self.first = Some(waker),
            Some(waker) => self.rest.push(waker),
            None => {}
        }
    }

    /// Calls every waker; the line's lock must not be held.
    pub(crate) fn call(self) {
        self.first.into_iter().chain(self.rest).for_each(wake);
    }
}

/// Wakes one task; a panic in its waker stays here.
pub(crate) fn wake(waker: Waker) {
    contained(|| waker.wake());
}

/// Drops a waker that is not needed any more; a panic in that stays here.
#[inline]
pub(crate) fn discard(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contained(|| drop(waker));
    }
}

/// Runs somebody else's code. A panic in it stays here, and so does one in the drop of what it panicked with.
#[inline(always)]
pub(crate) fn contained<R>(code: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) => {
            bury(payload);
            None
        }
    }
}

#[cold]
fn bury(payload: Box<dyn std::any::Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}
