//! What happens when a guard is dropped: the connection goes to the next in line, back on the shelf, into the lane, or away.
//!
//! It runs on any thread, during unwinding, in thread-local teardown and after the runtime is gone (P8), so it spawns
//! nothing, awaits nothing, and keeps every panic of the manager's to itself.
//!
//! | found | goes | cost when nobody waits |
//! |---|---|---|
//! | sound, nothing to await | to the head of the line, or idle | one compare-and-swap |
//! | sound, a reset or `after_release` to await | into the lane | a lock, and a task on the supervisor's runtime |
//! | broken, marked, over age, or dropped by a panic | into the lane, to be closed | the same |
//! | of an older generation, or not needed any more | into the lane, to be closed | the same |

use super::manager::Manager;
use super::shared::{Shared, SlotOf};
use super::tally::Work;
use crate::observe::CloseReason;
use crate::sync::line::Given;
use crate::sync::primitives::Ordering::Relaxed;
use std::panic::{AssertUnwindSafe, catch_unwind};

enum Verdict {
    Sound,
    Reset,
    Broken,
}

impl<M: Manager> Shared<M> {
    /// The end of a lease.
    #[inline]
    pub(crate) fn release(&self, mut slot: SlotOf<M>, marked: bool) {
        let meta = self.cells.meta(slot.number());
        meta.used();
        if self.live.guarded.load(Relaxed) {
            meta.touch(self.now());
        }
        let retires = meta.retires();
        let entry = self
            .cells
            .value_mut(&mut slot)
            .as_mut()
            .expect("bug: a lease without a connection");
        let epoch = entry.epoch;
        // A holder that panics may have left anything half done.
        let broken = marked || std::thread::panicking();
        let verdict = if broken || retires {
            Verdict::Broken
        } else {
            self.judge(&mut entry.conn)
        };
        match verdict {
            Verdict::Sound => match self.line.give(slot, epoch, || self.now()) {
                Given::Kept => {}
                Given::Stirred => self.poke(),
                Given::Leaves(slot) => self.send(slot, Work::Closing, CloseReason::Retired),
            },
            Verdict::Reset => self.send(slot, Work::Resetting, CloseReason::Unclean),
            Verdict::Broken => {
                self.line.part();
                let reason = if retires && !broken {
                    CloseReason::Lifetime
                } else {
                    CloseReason::Broken
                };
                self.send(slot, Work::Closing, reason);
            }
        }
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
        catch_unwind(AssertUnwindSafe(look)).unwrap_or(Verdict::Broken)
    }
}
