//! One request for a connection of a key, from its first poll to its connection.
//!
//! A request changes nothing but its own place in the lines; dropped, it leaves them at once, and a connection that had been
//! assigned to it goes on as if it had come back.

use super::error::{KeyedError, KeyedStage, KeyedTimeout};
use super::guard::KeyedPooled;
use super::house::{Failure, Link, Stage, Work};
use super::lines::{Joined, Seen};
use super::member::{Key, Member};
use super::shared::Shared;
use crate::observe::{Activity, Ending, Event};
use crate::pool::clock::{between, nanos};
use crate::pool::error::ConnectFailure;
use crate::pool::manager::Manager;
use crate::pool::timer::Timer;
use crate::pool::watch::Companion;
use crate::sync::line::Refused;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

type Outcome<T, M> = Result<T, KeyedError<<M as Manager>::Error>>;

/// A request for a connection of one key. It joins the lines at its first poll.
///
/// # Cancel safety
///
/// Dropped at any time it leaves the lines; a connection that had been assigned to it goes to the next of its key, or on the
/// shelf. A connect that began for it goes on, and its connection does the same.
#[pin_project(PinnedDrop, !Unpin)]
#[must_use = "a request does nothing until it is polled"]
pub struct KeyedAcquire<K: Key, M: Manager> {
    shared: Arc<Shared<K, M>>,
    member: Arc<Member<K, M>>,
    within: Option<Duration>,
    /// Its number in the house, while it has one.
    id: Option<u64>,
    began: u64,
    deadline: u64,
    /// Whoever looks on while this waits.
    companion: Companion,
    #[pin]
    timer: Timer,
}

impl<K: Key, M: Manager> KeyedAcquire<K, M> {
    pub(super) fn new(shared: Arc<Shared<K, M>>, key: &K, within: Option<Duration>) -> Self {
        KeyedAcquire {
            member: shared.member(key),
            shared,
            within,
            id: None,
            began: 0,
            deadline: u64::MAX,
            companion: Companion::default(),
            timer: Timer::default(),
        }
    }

    /// The first poll: a connection that is ready, or a place in the lines.
    fn join(self: Pin<&mut Self>) -> Outcome<Option<Link<K, M>>, M> {
        let this = self.project();
        let (shared, member) = (&**this.shared, &*this.member);
        let (began, within) = (shared.now(), *this.within);
        if within.is_some_and(|within| within.is_zero()) {
            return try_once(shared, member, began).map(Some);
        }
        let ((joined, deadline), calls) = shared.act(|house, out| {
            let limit = within.or(house.rules.options.acquire_timeout);
            let deadline = limit.map_or(u64::MAX, |limit| began.saturating_add(nanos(limit)));
            let joined = house.join(member, (began, deadline), out);
            house.tally.queued += u64::from(matches!(joined, Joined::Waits(_)));
            (joined, deadline)
        });
        (*this.began, *this.deadline) = (began, deadline);
        let joined = match joined {
            Joined::Served(link) => Ok(Some(link)),
            Joined::Waits(id) => {
                *this.id = Some(id);
                if shared.watch.is_attached() {
                    shared.report(|| Event::Queued);
                    *this.companion = shared.watch.scope(Activity::Wait);
                }
                // Before its errands are looked at: where there is no keeper they would end unrun.
                this.shared.staff();
                Ok(None)
            }
            Joined::Full(queue_limit) => {
                shared.report(|| Event::QueueFull);
                Err(KeyedError::QueueFull { queue_limit })
            }
            Joined::Closed => Err(closed(shared)),
        };
        shared.tell(calls);
        joined
    }

    /// What has become of a request that has joined.
    fn look(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<Link<K, M>, M>> {
        let mut this = self.project();
        let (shared, member) = (&**this.shared, &*this.member);
        let id = this.id.expect("bug: asked for what has not joined");
        let mut fresh = None;
        let seen = loop {
            match shared.with(|house, out| house.look(id, cx.waker(), fresh.take(), out)) {
                // Cloned outside the lock.
                Seen::Moved => fresh = Some(cx.waker().clone()),
                seen => break seen,
            }
        };
        match seen {
            Seen::Served(link) => {
                *this.id = None;
                return Poll::Ready(Ok(link));
            }
            Seen::Failed(why) => {
                *this.id = None;
                return Poll::Ready(Err(failed(shared, member, why, *this.began)));
            }
            Seen::Waits | Seen::Moved => {}
        }
        // In line. The keeper sees to connections, our timer to the end of our time. A cancel from here on is `cancel`.
        if !this.shared.staff() {
            cancel(shared, this.id.take());
            return Poll::Ready(Err(KeyedError::NoRuntime));
        }
        if *this.deadline == u64::MAX {
            return Poll::Pending;
        }
        let deadline = *this.deadline;
        match this.timer.as_mut().poll(cx, || shared.clock.instant(deadline)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => {
                *this.id = None;
                Poll::Ready(give_up(shared, member, id, *this.began))
            }
            Err(_) => {
                // No timers here, so the keeper looks at the clock for us.
                shared.with(|house, _| house.alarm = house.alarm.min(deadline));
                Poll::Pending
            }
        }
    }
}

impl<K: Key, M: Manager> KeyedAcquire<K, M> {
    /// A wait has ended; a request that was refused or timed out has been told already.
    fn ended(self: Pin<&mut Self>, outcome: &Outcome<KeyedPooled<K, M>, M>) {
        let this = self.project();
        if !this.shared.watch.is_attached() {
            return;
        }
        if outcome.is_ok() {
            this.shared.lent(between(*this.began, this.shared.now()));
        }
        this.companion.end(|| match outcome {
            Ok(_) => Ending::Done,
            Err(KeyedError::Timeout(_)) => Ending::TimedOut,
            Err(KeyedError::Cleared) => Ending::Cleared,
            Err(KeyedError::Closed) => Ending::Closed,
            Err(_) => Ending::Failed,
        });
    }
}

impl<K: Key, M: Manager> Future for KeyedAcquire<K, M> {
    type Output = Outcome<KeyedPooled<K, M>, M>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.id.is_none() {
            if let Some(link) = self.as_mut().join()? {
                let lent = KeyedPooled::new(self.shared.clone(), link);
                self.shared.lent_at_once();
                return Poll::Ready(Ok(lent));
            }
        }
        let shared = self.shared.clone();
        let outcome = ready!(self.as_mut().look(cx)).map(|link| KeyedPooled::new(shared, link));
        self.ended(&outcome);
        Poll::Ready(outcome)
    }
}

