//! Any [`r2d2::ManageConnection`] of r2d2 0.8 as a manager of this crate's pools, unchanged: it blocks, but never an async thread.
//!
//! # Migration
//!
//! ```diff
//! -let pool = r2d2::Pool::builder().max_size(15).build(manager)?;
//! -let conn = pool.get()?;
//! +let pool = Pool::builder(R2d2::new(manager)).limit(15).runtime(runtime.handle().clone()).build()?;
//! +let mut lease = pool.acquire_blocking()?; let conn = lease.blocking()?;
//! ```
//!
//! So much for code on threads of its own. Async code awaits a lease, and gives closures to it:
//!
//! ```diff
//! -let rows = spawn_blocking(move || pool.get()?.query(sql)).await??;
//! +let rows = pool.acquire().await?.call(move |db| db.query(sql)).await?;
//! ```
//!
//! A [`Connection`] does not dereference to the manager's own: in async code each use of it would block, and nobody would see it.
//!
//! # Threads
//!
//! `connect`, `is_valid`, closures and the drop of a connection run on tokio's blocking threads, and where no runtime is, on a thread of their own. None
//! of them can be interrupted, so what outlives its timeout ends alone: its place is free, the connection belongs to nobody any more,
//! and is dropped there when the work has ended. At most [`DIALLING`] connects are under way at once, those that nobody waits for
//! included, so a backend that never answers does not take all blocking threads. `has_broken` runs where a guard is dropped; r2d2
//! asks of it not to block.
//!
//! # Checkout
//!
//! `is_valid` runs before every lease of a connection that was idle, as there by default, within
//! [`validate_timeout`](crate::Options::validate_timeout); a connection that fails is closed, and its request keeps its place in the
//! line. The meaning of `test_on_check_out`:
//!
//! | there | here |
//! |---|---|
//! | `test_on_check_out(true)`, the default | nothing to say: `validate_after_idle` is zero |
//! | – | `validate_after_idle(Duration::from_millis(500))`: what is in use is lent unchecked; only for managers whose `has_broken` tells |
//! | `test_on_check_out(false)` | `validate_after_idle(None)` |
//!
//! # Errors
//!
//! [`R2d2::new`] takes managers whose error can be sent to other threads, which nearly all can, and [`R2d2::with_errors`] all others. Every
//! failed connect is tried again, as there, except those that [`permanent_if`](R2d2::permanent_if) names. The error handler is
//! [`on_error`](R2d2::on_error).
//!
//! # Customizers
//!
//! [`connection_customizer`](R2d2::connection_customizer) takes r2d2's own, `on_release` included. The builder's hooks work too, with
//! [`call`](Connection::call) inside. r2d2 has no step that cleans a returned connection; here
//! [`after_release`](crate::Builder::after_release) is one.
//!
//! # Example
//!
//! ```
//! use fairpool::{Pool, compat::r2d2::R2d2};
//! use std::convert::Infallible;
//!
//! struct Numbers; // somebody's manager
//!
//! impl r2d2::ManageConnection for Numbers {
//!     type Connection = u32;
//!     type Error = Infallible;
//!     fn connect(&self) -> Result<u32, Infallible> { Ok(7) }
//!     fn is_valid(&self, number: &mut u32) -> Result<(), Infallible> { *number += 1; Ok(()) }
//!     fn has_broken(&self, _: &mut u32) -> bool { false }
//! }
//!
//! # fairpool::doc::block_on(async {
//! let pool = Pool::builder(R2d2::new(Numbers)).limit(15).build()?;
//! assert_eq!(pool.acquire().await?.run(|number| *number).await?, 7);
//! assert_eq!(pool.acquire().await?.run(|number| *number).await?, 8); // the same one, checked in between
//! # Ok(()) });
//! ```

mod connection;
mod manager;
mod threads;

pub use connection::{CallError, Connection};
pub use manager::{DIALLING, R2d2};

/// The very `r2d2` that this room is built on, so that versions match.
pub use r2d2;
