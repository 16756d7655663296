//! One bitmap word: up to 32 idle slots, the epoch they belong to, and the gate that sends everybody to the line.
//!
//! | bits | name | meaning | who may change it |
//! |---|---|---|---|
//! | 0–31 | idle | bit *b* set: slot *b* of this word is idle and public | gate open: anybody, by one CAS; gate shut: the line's lock holder |
//! | 32–62 | epoch | generation of every connection whose bit may be set here | the lock holder, gate shut, idle bits empty |
//! | 63 | gate | shut: acquire and release go through the line's lock | the lock holder |
//!
//! | gate | idle | an acquire | a release of this epoch | a release of an older epoch |
//! |---|---|---|---|---|
//! | open | some | takes the lowest bit | sets its bit | goes to the lock |
//! | open | none | looks at the next word | sets its bit | goes to the lock |
//! | shut | any | goes to the lock | goes to the lock | goes to the lock |
//!
//! **Ordering.** A bit set with Release and taken with Acquire carries the slot's cell from the last holder to the next.
//! Every other change of the word is a read-modify-write, which continues the release sequence, so Relaxed is enough for
//! it; and since every race is on this one location, nothing here needs `SeqCst` or a fence.
//!
//! The epoch wraps after 2³¹ invalidations: a connection would have to be held through all of them to look young again.

use super::primitives::{AtomicU64, Ordering::*, mutant};

/// Slots in one word.
pub(crate) const SLOTS: u32 = 32;
const IDLE: u64 = u32::MAX as u64;
const GATE: u64 = 1 << 63;
const EPOCH_BITS: u32 = 31;
const EPOCH: u64 = !(IDLE | GATE);

/// What a lock-free look at one word came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Look {
    /// This bit is now ours.
    Taken(u32),
    /// The gate is open and nothing is idle here.
    Empty,
    /// The gate is shut: ask the line.
    Shut,
}

#[derive(Debug)]
pub(crate) struct Word(AtomicU64);

impl Word {
    /// An empty word with its gate shut: whoever holds the lock opens it when the line allows.
    pub(crate) fn shut_at(epoch: u32) -> Self {
        Word(AtomicU64::new(GATE | stamp(epoch)))
    }

    /// Takes the lowest idle bit unless the gate is shut.
    #[inline(always)]
    pub(crate) fn take(&self) -> Look {
        let order = if mutant!("relaxed_acquire") { Relaxed } else { Acquire };
        let mut seen = self.0.load(Relaxed);
        loop {
            if seen & GATE != 0 && !mutant!("take_ignores_gate") {
                return Look::Shut;
            }
            if seen & IDLE == 0 {
                return Look::Empty;
            }
            let bit = seen & seen.wrapping_neg();
            match self.0.compare_exchange_weak(seen, seen & !bit, order, Relaxed) {
                Ok(_) => return Look::Taken(bit.trailing_zeros()),
                Err(now) => seen = now,
            }
        }
    }

    /// Sets an idle bit; false when the gate is shut or the word has moved on to another epoch.
    #[inline(always)]
    pub(crate) fn put(&self, bit: u32, epoch: u32) -> bool {
        let order = if mutant!("relaxed_release") { Relaxed } else { Release };
        let mut seen = self.0.load(Relaxed);
        loop {
            let shut = seen & GATE != 0 && !mutant!("release_ignores_gate");
            let old = seen & EPOCH != stamp(epoch) && !mutant!("release_ignores_epoch");
            if shut || old {
                return false;
            }
            match self.0.compare_exchange_weak(seen, seen | 1 << bit, order, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Bits idle at this moment; exact only under the lock with the gate shut.
    pub(crate) fn idle(&self) -> u32 {
        (self.0.load(Acquire) & IDLE) as u32
    }

    // Everything below is for the holder of the line's lock.

    /// Shuts the gate and returns the bits idle behind it. A word already shut costs one load.
    pub(crate) fn shut(&self) -> u32 {
        let mut seen = self.0.load(Acquire);
        if seen & GATE == 0 {
            seen = self.0.fetch_or(GATE, Acquire);
        }
        (seen & IDLE) as u32
    }

    /// Opens the gate.
    pub(crate) fn open(&self) {
        if self.0.load(Relaxed) & GATE != 0 {
            self.0.fetch_and(!GATE, Relaxed);
        }
    }

    /// Takes one given bit out of a shut word, which nobody else can touch.
    pub(crate) fn pick(&self, bit: u32) {
        let before = self.0.fetch_and(!(1 << bit), Acquire);
        assert!(
            before & 1 << bit != 0,
            "bug: an idle bit behind a shut gate was taken by somebody without the lock"
        );
    }

    /// Takes one given bit through an open or a shut gate; false when somebody was quicker.
    pub(crate) fn steal(&self, bit: u32) -> bool {
        self.0.fetch_and(!(1 << bit), Acquire) & 1 << bit != 0
    }

    /// Sets an idle bit whatever the gate says; the epoch was compared by the caller.
    pub(crate) fn lay(&self, bit: u32) {
        self.0.fetch_or(1 << bit, Release);
    }

    /// Sweeps every idle bit out, starts a new epoch and leaves the gate shut.
    pub(crate) fn sweep(&self, epoch: u32) -> u32 {
        let idle = if mutant!("sweep_without_shutting") {
            self.idle()
        } else {
            self.shut()
        };
        // Shut and under the lock: nobody else writes, and with no bit left there is no release sequence to keep.
        self.0.store(GATE | stamp(epoch), Relaxed);
        idle
    }
}

fn stamp(epoch: u32) -> u64 {
    u64::from(epoch & ((1 << EPOCH_BITS) - 1)) << SLOTS
}
