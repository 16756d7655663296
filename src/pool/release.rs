//! What happens when a guard is dropped: the connection goes to the next in line, back on the shelf, into the lane, or away.
//!
//! It runs on any thread, during unwinding, in thread-local teardown and after the runtime is gone (P8), so it spawns
//! nothing, awaits nothing, and keeps every panic of the manager's to itself.
//!
//! | found | goes | cost when nobody waits |
//! |---|---|---|
//! | sound, nothing to await | to the head of the line, or idle | one compare-and-swap |
//! | sound, a reset or `after_release` to await | into the lane | a lock, and a hand on the supervisor's runtime |
//! | broken, marked, over age, or dropped by a panic | into the lane, to be closed | the same |
//! | opened for this lease only | into the lane, to be closed | the same |
//! | of an older generation, or not needed any more | into the lane, to be closed | the same |

use super::manager::Manager;
use super::shared::{OpenOf, Shared, SlotOf, TIMED};
use super::tally::Work;
use crate::observe::CloseReason;
use crate::sync::line::Given;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::wakes::contained;

enum Verdict {
    Sound,
    Reset,
    Broken,
}

impl<M: Manager> Shared<M> {
    /// The end of a lease. `marked`: its holder says that the connection is broken.
    #[inline]
    pub(crate) fn release(&self, mut open: OpenOf<'_, M>, marked: bool) {
        let meta = open.meta();
        meta.used();
        // A holder that panics may have left anything half done.
        let broken = marked || std::thread::panicking();
        let care = self.live.care.load(Relaxed);
        if broken || meta.retires() || care != 0 && (care != TIMED || meta.is_timed()) {
            return self.release_unusual(open, broken);
        }
        let entry = open.value_mut().as_mut().expect("bug: a lease without a connection");
        let epoch = entry.epoch;
        let verdict = self.judge(&mut entry.conn);
        self.settle(open.shut(), epoch, verdict);
    }

    #[cold]
    fn release_unusual(&self, open: OpenOf<'_, M>, broken: bool) {
        let (meta, now) = (open.meta(), self.now());
        meta.touch(now);
        let used = self.stop_timing(meta, now);
        self.part_with(open, broken);
        // Whoever waits for the connection has it by now.
        self.tell_use(used);
    }

    fn part_with(&self, mut open: OpenOf<'_, M>, broken: bool) {
        let meta = open.meta();
        let reason = match broken {
            true => Some(CloseReason::Broken),
            false if self.loose => Some(CloseReason::Unpooled),
            false => meta.retires().then_some(CloseReason::Lifetime),
        };
        if let Some(reason) = reason {
            return self.discard(open.shut(), reason);
        }
        let entry = open.value_mut().as_mut().expect("bug: a lease without a connection");
        let epoch = entry.epoch;
        let verdict = self.judge(&mut entry.conn);
        self.settle(open.shut(), epoch, verdict);
    }

    #[inline]
    fn settle(&self, slot: SlotOf<M>, epoch: u32, verdict: Verdict) {
        match verdict {
            Verdict::Sound => match self.line.give(slot, epoch, || self.now()) {
                Given::Kept => {}
                Given::Stirred => self.poke(),
                Given::Leaves(slot) => self.send(slot, Work::Closing, CloseReason::Retired),
            },
            Verdict::Reset => self.send(slot, Work::Resetting, CloseReason::Unclean),
            Verdict::Broken => {
                // Before it leaves, so that whoever is told of it meets none of the others unchecked.
                self.suspect_idle();
                self.discard(slot, CloseReason::Broken)
            }
        }
    }

    /// Never to be lent again.
    #[cold]
    fn discard(&self, slot: SlotOf<M>, reason: CloseReason) {
        self.line.part();
        self.send(slot, Work::Closing, reason);
    }

    #[inline]
    fn judge(&self, conn: &mut M::Connection) -> Verdict {
        let look = || {
            if self.manager.is_broken(conn) {
                Verdict::Broken
            } else if self.hooks.after_release.is_some() || self.manager.reset(conn).is_some() {
                Verdict::Reset
            } else {
                Verdict::Sound
            }
        };
        contained(look).unwrap_or(Verdict::Broken)
    }
}
