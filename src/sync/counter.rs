//! The stock of a plain limit: so many permits, all alike.
//!
//! | bits | name | who may change it |
//! |---|---|---|
//! | 0–31 | permits free | gate open: anybody, by one CAS; shut: the line's lock holder |
//! | 63 | gate | the lock holder |
//!
//! A permit carries no data of its own, but what a holder wrote before giving it back is seen by the next one: Release on
//! the way in, Acquire on the way out, and every race on this one word.

use super::line::{Core, Line, Phase};
use super::primitives::{AtomicU64, Ordering::*, Padded, mutant};
use super::queue::NEVER;
use super::stock::Stock;
use super::wakes::Wakes;

const GATE: u64 = 1 << 63;
const FREE: u64 = u32::MAX as u64;

#[derive(Debug)]
pub(crate) struct Counter(Padded<AtomicU64>);

/// One permit. Give it back through [`Line::give`].
#[derive(Debug)]
#[must_use = "a permit that is dropped is lost to its line"]
pub(crate) struct Permit(());

/// See [`Line::census`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Census {
    pub(crate) limit: u32,
    /// In somebody's hands, or assigned to a request that has not seen it yet.
    pub(crate) held: u32,
    pub(crate) pending: u32,
    pub(crate) oldest: Option<u64>,
    pub(crate) phase: Phase,
    pub(crate) paused: bool,
    /// How often the line was reopened.
    pub(crate) openings: u32,
}

#[derive(Debug)]
pub(crate) struct Permits {
    pub(super) limit: u32,
    /// Free or held: more than the limit while a shrink's debt is owed.
    issued: u32,
    /// Which end of the line is meant, where several may come one after the other.
    pub(super) openings: u32,
}

impl Line<Counter> {
    pub(crate) fn counter(limit: u32) -> Self {
        let word = Padded(AtomicU64::new(GATE | u64::from(limit)));
        let permits = Permits {
            limit,
            issued: limit,
            openings: 0,
        };
        Line::over(Counter(word), permits, NEVER)
    }

    /// Admits more at once, or lets those above the new limit finish first.
    pub(crate) fn set_permits(&self, limit: u32, now: impl Fn() -> u64) {
        let mut wakes = Wakes::default();
        {
            let mut core = self.core.lock();
            self.issue(&mut core, limit);
            self.serve(&mut core, &now, &mut wakes);
            // Of an ending line nobody is left to use what was added: held is all that is issued.
            let none = self.unwanted(&mut core);
            debug_assert!(none.is_empty(), "bug: a permit has no number to hand out");
        }
        wakes.call();
    }

    /// Under the lock: as many permits as this limit has beside those that are held. Leaves the gate shut.
    pub(super) fn issue(&self, core: &mut Core<Permits>, limit: u32) {
        let word = &self.stock.0.0;
        let free = (word.fetch_or(GATE, Acquire) & FREE) as u32;
        let held = if mutant!("reopened_afresh") {
            0
        } else {
            core.back.issued - free
        };
        // Shut and under the lock: only we change the word.
        let now_free = limit.saturating_sub(held);
        word.store(GATE | u64::from(now_free), Release);
        core.back.limit = limit;
        core.back.issued = held + now_free;
    }

    /// A look at the line; permits that nobody waits for may move while it is taken.
    pub(crate) fn census(&self) -> Census {
        let core = self.core.lock();
        let Permits {
            limit,
            issued,
            openings,
        } = core.back;
        Census {
            limit,
            held: issued - (self.stock.0.load(Acquire) & FREE) as u32,
            pending: core.queue.len(),
            oldest: core.queue.oldest(),
            phase: core.phase,
            paused: core.paused,
            openings,
        }
    }
}

impl Stock for Counter {
    type Unit = Permit;
    type Back = Permits;

    fn unit(_: u32) -> Permit {
        Permit(())
    }

    fn number(_: Permit) -> u32 {
        0
    }

