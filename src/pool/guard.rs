//! The guard that a caller holds: a connection lent for as long as the guard lives.

use super::clock::between;
use super::entry::Entry;
use super::manager::Manager;
use super::notes::Site;
use super::shared::{OpenOf, Shared, SlotOf};
use crate::observe::CloseReason;
use crate::sync::wakes::contained;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// A connection lent by a [`Pool`](crate::Pool). Its drop gives the connection back, on any thread and with or without a
/// runtime; it never panics and waits for nothing but the line's short lock.
///
/// Dropped by a panic, it closes the connection: whatever the holder was doing with it may be half done.
// In this order: a result puts its error in the same place, and that begins with two half words. Where a pointer lay under
// them it would be written in halves and then read whole, which measured 9 ns a lease.
#[repr(C)]
#[must_use = "the connection goes back at once"]
pub struct Pooled<'a, M: Manager> {
    /// The slot with its cell, until it goes back.
    open: Option<OpenOf<'a, M>>,
    shared: &'a Shared<M>,
    broken: bool,
}

impl<'a, M: Manager> Pooled<'a, M> {
    #[inline(always)]
    pub(crate) fn new(shared: &'a Shared<M>, open: OpenOf<'a, M>, taken_at: Site) -> Self {
        shared.lent(open.slot.number(), open.meta(), taken_at);
        Pooled {
            shared,
            open: Some(open),
            broken: false,
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
        let open = self.open.take().expect("bug: a guard without a slot");
        self.shared.detach(open.shut())
    }

    /// Has the connection closed when the guard is dropped.
    pub fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        between(self.entry().born, self.shared.now())
    }

    /// How often it was lent before.
    pub fn uses(&self) -> u64 {
        let open = self.open.as_ref().expect("bug: a guard without a slot");
        open.meta().uses() - self.entry().first_use
    }

    #[inline(always)]
    fn entry(&self) -> &Entry<M::Connection> {
        let entry = self.open.as_ref().and_then(OpenOf::<M>::value);
        entry.expect("bug: a lease without a connection")
    }
}

impl<M: Manager> Shared<M> {
    /// A connection leaves the pool with its holder.
    pub(crate) fn detach(&self, mut slot: SlotOf<M>) -> M::Connection {
        let meta = self.cells.meta(slot.number());
        meta.used();
        let used = self.stop_timing(meta, self.now());
        let mut conn = self.empty(&mut slot).expect("bug: a lease without a connection");
        self.make_vacant(slot, false);
        self.gone(CloseReason::Detached);
        self.tell_use(used);
        contained(|| self.manager.detached(&mut conn));
        conn
    }
}

impl<M: Manager> Deref for Pooled<'_, M> {
    type Target = M::Connection;

    #[inline(always)]
    fn deref(&self) -> &M::Connection {
        &self.entry().conn
    }
}

impl<M: Manager> DerefMut for Pooled<'_, M> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut M::Connection {
        let entry = self.open.as_mut().and_then(|open| open.value_mut().as_mut());
        &mut entry.expect("bug: a lease without a connection").conn
    }
}

impl<M: Manager> Drop for Pooled<'_, M> {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.shared.release(open, self.broken);
        }
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
