//! The guard that owns a handle to its pool: `'static`, at the price of one reference count.

use super::guard::Lease;
use super::manager::Manager;
use super::shared::{Shared, SlotOf};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// As [`Pooled`](crate::Pooled), for tasks and structures that outlive a borrow. It keeps its pool alive.
#[must_use = "the connection goes back at once"]
pub struct OwnedPooled<M: Manager> {
    shared: Arc<Shared<M>>,
    lease: Lease<M>,
}

impl<M: Manager> OwnedPooled<M> {
    pub(crate) fn new(shared: Arc<Shared<M>>, slot: SlotOf<M>) -> Self {
        OwnedPooled {
            shared,
            lease: Lease::new(slot),
        }
    }

    /// See [`Pooled::detach`](crate::Pooled::detach).
    pub fn detach(mut self) -> M::Connection {
        self.lease.detach(&self.shared)
    }

    /// See [`Pooled::mark_broken`](crate::Pooled::mark_broken).
    pub fn mark_broken(&mut self) {
        self.lease.mark_broken();
    }

    /// See [`Pooled::age`](crate::Pooled::age).
    pub fn age(&self) -> Duration {
        self.lease.age(&self.shared)
    }

    /// See [`Pooled::uses`](crate::Pooled::uses).
    pub fn uses(&self) -> u64 {
        self.lease.uses(&self.shared)
    }
}

impl<M: Manager> Deref for OwnedPooled<M> {
    type Target = M::Connection;

    #[inline]
    fn deref(&self) -> &M::Connection {
        &self.lease.entry(&self.shared).conn
    }
}

impl<M: Manager> DerefMut for OwnedPooled<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.lease.entry_mut(&self.shared).conn
    }
}

impl<M: Manager> Drop for OwnedPooled<M> {
    #[inline]
    fn drop(&mut self) {
        self.lease.release(&self.shared);
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
