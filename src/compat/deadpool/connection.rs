//! What a pool over a deadpool manager lends: the manager's object with its metrics. However it ends, the manager is told once.

use deadpool::managed::{Manager, Metrics};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// An object of a deadpool manager, with its metrics. It dereferences to the object.
///
/// # Examples
///
/// ```
/// # use deadpool::managed::{Manager, Metrics, RecycleResult};
/// # use std::convert::Infallible;
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u32;
/// #     type Error = Infallible;
/// #     async fn create(&self) -> Result<u32, Infallible> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u32, _: &Metrics) -> RecycleResult<Infallible> { Ok(()) }
/// # }
/// # fairpool::doc::block_on(async {
/// use fairpool::{Pool, compat::deadpool::Deadpool};
///
/// let pool = Pool::builder(Deadpool::new(Numbers)).build()?;
/// drop(pool.acquire().await?);
/// let mut conn = pool.acquire().await?;
/// assert_eq!(conn.metrics().recycle_count, 1);
/// **conn += 1;
/// assert_eq!(conn.detach().into_inner(), 8); // there: Object::take
/// # Ok(()) });
/// ```
pub struct Connection<M: Manager> {
    /// `None` only while it is being taken apart.
    object: Option<M::Type>,
    metrics: Metrics,
    /// Whom to tell when it leaves; `None` once told.
    home: Option<Arc<M>>,
}

impl<M: Manager> Connection<M> {
    pub(super) fn new(object: M::Type, home: Arc<M>) -> Self {
        Connection {
            object: Some(object),
            metrics: Metrics::default(),
            home: Some(home),
        }
    }

    /// When the object was made, when it was last recycled, and how often.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The object, for good: the manager's `detach` has been called. [`detach`](crate::Pooled::detach) the guard first.
    ///
    /// # Panics
    ///
    /// If the manager's `detach` does.
    pub fn into_inner(mut self) -> M::Type {
        self.leave();
        self.object.take().expect("bug: a connection is taken apart once")
    }

    pub(super) fn recycled(&mut self) {
        self.metrics.recycle_count += 1;
        self.metrics.recycled = Some(std::time::Instant::now());
    }

    pub(super) fn parts(&mut self) -> (&mut M::Type, &Metrics) {
        let object = self.object.as_mut().expect("bug: a whole connection has its object");
        (object, &self.metrics)
    }

    /// Tells the manager, unless it has been told.
    pub(super) fn leave(&mut self) {
        if let (Some(home), Some(object)) = (self.home.take(), self.object.as_mut()) {
            home.detach(object);
        }
    }
}

impl<M: Manager> Deref for Connection<M> {
    type Target = M::Type;

    fn deref(&self) -> &M::Type {
        self.object.as_ref().expect("bug: a whole connection has its object")
    }
}

impl<M: Manager> DerefMut for Connection<M> {
    fn deref_mut(&mut self) -> &mut M::Type {
        self.parts().0
    }
}

impl<M: Manager> Drop for Connection<M> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<M: Manager<Type: fmt::Debug>> fmt::Debug for Connection<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("object", &**self)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}
