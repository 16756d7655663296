//! From a closure that makes managers to a keyed pool.

use super::handle::Keyed;
use super::house::{House, Rules};
use super::member::{Key, Register};
use super::shared::{Make, Shared};
use crate::pool::clock::Clock;
use crate::pool::desk::Desk;
use crate::pool::manager::Manager;
use crate::pool::onlookers::Onlookers;
use crate::pool::options::{Options, OptionsError};
use crate::sync::primitives::{AtomicU64, Mutex};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Builds a [`Keyed`] pool.
///
/// | option | unit | default | range | bounds |
/// |---|---|---|---|---|
/// | `limit` | connections | 10 | 1 to 65,536 | connections of all keys, those being opened or closed included |
/// | `per_key` | connections | none | at least 1, or none | the same, of each key |
/// | `preference` | requests | 0: strict order | – | how often a request may be passed by one that needs no new connection |
///
/// The others are those of [`Options`]. `max_connecting` counts for each key, as each may be a backend of its own; `queue_limit`
/// counts the requests in all lines; `min_idle` must be 0, since no key is known before it is asked for.
#[must_use = "a builder makes nothing until it is built"]
pub struct KeyedBuilder<K: Key, M: Manager> {
    make: Make<K, M>,
    rules: Rules,
    runtime: Option<Handle>,
    pub(super) onlookers: Onlookers,
}

impl<K: Key, M: Manager> KeyedBuilder<K, M> {
    pub(super) fn new(make: Make<K, M>) -> Self {
        let rules = Rules {
            options: Options::default(),
            per_key: None,
            preference: 0,
        };
        KeyedBuilder {
            make,
            rules,
            runtime: None,
            onlookers: Onlookers::default(),
        }
    }

    /// The most connections of all keys together.
    pub fn limit(mut self, limit: u32) -> Self {
        self.rules.options.limit = limit;
        self
    }

    /// The most connections of one key; `None`, the default, for any number up to the limit.
    pub fn per_key(mut self, most: impl Into<Option<u32>>) -> Self {
        self.rules.per_key = most.into();
        self
    }

    /// How often a request may be passed by a later one whose key has an idle connection; 0, the default, for never.
    pub fn preference(mut self, times: u32) -> Self {
        self.rules.preference = times;
        self
    }

    /// How long an acquire may take in all; `None` for any time.
    pub fn acquire_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.rules.options.acquire_timeout = timeout.into();
        self
    }

    /// All options of a pool at once, the limit among them.
    pub fn options(mut self, options: Options) -> Self {
        self.rules.options = options;
        self
    }

    /// The runtime for the pool's background work; without this, the one on which it is first waited for. Should that runtime
    /// end, the pool goes on with the next one on which somebody waits. It needs tokio's time driver.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The pool. Nothing is opened yet, no manager made and no task started.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<Keyed<K, M>, OptionsError> {
        let KeyedBuilder {
            make,
            rules,
            runtime,
            onlookers,
        } = self;
        rules.validate()?;
        let (name, watch, subject) = onlookers.settle::<M>();
        let clock = Clock::start();
        let shared = Arc::new(Shared {
            house: Mutex::new(House::new(clock, rules)),
            register: Register::new(),
            make,
            clock,
            desk: Desk::new(runtime),
            changed: Notify::new(),
            rooms_made: AtomicU64::new(0),
            name,
            watch,
        });
        subject.bind(Arc::<Shared<K, M>>::downgrade(&shared));
        Ok(Keyed { shared })
    }
}

impl Rules {
    /// Judges all rules together; the builder and every live setter go through here.
    pub(super) fn validate(&self) -> Result<(), OptionsError> {
        let Rules {
            options,
            per_key,
            preference: _,
        } = self;
        options.validate()?;
        let check = OptionsError::unless;
        check(
            options.min_idle == 0,
            "min_idle",
            &options.min_idle,
            "0 in a keyed pool",
        )?;
        check(*per_key != Some(0), "per_key", &per_key.unwrap_or(0), "at least 1")
    }
}

impl<K: Key, M: Manager> fmt::Debug for KeyedBuilder<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBuilder")
            .field("rules", &self.rules)
            .field("onlookers", &self.onlookers)
            .finish_non_exhaustive()
    }
}
