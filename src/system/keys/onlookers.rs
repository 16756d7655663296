//! Who looks on at a keyed pool: what its builder is told of them, what they are told, and the counts they are shown.
//!
//! Nobody is told anything under a lock: what happened is known to whoever changed the house, and told when that is free.

use super::builder::KeyedBuilder;
use super::handle::Keyed;
use super::house::{House, Stage};
use super::member::Key;
use super::shared::Shared;
use crate::observe::{Event, Exporter, Observer, Status, Totals, Watched};
use crate::pool::clock::between;
use crate::pool::manager::Manager;
use std::sync::Arc;
use std::time::Duration;

impl<K: Key, M: Manager> KeyedBuilder<K, M> {
    /// What the pool is called in metrics, traces and the text of a timeout. Without this it is the managers' type. Names
    /// become labels: give each pool its own. A key never becomes one.
    ///
    /// ```
    /// # use fairpool::{Keyed, doc::Demo};
    /// let pool = Keyed::builder(|_tenant: &u32| Demo).name("tenants").build()?;
    /// assert_eq!(pool.name(), "tenants");
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.onlookers.name = Some(name.into());
        self
    }

    /// Who is told what happens, whatever the key. May be called for several. [`Event::Acquired`] bears no evidence of the
    /// order here: an [`OrderChecker`](crate::OrderChecker) sees no grant.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.onlookers.observers.push(observer);
        self
    }

    /// Who shows what happens, beside other pools. May be called for several. It is shown the counts of all keys together.
    pub fn exporter(mut self, exporter: impl Exporter + Send + Sync + 'static) -> Self {
        self.onlookers.exporters.push(Box::new(exporter));
        self
    }
}

impl<K: Key, M: Manager> Keyed<K, M> {
    /// What the pool is called: see [`KeyedBuilder::name`].
    pub fn name(&self) -> &str {
        &self.shared.name.text
    }
}

impl<K: Key, M: Manager> Shared<K, M> {
    /// Tells the observer, whose panics stay with it. Never under a lock.
    #[inline]
    pub(super) fn report(&self, event: impl FnOnce() -> Event) {
        self.watch.tell(event);
    }

    /// A connection was lent to whoever had not to wait.
    pub(super) fn lent_at_once(&self) {
        if self.watch.interest.leases {
            self.lent(Duration::ZERO);
        }
    }

    pub(super) fn lent(&self, waited: Duration) {
        self.report(|| Event::Acquired { waited, order: None });
    }

    /// When a lease begins that may have to be told of at its end.
    pub(super) fn begins_lease(&self) -> Option<u64> {
        (self.watch.interest.use_time > 0).then(|| self.now())
    }

    /// One lease in so many, chosen as it ends, so that no rhythm of the leases can meet that of the samples.
    pub(super) fn ended_lease(&self, taken: Option<u64>) {
        if let Some(taken) = taken.filter(|_| fastrand::u32(0..self.watch.interest.use_time) == 0) {
            let used = between(taken, self.now());
            self.report(|| Event::Released { used });
        }
    }
}

impl<K: Key, M: Manager> House<K, M> {
    /// All keys together, as one pool.
    fn summary(&self) -> Status {
        let (counts, tally) = (self.counts(), self.tally);
        let waiting = self.requests.values();
        let waiting = waiting.filter(|request| !matches!(request.stage, Stage::Served(_) | Stage::Failed(_)));
        let oldest = waiting.map(|request| request.asked).min();
        Status {
            limit: self.limit(),
            idle: counts.idle,
            in_use: counts.in_use,
            connecting: counts.connecting,
            validating: counts.validating,
            resetting: counts.resetting,
            closing: counts.closing,
            pending: self.pending,
            oldest_wait: oldest.map(|asked| between(asked, self.now())),
            generation: tally.generation,
            state: self.state(),
            totals: Totals {
                leases: tally.leases,
                opened: tally.opened,
                closed: tally.closed,
                connect_failures: tally.connect_failures,
                queued: tally.queued,
                timeouts: tally.timeouts,
                cleared: tally.cleared,
                cancelled: tally.cancelled,
            },
        }
    }
}

impl<K: Key, M: Manager> Watched for Shared<K, M> {
    fn status(&self) -> Status {
        self.house.lock().summary()
    }

    fn min_idle(&self) -> u32 {
        0
    }
}
