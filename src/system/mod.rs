//! What several users of connections share: limits, systems and their connectors.
//!
//! | room | noun |
//! |---|---|
//! | `limit` | a named concurrency limit with its own line |

pub(crate) mod limit;
