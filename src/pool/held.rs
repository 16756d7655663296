//! Capacity in the supervisor's hands: an occupied slot, as a token that gives itself back.
//!
//! Every task that works on a slot owns one. It cannot be copied, a connection cannot be put into the pool without it, and if
//! its task panics, or dies with its runtime, the slot becomes vacant again.

use super::manager::Manager;
use super::shared::{Shared, SlotOf, here};
use super::tally::{Attempt, Work};
use crate::observe::CloseReason;
use std::sync::Arc;

pub(crate) struct Held<M: Manager> {
    pub(crate) shared: Arc<Shared<M>>,
    slot: Option<SlotOf<M>>,
    work: Work,
    attempt: Option<Attempt>,
    /// Booked as leaving with the line.
    leaving: bool,
    /// Why the connection is closed, if this token is dropped with one.
    reason: CloseReason,
}

impl<M: Manager> Held<M> {
    /// Takes a slot over whose work is counted already.
    pub(crate) fn adopt(shared: Arc<Shared<M>>, slot: SlotOf<M>, work: Work, reason: CloseReason) -> Self {
        Held {
            shared,
            slot: Some(slot),
            work,
            attempt: None,
            leaving: work == Work::Closing,
            reason,
        }
    }

    pub(crate) fn begin(shared: Arc<Shared<M>>, slot: SlotOf<M>, work: Work, reason: CloseReason) -> Self {
        shared.tally.begin(work);
        Held::adopt(shared, slot, work, reason)
    }

    /// Counts it among the attempts of the supervisor of this term.
    pub(crate) fn on(mut self, term: u64) -> Self {
        let attempt = Attempt {
            work: self.work,
            term,
            begun: self.shared.now(),
        };
        self.shared.tally.attempt_begins(attempt);
        self.attempt = Some(attempt);
        self
    }

    /// The work has ended, in one way or another.
    fn end_work(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.shared.tally.attempt_ends(attempt);
        }
        self.shared.tally.end(self.work);
    }

    fn slot(&mut self) -> &mut SlotOf<M> {
        self.slot.as_mut().expect("bug: a slot was given back twice")
    }

    /// The connection, if one stands there.
    pub(crate) fn conn(&mut self) -> Option<&mut M::Connection> {
        let shared = &self.shared;
        let slot = self.slot.as_mut().expect("bug: a slot was given back twice");
        shared.cells.value_mut(slot).as_mut().map(|entry| &mut entry.conn)
    }

    /// It was found sound on this runtime.
    pub(crate) fn vouch(&mut self) {
        let shared = self.shared.clone();
        if let Some(entry) = shared.cells.value_mut(self.slot()).as_mut() {
            entry.home = here();
        }
    }

    pub(crate) fn fill(&mut self, conn: M::Connection, epoch: u32, born: u64) {
        let shared = self.shared.clone();
        shared.fill(self.slot(), conn, epoch, born);
    }

    /// Takes the connection out, for its farewell; the slot stays occupied until the token is dropped.
    pub(crate) fn empty(&mut self) -> Option<M::Connection> {
        let shared = self.shared.clone();
        let conn = shared.empty(self.slot());
        if conn.is_some() {
            shared.gone(self.reason);
        }
        conn
    }

    /// From here on the slot leaves.
    pub(crate) fn part(&mut self, reason: CloseReason) {
        self.reason = reason;
        if !self.leaving {
            self.shared.line.part();
            self.leaving = true;
            self.shared.tally.begin(Work::Closing);
            self.end_work();
            self.work = Work::Closing;
            // Whoever waited for this one needs another, and the farewell may take its time.
            self.shared.poke();
        }
    }

    /// Gives the slot back with its connection: to the next in line, or idle.
    pub(crate) fn deliver(mut self) {
        let slot = self.slot.take().expect("bug: a slot was given back twice");
        // First out of the work, so that the counts never show a lent connection as being worked on.
        self.end_work();
        self.shared.hand_back(slot, true);
        // Only now does it count as open, which a `warm_up` may be waiting to see.
        self.shared.announce();
        self.shared.poke();
    }

    /// The same after a reset, which is the end of the lease before it: whoever waits, and whatever tends the idle, sees no more
    /// than a release. It was open all the time, so nobody wants fewer or more of them now, and nobody else is called.
    pub(crate) fn release(mut self) {
        let slot = self.slot.take().expect("bug: a slot was given back twice");
        self.end_work();
        self.shared.hand_back(slot, false);
    }

    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// Hands the slot to a caller, with the connection in it.
    pub(crate) fn lend(mut self) -> SlotOf<M> {
        let slot = self.slot.take().expect("bug: a slot was given back twice");
        self.end_work();
        slot
    }

    /// Gives an empty slot back. Returns how many slots are occupied still.
    pub(crate) fn vacate(mut self) -> u32 {
        let slot = self.slot.take().expect("bug: a slot was given back twice");
        self.end_work();
        self.shared.vacate(slot, self.leaving, self.reason)
    }
}

impl<M: Manager> Drop for Held<M> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // Out of the work only when it is vacant: in between it would pass for lent, and a drain that gives up report it so.
            self.shared.vacate(slot, self.leaving, self.reason);
            self.end_work();
            // Demand was looked at with this work still counted.
            self.shared.poke();
        }
    }
}
