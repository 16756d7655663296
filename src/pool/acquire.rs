//! The named futures of [`Pool::acquire`](crate::Pool::acquire) and its owned twin.

use super::error::AcquireError;
use super::guard::Pooled;
use super::manager::Manager;
use super::notes::Site;
use super::owned::OwnedPooled;
use super::request::{Patience, Request};
use super::shared::Shared;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A request for a connection, borrowed from the pool. It joins the line at its first poll.
///
/// # Cancel safety
///
/// Dropped at any time it leaves the line; a connection that had been assigned to it goes to the next in line. The other
/// requests keep their order.
#[pin_project(PinnedDrop, !Unpin)]
#[must_use = "a request does nothing until it is polled"]
pub struct Acquire<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    #[pin]
    request: Request,
}

/// As [`Acquire`], for a guard that owns a handle to the pool.
#[pin_project(PinnedDrop, !Unpin)]
#[must_use = "a request does nothing until it is polled"]
pub struct AcquireOwned<M: Manager> {
    shared: Arc<Shared<M>>,
    #[pin]
    request: Request,
}

impl<'a, M: Manager> Acquire<'a, M> {
    #[inline]
    #[track_caller]
    pub(crate) fn new(shared: &'a Arc<Shared<M>>, patience: Patience) -> Self {
        Acquire {
            shared,
            request: Request::new(patience, Location::caller()),
        }
    }
}

impl<M: Manager> AcquireOwned<M> {
    #[inline]
    #[track_caller]
    pub(crate) fn new(shared: Arc<Shared<M>>, patience: Patience) -> Self {
        AcquireOwned::at(shared, patience, Location::caller())
    }

    #[inline]
    pub(crate) fn at(shared: Arc<Shared<M>>, patience: Patience, site: Site) -> Self {
        AcquireOwned {
            shared,
            request: Request::new(patience, site),
        }
    }
}

impl<'a, M: Manager> Future for Acquire<'a, M> {
    type Output = Result<Pooled<'a, M>, AcquireError<M::Error>>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let site = this.request.site();
        let open = ready!(this.request.poll(this.shared, cx))?;
        Poll::Ready(Ok(Pooled::new(this.shared, open, site)))
    }
}

impl<M: Manager> Future for AcquireOwned<M> {
    type Output = Result<OwnedPooled<M>, AcquireError<M::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let site = this.request.site();
        let slot = ready!(this.request.poll(this.shared, cx))?.shut();
        Poll::Ready(Ok(OwnedPooled::new(this.shared.clone(), slot, site)))
    }
}

#[pinned_drop]
impl<M: Manager> PinnedDrop for Acquire<'_, M> {
    #[inline(always)]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.request.cancel(this.shared);
    }
}

#[pinned_drop]
impl<M: Manager> PinnedDrop for AcquireOwned<M> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.request.cancel(this.shared);
    }
}

impl<M: Manager> fmt::Debug for Acquire<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl<M: Manager> fmt::Debug for AcquireOwned<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireOwned")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}
