//! A subject by name, with its type forgotten.

use super::silence;
use super::spike::{self, Spike};
use super::steady::{self, Steady};
use super::storm::{self, Mix, Storm};
use crate::subjects::subject::Subject;
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Whether there is a pool at all.
    pub(crate) lends: bool,
    pub(crate) steady: fn(usize, u32, Duration) -> Steady,
    pub(crate) storm: fn(usize, Mix, Duration) -> Storm,
    /// Only of those that open connections.
    pub(crate) spike: Option<fn() -> Spike>,
    pub(crate) silence: Option<fn(Duration) -> Duration>,
}

impl Entry {
    /// A pool of connections that are there.
    pub(crate) fn plain<S: Subject>(name: &'static str) -> Entry {
        Entry {
            name,
            lends: true,
            steady: steady::measure::<S>,
            storm: storm::measure::<S>,
            spike: None,
            silence: None,
        }
    }

    /// A pool that opens its connections.
    pub(crate) fn managed<S: Subject>(name: &'static str) -> Entry {
        Entry {
            spike: Some(spike::measure::<S>),
            silence: Some(silence::measure::<S>),
            ..Entry::plain::<S>(name)
        }
    }

    /// The runtime alone.
    pub(crate) fn floor<S: Subject>(name: &'static str) -> Entry {
        Entry {
            lends: false,
            ..Entry::plain::<S>(name)
        }
    }
}

pub(super) fn workers() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}
