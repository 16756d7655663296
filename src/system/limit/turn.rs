//! One request for a permit, from its first poll to its turn, and the two futures around it.
//!
//! A request changes nothing but its own place in the line; dropped, it leaves the line at once, and a permit that had been
//! assigned to it goes to the next.

use super::error::{LimitError, LimitTimeout};
use super::permit::{OwnedPermit, Permit};
use super::shared::Shared;
use crate::observe::{Activity, Ending, Event, Order};
use crate::pool::clock::{between, nanos};
use crate::pool::timer::Timer;
use crate::pool::watch::{Companion, Leases};
use crate::sync::counter;
use crate::sync::line::Refused;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::queue::NEVER;
use crate::sync::wait::{Ended, Place};
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

type Outcome = Result<counter::Permit, LimitError>;

#[pin_project]
#[derive(Debug)]
struct Turn {
    /// The request's own bound; the limit's timeout holds beside it.
    within: Option<Duration>,
    place: Place,
    began: u64,
    deadline: u64,
    /// Tickets drawn before the first poll, where an observer wants to know.
    drawn_before: u64,
    #[pin]
    timer: Timer,
    /// An observer's scope around the wait.
    companion: Companion,
}

impl Turn {
    fn new(within: Option<Duration>) -> Self {
        Turn {
            within,
            place: Place::default(),
            began: 0,
            deadline: NEVER,
            drawn_before: 0,
            timer: Timer::default(),
            companion: Companion::default(),
        }
    }

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, shared: &Shared, cx: &mut Context<'_>) -> Poll<Outcome> {
        if !self.place.queued() && shared.watch.leases != Leases::Seen {
            if let Some(permit) = shared.line.take() {
                return Poll::Ready(Ok(permit));
            }
        }
        self.poll_slow(shared, cx)
    }

    #[cold]
    fn poll_slow(mut self: Pin<&mut Self>, shared: &Shared, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.as_mut().project();
        let ticket = this.place.ticket();
        if !this.place.queued() {
            if shared.watch.leases == Leases::Seen {
                // The same once more, for those who want to be told of it.
                if shared.watch.interest.order {
                    *this.drawn_before = shared.line.tickets().0;
                }
                if let Some(permit) = shared.line.take() {
                    self.admitted(shared, None);
                    return Poll::Ready(Ok(permit));
                }
            }
            let this = self.as_mut().project();
            *this.began = shared.now();
            let own = this.within.map_or(NEVER, nanos);
            *this.deadline = this.began.saturating_add(own.min(shared.timeout.load(Relaxed)));
            if *this.deadline <= *this.began {
                return Poll::Ready(self.try_once(shared));
            }
        }
        let mut this = self.as_mut().project();
        let ask = || (*this.began, *this.deadline, shared.queue_limit.load(Relaxed));
        let step = this.place.poll(&shared.line, cx, ask);
        let mut outcome = step.poll;
        if step.joined {
            shared.watch.tell(|| Event::Queued);
            *this.companion = shared.watch.scope(Activity::Wait);
        }
        if outcome.is_pending() && *this.deadline != NEVER {
            // In line; the grant comes by our waker, the end of our time by our timer.
            match this.timer.as_mut().poll(cx, || shared.clock.instant(*this.deadline)) {
                Ok(slept) => {
                    ready!(slept);
                    outcome = this.place.expire(&shared.line);
                }
                Err(_) => {
                    self.cancel(shared);
                    return Poll::Ready(Err(LimitError::NoRuntime));
                }
            }
        }
        let outcome = ready!(outcome);
        this.companion.end(|| ending(&outcome));
        match outcome {
            Ok(permit) => {
                self.admitted(shared, ticket);
                Poll::Ready(Ok(permit))
            }
            Err(ended) => Poll::Ready(Err(self.failed(shared, ended))),
        }
    }

    fn admitted(&self, shared: &Shared, ticket: Option<u64>) {
        if ticket.is_none() && shared.watch.leases != Leases::Seen {
            return;
        }
        shared.watch.tell(|| Event::Acquired {
            waited: ticket.map_or(Duration::ZERO, |_| between(self.began, shared.now())),
            order: shared.watch.interest.order.then(|| Order {
                drawn_before: self.drawn_before,
                ticket,
                still_waiting: shared.line.tickets().1,
            }),
        });
    }

    /// No time to wait: a permit that is free now, or nothing.
    fn try_once(&self, shared: &Shared) -> Outcome {
        match shared.line.try_take() {
            Ok((permit, _)) => {
                self.admitted(shared, None);
                Ok(permit)
            }
            Err(Refused::Closed) => Err(self.failed(shared, Ended::Closed)),
            Err(_) => Err(self.failed(shared, Ended::Expired)),
        }
    }

    fn failed(&self, shared: &Shared, ended: Ended) -> LimitError {
        match ended {
            Ended::Full => {
                shared.tally.refused.fetch_add(1, Relaxed);
                shared.watch.tell(|| Event::QueueFull);
                LimitError::QueueFull {
                    queue_limit: shared.queue_limit.load(Relaxed),
                }
            }
            Ended::Cleared => LimitError::Cleared,
            Ended::Closed => {
                shared.watch.tell(|| Event::Refused { closed: true });
                LimitError::Closed
            }
            Ended::Fault => unreachable!("bug: nobody fails a limit's line for a backend"),
            Ended::Expired => {
                let waited = between(self.began, shared.now());
                shared.tally.timeouts.fetch_add(1, Relaxed);
                shared.watch.tell(|| Event::TimedOut { waited });
                LimitError::Timeout(Box::new(LimitTimeout {
                    name: shared.name(),
                    waited,
                    status: shared.status(),
                }))
            }
        }
    }

    #[inline(always)]
    fn cancel(self: Pin<&mut Self>, shared: &Shared) {
        if self.place.queued() {
            self.leave(shared);
        }
    }

    #[cold]
    fn leave(self: Pin<&mut Self>, shared: &Shared) {
        let this = self.project();
        let assigned = this.place.abandon(&shared.line);
        shared.tally.cancelled.fetch_add(1, Relaxed);
        if let Some(permit) = assigned {
            shared.give(permit);
        }
        shared.watch.tell(|| Event::Cancelled);
        this.companion.end(|| Ending::Cancelled);
    }
}

