//! The line: first come, first served, over any [`Stock`].
//!
//! **Invariants**, at every unlock:
//! - somebody waits, or the line is held (paused, draining, closed, in debt) ⇒ every gate is shut;
//! - somebody waits and the line is not held ⇒ nothing is idle: what is released goes to the head under the lock.
//!
//! A newcomer can therefore pass the gates only while nobody waits, and a ticket drawn under the lock is older than every
//! grant that follows. Gates reopen lazily, by the next release or acquire that finds nobody waiting.
//!
//! | phase | acquire | release | left by |
//! |---|---|---|---|
//! | `Open` | joins | to the head, or kept idle | `drain`, `close` |
//! | `Draining` | refused | to the head, or leaves | `close`; of permits also `reopen` |
//! | `Closed` | refused | leaves | nobody; of permits `reopen` |
//!
//! Under the lock no waker is called, cloned or dropped, no user code runs and nothing waits. It is taken with no other
//! lock of this crate held, and none is taken under it.

use super::primitives::{Mutex, Padded, mutant};
use super::queue::{Failure, NEVER, Outcome, Queue, Ticket};
use super::slips::Slips;
use super::stock::Stock;
use super::wakes::{Wakes, discard};
use std::task::Waker;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    Draining,
    Closed,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Core<B> {
    pub(super) queue: Queue,
    pub(super) phase: Phase,
    pub(super) paused: bool,
    /// Requests that the end of the line has failed.
    pub(super) cut_off: usize,
    /// Until when whoever tends the line means to sleep; an earlier deadline must wake it.
    pub(super) alarm: u64,
    /// Somebody's deadline is near, or nobody tends the line: each grant looks at the clock itself.
    pub(super) watch: bool,
    pub(super) back: B,
}

#[derive(Debug)]
pub(crate) struct Line<S: Stock> {
    pub(super) stock: S,
    /// Apart from the stock, which everybody reads.
    pub(super) core: Padded<Mutex<Core<S::Back>>>,
    /// What has become of each request, to be read without the lock.
    pub(super) slips: Slips,
    /// How long before a deadline it counts as near.
    pub(super) margin: u64,
}

/// A request for a place in the line. Times are in the caller's own units.
pub(crate) struct Ask {
    pub(crate) waker: Waker,
    pub(crate) now: u64,
    pub(crate) deadline: u64,
    /// How many may wait already for this one still to join.
    pub(crate) queue_limit: u32,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Joined<U> {
    /// Nobody need wait. `stirred`: the stock had dozed off.
    Unit {
        unit: U,
        stirred: bool,
    },
    /// In line. `tell`: whoever tends the line has something to do, or must look again sooner than it means to.
    Queued {
        ticket: Ticket,
        tell: bool,
    },
    Full,
    Closed,
}

/// Why nothing could be taken without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Empty,
    Waiting,
    Paused,
    Closed,
}

/// What became of a unit given back.
#[derive(Debug)]
#[must_use = "a unit that leaves must be vacated"]
pub(crate) enum Given<U> {
    /// Kept idle, or in the hands of the next in line.
    Kept,
    /// Kept, and whoever tends the line must be told: the stock had dozed off until now, or it holds this unit back from
    /// those who wait until somebody has looked after it.
    Stirred,
    /// Not to be used again: the caller takes it apart.
    Leaves(U),
}

/// What has become of a ticket.
#[derive(Debug)]
pub(crate) enum Served<U> {
    NotYet,
    Unit(U),
    Failed(Failure),
}

impl<S: Stock> Line<S> {
    /// A line that looks at the clock for a grant only from `margin` before a deadline on, which is when whoever tends it is
    /// due to look as well: a grant can come late by no more than that one is, less the margin.
    pub(crate) fn over(stock: S, back: S::Back, margin: u64) -> Self {
        let core = Core {
            queue: Queue::new(),
            phase: Phase::Open,
            paused: false,
            cut_off: 0,
            alarm: NEVER,
            watch: false,
            back,
        };
        let line = Line {
            stock,
            core: Padded(Mutex::new(core)),
            slips: Slips::new(),
            margin,
        };
        line.settle(&mut line.core.lock());
        line
    }

