//! The shadow line: which requests wait, as their wakers and polls tell it, and in which order they were called.
//!
//! A request stands in it from the poll that returned Pending until its waker is called. What was true at that call (the
//! time, who else waited, whether the pool was paused) is kept with it: that is the moment at which it was served.

use super::books::Books;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// What was true when a request's waker was called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ring {
    pub(crate) at: u64,
    /// The earliest moment, by the clock of whoever called, at which it was called at all: its own timer may have been first,
    /// on a runtime whose clock is ahead of the one that served it.
    pub(crate) earliest: u64,
    pub(crate) generation: u64,
    pub(crate) paused: bool,
    /// An older request that still waited.
    pub(crate) overtook: Option<u64>,
    /// A runtime was being killed: everybody is woken to look, and not all have been served.
    pub(crate) alarm: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: Mutex<BTreeSet<u64>>,
    /// A runtime is being killed.
    pub(crate) alarm: AtomicBool,
}

/// A request's waker.
#[derive(Debug)]
pub(crate) struct Bell {
    id: u64,
    line: Arc<Line>,
    books: Arc<Books>,
    ring: Mutex<Option<Ring>>,
    /// Another waker was left with the request since: calling this one wakes nobody.
    retired: AtomicBool,
}

impl Line {
    fn with<R>(&self, f: impl FnOnce(&mut BTreeSet<u64>) -> R) -> R {
        f(&mut self.waiting.lock().unwrap_or_else(|poison| poison.into_inner()))
    }

    pub(crate) fn len(&self) -> usize {
        self.with(|waiting| waiting.len())
    }

    pub(crate) fn first(&self) -> Option<u64> {
        self.with(|waiting| waiting.first().copied())
    }

    pub(crate) fn joins(&self, id: u64) {
        self.with(|waiting| waiting.insert(id));
    }

    pub(crate) fn leaves(&self, id: u64) {
        self.with(|waiting| waiting.remove(&id));
    }
}

impl Bell {
    pub(crate) fn new(id: u64, line: &Arc<Line>, books: &Arc<Books>) -> Arc<Bell> {
        Arc::new(Bell {
            id,
            line: line.clone(),
            books: books.clone(),
            ring: Mutex::new(None),
            retired: AtomicBool::new(false),
        })
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }

    pub(crate) fn ring(&self) -> Option<Ring> {
        *self.ring.lock().unwrap_or_else(|poison| poison.into_inner())
    }

    pub(crate) fn rung(&self) -> bool {
        self.ring().is_some()
    }

    pub(crate) fn retire(&self) {
        self.retired.store(true, Relaxed);
    }

    /// Heard.
    pub(crate) fn still(&self) {
        *self.ring.lock().unwrap_or_else(|poison| poison.into_inner()) = None;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.retired.load(Relaxed) {
            return;
        }
        let at = self.books.now();
        if let Some(ring) = &mut *self.ring.lock().unwrap_or_else(|poison| poison.into_inner()) {
            ring.earliest = ring.earliest.min(at);
            return;
        }
        self.line.leaves(self.id);
        let (generation, paused) = self.books.with(|ledger| (ledger.generation, ledger.paused));
        let ring = Ring {
            at,
            earliest: at,
            generation,
            paused,
            overtook: self.line.first().filter(|&older| older < self.id),
            alarm: self.line.alarm.load(Relaxed),
        };
        *self.ring.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(ring);
    }
}
