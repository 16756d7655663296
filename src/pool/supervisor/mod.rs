//! The pool's own background work: opening, validating, resetting, closing, expiring.
//!
//! Waiters only wait; one task per pool, the supervisor, sees to it that what they wait for comes. It holds the pool weakly,
//! so a pool that everybody has dropped ends. Each connect, validate and close is a task of its own beside it, resets are run
//! by hands, and all of them with a [`Held`](super::held::Held) slot: a panic or a slow poll hurts only that slot, and a
//! runtime that goes away drops the tokens and so gives every slot back.
//!
//! **It may die; the pool may not.** Its tenure's end clears the desk, sweeps the lane and wakes the whole line; whoever is
//! polled next starts a new one on its own runtime. One that does not listen is replaced (`lookout`). For a moment there may
//! then be two: each step takes what it works on under a lock, so the late one does nothing twice, and ends at its next turn.
//!
//! | file | verb |
//! |---|---|
//! | `demand` | how many connections are wanted, looked at again before each attempt |
//! | `attempt` | connect, and what follows from a failure |
//! | `hand`, `alarm` | run errands, one after the other and each in its time |
//! | `tend` | validate, reset, close |
//! | `tick` | what time makes stale, idle or over age |
//! | `patrol` | leases that last long |

mod alarm;
mod attempt;
mod demand;
mod hand;
mod patrol;
mod tend;
mod tick;

use super::desk::has_timers;
use super::manager::Manager;
use super::shared::Shared;
use super::tally::Work;
use crate::observe::CloseReason;
use crate::sync::hands::Hands;
use crate::sync::line::Phase;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::signal::{Heard, Signal};
use futures::FutureExt;
use futures::future::{Either, select};
use std::pin::pin;
use std::sync::{Arc, Weak};
use tick::Tick;
use tokio::runtime::Handle;

impl<M: Manager> Shared<M> {
    /// Sees to it that a supervisor is in office; false when there is no runtime for one.
    #[inline]
    pub(crate) fn staff(self: &Arc<Self>) -> bool {
        self.desk.staffed() || self.employ()
    }

    #[cold]
    fn employ(self: &Arc<Self>) -> bool {
        self.desk.employ(|runtime, term| {
            let tenure = self.tenure(term);
            // Without timers every supervisor would panic, and the next one be called by its end.
            // One that is shut down drops it at once, and its end would call us again.
            has_timers(runtime) && !runtime.spawn(supervise(tenure, self.desk.signal.clone())).is_finished()
        })
    }

    /// The supervisor has not listened since a call said so: another one takes its place on the runtime that we are on, which
    /// has timers. Should the old one come back, it ends at its next turn; what it began keeps its slots until it ends.
    #[cold]
    pub(crate) fn take_over(self: &Arc<Self>, heard: u64) {
        let Ok(here) = Handle::try_current() else { return };
        let silent = self.desk.signal.silent_since(heard);
        let Some(term) = silent.and_then(|term| self.desk.replace(term, &here)) else {
            return;
        };
        let tenure = self.tenure(term);
        // Nobody has seen how what is idle grew old meanwhile.
        self.guard();
        // Those on the old runtime had no timers of their own, and those here need theirs no more.
        self.line.orphan();
        drop(here.spawn(supervise(tenure, self.desk.signal.clone())));
        self.announce();
        self.poke();
    }

    fn tenure(self: &Arc<Self>, term: u64) -> Tenure<M> {
        self.desk.signal.begin(term);
        self.desk.hands.begin(term);
        Tenure {
            shared: Arc::downgrade(self),
            hands: self.desk.hands.clone(),
            term,
        }
    }
}

/// A supervisor's time in office, ended by its drop: it returned, panicked, or its runtime is gone.
struct Tenure<M: Manager> {
    shared: Weak<Shared<M>>,
    hands: Arc<Hands>,
    term: u64,
}

