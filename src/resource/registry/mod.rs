//! The resources, live: each change is judged by the models, committed by the store, and in force when it is acknowledged.
//!
//! | file | what |
//! |---|---|
//! | `root`, `builder`, `watchers` | [`Registry`]; its [`RegistryBuilder`]; who shows what its pools and limits do |
//! | `connection_pools`, `pools`, `names` | family 1: connection pools, each a [`Limit`](crate::Limit); all of them, in every order of a list; what a filter looks through |
//! | `databases`, `database_pools`, `upgrade` | family 2: managed databases; their pools; how they move to another server |
//! | `database_live`, `database_dead` | a pool with the feature `postgres`, and without it |
//! | `database_sessions`, `database_operations` | how a service takes sessions; what operators do to a pool |
//! | `engine`, `engine_call`, `engine_redis`, `engine_mysql`, `engine_place` | family 2: settings of a database's engine; how it is asked; which connections lead to its server |
//! | `settings` | family 3: connection settings of API proxies |
//! | `connections` | family 4: named connections, each a [`System`](crate::System) |
//! | `connectors`, `desk`, `waiting` | family 5: connectors; where the requests of one begin; those of them that wait |
//! | `operations`, `status` | what operators do to all of these, and see of them: [`Operation`], [`LiveStatus`] |
//! | `handle`, `lease` | how a service takes connections: [`Handle`], [`AnyHandle`], and what they lend |
//! | `current`, `live`, `drivers`, `tls` | a manager whose definition can be replaced; systems of unlike managers behind one face; the crate's own; their certificates |
//! | `state`, `write`, `load`, `load_databases` | what there is; how a change is made; how what is live comes to agree with the store |
//! | `fixed`, `judged`, `redeclare` | what a configuration file declares: [`Declared`], why it cannot: [`DeclareError`]; whether it can be in force; how it comes to be, also anew |
//! | `error`, `kind` | [`RegistryError`], [`OpenError`], [`HandleError`]; [`ResourceKind`] |
//!
//! # What a change does
//!
//! | change | from when it is acknowledged |
//! |---|---|
//! | a pool's limit is raised | those who wait have been admitted |
//! | a pool's limit is lowered | nobody is admitted until enough of those in flight have finished |
//! | a pool's timeout | it bounds requests that come from then on |
//! | a pool is deleted | its line has failed; those in flight go on; its connectors are under no limit |
//! | a connection is defined anew | what was opened before is lent no more, and closes when it comes back |
//! | a connector's mode, pool or connection | later requests go the new way; those that wait or hold a lease finish where they are |
//! | a connector is deleted | those who wait through it have failed; its leases go on; handles say that it was deleted |
//! | an API proxy's settings | its mode, its wait and the opening of its own connections are as they say |
//!
//! Writers come one after the other, so that two which change different fields of one resource lose none. A change that the store
//! refuses changes nothing. A caller that gives up does not stop a change that has begun, and one that has not begun is dropped with
//! it. So many changes may wait for their turn, then the store is too slow for more.
//!
//! ```
//! # use fairpool::doc::{Demo, block_on};
//! use fairpool::resource::models::{
//!     Bounded, Connection, ConnectionDefinition, ConnectionName, ConnectionType, ConnectorDefinition, ConnectorName,
//!     NewConnectionPool, PoolName, QueryHost,
//! };
//! use fairpool::resource::registry::Registry;
//!
//! # block_on(async {
//! let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
//! let registry = Registry::builder().driver(ConnectionType::Http, demo).open().await?;
//!
//! let orders = ConnectionName::new("orders")?;
//! registry.put_connection(ConnectionDefinition::new(orders.clone(), ConnectionType::Http, ["a:80", "b:80"])?).await?;
//! let gate = NewConnectionPool::new(PoolName::new("gate")?, Bounded::new(2)?);
//! let gate = registry.create_connection_pool(gate).await?.id();
//! let shop = ConnectorDefinition::new(ConnectorName::new("shop")?, orders).connection_pool(gate);
//! registry.create_connector(shop).await?;
//!
//! let mut conn = registry.handle::<Demo>("shop")?.acquire().await?;
//! conn.query("select 1").await?;
//! assert_eq!(registry.status_of_connector("shop")?.in_use, 1);
//! # Ok(()) });
//! ```

mod builder;
mod connection_pools;
mod connections;
mod connectors;
mod current;
#[cfg(not(feature = "postgres"))]
mod database_dead;
#[cfg(feature = "postgres")]
mod database_live;
mod database_operations;
mod database_pools;
#[cfg(feature = "postgres")]
mod database_sessions;
mod databases;
mod desk;
mod drivers;
mod engine;
#[cfg(any(feature = "mysql", feature = "redis"))]
mod engine_call;
#[cfg(feature = "mysql")]
mod engine_mysql;
mod engine_place;
#[cfg(feature = "redis")]
mod engine_redis;
mod error;
mod fixed;
mod handle;
mod judged;
mod kind;
mod lease;
mod live;
mod load;
mod load_databases;
mod names;
mod operations;
mod pools;
mod redeclare;
mod root;
mod settings;
mod state;
mod status;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
mod tls;
mod upgrade;
mod waiting;
mod watchers;
mod write;

#[cfg(not(feature = "postgres"))]
use database_dead as database;
#[cfg(feature = "postgres")]
use database_live as database;

pub use builder::RegistryBuilder;
pub use connection_pools::Listed;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use database_sessions::DatabaseSessions;
pub use error::{AnyConnectorError, HandleError, OpenError, RegistryError, ResourceKind};
pub use fixed::{DeclareError, Declared, GeneralLimits};
pub use handle::{AnyHandle, Handle};
pub use lease::{AnyLease, Leased};
pub use operations::{Operation, OperationReport};
pub use redeclare::{Changed, RedeclareError, Redeclared};
pub use root::Registry;
pub use settings::ApiProxy;
pub use status::{LiveStatus, LiveTotals};
