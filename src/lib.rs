//! The page below is the project's README; [`guides`] are the longer texts, [`options`] has the table of all knobs.
//!
//! [cancellation]: guides::cancellation
//! [comparison]: guides::comparison
//! [fairness]: guides::fairness
//! [keys]: guides::keys
//! [managers]: guides::managers
//! [migrating]: guides::migrating
//! [operations]: guides::operations
//! [operator]: guides::operator
//! [options]: guides::options
//! [outages]: guides::outages
//! [performance]: guides::performance
//! [resources]: guides::resources
//! [sessions]: guides::sessions
//! [sizing]: guides::sizing
//! [systems]: guides::systems
//! [tradeoffs]: guides::tradeoffs
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stdout)]

mod sync;

#[cfg(not(fairpool_loom))]
pub mod compat;
#[cfg(not(fairpool_loom))]
pub mod drivers;
#[cfg(not(fairpool_loom))]
mod observe;
#[cfg(not(fairpool_loom))]
mod pool;
#[cfg(all(feature = "resource", not(fairpool_loom)))]
#[cfg_attr(docsrs, doc(cfg(feature = "resource")))]
pub mod resource;
#[cfg(all(feature = "server", not(fairpool_loom)))]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;
#[cfg(not(fairpool_loom))]
mod system;
#[cfg(all(feature = "test-util", not(fairpool_loom)))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod test_util;

#[cfg(not(fairpool_loom))]
#[doc(hidden)]
pub mod doc;
#[cfg(not(fairpool_loom))]
pub mod guides;

#[cfg(not(fairpool_loom))]
pub use observe::export;
#[cfg(not(fairpool_loom))]
pub use observe::{
    Activity, CloseReason, Ending, Event, Exporter, Interest, Observer, Order, OrderChecker, Scope, State, Status,
    Subject, Totals,
};
#[cfg(not(fairpool_loom))]
pub use pool::{
    acquire::{Acquire, AcquireOwned},
    builder::Builder,
    drain::DrainReport,
    dynamic::{DynError, DynManager, ErasedError},
    error::{AcquireError, ConnectFailure, Phase, Refusal, Timeout, TryAcquireError, WarmUpError},
    guard::Pooled,
    handle::Pool,
    manager::Manager,
    options::{self, Options, OptionsError},
    owned::OwnedPooled,
};
#[cfg(not(fairpool_loom))]
pub use system::limit::{
    drain::LimitDrainReport,
    error::{LimitError, LimitTimeout, TryLimitError},
    handle::{Limit, LimitBuilder},
    permit::{OwnedPermit, Permit},
    status::{LimitStatus, LimitTotals},
    turn::{Admission, AdmissionOwned},
};
#[cfg(not(fairpool_loom))]
pub use system::{
    backend::{System, SystemBuilder, SystemDrainReport, SystemStatus},
    connector::{
        error::{ConnectorError, Stage, TryConnectorError},
        handle::{Connector, ConnectorBuilder},
        lease::Lease,
        status::ConnectorStatus,
    },
    management::Management,
};

#[cfg(not(fairpool_loom))]
pub use system::keys::{
    builder::KeyedBuilder,
    error::{KeyedError, KeyedStage, KeyedTimeout},
    guard::KeyedPooled,
    handle::Keyed,
    member::Key,
    request::KeyedAcquire,
    status::{KeyedCounts, KeyedStatus, KeyedTotals},
};
#[cfg(all(feature = "tower", not(fairpool_loom)))]
pub use system::tower::{
    error::LimitedError,
    future::LimitedFuture,
    layer::{LimitLayer, Limited},
};