impl<M: Manager> Drop for Tenure<M> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else {
            return self.hands.end(self.term);
        };
        if shared.desk.vacate(self.term) {
            self.hands.end(self.term);
            // While nobody ticks, what is idle grows old unseen: none of it is lent before the next one has looked at it.
            shared.guard();
            shared.sweep();
            shared.line.orphan();
        }
        // Those who wait by a timer of its runtime's must look for another one, even if it was replaced before.
        shared.announce();
    }
}

async fn supervise<M: Manager>(tenure: Tenure<M>, signal: Arc<Signal>) {
    let mut tick = Tick::default();
    if let Some(shared) = tenure.shared.upgrade() {
        shared.attend(tenure.term);
    }
    loop {
        // A dying runtime drops what we spawn, and each drop calls us again: we must yield to be dropped ourselves.
        tokio::task::coop::consume_budget().await;
        let Some(shared) = tenure.shared.upgrade() else { return };
        if !shared.desk.holds(tenure.term) {
            return;
        }
        let Some(next) = shared.turn(&mut tick, tenure.term) else {
            return;
        };
        let clock = shared.clock;
        drop(shared);
        // Nothing is held across this await; dropped here, the tenure ends.
        let called = pin!(std::future::poll_fn(|cx| signal.listen(tenure.term, cx)));
        let heard = match next {
            u64::MAX => called.await,
            at => match select(called, pin!(tokio::time::sleep_until(clock.instant(at)))).await {
                Either::Left((heard, _)) => heard,
                Either::Right(_) => Heard::Call,
            },
        };
        if heard == Heard::Deposed {
            return;
        }
    }
}

impl<M: Manager> Shared<M> {
    /// The supervisor of this term begins to look after what is idle.
    fn attend(&self, term: u64) {
        self.desk.attend(term);
        // What is lent has grown old unseen as well.
        self.age(self.now());
        self.guard();
    }

    /// One look at everything. Returns when to look again if nobody calls; `None` when there is nothing left to tend, ever.
    fn turn(self: &Arc<Self>, tick: &mut Tick, term: u64) -> Option<u64> {
        let now = self.now();
        self.line.expire(now);
        self.run_errands(term);
        let mut next = self.end(now, term)?;
        next = next.min(self.meet_demand(now, term));
        next = next.min(self.tick(tick, now));
        next = next.min(self.patrol(now));
        // The promise of the line's alarm: an earlier deadline calls us, so this comes last.
        Some(next.min(self.line.set_alarm(now)))
    }

    /// Farewells, and what no hand was called for.
    fn run_errands(self: &Arc<Self>, term: u64) {
        while let Some(held) = self.next_errand() {
            match held.work() {
                Work::Resetting => self.hire(held, term),
                _ => drop(tokio::spawn(tend::close(held))),
            }
        }
    }

    /// What a drain still asks for. `None` once the pool is closed and empty.
    fn end(self: &Arc<Self>, now: u64, term: u64) -> Option<u64> {
        let counts = self.line.counts();
        let until = self.live.drain_until.load(Relaxed);
        match counts.phase {
            Phase::Open => Some(u64::MAX),
            Phase::Draining => {
                self.dismiss(self.line.unwanted_idle(), CloseReason::Retired);
                if now >= until || counts.occupied == 0 && counts.pending == 0 {
                    self.close();
                }
                self.run_errands(term);
                Some(until)
            }
            Phase::Closed => (counts.occupied > 0).then_some(u64::MAX),
        }
    }

    /// Fails the line, closes what is idle, and lends nothing any more. Returns how many requests closes have failed so far,
    /// counted under the line's lock.
    pub(crate) fn close(self: &Arc<Self>) -> usize {
        let (idle, failed) = self.line.close();
        self.dismiss(idle, CloseReason::Retired);
        self.announce();
        self.tell_the_lineless();
        self.poke();
        failed
    }
}

/// The manager's future with its panics kept: `Err` stands for one.
fn unpanicked<F: Future>(future: F) -> impl Future<Output = std::thread::Result<F::Output>> {
    std::panic::AssertUnwindSafe(future).catch_unwind()
}
