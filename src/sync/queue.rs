//! The waiters in order of their tickets: a slab of nodes linked by index.
//!
//! Plain data under the line's lock. Joining, leaving from the middle and serving the head are O(1); chunks of nodes never
//! move and are kept, so a line that has been this long before allocates nothing.
//!
//! A node's outcome stands on its slip (`slips`), where its request reads it without the lock:
//!
//! | outcome | in the list | in the deadlines | who moves it on |
//! |---|---|---|---|
//! | `Queued` | yes | if it is out of order | the line: to `Granted` or `Failed`; its own request: out |
//! | `Granted(unit)`, `Failed(why)` | no, among the settled | no | its own request only: frees the slip |
//!
//! A settled node is used again once its slip is free; those settled first are looked at first.

use super::deadlines::{Deadlines, Due};
use super::slips::Slips;
use std::collections::VecDeque;
use std::task::Waker;

/// No node: the end of a list, or an empty one.
pub(crate) const NIL: u32 = u32::MAX;
/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;
/// Small for loom, which pays for every slip in every execution.
const CHUNK: usize = if cfg!(fairpool_loom) { 4 } else { 16 };
/// How many settled nodes are looked at before a new chunk is made: after a clear, thousands may not have been read yet.
const PROBES: usize = 8;

/// Why a request left the line without a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Its deadline passed.
    Expired,
    /// `clear` removed it.
    Cleared,
    /// The line was closed.
    Closed,
    /// The floor above failed everybody for a reason it keeps itself.
    Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Queued,
    Granted(u32),
    Failed(Failure),
}

/// A request's place in the line. Not `Clone`: it is given back to the line exactly once.
#[derive(Debug)]
#[must_use = "a dropped ticket leaves a dead node in the line"]
pub(crate) struct Ticket {
    index: u32,
    number: u64,
}

impl Ticket {
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// Drawn in rising order under the lock; 0 is nobody's.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(super) waker: Option<Waker>,
    number: u64,
    prev: u32,
    next: u32,
    /// When the request was made, in the caller's own units.
    pub(super) asked: u64,
    pub(super) deadline: u64,
    pub(super) due: Due,
}

/// The nodes, apart from the list, so that `Deadlines` can reach them while the queue holds both.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    #[allow(clippy::vec_box, reason = "growing moves the pointers, not the nodes")]
    chunks: Vec<Box<[Node; CHUNK]>>,
    free: Option<u32>,
    /// Out of the list, and used again when their requests have read their slips. Room for all nodes, so it never grows alone.
    settled: VecDeque<u32>,
}

