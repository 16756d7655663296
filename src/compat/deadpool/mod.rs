//! Any [`deadpool::managed::Manager`] of deadpool 0.13 as a manager of this crate's pools, unchanged.
//!
//! # Migration
//!
//! ```diff
//! -let pool = deadpool::managed::Pool::builder(manager).max_size(15).build()?;
//! -let conn = pool.get().await?;
//! +let pool = Pool::builder(Deadpool::new(manager)).limit(15).build()?;
//! +let conn = pool.acquire_owned().await?; // or acquire(), which borrows the pool and costs less
//! ```
//!
//! The guard dereferences to a [`Connection`], and that to the manager's own type, so methods are called as before, and `&mut conn`
//! goes wherever `&mut` of the manager's type is asked for. Only a generic function that was given `&mut *conn` or `&mut conn` may now
//! want `&mut **conn`.
//!
//! # Checkout
//!
//! `recycle` runs before every lease of a connection that was idle, as there, with the [`Metrics`](managed::Metrics) of that very
//! connection: when it was made, when it was last recycled and how often. It has
//! [`validate_timeout`](crate::Options::validate_timeout); a connection that fails is closed, and its request keeps its place in the
//! line. A connection that nobody has used yet is not recycled, but one that `min_idle` or `warm_up` opened is.
//!
//! [`Deadpool::recycle_on_return`] runs it when a connection comes back instead: still once between two leases, but nobody waits for it, an
//! open transaction does not outlive its lease, and what is idle can be lent at once.
//!
//! `detach` runs once for each connection that leaves the pool, whichever way: taken along by its holder, closed, or dropped because its connect
//! was cut off.
//!
//! # Errors
//!
//! [`Deadpool::new`] takes managers whose error is an error (or a `String`, or anything else that converts into a boxed one), and
//! [`Deadpool::with_errors`] all others. A failed `create` is not returned to the caller, as it is there, but tried again while the
//! caller waits, except for those that [`permanent_if`](Deadpool::permanent_if) names; `permanent_if(|_| true)` comes nearest to
//! deadpool's way.
//!
//! # Hooks
//!
//! [`post_create`](Deadpool::post_create), [`pre_recycle`](Deadpool::pre_recycle) and [`post_recycle`](Deadpool::post_recycle) take
//! deadpool's own [`Hook`](managed::Hook)s, any number of each. The builder's hooks work too, around these.
//!
//! # Example
//!
//! ```
//! use deadpool::managed::{Manager, Metrics, RecycleResult};
//! use fairpool::{Pool, compat::deadpool::Deadpool};
//! use std::convert::Infallible;
//!
//! struct Numbers; // somebody's manager
//!
//! impl Manager for Numbers {
//!     type Type = usize;
//!     type Error = Infallible;
//!     async fn create(&self) -> Result<usize, Infallible> { Ok(7) }
//!     async fn recycle(&self, number: &mut usize, metrics: &Metrics) -> RecycleResult<Infallible> {
//!         *number += 10 + metrics.recycle_count;
//!         Ok(())
//!     }
//! }
//!
//! # fairpool::doc::block_on(async {
//! let pool = Pool::builder(Deadpool::new(Numbers)).limit(15).build()?;
//! assert_eq!(**pool.acquire().await?, 7);
//! assert_eq!(**pool.acquire().await?, 17);
//! assert_eq!(**pool.acquire().await?, 28);
//! # Ok(()) });
//! ```

mod connection;
mod hooks;
mod manager;

pub use connection::Connection;
pub use manager::Deadpool;

/// The very `deadpool` that this room is built on, so that versions match.
pub use deadpool;
#[cfg(doc)]
use deadpool::managed;
