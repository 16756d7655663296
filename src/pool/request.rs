//! One request for a connection, from its first poll to its slot: the whole checkout in [`Request::poll`].
//!
//! The two futures around it differ only in how they hold the pool. A request that is dropped leaves the line at once; a
//! connection that had been assigned to it goes to the next in line.

use super::clock::{between, nanos};
use super::desk::{poll_timer, timer_here};
use super::error::AcquireError;
use super::lookout::Lookout;
use super::manager::Manager;
use super::notes::Site;
use super::shared::{OpenOf, Shared, SlotOf};
use super::tally::count;
use super::watch::{Companion, Leases};
use crate::observe::{Activity, Ending, Event, Order};
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::wait::{Ended, Place, Step};
use pin_project::pin_project;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

type Outcome<M> = Result<SlotOf<M>, AcquireError<<M as Manager>::Error>>;

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// As the pool's options say when it begins to wait.
    Default,
    Within(Duration),
}

/// A timer for the deadline, and on the way there for a look at whether the supervisor still listens.
#[pin_project]
#[derive(Debug)]
struct Watched {
    #[pin]
    sleep: Sleep,
    lookout: Lookout,
}

#[pin_project]
#[derive(Debug)]
pub(crate) struct Request {
    patience: Patience,
    /// Where it was made.
    site: Site,
    place: Place,
    /// When it joined the line, and when its time is out.
    began: u64,
    deadline: u64,
    /// Tickets drawn before the first poll, where an observer wants to know.
    drawn_before: u64,
    /// Armed only where the supervisor's timer cannot be relied on: we run on another runtime.
    #[pin]
    timer: Option<Watched>,
    /// Whose timer that is. A timer must not be polled when its runtime is gone, and is of no use on another.
    timer_on: u64,
    /// An observer's scope around the wait. There is one only while the request is in line, and whatever ends that ends it:
    /// so this need not look whether there is one when it is dropped.
    companion: ManuallyDrop<Companion>,
}

/// In `timer_on`: whoever polls watches the time, and calls [`Request::expire`].
const UNTIMED: u64 = u64::MAX;

impl Request {
    #[inline]
    pub(crate) fn new(patience: Patience, site: Site) -> Self {
        Request {
            patience,
            site,
            place: Place::default(),
            began: 0,
            deadline: 0,
            drawn_before: 0,
            timer: None,
            timer_on: 0,
            companion: ManuallyDrop::new(Companion::default()),
        }
    }

    /// One that arms no timer.
    pub(crate) fn untimed(patience: Patience, site: Site) -> Self {
        Request {
            timer_on: UNTIMED,
            ..Request::new(patience, site)
        }
    }

    pub(crate) fn site(&self) -> Site {
        self.site
    }

    /// By the pool's clock; known once it has been polled, and `u64::MAX` without one.
    pub(crate) fn deadline(&self) -> u64 {
        self.deadline
    }

    /// The whole checkout. Nothing but this request's own place is changed before a slot is ours, and at each `Pending` that
    /// place is in the line, so a cancel has one thing to undo: [`Request::cancel`].
    #[inline(always)]
    pub(crate) fn poll<'s, M: Manager>(
        self: Pin<&mut Self>,
        shared: &'s Arc<Shared<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<OpenOf<'s, M>, AcquireError<M::Error>>> {
        if !self.place.queued() && shared.watch.leases != Leases::Seen {
            while let Some(slot) = shared.line.take() {
                if let Some(open) = shared.vouched(slot) {
                    return Poll::Ready(Ok(open));
                }
            }
        }
        self.poll_slow(shared, cx).map_ok(|slot| shared.cells.open(slot))
    }

