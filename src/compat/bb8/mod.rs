//! Any [`bb8::ManageConnection`] of bb8 0.9 as a manager of this crate's pools, unchanged.
//!
//! # Migration
//!
//! ```diff
//! -let pool = bb8::Pool::builder().max_size(15).build(manager).await?;
//! -let conn = pool.get().await?;
//! +let pool = Pool::builder(Bb8::new(manager)).limit(15).build()?;
//! +let conn = pool.acquire().await?;
//! ```
//!
//! The guard dereferences to the manager's own connection, as bb8's does.
//!
//! # Checkout
//!
//! `is_valid` runs before every lease of a connection that was idle, as there by default, within
//! [`validate_timeout`](crate::Options::validate_timeout); a connection that fails is closed, and its request keeps its place in the
//! line. `has_broken` runs when a connection comes back, on the thread that drops the guard; a panic in it closes the connection.
//! The meaning of `test_on_check_out`:
//!
//! | there | here |
//! |---|---|
//! | `test_on_check_out(true)`, the default | nothing to say: `validate_after_idle` is zero |
//! | – | `validate_after_idle(Duration::from_millis(500))`: what is in use is lent unchecked, without a round trip and a task; only for managers whose `has_broken` tells |
//! | `test_on_check_out(false)` | `validate_after_idle(None)` |
//!
//! A connection that nobody has used yet is not checked, but one that `min_idle` or `warm_up` opened is.
//!
//! # Errors
//!
//! [`Bb8::new`] takes managers whose error is an error (or a `String`, or anything else that converts into a boxed one), and
//! [`Bb8::with_errors`] all others. Every failed connect is tried again, as there, except those that
//! [`permanent_if`](Bb8::permanent_if) names. The sink of errors is [`on_error`](Bb8::on_error).
//!
//! # Customizers
//!
//! [`connection_customizer`](Bb8::connection_customizer) takes bb8's own. For a new hook, the builder's
//! [`after_connect`](crate::Builder::after_connect) is shorter. bb8 has no step that cleans a returned connection; here
//! [`after_release`](crate::Builder::after_release) is one.
//!
//! # Example
//!
//! ```
//! use fairpool::{Pool, compat::bb8::Bb8};
//! use std::convert::Infallible;
//!
//! struct Numbers; // somebody's manager
//!
//! impl bb8::ManageConnection for Numbers {
//!     type Connection = u32;
//!     type Error = Infallible;
//!     async fn connect(&self) -> Result<u32, Infallible> { Ok(7) }
//!     async fn is_valid(&self, number: &mut u32) -> Result<(), Infallible> { *number += 1; Ok(()) }
//!     fn has_broken(&self, _: &mut u32) -> bool { false }
//! }
//!
//! # fairpool::doc::block_on(async {
//! let pool = Pool::builder(Bb8::new(Numbers)).limit(15).build()?;
//! assert_eq!(*pool.acquire().await?, 7);
//! assert_eq!(*pool.acquire().await?, 8); // the same one, checked in between
//! # Ok(()) });
//! ```

mod manager;

pub use manager::Bb8;

/// The very `bb8` that this room is built on, so that versions match.
pub use bb8;