impl Slab {
    #[inline]
    pub(super) fn at(&mut self, index: u32) -> &mut Node {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    #[inline]
    fn get(&self, index: u32) -> &Node {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    #[inline]
    fn reserve(&mut self, slips: &Slips) -> u32 {
        if let Some(index) = self.free {
            let next = self.at(index).next;
            self.free = (next != NIL).then_some(next);
            return index;
        }
        for _ in 0..PROBES.min(self.settled.len()) {
            match self.settled.pop_front() {
                Some(index) if slips.is_free(index) => return index,
                Some(index) => self.settled.push_back(index),
                None => break,
            }
        }
        let base = (self.chunks.len() * CHUNK) as u32;
        let free = |i: usize| Node {
            waker: None,
            number: 0,
            prev: NIL,
            next: if i + 1 < CHUNK { base + i as u32 + 1 } else { NIL },
            asked: 0,
            deadline: NEVER,
            due: Due::InOrder,
        };
        self.chunks.push(Box::new(std::array::from_fn(free)));
        let nodes = self.chunks.len() * CHUNK;
        slips.reach(nodes as u32);
        self.settled.reserve(nodes - self.settled.len());
        self.free = Some(base + 1);
        base
    }
}

#[derive(Debug)]
pub(crate) struct Queue {
    slab: Slab,
    head: u32,
    tail: u32,
    len: u32,
    drawn: u64,
    deadlines: Deadlines,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Queue {
            slab: Slab::default(),
            head: NIL,
            tail: NIL,
            len: 0,
            drawn: 0,
            deadlines: Deadlines::default(),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tickets drawn so far; the last one's number.
    pub(crate) fn drawn(&self) -> u64 {
        self.drawn
    }

    /// The number of the first ticket in line.
    pub(crate) fn first(&self) -> Option<u64> {
        (self.head != NIL).then(|| self.slab.get(self.head).number)
    }

    /// When the first in line asked.
    pub(crate) fn oldest(&self) -> Option<u64> {
        (self.head != NIL).then(|| self.slab.get(self.head).asked)
    }

    /// How long the first in line means to wait in all; `NEVER` for any time, and where nobody waits.
    pub(crate) fn patience(&self) -> u64 {
        if self.head == NIL {
            return NEVER;
        }
        let first = self.slab.get(self.head);
        match first.deadline {
            NEVER => NEVER,
            deadline => deadline.saturating_sub(first.asked),
        }
    }

    /// The earliest deadline in line.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.first_due().map(|(_, at)| at)
    }

    /// Who expires first, and when: see `deadlines` for why nobody else can.
    fn first_due(&mut self) -> Option<(u32, u64)> {
        let head = (self.head != NIL).then_some(self.head);
        let due = |index: u32, slab: &Slab| (index, slab.get(index).deadline);
        let first = head
            .into_iter()
            .chain(self.deadlines.top())
            .map(|index| due(index, &self.slab));
        first.min_by_key(|&(_, at)| at).filter(|&(_, at)| at != NEVER)
    }

    /// Draws a ticket and puts it at the end.
    #[inline]
    pub(crate) fn push(&mut self, slips: &Slips, waker: Waker, asked: u64, deadline: u64) -> Ticket {
        let index = self.slab.reserve(slips);
        self.drawn += 1;
        let (number, prev) = (self.drawn, self.tail);
        let node = self.slab.at(index);
        (node.number, node.prev, node.next) = (number, prev, NIL);
        (node.asked, node.deadline) = (asked, deadline);
        node.waker = Some(waker);
        slips.write(index, Outcome::Queued);
        match prev {
            NIL => self.head = index,
            _ => self.slab.at(prev).next = index,
        }
        self.tail = index;
        self.len += 1;
        self.deadlines.insert(&mut self.slab, index, prev == NIL);
        Ticket { index, number }
    }

    /// Gives the head this unit; returns its waker and whether that overtook an older ticket (it never may).
    #[inline]
    pub(crate) fn grant(&mut self, slips: &Slips, unit: u32) -> (Option<Waker>, bool) {
        let index = if super::primitives::mutant!("grant_from_the_tail") {
            self.tail
        } else {
            self.head
        };
        let number = self.slab.get(index).number;
        let waker = self.settle(slips, index, Outcome::Granted(unit));
        (waker, self.first().is_some_and(|older| older < number))
    }

    /// Fails the head; returns its waker.
    pub(crate) fn fail_head(&mut self, slips: &Slips, why: Failure) -> Option<Waker> {
        self.settle(slips, self.head, Outcome::Failed(why))
    }

    /// Whether the head's deadline has passed; `now` is asked only when it has one.
    #[inline]
    pub(crate) fn head_expired(&self, now: impl FnOnce() -> u64) -> bool {
        let deadline = self.slab.get(self.head).deadline;
        deadline != NEVER && deadline <= now()
    }

    /// Fails one request whose deadline is not after `now`; `None` when there is none left.
    pub(crate) fn expire(&mut self, slips: &Slips, now: u64) -> Option<Option<Waker>> {
        let (index, at) = self.first_due()?;
        (at <= now).then(|| self.settle(slips, index, Outcome::Failed(Failure::Expired)))
    }

    /// Whether the ticket's task would be woken by this waker already.
    pub(crate) fn knows(&self, index: u32, waker: &Waker) -> bool {
        self.slab
            .get(index)
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
    }

    /// Replaces the ticket's waker and returns the old one, to be dropped outside the lock.
    pub(crate) fn rewake(&mut self, index: u32, waker: Waker) -> Option<Waker> {
        self.slab.at(index).waker.replace(waker)
    }

    /// Takes a request out: of the line if it still waits, else only off its slip. Tells what had become of it; the waker is to
    /// be dropped outside the lock.
    pub(crate) fn remove(&mut self, slips: &Slips, ticket: Ticket) -> (Outcome, Option<Waker>) {
        let outcome = slips.read(ticket.index);
        let waker = match outcome {
            Outcome::Queued => self.unlink(ticket.index),
            _ => None,
        };
        slips.free(ticket.index);
        if outcome == Outcome::Queued {
            let next = self.slab.free.replace(ticket.index).unwrap_or(NIL);
            self.slab.at(ticket.index).next = next;
        }
        (outcome, waker)
    }

    /// Takes every waker in line, for waking without serving: a woken task that is still queued leaves a new one.
    pub(crate) fn take_wakers(&mut self) -> Vec<Option<Waker>> {
        let mut all = Vec::with_capacity(self.len as usize);
        let mut at = self.head;
        while at != NIL {
            let node = self.slab.at(at);
            all.push(node.waker.take());
            at = node.next;
        }
        all
    }

    /// Takes a queued node out of the list and of the deadlines, and writes its outcome for its request to read.
    #[inline]
    fn settle(&mut self, slips: &Slips, index: u32, outcome: Outcome) -> Option<Waker> {
        let waker = self.unlink(index);
        self.slab.settled.push_back(index);
        // Last: from here on the request may free the slip.
        slips.write(index, outcome);
        waker
    }

    #[inline]
    fn unlink(&mut self, index: u32) -> Option<Waker> {
        let node = self.slab.at(index);
        let (prev, next, due, waker) = (node.prev, node.next, node.due, node.waker.take());
        self.deadlines.remove(&mut self.slab, due);
        match prev {
            NIL => self.head = next,
            _ => self.slab.at(prev).next = next,
        }
        match next {
            NIL => self.tail = prev,
            _ => self.slab.at(next).prev = prev,
        }
        self.len -= 1;
        waker
    }
}

#[cfg(all(test, not(fairpool_loom)))]
mod tests;
