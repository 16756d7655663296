//! fairpool
#![cfg_attr(docsrs, feature(doc_cfg))]
#[cfg(not(fairpool_loom))]
mod pool;
mod sync;
#[cfg(not(fairpool_loom))]
pub use pool::{manager::Manager, options::{Options, OptionsError}, error::*, status::*};