    #[inline(always)]
    fn take(&self) -> Option<u32> {
        let mut seen = self.0.load(Relaxed);
        loop {
            if seen & GATE != 0 || seen & FREE == 0 {
                return None;
            }
            match self.0.compare_exchange_weak(seen, seen - 1, Acquire, Relaxed) {
                Ok(_) => return Some(0),
                Err(now) => seen = now,
            }
        }
    }

    #[inline(always)]
    fn put(&self, _: u32, _: u32) -> bool {
        let mut seen = self.0.load(Relaxed);
        loop {
            if seen & GATE != 0 && !mutant!("permit_release_ignores_gate") {
                return false;
            }
            match self.0.compare_exchange_weak(seen, seen + 1, Release, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    fn solvent(back: &Permits) -> bool {
        back.issued <= back.limit || mutant!("permits_forget_debt")
    }

    fn usable(back: &Permits, _: u32) -> bool {
        Self::solvent(back)
    }

    fn guarded(_: &Permits) -> bool {
        false
    }

    fn dormant(_: &Permits) -> bool {
        false
    }

    fn part(back: &mut Permits) {
        back.issued -= 1;
    }

    fn stir(_: &mut Permits) -> bool {
        false
    }

    fn shut_and_take(&self, _: &mut Permits) -> Option<u32> {
        let seen = self.0.fetch_or(GATE, Acquire);
        (seen & FREE != 0).then(|| {
            self.0.fetch_sub(1, Acquire);
            0
        })
    }

    fn shut(&self) {
        self.0.fetch_or(GATE, Acquire);
    }

    fn open(&self, _: &Permits) {
        self.0.fetch_and(!GATE, Relaxed);
    }

    fn keep(&self, _: &mut Permits, _: u32, open: bool) {
        self.0.fetch_add(1, Release);
        if open {
            self.0.fetch_and(!GATE, Relaxed);
        }
    }

    fn retire_idle(&self, back: &mut Permits) -> Vec<u32> {
        let free = self.0.fetch_and(!FREE, Acquire) & FREE;
        back.issued -= free as u32;
        Vec::new()
    }
}

#[cfg(all(test, not(fairpool_loom)))]
mod tests {
    use super::super::line::{Ask, Given, Joined, Refused};
    use super::super::queue::{Failure, Ticket};
    use super::*;
    use std::task::Waker;

    /// The line, and what of it is in our hands.
    struct Hands {
        line: Line<Counter>,
        permits: Vec<Permit>,
        waiting: Vec<Ticket>,
    }

    impl Hands {
        fn of(limit: u32) -> Self {
            Hands {
                line: Line::counter(limit),
                permits: Vec::new(),
                waiting: Vec::new(),
            }
        }

        fn ask(&mut self) {
            if let Some(permit) = self.line.take() {
                return self.permits.push(permit);
            }
            let ask = Ask {
                waker: Waker::noop().clone(),
                now: 0,
                deadline: NEVER,
                queue_limit: u32::MAX,
            };
            match self.line.join(ask) {
                Joined::Unit { unit, .. } => self.permits.push(unit),
                Joined::Queued { ticket, .. } => self.waiting.push(ticket),
                Joined::Full | Joined::Closed => {}
            }
        }

        fn release(&mut self, which: usize) -> bool {
            let permit = self.permits.swap_remove(which);
            matches!(self.line.give(permit, 0, || 0), Given::Leaves(_))
        }

        /// Takes what was granted meanwhile; those that were failed are gone.
        fn look(&mut self) {
            for ticket in std::mem::take(&mut self.waiting) {
                let mut place = Some(ticket);
                if let super::super::line::Served::Unit(permit) = self.line.poll(&mut place, Waker::noop()) {
                    self.permits.push(permit);
                }
                self.waiting.extend(place);
            }
        }

        fn issued(&self) -> (u32, u32) {
            let core = self.line.core.lock();
            (core.back.issued, (self.line.stock.0.load(Acquire) & FREE) as u32)
        }

        fn assert_books(&self, what: &str) {
            let census = self.line.census();
            let (issued, free) = self.issued();
            assert_eq!(census.held as usize, self.permits.len(), "{what}");
            assert_eq!(census.pending as usize, self.waiting.len(), "{what}");
            assert!(
                issued <= census.limit.max(census.held),
                "{what}: {issued} issued, {census:?}"
            );
            match census.phase {
                Phase::Open => assert_eq!(issued, census.limit.max(census.held), "{what}: {census:?}"),
                _ if census.pending == 0 => assert_eq!(free, 0, "{what}: free for nobody, {census:?}"),
                _ => {}
            }
            if census.pending > 0 && !census.paused {
                assert!(
                    census.held >= census.limit && free == 0,
                    "{what}: {free} free, {census:?}"
                );
            }
        }
    }

    #[test]
    fn a_limit_raised_on_an_ending_line_frees_no_permits_for_nobody() {
        for close in [false, true] {
            let mut hands = Hands::of(2);
            (0..2).for_each(|_| hands.ask());
            if close {
                hands.line.close();
            } else {
                hands.line.drain(|| 0);
            }
            hands.line.set_permits(5, || 0);
            hands.assert_books("raised");
            hands.line.set_permits(1, || 0);
            hands.assert_books("lowered");
            assert!(hands.release(0) && hands.release(0), "kept by a line that has ended");
            hands.assert_books("given back");
            assert_eq!(hands.issued(), (0, 0));
            assert!(matches!(hands.line.try_take(), Err(Refused::Closed)));
        }
    }

    #[test]
    fn a_reopened_line_counts_what_is_still_held() {
        let mut hands = Hands::of(2);
        (0..3).for_each(|_| hands.ask());
        hands.line.drain(|| 0);
        let drained = hands.line.census().openings;
        hands.line.reopen(|| 0);
        hands.assert_books("called off");
        assert_eq!(hands.waiting.len(), 1, "who waited still does");
        assert_eq!(hands.line.close_opening(drained), None, "that end is over");
        assert_eq!(hands.line.census().phase, Phase::Open);
        let drained = hands.line.census().openings;
        assert_eq!(hands.line.close_opening(drained), Some(1));
        hands.look();
        assert!(hands.release(0), "kept by a line that has ended");
        hands.line.reopen(|| 0);
        hands.assert_books("reopened");
        (0..2).for_each(|_| hands.ask());
        assert_eq!((hands.permits.len(), hands.waiting.len()), (2, 1));
    }

    #[test]
    fn the_books_of_permits_are_right_after_any_sequence_of_changes() {
        let mut random = fastrand::Rng::with_seed(1);
        for world in 0..2_000 {
            let mut hands = Hands::of(random.u32(1..4));
            for step in 0..60 {
                match random.u8(0..17) {
                    0..=5 => hands.ask(),
                    6..=8 if !hands.permits.is_empty() => {
                        let which = random.usize(0..hands.permits.len());
                        hands.release(which);
                    }
                    9 if !hands.waiting.is_empty() => {
                        let ticket = hands.waiting.swap_remove(random.usize(0..hands.waiting.len()));
                        // One granted meanwhile is ours to give back.
                        hands.permits.extend(hands.line.leave(ticket));
                    }
                    10..=11 => hands.line.set_permits(random.u32(1..6), || 0),
                    12 => hands.line.pause(),
                    13 => hands.line.resume(|| 0),
                    14 => drop(hands.line.fail_all(Failure::Cleared)),
                    15 if step > 30 && random.bool() => drop(hands.line.drain(|| 0)),
                    15 if step > 40 => drop(hands.line.close()),
                    16 => hands.line.reopen(|| 0),
                    _ => {}
                }
                hands.look();
                hands.assert_books(&format!("world {world}, step {step}"));
            }
        }
    }
}
