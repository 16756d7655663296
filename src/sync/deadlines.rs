//! Which waiter expires first.
//!
//! Requests of one pool mostly share a timeout, so they expire in the order in which they came: those stand in a linked
//! list, where joining and leaving are O(1). One that would break that order goes to a binary heap whose entries know their
//! place, so leaving it early is O(log n) and leaves no litter behind.
//!
//! | place | meaning |
//! |---|---|
//! | `Nowhere` | no deadline, or not waiting |
//! | `List { prev, next }` | deadline not before that of the node ahead in the list |
//! | `Heap(i)` | at index *i* of the heap |

use super::queue::{NIL, Slab};

#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Due {
    #[default]
    Nowhere,
    List {
        prev: u32,
        next: u32,
    },
    Heap(u32),
}

#[derive(Debug)]
pub(crate) struct Deadlines {
    first: u32,
    last: u32,
    heap: Vec<u32>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            first: NIL,
            last: NIL,
            heap: Vec::new(),
        }
    }
}

impl Deadlines {
    /// The node that expires first, and when.
    pub(crate) fn first(&self, slab: &mut Slab) -> Option<(u32, u64)> {
        let listed = (self.first != NIL).then(|| (self.first, slab.at(self.first).deadline));
        let heaped = self.heap.first().map(|&index| (index, slab.at(index).deadline));
        match (listed, heaped) {
            (Some(a), Some(b)) => Some(if b.1 < a.1 { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    pub(crate) fn insert(&mut self, slab: &mut Slab, index: u32) {
        let at = slab.at(index).deadline;
        if self.last != NIL && slab.at(self.last).deadline > at {
            let place = self.heap.len();
            self.heap.push(index);
            self.rise(slab, place);
            return;
        }
        slab.at(index).due = Due::List {
            prev: self.last,
            next: NIL,
        };
        match self.last {
            NIL => self.first = index,
            last => set_next(slab, last, index),
        }
        self.last = index;
    }

    pub(crate) fn remove(&mut self, slab: &mut Slab, index: u32) {
        match std::mem::take(&mut slab.at(index).due) {
            Due::Nowhere => unreachable!("bug: a waiting node with a deadline is neither listed nor heaped"),
            Due::List { prev, next } => {
                match prev {
                    NIL => self.first = next,
                    _ => set_next(slab, prev, next),
                }
                match next {
                    NIL => self.last = prev,
                    _ => set_prev(slab, next, prev),
                }
            }
            Due::Heap(place) => {
                self.heap.swap_remove(place as usize);
                if (place as usize) < self.heap.len() {
                    self.rise(slab, place as usize);
                    self.sink(slab, place as usize);
                }
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

fn set_next(slab: &mut Slab, index: u32, to: u32) {
    if let Due::List { next, .. } = &mut slab.at(index).due {
        *next = to;
    }
}

fn set_prev(slab: &mut Slab, index: u32, to: u32) {
    if let Due::List { prev, .. } = &mut slab.at(index).due {
        *prev = to;
    }
}
