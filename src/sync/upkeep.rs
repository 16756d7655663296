//! What happens to numbered slots behind the line: vacancies and the limit, generations, and what time makes stale.
//!
//! **Invariants**, at every unlock: occupied slots never exceed the limit except by a shrink's debt; nothing is occupied
//! while a debt is owed; `idle + in other hands + leaving == occupied`; a slot is in one place only.
//!
//! A slot is occupied from [`Line::occupy`] to [`Line::vacate`]. In between it is idle, or in exactly one pair of hands.

use super::cells::Slot;
use super::line::{Core, Line, Phase};
use super::primitives::mutant;
use super::slots::{Back, MAX_SLOTS, Slots};
use super::stock::Stock;
use super::wakes::Wakes;
use std::cmp::Reverse;

/// A look at the line and its stock, taken under the lock; `public` bits may move while it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) limit: u32,
    pub(crate) occupied: u32,
    pub(crate) idle: u32,
    pub(crate) stale: u32,
    pub(crate) vacant: u32,
    pub(crate) pending: u32,
    pub(crate) oldest: Option<u64>,
    /// How long the first in line means to wait in all.
    pub(crate) patience: u64,
    pub(crate) epoch: u32,
    pub(crate) phase: Phase,
    pub(crate) paused: bool,
    pub(crate) dozing: bool,
}

/// What a tick does with a public slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sift {
    /// Leave it public.
    Stay,
    /// Unused since this moment: shelve it.
    Stale(u64),
    /// Take it out for good.
    Leave,
}

impl<T> Line<Slots<T>> {
    pub(crate) fn counts(&self) -> Counts {
        let mut core = self.core.lock();
        let (pending, oldest) = (core.queue.len(), core.queue.oldest());
        let patience = core.queue.patience();
        let back = &mut core.back;
        let shelved = (back.fresh.len() + back.stale.len()) as u32;
        Counts {
            limit: back.limit,
            occupied: back.occupied,
            idle: self.stock.public() + shelved,
            stale: back.stale.len() as u32,
            vacant: if back.in_debt() { 0 } else { back.vacant() },
            pending,
            oldest,
            patience,
            epoch: back.epoch,
            phase: core.phase,
            paused: core.paused,
            dozing: core.back.dozing,
        }
    }

    /// Takes a vacant slot, with the epoch that a connection begun now belongs to.
    pub(crate) fn occupy(&self) -> Option<(Slot<T>, u32)> {
        let mut core = self.core.lock();
        let ending = core.phase == Phase::Closed || (core.phase == Phase::Draining && core.queue.is_empty());
        let back = &mut core.back;
        if ending || back.vacant() == 0 && !mutant!("occupy_ignores_limit") {
            return None;
        }
        back.occupied += 1;
        let slot = back.spare.pop().map_or(back.made, |Reverse(lowest)| lowest);
        back.made = back.made.max(slot + 1);
        assert!(
            slot < MAX_SLOTS,
            "bug: more slots were occupied at once than any limit allows"
        );
        Some((Slot::of(slot), back.epoch))
    }

    /// Books that a slot in the caller's hands leaves: it pays a debt from now on.
    pub(crate) fn part(&self) {
        self.core.lock().back.leaving += 1;
    }

    /// Makes a slot vacant. `leaving`: it was booked so before. Returns how many are occupied still.
    pub(crate) fn vacate(&self, slot: Slot<T>, leaving: bool) -> u32 {
        let mut core = self.core.lock();
        let back = &mut core.back;
        back.occupied -= 1;
        back.leaving -= u32::from(leaving);
        back.spare.push(Reverse(slot.end()));
        let occupied = back.occupied;
        self.settle(&mut core);
        occupied
    }

    /// Sets the limit. Returns the idle slots that must leave for it.
    pub(crate) fn set_limit(&self, limit: u32, now: impl Fn() -> u64) -> Vec<Slot<T>> {
        let mut wakes = Wakes::default();
        let mut leaving = Vec::new();
        {
            let mut core = self.core.lock();
            core.back.limit = limit;
            self.stock.reach(limit, core.back.epoch);
            if core.back.in_debt() {
                self.stock.shut();
            }
            while core.back.in_debt() {
                let oldest = core.back.stale.pop_front().map(|(slot, _)| slot);
                let Some(slot) = oldest.or_else(|| self.stock.shut_and_take(&mut core.back)) else {
                    break;
                };
                core.back.leaving += 1;
                leaving.push(Slot::of(slot));
            }
            self.serve(&mut core, &now, &mut wakes);
        }
        wakes.call();
        leaving
    }

    pub(crate) fn limit(&self) -> u32 {
        self.core.lock().back.limit
    }