    /// A unit without waiting and without a lock, if the gates are open and one is idle.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<S::Unit> {
        self.stock.take().map(S::unit)
    }

    /// Takes a unit or a place in the line.
    #[cold]
    pub(crate) fn join(&self, ask: Ask) -> Joined<S::Unit> {
        let mut core = self.core.lock();
        if core.phase != Phase::Open {
            return Joined::Closed;
        }
        if let Some((unit, stirred)) = self.idle_unit(&mut core) {
            return Joined::Unit { unit, stirred };
        }
        if core.queue.len() >= ask.queue_limit {
            return Joined::Full;
        }
        let ticket = core.queue.push(&self.slips, ask.waker, ask.now, ask.deadline);
        let look = self.look(&mut core, ask.deadline, ask.now);
        let alarm = look < core.alarm && !mutant!("join_tells_nobody");
        if alarm {
            core.alarm = look;
        }
        Joined::Queued {
            ticket,
            tell: alarm || S::dormant(&core.back),
        }
    }

    /// Takes a unit, or says why there is none.
    pub(crate) fn try_take(&self) -> Result<(S::Unit, bool), Refused> {
        if let Some(unit) = self.take() {
            return Ok((unit, false));
        }
        let mut core = self.core.lock();
        match (core.phase, core.paused) {
            (Phase::Open, false) if !core.queue.is_empty() => Err(Refused::Waiting),
            (Phase::Open, false) => self.idle_unit(&mut core).ok_or(Refused::Empty),
            (Phase::Open, true) => Err(Refused::Paused),
            _ => Err(Refused::Closed),
        }
    }

    /// Gives a unit back: lock-free while nobody waits, else to the head of the line.
    #[inline(always)]
    pub(crate) fn give(&self, unit: S::Unit, epoch: u32, now: impl Fn() -> u64) -> Given<S::Unit> {
        let number = S::number(unit);
        if self.stock.put(number, epoch) {
            Given::Kept
        } else {
            self.give_locked(number, epoch, false, now)
        }
    }

    /// `give` for a unit that has just been looked after: the next in line may have it in any case.
    pub(crate) fn deliver(&self, unit: S::Unit, epoch: u32, now: impl Fn() -> u64) -> Given<S::Unit> {
        self.give_locked(S::number(unit), epoch, true, now)
    }

    #[cold]
    fn give_locked(&self, number: u32, epoch: u32, checked: bool, now: impl Fn() -> u64) -> Given<S::Unit> {
        let mut wakes = Wakes::default();
        // The moment of the release, which is what a deadline is judged by. Read under the lock it would keep everybody else
        // out for as long as all the rest.
        let released = now();
        let given = {
            let mut core = self.core.lock();
            self.hand_on(&mut core, (number, epoch, checked), &|| released, &mut wakes)
        };
        wakes.call();
        given
    }

    /// What has become of a ticket. `NotYet` leaves `waker` to be woken; anything else ends the ticket.
    pub(crate) fn poll(&self, slot: &mut Option<Ticket>, waker: &Waker) -> Served<S::Unit> {
        let index = slot.as_ref().expect("bug: polled without a ticket").index();
        let mut outcome = self.slips.read(index);
        if outcome == Outcome::Queued {
            outcome = self.rewake(index, waker);
        }
        if outcome != Outcome::Queued {
            self.slips.free(index);
            *slot = None;
        }
        Self::served(outcome)
    }

    /// Leaves another waker with a request that still waits; returns what has become of it meanwhile.
    #[cold]
    fn rewake(&self, index: u32, waker: &Waker) -> Outcome {
        if self.core.lock().queue.knows(index, waker) {
            return self.slips.read(index);
        }
        // Cloned and dropped outside the lock.
        let fresh = waker.clone();
        let mut core = self.core.lock();
        let outcome = self.slips.read(index);
        let old = if outcome == Outcome::Queued && !mutant!("poll_keeps_the_old_waker") {
            core.queue.rewake(index, fresh)
        } else {
            Some(fresh)
        };
        drop(core);
        discard(old);
        outcome
    }

    /// Gives a place up. A unit that had been granted meanwhile is the caller's to give back.
    pub(crate) fn leave(&self, ticket: Ticket) -> Option<S::Unit> {
        match Self::served(self.remove(ticket)) {
            Served::Unit(unit) if !mutant!("cancel_drops_the_grant") => Some(unit),
            _ => None,
        }
    }

    /// Ends a ticket whose deadline has come by its owner's own clock; one granted before is a success.
    pub(crate) fn give_up(&self, ticket: Ticket) -> Served<S::Unit> {
        match Self::served(self.remove(ticket)) {
            Served::NotYet => Served::Failed(Failure::Expired),
            served => served,
        }
    }

    fn remove(&self, ticket: Ticket) -> Outcome {
        let (outcome, waker) = self.core.lock().queue.remove(&self.slips, ticket);
        discard(waker);
        outcome
    }

    fn served(outcome: Outcome) -> Served<S::Unit> {
        match outcome {
            Outcome::Queued => Served::NotYet,
            Outcome::Granted(number) => Served::Unit(S::unit(number)),
            Outcome::Failed(why) => Served::Failed(why),
        }
    }

    // With the lock held:

    /// Nobody waits and nothing holds the line.
    fn flows(core: &Core<S::Back>) -> bool {
        core.queue.is_empty() && core.phase == Phase::Open && !core.paused && S::solvent(&core.back)
    }

    /// When a deadline must be looked at next: at its margin, or if that has begun, at the deadline itself.
    #[inline]
    pub(super) fn look(&self, core: &mut Core<S::Back>, deadline: u64, now: u64) -> u64 {
        let near = deadline.saturating_sub(self.margin);
        match deadline {
            NEVER => NEVER,
            _ if near > now => near,
            _ => {
                core.watch = true;
                deadline
            }
        }
    }

    /// An idle unit for somebody who need not wait; leaves the gates shut when there is none.
    fn idle_unit(&self, core: &mut Core<S::Back>) -> Option<(S::Unit, bool)> {
        if !Self::flows(core) {
            return None;
        }
        let number = self.stock.shut_and_take(&mut core.back)?;
        let stirred = S::stir(&mut core.back);
        self.stock.open(&core.back);
        Some((S::unit(number), stirred))
    }

    #[inline]
    fn hand_on(
        &self,
        core: &mut Core<S::Back>,
        (number, epoch, checked): (u32, u32, bool),
        now: &impl Fn() -> u64,
        wakes: &mut Wakes,
    ) -> Given<S::Unit> {
        let usable = core.phase != Phase::Closed && S::usable(&core.back, epoch);
        let held_back = S::guarded(&core.back) && !checked;
        if usable && !held_back && self.grant(core, number, now, wakes) {
            return Given::Kept;
        }
        if !usable || core.phase == Phase::Draining && core.queue.is_empty() {
            S::part(&mut core.back);
            return Given::Leaves(S::unit(number));
        }
        let open = Self::flows(core) || mutant!("release_opens_a_held_line");
        let stirred = S::stir(&mut core.back);
        self.stock.keep(&mut core.back, number, open);
        if stirred || held_back && !core.queue.is_empty() {
            Given::Stirred
        } else {
            Given::Kept
        }
    }

    /// Gives a unit to the first in line that has not expired; false when nobody takes it.
    #[inline]
    fn grant(&self, core: &mut Core<S::Back>, number: u32, now: &impl Fn() -> u64, wakes: &mut Wakes) -> bool {
        if core.paused {
            return false;
        }
        while !core.queue.is_empty() {
            if core.watch && core.queue.head_expired(now) {
                wakes.push(core.queue.fail_head(&self.slips, Failure::Expired));
                continue;
            }
            let (waker, overtook) = core.queue.grant(&self.slips, number);
            assert!(!overtook, "bug: a grant overtook an older ticket");
            if !mutant!("grant_without_wake") {
                wakes.push(waker);
            }
            return true;
        }
        false
    }

    /// Gives what is idle to those who wait, then opens the gates if nothing holds them.
    pub(super) fn serve(&self, core: &mut Core<S::Back>, now: &impl Fn() -> u64, wakes: &mut Wakes) {
        while !core.queue.is_empty() && !core.paused && S::solvent(&core.back) {
            let Some(number) = self.stock.shut_and_take(&mut core.back) else {
                break;
            };
            if !self.grant(core, number, now, wakes) {
                self.stock.keep(&mut core.back, number, false);
            }
        }
        self.settle(core);
    }

    /// Opens the gates if nothing holds them.
    pub(super) fn settle(&self, core: &mut Core<S::Back>) {
        if Self::flows(core) {
            self.stock.open(&core.back);
        }
    }
}
