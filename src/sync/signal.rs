//! How whoever tends the line is called, and whether that one still listens.
//!
//! Tenders succeed each other in terms. Only the one of the present term hears calls: a predecessor that wakes late is told
//! that its time is over, and can neither take a call from its successor nor put its own waker in place of that one's.
//!
//! **Promise**: after a call the tender of the present term looks again at least once, whoever else looks meanwhile.

use super::primitives::{Mutex, mutant};
use super::wakes::{discard, wake};
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default)]
struct Seat {
    /// Whose calls these are; 0 is nobody.
    term: u64,
    called: bool,
    /// How often that one has listened: it stands still while the tender is stuck.
    heard: u64,
    waker: Option<Waker>,
}

/// The lock is held for a few loads and stores, with no other.
#[derive(Debug)]
pub(crate) struct Signal(Mutex<Seat>);

/// What a tender that listens is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody has called since the last time.
    Call,
    /// Another one tends the line.
    Deposed,
}

impl Signal {
    pub(crate) fn new() -> Self {
        Signal(Mutex::new(Seat::default()))
    }

    /// Calls. May be called anywhere, any number of times.
    pub(crate) fn poke(&self) {
        self.call();
    }

    /// Calls, and tells how far the tender had listened until then.
    pub(crate) fn call(&self) -> u64 {
        let (waker, heard) = {
            let mut seat = self.0.lock();
            seat.called = true;
            (seat.waker.take(), seat.heard)
        };
        waker.into_iter().for_each(wake);
        heard
    }

    /// The term of the tender that has not listened since a `call` said so.
    pub(crate) fn silent_since(&self, heard: u64) -> Option<u64> {
        let seat = self.0.lock();
        (seat.heard == heard).then_some(seat.term)
    }

    /// A term begins: from now on no earlier one hears anything but that.
    pub(crate) fn begin(&self, term: u64) {
        let mut seat = self.0.lock();
        if seat.term >= term {
            return;
        }
        (seat.term, seat.heard) = (term, seat.heard + 1);
        let old = seat.waker.take();
        drop(seat);
        // Its predecessor hears that its time is over.
        old.into_iter().for_each(wake);
    }

    /// Ready once for all calls since the last time.
    pub(crate) fn listen(&self, term: u64, cx: &mut Context<'_>) -> Poll<Heard> {
        let waker = cx.waker().clone();
        let mut seat = self.0.lock();
        let (heard, old) = if seat.term != term && !mutant!("deposed_still_hears") {
            (Poll::Ready(Heard::Deposed), Some(waker))
        } else {
            seat.heard += 1;
            if std::mem::take(&mut seat.called) {
                (Poll::Ready(Heard::Call), Some(waker))
            } else {
                (Poll::Pending, seat.waker.replace(waker))
            }
        };
        drop(seat);
        discard(old);
        heard
    }
}
