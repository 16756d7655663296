//! The models of the resource interface: every rule of the documents, whichever way a model comes in.
//!
//! | file | about |
//! |---|---|
//! | `resource_models/pools.rs` | connection pools, and the first family's texts |
//! | `resource_models/lists.rs` | filter, sort and pages, against a plain model |
//! | `resource_models/databases.rs` | database pools, engine settings, topics |
//! | `resource_models/managed.rs` | managed databases |
//! | `resource_models/settings.rs` | connection settings and connectors |
//! | `resource_models/connections.rs` | named connections |
//! | `resource_models/hosts.rs` | where they lead, and what is shown of it |
//! | `resource_models/kept.rs` | masks that are sent back: what they keep, and where they may not take it |
//! | `resource_models/anything.rs` | any JSON at all, and models written and read back |

#![cfg(feature = "resource")]

#[path = "resource_models/anything.rs"]
mod anything;
#[path = "resource_models/connections.rs"]
mod connections;
#[path = "resource_models/databases.rs"]
mod databases;
#[path = "resource_models/hosts.rs"]
mod hosts;
#[path = "resource_models/kept.rs"]
mod kept;
#[path = "resource_models/lists.rs"]
mod lists;
#[path = "resource_models/managed.rs"]
mod managed;
#[path = "resource_models/pools.rs"]
mod pools;
#[path = "resource_models/settings.rs"]
mod settings;

use fairpool::resource::models::Invalid;
use serde_json::Value;
use std::fmt::Debug;

/// Why a draft is refused: `field violation; …`.
fn refusal<T: TryFrom<Value, Error = Invalid> + Debug>(value: Value) -> String {
    T::try_from(value).unwrap_err().to_string()
}

fn read<T: TryFrom<Value, Error = Invalid>>(value: Value) -> T {
    T::try_from(value).unwrap_or_else(|invalid| panic!("{invalid}"))
}
