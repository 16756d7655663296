//! The guides, one page each: how the line behaves, what a cancel does, and every knob. Their examples are tests.
//!
//! Links and pictures that lead to `benches`, `tests` or `examples` are files of the repository, where these pages stand in `docs`.

// A page names what it links to once more at its end, as files: those are for a reader of the repository, and the first definition of
// a name is the one that counts.

/// [comparison]: crate::guides::comparison
/// [numbers]: crate::guides::performance
/// [sizing]: crate::guides::sizing
#[doc = include_str!("../docs/fairness.md")]
pub mod fairness {}

/// [numbers]: crate::guides::performance
#[doc = include_str!("../docs/cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

/// [sizing]: crate::guides::sizing
#[doc = include_str!("../docs/options.md")]
pub mod options {}

#[doc = include_str!("../docs/systems.md")]
pub mod systems {}

#[doc = include_str!("../docs/sizing.md")]
pub mod sizing {}

/// [migrating]: crate::guides::migrating
/// [numbers]: crate::guides::performance
/// [tradeoffs]: crate::guides::tradeoffs
#[doc = include_str!("../docs/comparison.md")]
pub mod comparison {}

/// [fairness]: crate::guides::fairness
#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}

/// [README]: crate
/// [numbers]: crate::guides::performance
/// [performance]: crate::guides::performance
#[doc = include_str!("../docs/tradeoffs.md")]
pub mod tradeoffs {}

#[doc = include_str!("../docs/keys.md")]
pub mod keys {}

/// [keys]: crate::guides::keys
#[doc = include_str!("../docs/sessions.md")]
pub mod sessions {}

#[doc = include_str!("../docs/managers.md")]
pub mod managers {}

/// [sizing]: crate::guides::sizing
/// [systems]: crate::guides::systems
#[doc = include_str!("../docs/operations.md")]
pub mod operations {}

/// [operations]: crate::guides::operations
#[doc = include_str!("../docs/operator.md")]
pub mod operator {}

/// [operations]: crate::guides::operations
#[doc = include_str!("../docs/outages.md")]
pub mod outages {}

/// [connection-pools]: crate::guides::connection_pools
/// [connection-settings]: crate::guides::connection_settings
/// [managed-databases]: crate::guides::managed_databases
/// [named-connections]: crate::guides::named_connections
/// [serving]: crate::guides::serving
#[doc = include_str!("../docs/resources.md")]
pub mod resources {}

/// [resources]: crate::guides::resources
#[doc = include_str!("../docs/serving.md")]
pub mod serving {}

/// [connections]: crate::guides::named_connections
/// [systems]: crate::guides::systems
#[doc = include_str!("../docs/connection-pools.md")]
pub mod connection_pools {}

/// [connections]: crate::guides::named_connections
/// [sessions]: crate::guides::sessions
#[doc = include_str!("../docs/managed-databases.md")]
pub mod managed_databases {}

#[doc = include_str!("../docs/connection-settings.md")]
pub mod connection_settings {}

/// [systems]: crate::guides::systems
#[doc = include_str!("../docs/named-connections.md")]
pub mod named_connections {}
