//! Where the connections stand, and the crate's only `unsafe`: a cell for each slot, opened by the slot's token.
//!
//! Promise: whoever holds the [`Slot`] of a number is the only one to reach that number's value. A `Slot` cannot be copied;
//! the line makes one when a number leaves a word, the shelf or the vacancies, and ends it when the number goes back there,
//! each by a Release that the next taker Acquires (`word`) or under the line's lock. A slot is opened with the cells of its
//! own pool: both stand in one structure, and neither leaves it. Loom's cell checks run over this file.

use super::primitives::UnsafeCell;
use super::segments::Segments;
pub(crate) use super::slot::Slot;

/// A line of cache or more to each, so that neighbours used by different threads do not slow each other.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Cell<T, M> {
    /// Readable by anybody at any time.
    meta: M,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: `meta` is shared as `&M` (`M: Sync`). The value is reached through its slot's one token only, which moves between
// threads as the value does (`T: Send`); `&T` is given out for a borrowed token, which crosses threads only if `T: Sync`.
#[allow(unsafe_code)]
unsafe impl<T: Send, M: Sync> Sync for Cell<T, M> {}

impl<T, M> Cell<T, M> {
    #[inline(always)]
    fn value<'a>(&'a self, _token: &'a Slot<T>) -> Option<&'a T> {
        // SAFETY: the token is the only one of its number (module promise) and is borrowed for as long as the result, so
        // nobody writes the value meanwhile: that would need the token borrowed mutably.
        #[allow(unsafe_code)]
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    #[inline(always)]
    fn value_mut<'a>(&'a self, _token: &'a mut Slot<T>) -> &'a mut Option<T> {
        // SAFETY: as above, and the token is borrowed mutably, so nobody else reads the value either.
        #[allow(unsafe_code)]
        self.value.with_mut(|value| unsafe { &mut *value })
    }
}

/// The cells of a pool: `T` for the slot's holder alone, `M` for everybody.
#[derive(Debug)]
pub(crate) struct Cells<T, M>(Segments<Cell<T, M>>);

impl<T, M: Default> Cells<T, M> {
    pub(crate) fn new() -> Self {
        Cells(Segments::new())
    }

    /// Makes the cells of the first `slots` numbers.
    pub(crate) fn reach(&self, slots: u32) {
        self.0.reach(slots, || Cell {
            meta: M::default(),
            value: UnsafeCell::new(None),
        });
    }

    /// What everybody may read of a slot.
    #[inline(always)]
    pub(crate) fn meta(&self, number: u32) -> &M {
        &self.0.at(number).meta
    }

    #[inline(always)]
    pub(crate) fn value<'a>(&'a self, slot: &'a Slot<T>) -> Option<&'a T> {
        self.0.at(slot.number()).value(slot)
    }

    #[inline(always)]
    pub(crate) fn value_mut<'a>(&'a self, slot: &'a mut Slot<T>) -> &'a mut Option<T> {
        self.0.at(slot.number()).value_mut(slot)
    }

    /// Opens the cell of a slot, for whoever will look into it more than once.
    #[inline(always)]
    pub(crate) fn open(&self, slot: Slot<T>) -> Open<'_, T, M> {
        Open {
            cell: self.0.at(slot.number()),
            slot,
        }
    }
}

/// A slot with its cell: what a lease is made of. The half word comes first: see `Pooled`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Open<'a, T, M> {
    pub(crate) slot: Slot<T>,
    cell: &'a Cell<T, M>,
}

impl<'a, T, M> Open<'a, T, M> {
    #[inline(always)]
    pub(crate) fn meta(&self) -> &'a M {
        &self.cell.meta
    }

    #[inline(always)]
    pub(crate) fn value(&self) -> Option<&T> {
        self.cell.value(&self.slot)
    }

    #[inline(always)]
    pub(crate) fn value_mut(&mut self) -> &mut Option<T> {
        self.cell.value_mut(&mut self.slot)
    }

    /// The slot alone again.
    #[inline(always)]
    pub(crate) fn shut(self) -> Slot<T> {
        self.slot
    }
}
