//! The guard that a caller holds: a connection of one key, lent for as long as the guard lives; and what its drop does.
//!
//! The drop runs on any thread, during unwinding and after the runtime is gone, so it spawns nothing, awaits nothing, and
//! keeps every panic to itself. What it cannot finish goes to the keeper; where there is none, the connection is dropped.

use super::house::{Link, Work};
use super::member::Key;
use super::shared::Shared;
use crate::observe::{CloseReason, Event};
use crate::pool::clock::between;
use crate::pool::manager::Manager;
use crate::sync::wakes::contained;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// A connection lent by a [`Keyed`](crate::Keyed) pool. Its drop gives the connection back, on any thread and with or without
/// a runtime; it never panics and waits for nothing but the pool's short locks.
///
/// Dropped by a panic, it closes the connection: whatever the holder was doing with it may be half done.
#[must_use = "the connection goes back at once"]
pub struct KeyedPooled<K: Key, M: Manager> {
    shared: Arc<Shared<K, M>>,
    /// The connection, until it goes back.
    link: Option<Link<K, M>>,
    broken: bool,
    /// When the lease began, if anybody wants to know.
    taken: Option<u64>,
}

impl<K: Key, M: Manager> KeyedPooled<K, M> {
    pub(super) fn new(shared: Arc<Shared<K, M>>, link: Link<K, M>) -> Self {
        KeyedPooled {
            taken: shared.begins_lease(),
            shared,
            link: Some(link),
            broken: false,
        }
    }

    fn link(&self) -> &Link<K, M> {
        self.link.as_ref().expect("bug: a guard without a connection")
    }

    /// The key it belongs to.
    pub fn key(&self) -> &K {
        &self.link().member.key
    }

    /// Takes the connection out of the pool for good; its place is vacant at once.
    pub fn detach(mut self) -> M::Connection {
        let link = self.link.take().expect("bug: a guard without a connection");
        let Link { mut conn, member, .. } = link;
        self.shared.with(|house, out| {
            house.tally.leases += 1;
            house.tally.closed += 1;
            house.vacate(member.room, Work::InUse, None, out);
        });
        self.shared.report(|| Event::Closed {
            reason: CloseReason::Detached,
        });
        self.shared.ended_lease(self.taken);
        contained(|| member.manager().detached(&mut conn));
        conn
    }

    /// Has the connection closed when the guard is dropped.
    pub fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        between(self.link().born, self.shared.now())
    }

    /// How often it was lent before.
    pub fn uses(&self) -> u64 {
        self.link().uses
    }
}

impl<K: Key, M: Manager> Shared<K, M> {
    /// The end of a lease. `broken`: its holder says so.
    fn release(&self, mut link: Link<K, M>, broken: bool) {
        let now = self.now();
        link.uses += 1;
        (link.used, link.seen) = (now, now);
        let (manager, conn) = (link.member.manager(), &mut link.conn);
        // A holder that panics may have left anything half done.
        let next = if broken || std::thread::panicking() {
            Some(Work::Closing)
        } else {
            let look = || match manager.is_broken(conn) {
                true => Some(Work::Closing),
                false => manager.reset(conn).is_some().then_some(Work::Resetting),
            };
            contained(look).unwrap_or(Some(Work::Closing))
        };
        self.with(|house, out| {
            house.tally.leases += 1;
            match next {
                None => house.put_back(link, Work::InUse, out),
                Some(work) => house.pass_on(link, (Work::InUse, work), out),
            }
        });
    }
}

impl<K: Key, M: Manager> Drop for KeyedPooled<K, M> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.shared.release(link, self.broken);
            self.shared.ended_lease(self.taken);
        }
    }
}

impl<K: Key, M: Manager> Deref for KeyedPooled<K, M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.link().conn
    }
}

impl<K: Key, M: Manager> DerefMut for KeyedPooled<K, M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.link.as_mut().expect("bug: a guard without a connection").conn
    }
}

impl<K: Key, M: Manager> fmt::Debug for KeyedPooled<K, M>
where
    M::Connection: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyedPooled").field(&**self).finish()
    }
}
