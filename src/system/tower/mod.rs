//! A `tower` layer over a [`Limit`](crate::Limit): a fair line before any service.
//!
//! | file | noun |
//! |---|---|
//! | `layer` | the layer and the service |
//! | `future` | one request on its way: in line, then in the service |
//! | `error` | turned away by the limit, or failed by the service |
//!
//! A request waits in its own future, not in `poll_ready`: a service that was asked whether it is ready and then never called
//! would keep a permit from everybody else, and an error from `poll_ready` would mean that the service is dead.

pub(crate) mod error;
pub(crate) mod future;
pub(crate) mod layer;
