//! One watched pool: counts what it is told, and is read together with the pool's own counts.

use super::reading::{COUNTS, Count, Counts, Reading, SPANS, Span};
use super::roll::Name;
use crate::observe::histogram::Histogram;
use crate::observe::{CloseReason, Event, Interest, Observer, Subject};
use crate::sync::primitives::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Passes on how long something took, at once.
pub(crate) type Echo = Box<dyn Fn(Span, Duration) + Send + Sync>;

pub(crate) struct Member {
    subject: Subject,
    /// Of one lease in so many the time is taken.
    use_time: u32,
    counts: [AtomicU64; COUNTS],
    spans: [Histogram; SPANS],
    echo: Option<Echo>,
}

impl Member {
    pub(crate) fn new(subject: Subject, use_time: u32, echo: Option<Echo>) -> Self {
        Member {
            subject,
            use_time,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            spans: std::array::from_fn(|_| Histogram::default()),
            echo,
        }
    }

    pub(crate) fn name(&self) -> Name {
        (self.subject.kind(), self.subject.name().clone())
    }

    /// Adds what there is to see.
    pub(crate) fn read(&self, into: &mut Reading) {
        let now = self.subject.status().zip(self.subject.min_idle());
        if let Some((status, min_idle)) = now {
            self.counts[Count::Leases as usize].fetch_max(status.totals.leases, Relaxed);
            into.add(&status, min_idle);
        }
        into.past.add(&self.counts());
    }

    /// What it was told so far, with the leases that were there at the last look: nobody is told of each of them.
    ///
    /// Those that did not wait are the rest of the leases, and waited no time. A lease counts when it has ended, one that
    /// waited also before that; so the rest may shrink for a while, and the highest that was seen stands.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts {
            counts: std::array::from_fn(|at| self.counts[at].load(Relaxed)),
            spans: std::array::from_fn(|at| self.spans[at].read()),
        };
        let waited = &mut counts.spans[Span::Wait as usize];
        let rest = counts.counts[Count::Leases as usize].saturating_sub(waited.count());
        let direct = self.counts[Count::Direct as usize].fetch_max(rest, Relaxed).max(rest);
        waited.add_zeros(direct);
        counts.counts[Count::Direct as usize] = direct;
        counts
    }

    fn count(&self, count: Count, many: u64) {
        self.counts[count as usize].fetch_add(many, Relaxed);
    }

    fn took(&self, span: Span, time: Duration) {
        self.spans[span as usize].record(time);
        if let Some(echo) = &self.echo {
            echo(span, time);
        }
    }
}

impl Observer for Member {
    fn on(&self, event: &Event) {
        match event {
            Event::Queued => self.count(Count::Queued, 1),
            Event::Acquired { waited, .. } => self.took(Span::Wait, *waited),
            Event::Released { used } => self.took(Span::Use, *used),
            Event::TimedOut { .. } => self.count(Count::TimedOut, 1),
            Event::QueueFull => self.count(Count::QueueFull, 1),
            Event::Refused { closed: false } => self.count(Count::BackendDown, 1),
            Event::Refused { closed: true } => self.count(Count::PoolClosed, 1),
            Event::Cancelled => self.count(Count::Cancelled, 1),
            Event::Cleared { requests } => self.count(Count::Cleared, *requests as u64),
            // It will be opened, or fail.
            Event::Connecting => {}
            Event::Opened { took } => {
                self.count(Count::Opened, 1);
                self.took(Span::Create, *took);
            }
            Event::ConnectFailed { .. } => self.count(Count::ConnectFailed, 1),
            Event::Validated { took, .. } => self.took(Span::Validate, *took),
            Event::Reset { took, .. } => self.took(Span::Reset, *took),
            Event::LongLease { .. } => self.count(Count::LongLease, 1),
            Event::Nested { .. } => self.count(Count::Nested, 1),
            Event::Closed { reason } => self.count(closed(*reason), 1),
        }
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_use_time(self.use_time)
    }
}

fn closed(reason: CloseReason) -> Count {
    match reason {
        CloseReason::Broken => Count::Broken,
        CloseReason::Invalid => Count::Invalid,
        CloseReason::Unclean => Count::Unclean,
        CloseReason::Idle => Count::Idle,
        CloseReason::Lifetime => Count::Lifetime,
        CloseReason::Retired => Count::Retired,
        CloseReason::Detached => Count::Detached,
        CloseReason::Unpooled => Count::Unpooled,
    }
}
