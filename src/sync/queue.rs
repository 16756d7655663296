//! The waiters in order of their tickets: a slab of nodes linked by index.
//!
//! Plain data under the line's lock. Joining, leaving from the middle and serving the head are O(1); chunks of nodes never
//! move and are kept, so a line that has been this long before allocates nothing.
//!
//! | outcome | in the list | in the deadlines | who moves it on |
//! |---|---|---|---|
//! | `Queued` | yes | if it has one | the line: to `Granted` or `Failed`; its own request: out |
//! | `Granted(unit)` | no | no | its own request only: takes the unit and frees the node |
//! | `Failed(why)` | no | no | its own request only: frees the node |

use super::deadlines::{Deadlines, Due};
use std::task::Waker;

/// No node: the end of a list, or an empty one.
pub(crate) const NIL: u32 = u32::MAX;
/// No deadline.
pub(crate) const NEVER: u64 = u64::MAX;
const CHUNK: usize = 64;

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
    /// Drawn in rising order under the lock; 0 is nobody's.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(super) waker: Option<Waker>,
    pub(super) outcome: Outcome,
    /// 0 while the node is free.
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
    chunks: Vec<Box<[Node]>>,
    free: Option<u32>,
}

impl Slab {
    pub(super) fn at(&mut self, index: u32) -> &mut Node {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    fn get(&self, index: u32) -> &Node {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    fn reserve(&mut self) -> u32 {
        if let Some(index) = self.free {
            let next = self.at(index).next;
            self.free = (next != NIL).then_some(next);
            return index;
        }
        let base = (self.chunks.len() * CHUNK) as u32;
        let free = |i: usize| Node {
            waker: None,
            outcome: Outcome::Queued,
            number: 0,
            prev: NIL,
            next: if i + 1 < CHUNK { base + i as u32 + 1 } else { NIL },
            asked: 0,
            deadline: NEVER,
            due: Due::InOrder,
        };
        self.chunks.push((0..CHUNK).map(free).collect());
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
    pub(crate) fn push(&mut self, waker: Waker, asked: u64, deadline: u64) -> Ticket {
        let index = self.slab.reserve();
        self.drawn += 1;
        let (number, prev) = (self.drawn, self.tail);
        let node = self.slab.at(index);
        (node.number, node.prev, node.next) = (number, prev, NIL);
        (node.asked, node.deadline) = (asked, deadline);
        node.outcome = Outcome::Queued;
        node.waker = Some(waker);
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
    pub(crate) fn grant(&mut self, unit: u32) -> (Option<Waker>, bool) {
        let index = if super::primitives::mutant!("grant_from_the_tail") {
            self.tail
        } else {
            self.head
        };
        let number = self.slab.get(index).number;
        let waker = self.settle(index, Outcome::Granted(unit));
        (waker, self.first().is_some_and(|older| older < number))
    }

    /// Fails the head; returns its waker.
    pub(crate) fn fail_head(&mut self, why: Failure) -> Option<Waker> {
        self.settle(self.head, Outcome::Failed(why))
    }

    /// Whether the head's deadline has passed; `now` is asked only when it has one.
    pub(crate) fn head_expired(&self, now: impl FnOnce() -> u64) -> bool {
        let deadline = self.slab.get(self.head).deadline;
        deadline != NEVER && deadline <= now()
    }

    /// Fails one request whose deadline is not after `now`; `None` when there is none left.
    pub(crate) fn expire(&mut self, now: u64) -> Option<Option<Waker>> {
        let (index, at) = self.first_due()?;
        (at <= now).then(|| self.settle(index, Outcome::Failed(Failure::Expired)))
    }

    /// What has become of a ticket.
    pub(crate) fn outcome(&self, ticket: &Ticket) -> Outcome {
        self.node(ticket).outcome
    }

    /// Whether the ticket's task would be woken by this waker already.
    pub(crate) fn knows(&self, ticket: &Ticket, waker: &Waker) -> bool {
        self.node(ticket)
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
    }

    /// Replaces the ticket's waker and returns the old one, to be dropped outside the lock.
    pub(crate) fn rewake(&mut self, ticket: &Ticket, waker: Waker) -> Option<Waker> {
        self.slab.at(ticket.index).waker.replace(waker)
    }

    /// Frees the node and tells what had become of it; the waker is to be dropped outside the lock.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> (Outcome, Option<Waker>) {
        let outcome = self.node(&ticket).outcome;
        let waker = match outcome {
            Outcome::Queued => self.settle(ticket.index, Outcome::Failed(Failure::Expired)),
            _ => None,
        };
        let next = self.slab.free.unwrap_or(NIL);
        let node = self.slab.at(ticket.index);
        (node.number, node.next) = (0, next);
        self.slab.free = Some(ticket.index);
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

    fn node(&self, ticket: &Ticket) -> &Node {
        let node = self.slab.get(ticket.index);
        assert!(node.number == ticket.number, "bug: a ticket outlived its node");
        node
    }

    /// Takes a queued node out of the list and of the deadlines, and writes its outcome.
    fn settle(&mut self, index: u32, outcome: Outcome) -> Option<Waker> {
        let node = self.slab.at(index);
        debug_assert_eq!(node.outcome, Outcome::Queued, "bug: a ticket was settled twice");
        node.outcome = outcome;
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
