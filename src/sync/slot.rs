//! The token of a slot: capacity that cannot be copied, and the key to what stands in the slot (`cells`).
//!
//! Only the line makes and ends tokens (`of`, `end` are for this floor), one for each number that has left the stock.

use std::marker::PhantomData;

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
