//! An embeddable async connection pool for tokio in which requests wait in one line, first come, first served.
//!
//! A request gets its place in the line when it first has to wait, and nobody overtakes it: no newcomer, no task that happens to
//! run sooner. A connection that comes free belongs to the head of the line before any other task can look at it. The limit is
//! exact, every wait ends in time, and an error says whether the pool was busy or the backend was down. Limit, timeouts and the
//! line itself can be changed while the pool runs.
//!
//! ```
//! use fairpool::{Manager, Pool};
//! use std::{convert::Infallible, time::Duration};
//!
//! struct Backend;
//!
//! impl Manager for Backend {
//!     type Connection = String;
//!     type Error = Infallible;
//!
//!     async fn connect(&self) -> Result<String, Infallible> {
//!         Ok("hello".to_owned()) // open a socket here
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder(Backend).limit(4).acquire_timeout(Duration::from_secs(3)).build()?;
//!     let conn = pool.acquire().await?; // waits in line, first come, first served
//!     println!("{} from a pool with {}", *conn, pool.status());
//!     drop(conn); // straight to the next in line, or back to the pool
//!     println!("{}", pool.drain(Duration::from_secs(1)).await);
//!     Ok(())
//! }
//! ```
//!
//! # Pick your floor
//!
//! | you have | you use |
//! |---|---|
//! | PostgreSQL, MySQL or MariaDB, Redis or Valkey, SQLite | a [driver](drivers) |
//! | a client library of your own | [`Manager`], of which only `connect` is required, and [`Pool`] |
//! | several backends behind one type | [`DynManager`] |
//! | a manager written for bb8, deadpool or r2d2 | [`compat`] |
//! | more users of PostgreSQL than connections, as with PgBouncer | [sessions](guides::sessions) |
//! | several users of one backend, some with connections of their own | [`System`] and its [`Connector`]s |
//! | many users, hosts or tenants under one bound of connections | [`Keyed`] |
//! | a bound on something that is no connection | [`Limit`] |
//! | code that is not async | [`Pool::acquire_blocking`] |
//! | a need to see what happens | [`Pool::status`], [exporters](export), an [`Observer`], [`OrderChecker`] as evidence |
//!
//! # Guides
//!
//! | to | read |
//! |---|---|
//! | set it up | [sizing](guides::sizing), [options](guides::options) (in short: [`options`]), [managers](guides::managers) |
//! | come from another pool | [migrating](guides::migrating), [comparison](guides::comparison) |
//! | run it | [operations](guides::operations), [outages](guides::outages) |
//! | understand it | [fairness](guides::fairness), [cancellation](guides::cancellation), [performance](guides::performance), [trade-offs](guides::tradeoffs) |
//! | go beyond one pool | [systems](guides::systems), [keys](guides::keys), [sessions](guides::sessions) |
//!
//! # Guarantees
//!
//! Each is a promise with tests that bear its number:
//!
//! | promise | in short |
//! |---|---|
//! | **P1** First come, first served | nobody is served before an older request that still waits |
//! | **P2** The limit holds | never more connections than `limit`, those being opened or closed included |
//! | **P3** Nothing is lost | cancel, panic or fail anywhere: no place for a connection goes missing, and no wake-up |
//! | **P4** No connection goes to the dead | one assigned to a dropped request goes to the next in line |
//! | **P5** Clear is exact | [`clear`](Pool::clear) fails those who wait at that moment, and nobody else |
//! | **P6** Time is bounded | a request returns within its timeout, whatever the backend does |
//! | **P7** Drain ends | [`drain`](Pool::drain) ends in time, and with a report |
//! | **P8** A guard can drop anywhere | on a plain thread, while unwinding, in thread teardown, after the runtime |
//! | **P9** Clean or closed | what is broken, unclean, invalidated or too old is not lent again |
//! | **P10** Cheap | nobody waits: two compare-and-swaps, no lock, no allocation, no clock |
//!
//! # Features
//!
//! None is on by default. Drivers: `postgres`, `mysql`, `redis`, `sqlite`. Managers of other pools: `bb8-09`, `deadpool-013`, `r2d2-08`.
//! Exporters: `metrics`, `tracing`, `prometheus`. Others: `serde` for [`Options`], `tower` for a [`Limit`] before any service, `test-util`
//! for a check of managers, `resource` for pools and their settings as documented resources, `cli` for the binary. The repository's
//! README says what each depends on.
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
#[cfg(not(fairpool_loom))]
mod system;
#[cfg(all(feature = "test-util", not(fairpool_loom)))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod test_util;

// For its examples; a reader of the documentation has the page above, whose links are items.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

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
