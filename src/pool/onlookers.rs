//! What the builder is told about those who look on: the pool's name, observers, exporters, and what to warn of.

use super::builder::Builder;
use super::manager::Manager;
use super::name::Name;
use super::notes::Warnings;
use super::watch::Watch;
use crate::observe::{Exporter, Kind, Observer, Subject, as_one};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Onlookers {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) exporters: Vec<Box<dyn Exporter + Send + Sync>>,
    warnings: Warnings,
}

impl Onlookers {
    /// The name, who is told, and the subject that is to be bound to the pool once it is built.
    pub(crate) fn settle<M>(self) -> (Name, Watch, Subject) {
        let name = self.name.map_or_else(Name::of_type::<M>, Name::given);
        let subject = Subject::new(name.text.clone(), Kind::Pool);
        let mut observers = self.observers;
        let exporters = self.exporters.iter();
        observers.extend(exporters.map(|exporter| exporter.watch(subject.clone())));
        (name, Watch::new(as_one(observers), self.warnings), subject)
    }
}

impl fmt::Debug for Onlookers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onlookers")
            .field("name", &self.name)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

impl<M: Manager> Builder<M> {
    /// What the pool is called in metrics, traces and the text of a timeout. Without this it is the manager's type. Names
    /// become labels: give each pool its own, and not one for each request or tenant.
    ///
    /// ```
    /// # use fairpool::{Pool, doc::Demo};
    /// let pool = Pool::builder(Demo).name("orders").build()?;
    /// assert_eq!(pool.name(), "orders");
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.onlookers.name = Some(name.into());
        self
    }

    /// Who is told what happens. May be called for several.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.onlookers.observers.push(observer);
        self
    }

    /// Who shows what happens, beside other pools. May be called for several.
    pub fn exporter(mut self, exporter: impl Exporter + Send + Sync + 'static) -> Self {
        self.onlookers.exporters.push(Box::new(exporter));
        self
    }

    /// Has each lease reported that lasts for longer, with where it was taken ([`Event::LongLease`](crate::Event)): once, while
    /// it still lasts, to the precision of the supervisor's timer. Only with an observer or an exporter. Each lease then pays a
    /// look at the clock and an uncontended lock, and a pool in use is looked at as often as this time passes.
    pub fn report_leases_over(mut self, time: Duration) -> Self {
        self.onlookers.warnings.leases_over = Some(time);
        self
    }

    /// Has it reported when a request must wait whose task holds a connection of this pool already
    /// ([`Event::Nested`](crate::Event)). Enough such tasks at once wait for each other until their timeouts. Only with an
    /// observer or an exporter.
    ///
    /// It goes by tokio's task: of a guard that was moved to another task the taker is still thought to hold it, and in the
    /// future of a `block_on`, which is no task, nothing is seen. Each lease then pays an uncontended lock, and each request
    /// that has to wait a look at all leases: meant for tests and for hunting a deadlock.
    pub fn warn_nested(mut self, warn: bool) -> Self {
        self.onlookers.warnings.nested = warn;
        self
    }
}
