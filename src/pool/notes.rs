//! Where each connection was taken, when, and by which task: noted only where the builder was asked for it.
//!
//! A note is about one lease of one slot. It is never wiped: a lease that ends raises the slot's use count, and the note no
//! longer fits. So a release pays nothing for it.

use super::clock::between;
use super::entry::Meta;
use super::whereabouts::current_task;
use crate::observe::Event;
use crate::sync::primitives::Mutex;
use crate::sync::segments::Segments;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// What a user has asked to be warned of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Warnings {
    pub(crate) leases_over: Option<Duration>,
    pub(crate) nested: bool,
}

/// Where in the user's code something was asked for.
pub(crate) type Site = &'static Location<'static>;

/// For each slot, its last lease. A lock of its own each, held for a few loads and stores and with no other.
pub(crate) struct Notes {
    /// From how many nanoseconds on a lease is long; `u64::MAX` for never.
    pub(crate) long: u64,
    nested: bool,
    notes: Segments<Mutex<Option<Note>>>,
}

#[derive(Debug, Clone, Copy)]
struct Note {
    /// The slot's use count while this lease is out.
    uses: u64,
    taken_at: Site,
    since: u64,
    task: Option<u64>,
    told: bool,
}

/// What a look at a slot found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody has it, or of this lease all is told.
    Nothing,
    /// Its lease is long from that moment on.
    LongAt(u64),
    /// Its lease is long; this is told once.
    Long(Event),
}

impl Notes {
    pub(crate) fn wanted(warnings: Warnings) -> Option<Self> {
        (warnings.nested || warnings.leases_over.is_some()).then(|| Notes {
            long: warnings.leases_over.map_or(u64::MAX, super::clock::nanos),
            nested: warnings.nested,
            notes: Segments::new(),
        })
    }

    /// Room for the first `slots` numbers.
    pub(crate) fn reach(&self, slots: u32) {
        self.notes.reach(slots, || Mutex::new(None));
    }

    /// A lease begins.
    pub(crate) fn note(&self, number: u32, meta: &Meta, taken_at: Site, now: impl FnOnce() -> u64) {
        let note = Note {
            uses: meta.uses(),
            taken_at,
            since: if self.long == u64::MAX { 0 } else { now() },
            task: if self.nested { current_task() } else { None },
            told: self.long == u64::MAX,
        };
        *self.notes.at(number).lock() = Some(note);
    }

    pub(crate) fn look(&self, number: u32, meta: &Meta, now: u64) -> Look {
        let mut slot = self.notes.at(number).lock();
        let Some(note) = slot.as_mut().filter(|note| note.uses == meta.uses() && !note.told) else {
            return Look::Nothing;
        };
        let long_at = note.since.saturating_add(self.long);
        if now < long_at {
            return Look::LongAt(long_at);
        }
        note.told = true;
        Look::Long(Event::LongLease {
            held: between(note.since, now),
            taken_at: note.taken_at,
        })
    }

    /// Where the current task has taken a connection that it may still hold, among the first `slots` numbers.
    pub(crate) fn held_by_this_task<'a>(&self, slots: u32, meta: impl Fn(u32) -> &'a Meta) -> Option<Site> {
        let task = current_task().filter(|_| self.nested)?;
        (0..slots).find_map(|number| {
            let note = (*self.notes.at(number).lock())?;
            (note.task == Some(task) && note.uses == meta(number).uses()).then_some(note.taken_at)
        })
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes")
            .field("long", &self.long)
            .finish_non_exhaustive()
    }
}
