//! What a pool says about itself: events, whoever listens, and the checker of first come, first served.
//!
//! The vocabulary stands below the floors that speak it; it knows no pool. An observer is called on whatever thread the
//! event happened on, with no lock of the pool held; without one an event costs a branch.

mod event;
mod order;

pub use event::{CloseReason, Event, Observer, Order};
pub use order::OrderChecker;
