//! What a handle lends: a connection, and the places that its request took on the way.

use super::current::{Current, Opened};
use crate::{Lease, Manager, OwnedPermit};
use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// The places of a request: under its connector, and under the connection pool's limit.
#[derive(Debug)]
pub(super) struct Places {
    // In this order: who is admitted next under the limit finds the connection back already.
    pub(super) _limit: Option<OwnedPermit>,
    pub(super) _gate: OwnedPermit,
}

/// A connection lent by a [`Handle`](super::Handle). Its drop gives back the connection first, then its place under the
/// connection pool's limit; on any thread, with or without a runtime.
#[must_use = "the connection goes back at once"]
pub struct Leased<M: Manager> {
    lease: Lease<Current<M>>,
    places: Places,
}

impl<M: Manager> Leased<M> {
    pub(super) fn new(lease: Lease<Current<M>>, places: Places) -> Self {
        Leased { lease, places }
    }

    /// Takes the connection along for good. Its places are free at once.
    pub fn detach(self) -> M::Connection {
        let Leased { lease, places } = self;
        let connection = lease.detach().into_inner();
        drop(places);
        connection
    }

    /// Has the connection closed when the lease is dropped.
    pub fn mark_broken(&mut self) {
        self.lease.mark_broken();
    }

    /// How long ago the connection was opened.
    pub fn age(&self) -> Duration {
        self.lease.age()
    }

    /// How often it was lent before.
    pub fn uses(&self) -> u64 {
        self.lease.uses()
    }
}

impl<M: Manager> Deref for Leased<M> {
    type Target = M::Connection;

    fn deref(&self) -> &M::Connection {
        &self.lease
    }
}

impl<M: Manager> DerefMut for Leased<M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.lease
    }
}

impl<M: Manager> fmt::Debug for Leased<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

/// A connection lent by an [`AnyHandle`](super::AnyHandle), whatever its type.
#[must_use = "the connection goes back at once"]
pub struct AnyLease {
    lease: Box<dyn Lent>,
    places: Option<Places>,
}

/// A lease, whatever its manager.
trait Lent: Send {
    fn connection(&self) -> &dyn Any;
    fn connection_mut(&mut self) -> &mut dyn Any;
    fn mark_broken(&mut self);
}

impl<M: Manager> Lent for Lease<Current<M>> {
    fn connection(&self) -> &dyn Any {
        let opened: &Opened<M> = self;
        let connection: &M::Connection = opened;
        connection
    }

    fn connection_mut(&mut self) -> &mut dyn Any {
        let opened: &mut Opened<M> = self;
        let connection: &mut M::Connection = opened;
        connection
    }

    fn mark_broken(&mut self) {
        Lease::mark_broken(self);
    }
}

impl AnyLease {
    pub(super) fn new<M: Manager>(lease: Lease<Current<M>>) -> Self {
        AnyLease {
            lease: Box::new(lease),
            places: None,
        }
    }

    pub(super) fn with(self, places: Places) -> Self {
        AnyLease {
            places: Some(places),
            ..self
        }
    }

    /// The connection, if it is of this type.
    pub fn downcast_ref<C: 'static>(&self) -> Option<&C> {
        self.lease.connection().downcast_ref()
    }

    /// The same, to use it.
    pub fn downcast_mut<C: 'static>(&mut self) -> Option<&mut C> {
        self.lease.connection_mut().downcast_mut()
    }

    /// Has the connection closed when the lease is dropped.
    pub fn mark_broken(&mut self) {
        self.lease.mark_broken();
    }
}

impl fmt::Debug for AnyLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyLease")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}
