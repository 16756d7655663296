//! The guard that owns a handle to its pool: `'static`, at the price of one reference count.

use super::clock::between;
use super::entry::Entry;
use super::manager::Manager;
use super::notes::Site;
use super::shared::{Shared, SlotOf};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// As [`Pooled`](crate::Pooled), for tasks and structures that outlive a borrow. It keeps its pool alive.
// In this order for the reason that `Pooled` gives.
#[repr(C)]
#[must_use = "the connection goes back at once"]
pub struct OwnedPooled<M: Manager> {
    /// The slot, until it goes back.
    slot: Option<SlotOf<M>>,
    shared: Arc<Shared<M>>,
    broken: bool,
}

impl<M: Manager> OwnedPooled<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, slot: SlotOf<M>, taken_at: Site) -> Self {
        shared.lent(slot.number(), shared.cells.meta(slot.number()), taken_at);
        OwnedPooled {
            shared,
            slot: Some(slot),
            broken: false,
        }
    }

    /// See [`Pooled::detach`](crate::Pooled::detach).
    pub fn detach(mut self) -> M::Connection {
        let slot = self.slot.take().expect("bug: a guard without a slot");
        self.shared.detach(slot)
    }

    /// See [`Pooled::mark_broken`](crate::Pooled::mark_broken).
    pub fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// See [`Pooled::age`](crate::Pooled::age).
    pub fn age(&self) -> Duration {
        between(self.entry().born, self.shared.now())
    }

    /// See [`Pooled::uses`](crate::Pooled::uses).
    pub fn uses(&self) -> u64 {
        let slot = self.slot.as_ref().expect("bug: a guard without a slot");
        self.shared.cells.meta(slot.number()).uses() - self.entry().first_use
    }

    fn entry(&self) -> &Entry<M::Connection> {
        let entry = self.slot.as_ref().and_then(|slot| self.shared.cells.value(slot));
        entry.expect("bug: a lease without a connection")
    }
}

impl<M: Manager> Deref for OwnedPooled<M> {
    type Target = M::Connection;

    #[inline]
    fn deref(&self) -> &M::Connection {
        &self.entry().conn
    }
}

impl<M: Manager> DerefMut for OwnedPooled<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Connection {
        let slot = self.slot.as_mut().expect("bug: a guard without a slot");
        let entry = self.shared.cells.value_mut(slot).as_mut();
        &mut entry.expect("bug: a lease without a connection").conn
    }
}

impl<M: Manager> Drop for OwnedPooled<M> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            self.shared.release(self.shared.cells.open(slot), self.broken);
        }
    }
}

impl<M: Manager> fmt::Debug for OwnedPooled<M>
where
    M::Connection: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPooled").field(&**self).finish()
    }
}
