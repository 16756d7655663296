//! The guard of a connector, whatever its mode: a connection, and the permit under which it was taken.

use super::super::limit::permit::OwnedPermit;
use crate::pool::manager::Manager;
use crate::pool::owned::OwnedPooled;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// A connection lent by a [`Connector`](crate::Connector). Its drop gives the connection back first, then its place under the
/// limit; on any thread, with or without a runtime.
#[must_use = "the connection goes back at once"]
pub struct Lease<M: Manager> {
    // In this order: whoever is admitted next finds the connection back already.
    conn: OwnedPooled<Arc<M>>,
    permit: Option<OwnedPermit>,
}

impl<M: Manager> Lease<M> {
    pub(super) fn new(conn: OwnedPooled<Arc<M>>, permit: Option<OwnedPermit>) -> Self {
        Lease { conn, permit }
    }

    /// Takes the connection along for good. Its place in the pool and under the limit is free at once.
    pub fn detach(self) -> M::Connection {
        let Lease { conn, permit } = self;
        let conn = conn.detach();
        drop(permit);
        conn
    }

    /// Has the connection closed when the lease is dropped.
    pub fn mark_broken(&mut self) {
        self.conn.mark_broken();
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        self.conn.age()
    }

    /// How often it was lent before.
    pub fn uses(&self) -> u64 {
        self.conn.uses()
    }
}

impl<M: Manager> Deref for Lease<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.conn
    }
}

impl<M: Manager> DerefMut for Lease<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.conn
    }
}

impl<M: Manager> fmt::Debug for Lease<M>
where
    M::Connection: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("connection", &**self)
            .field("permit", &self.permit)
            .finish()
    }
}
