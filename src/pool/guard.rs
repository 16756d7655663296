//! The guard that a caller holds: a connection lent for as long as the guard lives.

use super::clock::between;
use super::entry::Entry;
use super::manager::Manager;
use super::shared::{Shared, SlotOf};
use crate::observe::CloseReason;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A connection lent by a [`Pool`](crate::Pool). Its drop gives the connection back, on any thread and with or without a
/// runtime; it never panics and waits for nothing but the line's short lock.
///
/// Dropped by a panic, it closes the connection: whatever the holder was doing with it may be half done.
#[must_use = "the connection goes back at once"]
pub struct Pooled<'a, M: Manager> {
    shared: &'a Shared<M>,
    lease: Lease<M>,
}

/// What both guards have in common: the slot, until it goes back.
pub(crate) struct Lease<M: Manager> {
    slot: Option<SlotOf<M>>,
    broken: bool,
}

impl<'a, M: Manager> Pooled<'a, M> {
    #[inline(always)]
    pub(crate) fn new(shared: &'a Shared<M>, slot: SlotOf<M>) -> Self {
        Pooled {
            shared,
            lease: Lease::new(slot),
        }
    }

    /// Takes the connection out of the pool for good; its place is vacant at once.
    ///
    /// ```
    /// # use fairpool::doc::{pool, block_on};
    /// # block_on(async {
    /// let pool = pool();
    /// let conn = pool.acquire().await?.detach();
    /// assert_eq!(pool.status().in_use, 0);
    /// # drop(conn);
    /// # Ok(()) });
    /// ```
    pub fn detach(mut self) -> M::Connection {
        self.lease.detach(self.shared)
    }

    /// Has the connection closed when the guard is dropped.
    pub fn mark_broken(&mut self) {
        self.lease.broken = true;
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        self.lease.age(self.shared)
    }

    /// How often it was lent before.
    pub fn uses(&self) -> u64 {
        self.lease.uses(self.shared)
    }
}

impl<M: Manager> Lease<M> {
    #[inline(always)]
    pub(crate) fn new(slot: SlotOf<M>) -> Self {
        Lease {
            slot: Some(slot),
            broken: false,
        }
    }

    #[inline(always)]
    pub(crate) fn entry<'a>(&'a self, shared: &'a Shared<M>) -> &'a Entry<M::Connection> {
        self.slot
            .as_ref()
            .and_then(|slot| shared.cells.value(slot))
            .expect("bug: a lease without a connection")
    }

    #[inline(always)]
    pub(crate) fn entry_mut<'a>(&'a mut self, shared: &'a Shared<M>) -> &'a mut Entry<M::Connection> {
        let slot = self.slot.as_mut().expect("bug: a lease without a slot");
        shared
            .cells
            .value_mut(slot)
            .as_mut()
            .expect("bug: a lease without a connection")
    }

    pub(crate) fn mark_broken(&mut self) {
        self.broken = true;
    }

    pub(crate) fn age(&self, shared: &Shared<M>) -> Duration {
        between(self.entry(shared).born, shared.now())
    }

    pub(crate) fn uses(&self, shared: &Shared<M>) -> u64 {
        let slot = self.slot.as_ref().expect("bug: a lease without a slot");
        shared.cells.meta(slot.number()).uses() - self.entry(shared).first_use
    }

    pub(crate) fn detach(&mut self, shared: &Shared<M>) -> M::Connection {
        let mut slot = self.slot.take().expect("bug: a lease without a slot");
        shared.cells.meta(slot.number()).used();
        let mut conn = shared.empty(&mut slot).expect("bug: a lease without a connection");
        shared.make_vacant(slot, false);
        shared.gone(CloseReason::Detached);
        let _ = catch_unwind(AssertUnwindSafe(|| shared.manager.detached(&mut conn)));
        conn
    }

    #[inline(always)]
    pub(crate) fn release(&mut self, shared: &Shared<M>) {
        if let Some(slot) = self.slot.take() {
            shared.release(slot, self.broken);
        }
    }
}

impl<M: Manager> Deref for Pooled<'_, M> {
    type Target = M::Connection;

    #[inline(always)]
    fn deref(&self) -> &M::Connection {
        &self.lease.entry(self.shared).conn
    }
}

impl<M: Manager> DerefMut for Pooled<'_, M> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.lease.entry_mut(self.shared).conn
    }
}

impl<M: Manager> Drop for Pooled<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.lease.release(self.shared);
    }
}

impl<M: Manager> fmt::Debug for Pooled<'_, M>
where
    M::Connection: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pooled").field(&**self).finish()
    }
}
