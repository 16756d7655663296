//! What a pool says about itself: events, counts, whoever listens, and the checker of first come, first served.
//!
//! The vocabulary stands below the floors that speak it; it knows no pool. An observer is called on whatever thread the
//! event happened on, with no lock of the pool held; without one an event costs a branch.
//!
//! | file | noun |
//! |---|---|
//! | `event` | what can happen |
//! | `observer` | who listens, to what, and the scopes that a listener may open |
//! | `several` | many listeners as one |
//! | `subject` | a pool as those see it who watch many |
//! | `status` | a look at a pool in numbers |
//! | `order` | the checker of P1 |
//! | `histogram` | durations counted by size, without a lock |
//! | `export` | exporters, a feature each |

mod event;
pub mod export;
#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod histogram;
mod observer;
mod order;
mod several;
mod status;
mod subject;

pub use event::{CloseReason, Event, Order};
pub use observer::{Activity, Ending, Interest, Observer, Scope};
pub use order::OrderChecker;
pub(crate) use several::as_one;
pub use status::{State, Status, Totals};
pub use subject::{Exporter, Subject};
pub(crate) use subject::{Kind, Watched};
