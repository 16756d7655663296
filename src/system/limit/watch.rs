//! Who looks on: what the builder is told about it, and what a limit answers to those who watch it.
//!
//! Events are those of a pool's line. Evidence about the order of grants and each admission are told to those who ask; nobody
//! times how long a permit is held.

use super::handle::LimitBuilder;
use super::shared::Shared;
use crate::observe::{Event, Exporter, Kind, Observer, Status, Subject, Totals, Watched, as_one};
use crate::pool::notes::Warnings;
use crate::pool::watch::Watch;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Onlookers {
    observers: Vec<Arc<dyn Observer>>,
    exporters: Vec<Arc<dyn Exporter + Send + Sync>>,
}

impl Onlookers {
    /// Who is told, and the subject that is to be bound to the limit once it is built.
    pub(super) fn settle(self, name: &Arc<str>) -> (Watch, Subject) {
        let subject = Subject::new(name.clone(), Kind::Limit);
        let mut observers = self.observers;
        observers.extend(self.exporters.iter().map(|exporter| exporter.watch(subject.clone())));
        (Watch::new(as_one(observers), Warnings::default()), subject)
    }
}

impl fmt::Debug for Onlookers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onlookers").finish_non_exhaustive()
    }
}

impl LimitBuilder {
    /// Who is told what happens in the line, as [`Builder::observer`](crate::Builder::observer). May be called for several.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.onlookers.observers.push(observer);
        self
    }

    /// Who shows what happens, as [`Builder::exporter`](crate::Builder::exporter), under the name that the limit is built with.
    pub fn exporter(mut self, exporter: impl Exporter + Send + Sync + 'static) -> Self {
        self.onlookers.exporters.push(Arc::new(exporter));
        self
    }
}

impl Shared {
    /// Somebody was admitted who never was in line.
    pub(super) fn admitted_at_once(&self) {
        if self.watch.interest.leases {
            self.watch.tell(|| Event::Acquired {
                waited: Duration::ZERO,
                order: None,
            });
        }
    }
}

impl Watched for Shared {
    fn status(&self) -> Status {
        let status = Shared::status(self);
        Status {
            limit: status.limit,
            idle: 0,
            in_use: status.in_flight,
            connecting: 0,
            validating: 0,
            resetting: 0,
            closing: 0,
            pending: status.pending,
            oldest_wait: status.oldest_wait,
            generation: 0,
            state: status.state,
            totals: Totals {
                queued: status.totals.queued,
                timeouts: status.totals.timeouts,
                cleared: status.totals.cleared,
                cancelled: status.totals.cancelled,
                ..Totals::default()
            },
        }
    }

    fn min_idle(&self) -> u32 {
        0
    }
}
