//! One timer for what a task does, one thing after the other, each by its own deadline.
//!
//! Nearly everything ends in time, so the timer is left where it stands as long as it rings early enough; when it does ring, it is
//! set to the deadline that counts then. A deadline costs a comparison, and the timer's wheel is met once in a timeout.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// What the future comes to, or `None`, and then it is dropped, when it has not ended by `at`.
    pub(super) async fn by<F: Future>(&mut self, at: Instant, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let ended = poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if sleep.deadline() > at {
                sleep.as_mut().reset(at);
            }
            // A future that uses up the task's budget each time must not keep the timer from being looked at.
            while pin!(unconstrained(sleep.as_mut())).poll(cx).is_ready() {
                if Instant::now() >= at {
                    return Poll::Ready(None);
                }
                sleep.as_mut().reset(at);
            }
            Poll::Pending
        });
        ended.await
    }
}