/// The deadline has come by our own clock; a connection that was assigned before is a success.
fn give_up<K: Key, M: Manager>(
    shared: &Shared<K, M>,
    member: &Arc<Member<K, M>>,
    id: u64,
    began: u64,
) -> Outcome<Link<K, M>, M> {
    let (stage, left) = shared.with(|house, out| {
        let stage = house.stage(id);
        let left = house.leave(id, out);
        house.settle(member.room, out);
        (stage, left)
    });
    match left {
        Stage::Served(link) => Ok(*link),
        Stage::Failed(why) => Err(failed(shared, member, why, began)),
        _ => Err(timed_out(shared, member, stage, began)),
    }
}

/// No time to wait: what is idle now, or nothing.
fn try_once<K: Key, M: Manager>(
    shared: &Shared<K, M>,
    member: &Arc<Member<K, M>>,
    began: u64,
) -> Outcome<Link<K, M>, M> {
    let taken = shared.with(|house, out| {
        house.enter(member);
        house
            .take_now(member, out)
            .map_err(|refused| (refused, house.would_wait(member.room)))
    });
    taken.map_err(|(refused, stage)| match refused {
        Refused::Closed => closed(shared),
        _ => timed_out(shared, member, stage, began),
    })
}

fn cancel<K: Key, M: Manager>(shared: &Shared<K, M>, id: Option<u64>) {
    let Some(id) = id else { return };
    let left = shared.with(|house, out| {
        house.tally.cancelled += 1;
        let room = house.requests[&id].member.room;
        match house.leave(id, out) {
            // Assigned, and never touched.
            Stage::Served(link) => house.put_back(*link, Work::InUse, out),
            left => {
                house.settle(room, out);
                return Some(left);
            }
        }
        None
    });
    drop(left);
    shared.report(|| Event::Cancelled);
}

fn closed<K: Key, M: Manager>(shared: &Shared<K, M>) -> KeyedError<M::Error> {
    shared.report(|| Event::Refused { closed: true });
    KeyedError::Closed
}

fn failed<K: Key, M: Manager>(
    shared: &Shared<K, M>,
    member: &Arc<Member<K, M>>,
    why: Failure<M::Error>,
    began: u64,
) -> KeyedError<M::Error> {
    match why {
        Failure::Expired(stage) => timed_out(shared, member, stage, began),
        Failure::Cleared => KeyedError::Cleared,
        Failure::Closed => closed(shared),
        Failure::Refused(ConnectFailure::Error(error)) => {
            shared.report(|| Event::Refused { closed: false });
            KeyedError::Connect(error)
        }
        Failure::Refused(_) => unreachable!("bug: only an error can be permanent"),
    }
}

fn timed_out<K: Key, M: Manager>(
    shared: &Shared<K, M>,
    member: &Arc<Member<K, M>>,
    stage: KeyedStage,
    began: u64,
) -> KeyedError<M::Error> {
    let (waited, last_connect) = (between(began, shared.now()), member.faults.last());
    let mut house = shared.house.lock();
    house.tally.timeouts += 1;
    let timeout = Box::new(KeyedTimeout {
        stage,
        waited,
        limit: house.limit(),
        per_key: house.rules.per_key,
        paused: house.paused,
        all: house.counts(),
        key: house.room(member.room).counts(),
        last_connect,
        pool: shared.name.if_given(),
    });
    drop(house);
    shared.report(|| Event::TimedOut { waited });
    KeyedError::Timeout(timeout)
}

#[pinned_drop]
impl<K: Key, M: Manager> PinnedDrop for KeyedAcquire<K, M> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let id = this.id.take();
        if id.is_some() {
            cancel(this.shared, id);
            this.companion.end(|| Ending::Cancelled);
        }
    }
}

impl<K: Key, M: Manager> fmt::Debug for KeyedAcquire<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedAcquire")
            .field("waits", &self.id.is_some())
            .finish_non_exhaustive()
    }
}