    /// Starts a new epoch: nothing of an older one is lent after this returns. Returns the idle slots, which leave.
    pub(crate) fn invalidate(&self) -> Vec<Slot<T>> {
        let mut core = self.core.lock();
        core.back.epoch = core.back.epoch.wrapping_add(1);
        let idle = self.stock.retire_idle(&mut core.back);
        self.settle(&mut core);
        idle.into_iter().map(Slot::of).collect()
    }

    /// The stale slot used last, so that idle times end for the others, for somebody to look after it while it is lent to nobody.
    pub(crate) fn take_stale(&self) -> Option<(Slot<T>, u64)> {
        let mut core = self.core.lock();
        if core.paused {
            return None;
        }
        core.back.stale.pop_back().map(|(slot, since)| (Slot::of(slot), since))
    }

    /// Takes every stale slot for which `leave` says so; they leave.
    pub(crate) fn cull_stale(&self, mut leave: impl FnMut(u32, u64) -> bool) -> Vec<Slot<T>> {
        let mut core = self.core.lock();
        let mut gone = Vec::new();
        core.back.stale.retain(|&(slot, since)| {
            let leaves = leave(slot, since);
            gone.extend(leaves.then(|| Slot::of(slot)));
            !leaves
        });
        core.back.leaving += gone.len() as u32;
        gone
    }

    /// Asks `judge` about every idle slot that is public or fresh, through open gates as any acquire would go; while somebody
    /// waits there is none. Returns those that leave.
    pub(crate) fn sift(&self, mut judge: impl FnMut(u32) -> Sift) -> Vec<Slot<T>> {
        let mut gone = Vec::new();
        for (index, word) in self.stock.words().enumerate() {
            let mut core = self.core.lock();
            let mut bits = word.idle();
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                let slot = self.stock.number(index, bit);
                let verdict = judge(slot);
                if verdict == Sift::Stay || !word.steal(bit) {
                    continue;
                }
                // Somebody may have used it between the judgement and the theft; it is ours now, so ask again.
                let verdict = if mutant!("tick_trusts_its_first_look") {
                    verdict
                } else {
                    judge(slot)
                };
                match verdict {
                    Sift::Stay => word.lay(bit),
                    Sift::Stale(since) => core.back.stale.push_back((slot, since)),
                    Sift::Leave => {
                        // Before the lock is let go: a shrink between two words must not take another one for it.
                        core.back.leaving += 1;
                        gone.push(Slot::of(slot));
                    }
                }
            }
        }
        let mut core = self.core.lock();
        let back = &mut core.back;
        let mut at = 0;
        while at < back.fresh.len() {
            let slot = back.fresh[at];
            match judge(slot) {
                Sift::Stay => at += 1,
                verdict => {
                    back.fresh.swap_remove(at);
                    match verdict {
                        Sift::Stale(since) => back.stale.push_back((slot, since)),
                        _ => {
                            back.leaving += 1;
                            gone.push(Slot::of(slot));
                        }
                    }
                }
            }
        }
        gone
    }

    /// Shuts the gates until the next use, if nothing public is idle. False: somebody was quicker, or waits.
    pub(crate) fn doze(&self) -> bool {
        let mut core = self.core.lock();
        if !core.queue.is_empty() || !core.back.fresh.is_empty() {
            return false;
        }
        self.stock.shut();
        if self.stock.public() != 0 {
            self.settle(&mut core);
            return false;
        }
        core.back.dozing = true;
        true
    }

    /// Shelves whatever is idle, as unused since this moment at the latest, for somebody to look after it before it is lent.
    pub(crate) fn shelve(&self, now: u64) {
        let mut core = self.core.lock();
        self.stock.shut();
        self.shelve_idle(&mut core, now);
        self.settle(&mut core);
    }

    /// With the lock held and the gates shut.
    fn shelve_idle(&self, core: &mut Core<Back>, since: u64) {
        while let Some(slot) = self.stock.shut_and_take(&mut core.back) {
            core.back.stale.push_back((slot, since));
        }
    }

    /// From now on every slot is looked after before it is lent, or no longer so.
    /// `guarded` is asked under the lock, so that of several callers the last one decides by what all of them have written.
    pub(crate) fn set_guarded(&self, guarded: impl FnOnce() -> bool) {
        let mut core = self.core.lock();
        let guarded = guarded();
        if guarded == core.back.guarded {
            return;
        }
        self.stock.shut();
        core.back.guarded = guarded;
        if guarded {
            self.shelve_idle(&mut core, 0);
        }
        self.settle(&mut core);
    }

    /// Slot numbers handed out so far.
    pub(crate) fn made(&self) -> u32 {
        self.core.lock().back.made
    }
}
