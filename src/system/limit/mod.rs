//! A named concurrency limit with a fair line: permits without connections.
//!
//! | file | noun |
//! |---|---|
//! | `handle` | the limit as users hold it, and its builder |
//! | `turn` | one request for a permit, and its named futures |
//! | `permit` | the two guards |
//! | `shared`, `status`, `drain` | what they share; a look at it in numbers; its orderly end |
//! | `watch` | who looks on |
//! | `error` | why there is no permit |
//!
//! The line is the one under every pool, over a plain counter. Nobody tends a limit in the background: a request whose time is
//! bounded has a timer of its own, and each grant looks at the clock, so an expired request is never admitted.

pub(crate) mod drain;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod permit;
mod shared;
pub(crate) mod status;
pub(crate) mod turn;
mod watch;
