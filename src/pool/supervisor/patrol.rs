//! Leases that last long, reported while they still do.
//!
//! A look finds every lease that is out and says when the next one will be long. One that begins after a look cannot be
//! long before a whole such time has passed, so to look again then is soon enough; while nothing is used, nobody looks.

use super::super::manager::Manager;
use super::super::notes::Look;
use super::super::shared::Shared;
use super::super::tally::Work;

impl<M: Manager> Shared<M> {
    /// Reports what is long by now; returns when to look again.
    pub(super) fn patrol(&self, now: u64) -> u64 {
        let Some(notes) = self.watch.notes.as_ref().filter(|notes| notes.long != u64::MAX) else {
            return u64::MAX;
        };
        // Before the slots: a use that this does not see pokes us.
        let counts = self.line.counts();
        // What is reset now may be lent next by the reset's end, which does not.
        let rests = counts.dozing && self.tally.at(Work::Resetting) == 0;
        let mut next = match rests || counts.occupied == 0 {
            true => u64::MAX,
            false => now.saturating_add(notes.long),
        };
        for number in 0..self.line.made() {
            match notes.look(number, self.cells.meta(number), now) {
                Look::Nothing => {}
                Look::LongAt(at) => next = next.min(at),
                Look::Long(event) => self.tell(|| event),
            }
        }
        next
    }
}
