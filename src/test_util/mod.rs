//! For tests of code that stands on this crate: whether a [`Manager`](crate::Manager) keeps its part of the bargain.
//!
//! | room | what |
//! |---|---|
//! | `conformance` | the kit: many small checks of one manager, each under a pool of its own, and a report in sentences |

mod conformance;

pub use conformance::kit::{Answer, Conformance};
pub use conformance::report::{Finding, Outcome, Report};