    #[cold]
    #[inline(never)]
    fn poll_slow<M: Manager>(
        mut self: Pin<&mut Self>,
        shared: &Arc<Shared<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<M>> {
        let this = self.as_mut().project();
        let first = !this.place.queued();
        if first && shared.watch.leases == Leases::Seen {
            // The same once more, for those who want to be told of it.
            if shared.watch.interest.order {
                *this.drawn_before = shared.line.tickets().0;
            }
            while let Some(slot) = shared.line.take() {
                if let Some(open) = shared.vouched(slot) {
                    self.served(shared, None);
                    return Poll::Ready(Ok(open.shut()));
                }
            }
        }
        let this = self.as_mut().project();
        if first {
            *this.began = shared.now();
            *this.deadline = this.patience.deadline(shared, *this.began);
            if let Some(failure) = shared.faults.failing(*this.began) {
                return Poll::Ready(Err(shared.refuse(Some(failure))));
            }
            if *this.deadline <= *this.began {
                return self.try_once(shared);
            }
        }
        let ticket = this.place.ticket();
        let ask = || (*this.began, *this.deadline, shared.live.queue_limit.load(Relaxed));
        let step = loop {
            let step = this.place.poll(&shared.line, cx, ask);
            let Step {
                poll: Poll::Ready(Ok(slot)),
                tell,
                joined,
            } = step
            else {
                break step;
            };
            // What is given without a wait was idle; what comes to those who wait was looked at just before.
            let slot = if first {
                shared.vouched(slot).map(OpenOf::<M>::shut)
            } else {
                Some(slot)
            };
            if let Some(slot) = slot {
                let poll = Poll::Ready(Ok(slot));
                break Step { poll, tell, joined };
            }
            if tell {
                shared.poke();
            }
        };
        if step.joined && shared.watch.is_attached() {
            shared.queued(this.site);
            **this.companion = shared.watch.scope(Activity::Wait);
        }
        if step.tell {
            shared.poke();
        }
        let outcome = match step.poll {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => {
                // In line. The supervisor brings connections, and the end of our time if we are on its runtime.
                if !shared.staff() {
                    self.withdraw(shared, Ending::Failed);
                    shared.tell(|| Event::Refused { closed: false });
                    return Poll::Ready(Err(AcquireError::NoRuntime));
                }
                // A cancel from here on leaves the line, or passes the slot on that was just assigned.
                ready!(self.as_mut().poll_timer(shared, cx))
            }
        };
        Poll::Ready(self.settle(shared, ticket, outcome))
    }

    /// The end of our time by our own clock, where nobody else watches it.
    fn poll_timer<M: Manager>(
        mut self: Pin<&mut Self>,
        shared: &Arc<Shared<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SlotOf<M>, Ended>> {
        let mut this = self.as_mut().project();
        if *this.timer_on == UNTIMED {
            return Poll::Pending;
        }
        let Some(here) = shared.desk.abroad() else {
            this.timer.set(None);
            *this.timer_on = 0;
            return Poll::Pending;
        };
        if *this.timer_on != here {
            // A runtime without timers leaves our time to the supervisor, as no runtime at all does.
            let lookout = Lookout::default();
            let first = lookout.next(shared.now()).min(*this.deadline);
            let sleep = timer_here(shared.clock.instant(first));
            this.timer.set(sleep.map(|sleep| Watched { sleep, lookout }));
            *this.timer_on = here;
            // The supervisor may be stuck, and so never come to look at the deadlines in time.
            shared.line.watch();
        }
        let Some(timer) = this.timer.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let mut timer = timer.project();
        loop {
            let Some(rung) = poll_timer(timer.sleep.as_mut(), cx) else {
                // Its runtime has ended without our noticing (`whereabouts`): another one, where we are now.
                *this.timer_on = 0;
                return self.poll_timer(shared, cx);
            };
            ready!(rung);
            let now = shared.now();
            if *this.deadline <= now {
                return this.place.expire(&shared.line);
            }
            timer.lookout.look(shared);
            let next = timer.lookout.next(now).min(*this.deadline);
            timer.sleep.as_mut().reset(shared.clock.instant(next));
        }
    }

    /// The deadline of a request in line has come. A connection assigned before that is a success.
    pub(crate) fn expire<M: Manager>(mut self: Pin<&mut Self>, shared: &Arc<Shared<M>>) -> Outcome<M> {
        let ticket = self.place.ticket();
        match self.as_mut().project().place.expire(&shared.line) {
            Poll::Ready(outcome) => self.settle(shared, ticket, outcome),
            Poll::Pending => unreachable!("bug: an expired request still waits"),
        }
    }

    /// The line has decided.
    #[inline]
    fn settle<M: Manager>(
        mut self: Pin<&mut Self>,
        shared: &Arc<Shared<M>>,
        ticket: Option<u64>,
        outcome: Result<SlotOf<M>, Ended>,
    ) -> Outcome<M> {
        self.as_mut().project().companion.end(|| ending(&outcome));
        match outcome {
            Ok(slot) => {
                self.served(shared, ticket);
                Ok(slot)
            }
            Err(ended) => Err(self.failed(shared, ended)),
        }
    }

    /// No time to wait: what is idle now, or nothing.
    fn try_once<M: Manager>(self: Pin<&mut Self>, shared: &Arc<Shared<M>>) -> Poll<Outcome<M>> {
        match shared.try_take() {
            Ok(open) => {
                self.served(shared, None);
                Poll::Ready(Ok(open.shut()))
            }
            Err(crate::sync::line::Refused::Closed) => Poll::Ready(Err(shared.refuse(None))),
            Err(_) => Poll::Ready(Err(self.failed(shared, Ended::Expired))),
        }
    }

    #[inline]
    fn served<M: Manager>(&self, shared: &Shared<M>, ticket: Option<u64>) {
        if shared.watch.is_attached() {
            self.tell_served(shared, ticket);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_served<M: Manager>(&self, shared: &Shared<M>, ticket: Option<u64>) {
        if ticket.is_some() || shared.watch.leases == Leases::Seen {
            shared.tell(|| Event::Acquired {
                waited: ticket.map_or(Duration::ZERO, |_| between(self.began, shared.now())),
                order: shared.watch.interest.order.then(|| Order {
                    drawn_before: self.drawn_before,
                    ticket,
                    still_waiting: shared.line.tickets().1,
                }),
            });
        }
    }

    fn failed<M: Manager>(&self, shared: &Arc<Shared<M>>, ended: Ended) -> AcquireError<M::Error> {
        match ended {
            Ended::Full => {
                let queue_limit = shared.live.queue_limit.load(Relaxed);
                if queue_limit == 0 {
                    // Where nobody may wait, nobody else would ever ask.
                    shared.ask();
                }
                shared.tell(|| Event::QueueFull);
                AcquireError::QueueFull {
                    queue_limit,
                    refusal: shared.refusal(shared.faults.last()),
                }
            }
            Ended::Cleared => AcquireError::Cleared,
            Ended::Closed => shared.refuse(None),
            Ended::Fault => shared.refuse(shared.faults.refusal()),
            Ended::Expired => {
                let waited = between(self.began, shared.now());
                count(&shared.tally.timeouts);
                shared.line_shrank();
                shared.tell(|| Event::TimedOut { waited });
                AcquireError::Timeout(Box::new(shared.timeout(waited)))
            }
        }
    }

    /// Leaves the line; a connection assigned meanwhile, which nobody has touched, goes to the next in it.
    #[inline(always)]
    pub(crate) fn cancel<M: Manager>(self: Pin<&mut Self>, shared: &Shared<M>) {
        if self.place.queued() {
            self.leave(shared);
        }
    }

    #[cold]
    fn leave<M: Manager>(mut self: Pin<&mut Self>, shared: &Shared<M>) {
        count(&shared.tally.cancelled);
        self.as_mut().withdraw(shared, Ending::Cancelled);
        shared.tell(|| Event::Cancelled);
    }

    #[cold]
    fn withdraw<M: Manager>(self: Pin<&mut Self>, shared: &Shared<M>, ending: Ending) {
        let this = self.project();
        if let Some(slot) = this.place.abandon(&shared.line) {
            shared.hand_back(slot, true);
        }
        shared.line_shrank();
        this.companion.end(|| ending);
    }
}

impl Patience {
    fn deadline<M: Manager>(self, shared: &Shared<M>, now: u64) -> u64 {
        match self {
            Patience::Default => now.saturating_add(shared.live.acquire_timeout.load(Relaxed)),
            Patience::Within(time) => now.saturating_add(nanos(time)),
        }
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
