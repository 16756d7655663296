//! The permission to be in flight, given back by its drop.

use super::shared::Shared;
use crate::sync::counter;
use std::fmt;
use std::sync::Arc;

/// A place in flight under a [`Limit`](crate::Limit). Its drop gives the place to the next in line, on any thread and with or
/// without a runtime.
#[must_use = "the permit goes back at once"]
pub struct Permit<'a> {
    shared: &'a Shared,
    permit: Option<counter::Permit>,
}

/// As [`Permit`], for tasks and structures that outlive a borrow. It keeps its limit alive.
#[must_use = "the permit goes back at once"]
pub struct OwnedPermit {
    shared: Arc<Shared>,
    permit: Option<counter::Permit>,
}

impl<'a> Permit<'a> {
    #[inline(always)]
    pub(super) fn new(shared: &'a Shared, permit: counter::Permit) -> Self {
        Permit {
            shared,
            permit: Some(permit),
        }
    }
}

impl OwnedPermit {
    pub(super) fn new(shared: Arc<Shared>, permit: counter::Permit) -> Self {
        OwnedPermit {
            shared,
            permit: Some(permit),
        }
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.give(permit);
        }
    }
}

impl Drop for OwnedPermit {
    #[inline]
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.give(permit);
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("limit", &self.shared.name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit")
            .field("limit", &self.shared.name())
            .finish_non_exhaustive()
    }
}
