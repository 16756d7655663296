//! How a connector comes by its connections.

use std::fmt;

/// Where a [`Connector`](crate::Connector)'s connections come from.
///
/// | mode | connections | line |
/// |---|---|---|
/// | `General` | the system's shared pool | one for all connectors in this mode |
/// | `Custom(size)` | a pool of its own with that limit | its own |
/// | `None` | opened for each lease, closed when it ends | none |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Management {
    /// The system's shared pool.
    #[default]
    General,
    /// A pool of its own, of this size: at least 1.
    Custom(u32),
    /// No pool: a connection is opened for each lease and closed when it ends. Nothing bounds their number but a
    /// [`Limit`](crate::Limit) above the connector, and the 65,536 that any pool can hold.
    None,
}

impl fmt::Display for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Management::General => f.write_str("GENERAL"),
            Management::Custom(size) => write!(f, "CUSTOM({size})"),
            Management::None => f.write_str("NONE"),
        }
    }
}
