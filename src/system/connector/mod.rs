//! A named user of a system: first its turn under a limit, if it stands under one, then a connection by its management.
//!
//! | file | noun or verb |
//! |---|---|
//! | `handle` | the connector as users hold it, and its builder |
//! | `acquire` | one checkout in its two stages, under one deadline |
//! | `route` | where connections come from now, and how that changes while requests are on their way |
//! | `lease` | the one guard of all modes |
//! | `error`, `status` | why there is none, and at which stage; a look in numbers |

mod acquire;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod lease;
mod route;
pub(crate) mod status;
