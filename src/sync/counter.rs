//! The stock of a plain limit: so many permits, all alike.
//!
//! | bits | name | who may change it |
//! |---|---|---|
//! | 0–31 | permits free | gate open: anybody, by one CAS; shut: the line's lock holder |
//! | 63 | gate | the lock holder |
//!
//! A permit carries no data of its own, but what a holder wrote before giving it back is seen by the next one: Release on
//! the way in, Acquire on the way out, and every race on this one word.

use super::line::{Line, Phase};
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
}

#[derive(Debug)]
pub(crate) struct Permits {
    limit: u32,
    /// Free or held: more than the limit while a shrink's debt is owed.
    issued: u32,
}

impl Line<Counter> {
    pub(crate) fn counter(limit: u32) -> Self {
        let word = Padded(AtomicU64::new(GATE | u64::from(limit)));
        Line::over(Counter(word), Permits { limit, issued: limit }, NEVER)
    }

    /// Admits more at once, or lets those above the new limit finish first.
    pub(crate) fn set_permits(&self, limit: u32, now: impl Fn() -> u64) {
        let mut wakes = Wakes::default();
        {
            let mut core = self.core.lock();
            let word = &self.stock.0.0;
            let free = (word.fetch_or(GATE, Acquire) & FREE) as u32;
            let Permits { issued, .. } = core.back;
            let held = issued - free;
            // Shut and under the lock: only we change the word.
            let now_free = limit.saturating_sub(held);
            word.store(GATE | u64::from(now_free), Release);
            core.back = Permits {
                limit,
                issued: held + now_free,
            };
            self.serve(&mut core, &now, &mut wakes);
        }
        wakes.call();
    }

    /// A look at the line; permits that nobody waits for may move while it is taken.
    pub(crate) fn census(&self) -> Census {
        let core = self.core.lock();
        let Permits { limit, issued } = core.back;
        Census {
            limit,
            held: issued - (self.stock.0.load(Acquire) & FREE) as u32,
            pending: core.queue.len(),
            oldest: core.queue.oldest(),
            phase: core.phase,
            paused: core.paused,
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
