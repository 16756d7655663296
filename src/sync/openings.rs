//! A line of permits ends, and begins anew: which end somebody means, where several may come one after the other.
//!
//! Promises: who drains learns in the same moment which opening ends, and closes none that came later.

use super::counter::Counter;
use super::line::{Line, Phase};
use super::primitives::mutant;
use super::wakes::Wakes;

impl Line<Counter> {
    /// Has an ending or ended line admit again. Whoever still waits goes on, and what is still held counts.
    pub(crate) fn reopen(&self, now: impl Fn() -> u64) {
        let mut wakes = Wakes::default();
        {
            let mut core = self.core.lock();
            if core.phase == Phase::Open {
                return;
            }
            core.phase = Phase::Open;
            core.back.openings = core.back.openings.wrapping_add(1);
            let limit = core.back.limit;
            self.issue(&mut core, limit);
            self.serve(&mut core, &now, &mut wakes);
        }
        wakes.call();
    }

    /// `drain`. Returns which opening it ends, for `close_opening`, and how many requests closes had failed before.
    pub(crate) fn drain_opening(&self, now: impl Fn() -> u64) -> (u32, usize) {
        let mut wakes = Wakes::default();
        let (opening, cut_off) = {
            let mut core = self.core.lock();
            let none = self.begin_end(&mut core, &now, &mut wakes);
            debug_assert!(none.is_empty(), "bug: a permit has no number to hand out");
            (core.back.openings, core.cut_off)
        };
        wakes.call();
        if mutant!("opening_read_late") {
            return (self.core.lock().back.openings, cut_off);
        }
        (opening, cut_off)
    }

    /// `close`, if the line has not been reopened since then. Returns how many requests closes have failed so far.
    pub(crate) fn close_opening(&self, opening: u32) -> Option<usize> {
        let mut wakes = Wakes::default();
        let failed = {
            let mut core = self.core.lock();
            if core.back.openings != opening && !mutant!("late_close") {
                return None;
            }
            let (none, failed) = self.end(&mut core, &mut wakes);
            debug_assert!(none.is_empty(), "bug: a permit has no number to hand out");
            failed
        };
        wakes.call();
        Some(failed)
    }
}
