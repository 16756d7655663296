//! Where the connections stand, and the crate's only `unsafe`: a cell for each slot, opened by the slot's token.
//!
//! Promise: whoever holds the [`Slot`] of a number is the only one to reach that number's value. A `Slot` cannot be copied;
//! the line makes one when a number leaves a word, the shelf or the vacancies, and ends it when the number goes back there,
//! each by a Release that the next taker Acquires (`word`) or under the line's lock. Loom's cell checks run over this file.
//!
//! Cells stand in segments that double in size and never move, so a cell is found by its number at any time.

use super::primitives::UnsafeCell;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// A slot in somebody's hands. `Send` and `Sync` as the value behind it is.
#[derive(Debug)]
#[must_use = "a slot that is dropped is lost to its pool"]
pub(crate) struct Slot<T> {
    number: u32,
    _value: PhantomData<T>,
}

impl<T> Slot<T> {
    /// For the line alone: the number has just left the stock.
    pub(super) fn of(number: u32) -> Self {
        Slot {
            number,
            _value: PhantomData,
        }
    }

    /// For the line alone: the number is about to go back to the stock.
    pub(super) fn end(self) -> u32 {
        self.number
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

/// One to a line of cache, so that neighbours used by different threads do not slow each other.
#[repr(align(64))]
struct Cell<T, M> {
    /// Readable by anybody at any time.
    meta: M,
    value: UnsafeCell<Option<T>>,
}

const FIRST: u32 = 8;
pub(crate) const SEGMENTS: usize = 14;

/// The cells of a pool: `T` for the slot's holder alone, `M` for everybody.
pub(crate) struct Cells<T, M> {
    segments: [OnceLock<Box<[Cell<T, M>]>>; SEGMENTS],
}

// SAFETY: `meta` is shared as `&M` (`M: Sync`). A value is reached through its slot's one token only, and the token moves
// between threads as the value does (`T: Send`); `&T` is given out for `&Slot<T>`, which crosses threads only if `T: Sync`.
#[allow(unsafe_code)]
unsafe impl<T: Send, M: Sync> Sync for Cells<T, M> {}

impl<T, M: Default> Cells<T, M> {
    pub(crate) fn new() -> Self {
        Cells {
            segments: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Makes the cells of the first `slots` numbers; they stay.
    pub(crate) fn reach(&self, slots: u32) {
        for segment in 0..=locate(slots.max(1) - 1).0 {
            let cell = |_| Cell {
                meta: M::default(),
                value: UnsafeCell::new(None),
            };
            self.segments[segment].get_or_init(|| (0..FIRST << segment).map(cell).collect());
        }
    }
}

impl<T, M> Cells<T, M> {
    /// What everybody may read of a slot.
    #[inline(always)]
    pub(crate) fn meta(&self, number: u32) -> &M {
        &self.cell(number).meta
    }

    #[inline(always)]
    pub(crate) fn value<'a>(&'a self, slot: &'a Slot<T>) -> Option<&'a T> {
        // SAFETY: the token is unique to its number and borrowed for as long as the result; nobody else can reach the value
        // (module promise), and a `&mut` to it would need the token borrowed mutably.
        #[allow(unsafe_code)]
        self.cell(slot.number).value.with(|value| unsafe { (*value).as_ref() })
    }

    #[inline(always)]
    pub(crate) fn value_mut<'a>(&'a self, slot: &'a mut Slot<T>) -> &'a mut Option<T> {
        // SAFETY: as above, with the token borrowed mutably.
        #[allow(unsafe_code)]
        self.cell(slot.number).value.with_mut(|value| unsafe { &mut *value })
    }

    #[inline(always)]
    fn cell(&self, number: u32) -> &Cell<T, M> {
        let (segment, offset) = locate(number);
        &self.segments[segment]
            .get()
            .expect("bug: a slot was made before its cell")[offset]
    }
}

/// Segment *s* holds 8·2^*s* cells.
#[inline(always)]
pub(crate) fn locate(number: u32) -> (usize, usize) {
    let segment = (number + FIRST).ilog2() - FIRST.ilog2();
    (segment as usize, (number + FIRST - (FIRST << segment)) as usize)
}

/// How many slots a segment holds.
pub(crate) fn segment_len(segment: usize) -> usize {
    (FIRST as usize) << segment
}
