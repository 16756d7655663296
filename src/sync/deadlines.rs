//! Which waiter expires first.
//!
//! Requests of one pool mostly share a timeout, so they expire in the order in which they stand in line: such a node is *in
//! order*, and the line itself is the list of deadlines. A node whose deadline comes before one ahead of it is *out of
//! order* and stands in a binary heap too, whose entries know their place, so leaving it early is O(log n) and leaves no
//! litter behind.
//!
//! **Why head and heap suffice.** Deadlines of nodes in order never fall along the line. If the head is in order, no other
//! such node expires before it. If it is out of order, it expires before the node that was ahead of it when it joined, and so
//! before every node in order behind it. Either way the first to expire is the head or the top of the heap.

use super::queue::Slab;

/// A node's place in the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    InOrder,
    Heap(u32),
}

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// No node in order has a later deadline. An upper bound is enough: it only sends more nodes to the heap.
    latest: u64,
    heap: Vec<u32>,
}

impl Deadlines {
    /// The node out of order that expires first.
    pub(crate) fn top(&self) -> Option<u32> {
        self.heap.first().copied()
    }

    /// A node joins at the end of the line; `alone`: nobody else is in it.
    #[inline]
    pub(crate) fn insert(&mut self, slab: &mut Slab, index: u32, alone: bool) {
        let node = slab.at(index);
        if alone || node.deadline >= self.latest {
            self.latest = node.deadline;
            node.due = Due::InOrder;
        } else {
            self.insert_out_of_order(slab, index);
        }
    }

    #[cold]
    fn insert_out_of_order(&mut self, slab: &mut Slab, index: u32) {
        let place = self.heap.len();
        self.heap.push(index);
        self.rise(slab, place);
    }

    /// A node leaves the line.
    #[inline]
    pub(crate) fn remove(&mut self, slab: &mut Slab, due: Due) {
        if let Due::Heap(place) = due {
            let place = place as usize;
            self.heap.swap_remove(place);
            if place < self.heap.len() {
                self.rise(slab, place);
                self.sink(slab, place);
            }
        }
    }

    fn rise(&mut self, slab: &mut Slab, mut place: usize) {
        while place > 0 && self.sooner(slab, place, (place - 1) / 2) {
            self.heap.swap(place, (place - 1) / 2);
            self.note(slab, place);
            place = (place - 1) / 2;
        }
        self.note(slab, place);
    }

    fn sink(&mut self, slab: &mut Slab, mut place: usize) {
        loop {
            let mut least = place;
            for child in [2 * place + 1, 2 * place + 2] {
                if child < self.heap.len() && self.sooner(slab, child, least) {
                    least = child;
                }
            }
            if least == place {
                return self.note(slab, place);
            }
            self.heap.swap(place, least);
            self.note(slab, place);
            place = least;
        }
    }

    fn sooner(&self, slab: &mut Slab, a: usize, b: usize) -> bool {
        slab.at(self.heap[a]).deadline < slab.at(self.heap[b]).deadline
    }

    fn note(&self, slab: &mut Slab, place: usize) {
        slab.at(self.heap[place]).due = Due::Heap(place as u32);
    }
}
