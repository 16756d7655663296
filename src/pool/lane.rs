//! The return lane: slots whose connection needs an await, handed to the hands from wherever a guard is dropped.
//!
//! One bounded lock-free queue per segment of slots. A slot is in the lane at most once, so a queue of the segment's size
//! cannot overflow, and pushing never allocates, waits or spawns.

use super::entry::Entry;
use super::tally::Work;
use crate::observe::CloseReason;
use crate::sync::cells::Slot;
use crate::sync::segments::{SEGMENTS, locate, segment_len};
use crossbeam_queue::ArrayQueue;
use std::fmt;
use std::sync::OnceLock;

/// A slot on its way to a hand.
pub(crate) struct Errand<C> {
    pub(crate) slot: Slot<Entry<C>>,
    /// `Resetting`, or `Closing` for the reason beside it.
    pub(crate) work: Work,
    pub(crate) reason: CloseReason,
}

pub(crate) struct Lane<C> {
    queues: [OnceLock<Box<ArrayQueue<Errand<C>>>>; SEGMENTS],
}

impl<C> fmt::Debug for Lane<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting: usize = self
            .queues
            .iter()
            .filter_map(OnceLock::get)
            .map(|queue| queue.len())
            .sum();
        f.debug_struct("Lane").field("waiting", &waiting).finish()
    }
}

impl<C> Lane<C> {
    pub(crate) fn new() -> Self {
        Lane {
            queues: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Makes room for the first `slots` numbers.
    pub(crate) fn reach(&self, slots: u32) {
        for segment in 0..=locate(slots.max(1) - 1).0 {
            self.queues[segment].get_or_init(|| Box::new(ArrayQueue::new(segment_len(segment))));
        }
    }

    pub(crate) fn push(&self, errand: Errand<C>) {
        let queue = self.queues[locate(errand.slot.number()).0].get();
        let full = queue
            .expect("bug: a slot was made before its lane")
            .push(errand)
            .is_err();
        assert!(!full, "bug: a slot was in the lane twice");
    }

    pub(crate) fn is_empty(&self) -> bool {
        let mut queues = self.queues.iter().map_while(OnceLock::get);
        queues.all(|queue| queue.is_empty())
    }

    pub(crate) fn pop(&self) -> Option<Errand<C>> {
        self.queues
            .iter()
            .map_while(OnceLock::get)
            .find_map(|queue| queue.pop())
    }
}
