//! The resources of the documented systems, field by field, and the one set of rules about them.
//!
//! | file | noun |
//! |---|---|
//! | `connection_pool` | family 1: a [`ConnectionPool`], how it is made ([`NewConnectionPool`]) and changed ([`ConnectionPoolChange`]) |
//! | `list` | which of them, in what order, which page: [`ListQuery`], [`Page`] |
//! | `database` | family 2: a managed [`Database`], as it is declared ([`DatabaseDefinition`]), its [`Engine`] |
//! | `database_url`, `pool_connection` | where its server is: [`DatabaseUrl`]; where a pool leads: [`PoolConnection`] |
//! | `database_pool` | a [`DatabasePool`], its [`PoolMode`] |
//! | `engine` | the settings of an engine: [`EvictionPolicy`], [`SqlMode`], [`EngineVersion`] |
//! | `topic` | a [`Topic`] |
//! | `settings` | family 3: [`ConnectionSettings`] of an API proxy, and a [`ConnectionSettingsPatch`] |
//! | `connection` | family 4: a named [`Connection`], as it is posted ([`ConnectionDefinition`]), and its type and protocol |
//! | `fields_of_connection`, `fields_of_database` | the tables of their fields, from JSON and into it |
//! | `kept` | what a mask in a definition stands for, and when it may |
//! | `query_host` | where a connection leads: a [`QueryHost`], and how it is shown without its password |
//! | `connector` | what ties them together: a [`Connector`] |
//! | `number`, `text`, `choice`, `secret`, `moment` | kinds of field |
//! | `fields`, `invalid`, `stored` | how a model is read, what is said of one that breaks a rule, and how it is kept |
//!
//! What comes from outside is a *draft*: [`NewConnectionPool`], [`ConnectionPoolChange`], [`DatabasePoolDefinition`],
//! [`DatabasePoolReplacement`], [`DatabaseDefinition`], [`ConnectionSettingsPatch`], [`ConnectionDefinition`], [`ConnectorDefinition`],
//! [`ConnectorChange`], [`TopicDefinition`], [`TopicChange`]. Each is built from Rust, from a JSON body and from a
//! configuration file, and in each case by the same rules:
//!
//! ```
//! use fairpool::resource::models::{Bounded, NewConnectionPool, PoolName};
//! use serde_json::json;
//!
//! let by_hand = NewConnectionPool::new(PoolName::new("orders")?, Bounded::new(8)?).timeout(Bounded::new(30)?);
//! let from_json = NewConnectionPool::try_from(&json!({"name": "orders", "limit": 8, "timeout": 30}))?;
//! let from_file: NewConnectionPool = serde_json::from_str(r#"{"name": "orders", "limit": 8, "timeout": 30}"#)?;
//! assert_eq!(by_hand, from_json);
//! assert_eq!(by_hand, from_file);
//!
//! let refused = NewConnectionPool::try_from(&json!({"limit": 0})).unwrap_err();
//! assert_eq!(refused.to_string(), "limit must be at least 1; name is required");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Common to all: `5.0` is an integer and `"5"` is none; lengths count characters; fields that are not in the documents are
//! ignored; a refusal names every field with the rule that it breaks, and no value. `Serialize` writes what an answer
//! shows, in the documents' order, without secrets; [`Stored`] writes what the store keeps, with them.

mod choice;
mod connection;
mod connection_pool;
mod connector;
mod database;
mod database_pool;
mod database_url;
mod engine;
mod fields;
mod fields_of_connection;
mod fields_of_database;
mod invalid;
mod kept;
mod list;
mod moment;
mod number;
mod pool_connection;
mod query_host;
mod secret;
mod settings;
mod stored;
mod text;
mod topic;

pub use connection::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, Protocol};
pub use connection_pool::{ConnectionPool, ConnectionPoolChange, NewConnectionPool, PoolId, PoolName};
pub use connector::{Connector, ConnectorChange, ConnectorDefinition, ConnectorId, ConnectorName};
pub use database::{Database, DatabaseDefinition, DatabaseId, DatabaseRecord, DatabaseServer, DatabaseUser, Engine};
pub use database_pool::{
    DatabasePool, DatabasePoolDefinition, DatabasePoolName, DatabasePoolReplacement, PoolMode, RoleName,
};
pub use database_url::DatabaseUrl;
pub use engine::{EngineVersion, EvictionPolicy, SqlMode, UnlistedPolicy};
pub use invalid::{Invalid, Violation};
pub use list::{ListQuery, Page, SortKey};
pub use moment::Moment;
pub use number::{Bounded, Count, Milliseconds, PoolSize, Seconds};
pub use pool_connection::PoolConnection;
pub use query_host::QueryHost;
pub use secret::Secret;
pub use settings::{ConnectionSettings, ConnectionSettingsPatch, ManagementType};
pub use stored::Stored;
pub use topic::{Topic, TopicChange, TopicDefinition, TopicName};