fn ending<U>(outcome: &Result<U, Ended>) -> Ending {
    match outcome {
        Ok(_) => Ending::Done,
        Err(Ended::Expired) => Ending::TimedOut,
        Err(Ended::Cleared) => Ending::Cleared,
        Err(Ended::Closed) => Ending::Closed,
        Err(Ended::Full | Ended::Fault) => Ending::Failed,
    }
}

/// A request for a [`Permit`], borrowed from its limit. It joins the line at its first poll.
///
/// # Cancel safety
///
/// Dropped at any time it leaves the line; a permit that had been assigned to it goes to the next in line.
#[pin_project(PinnedDrop, !Unpin)]
#[must_use = "a request does nothing until it is polled"]
pub struct Admission<'a> {
    shared: &'a Shared,
    #[pin]
    turn: Turn,
}

/// As [`Admission`], for a permit that owns a handle to its limit.
#[pin_project(PinnedDrop, !Unpin)]
#[must_use = "a request does nothing until it is polled"]
pub struct AdmissionOwned {
    shared: Arc<Shared>,
    #[pin]
    turn: Turn,
}

impl<'a> Admission<'a> {
    pub(super) fn new(shared: &'a Shared, within: Option<Duration>) -> Self {
        Admission {
            shared,
            turn: Turn::new(within),
        }
    }
}

impl AdmissionOwned {
    pub(super) fn new(shared: Arc<Shared>, within: Option<Duration>) -> Self {
        AdmissionOwned {
            shared,
            turn: Turn::new(within),
        }
    }
}

impl<'a> Future for Admission<'a> {
    type Output = Result<Permit<'a>, LimitError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let permit = ready!(this.turn.poll(this.shared, cx))?;
        Poll::Ready(Ok(Permit::new(this.shared, permit)))
    }
}

impl Future for AdmissionOwned {
    type Output = Result<OwnedPermit, LimitError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let permit = ready!(this.turn.poll(this.shared, cx))?;
        Poll::Ready(Ok(OwnedPermit::new(this.shared.clone(), permit)))
    }
}

#[pinned_drop]
impl PinnedDrop for Admission<'_> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.turn.cancel(this.shared);
    }
}

#[pinned_drop]
impl PinnedDrop for AdmissionOwned {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.turn.cancel(this.shared);
    }
}

impl fmt::Debug for Admission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AdmissionOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionOwned")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
