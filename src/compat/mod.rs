//! Managers that were written for another pool, unchanged under this one: one room and one feature for each pool, whose version is
//! in the feature's name.
//!
//! | written for | feature | wrapped in | checked |
//! |---|---|---|---|
//! | `bb8` 0.9 | `bb8-09` | `bb8::Bb8::new(manager)` | `is_valid` before every lease |
//! | `deadpool` 0.13 | `deadpool-013` | `deadpool::Deadpool::new(manager)` | `recycle` before every lease |
//! | `r2d2` 0.8 | `r2d2-08` | `r2d2::R2d2::new(manager)` | `is_valid` before every lease, on a blocking thread |
//!
//! All three are alike. The manager is built as before, and goes into the wrapper; the wrapper goes into
//! [`Pool::builder`](crate::Pool::builder). What has a name in the other pool is found in [the guide](crate::guides::migrating).
//!
//! **Checked as there.** Those pools check a connection each time before they lend it, and managers rely on it: some, like that of
//! bb8-redis, cannot tell from the outside that a connection is dead, so one that is in constant use would stay dead for ever.
//! Hence a pool over a wrapper starts with [`validate_after_idle`](crate::Options::validate_after_idle) of zero: the supervisor
//! checks what it lends, and `try_acquire` finds nothing that may be lent unchecked. Where the manager knows a
//! dead connection when it sees one (bb8-postgres does), one line makes leases faster:
//!
//! ```text
//! .validate_after_idle(Duration::from_millis(500))
//! ```
//!
//! **Errors** are [`Error`], which says what the other error says, and keeps it. The other pools do not tell errors that pass from those
//! that last: every failed connect is tried again until the caller's time is out. `permanent_if` names those that last.
//!
//! **Cleaning** is what those managers make it. What a lease leaves behind (an open transaction, a changed setting) is there for the next one
//! unless `recycle`, or a hook of yours, undoes it; the [drivers](crate::drivers) of this crate do so by themselves.

#[cfg(any(feature = "bb8-09", feature = "deadpool-013", feature = "r2d2-08"))]
mod error;

#[cfg(feature = "bb8-09")]
#[cfg_attr(docsrs, doc(cfg(feature = "bb8-09")))]
pub mod bb8;
#[cfg(feature = "deadpool-013")]
#[cfg_attr(docsrs, doc(cfg(feature = "deadpool-013")))]
pub mod deadpool;
#[cfg(feature = "r2d2-08")]
#[cfg_attr(docsrs, doc(cfg(feature = "r2d2-08")))]
pub mod r2d2;

#[cfg(any(feature = "bb8-09", feature = "deadpool-013", feature = "r2d2-08"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "bb8-09", feature = "deadpool-013", feature = "r2d2-08")))
)]
pub use error::Error;
#[cfg(any(feature = "bb8-09", feature = "deadpool-013", feature = "r2d2-08"))]
pub(crate) use error::{BoxError, Errors};
