//! What the last attempts to connect came to, and when the next may begin.
//!
//! | state | meaning | left by |
//! |---|---|---|
//! | healthy | attempts begin at once | a failed attempt |
//! | backing off | no attempt before `until`; the line waits | `until`, a success |
//! | failing | the same, and arrivals fail with the same cause | `until`, a success |
//!
//! The wait counts from the beginning of the attempt that failed: one that hung for longer than its wait has waited enough.

use super::clock::nanos;
use super::error::ConnectFailure;
use super::options::Options;
use crate::sync::primitives::Mutex;
use std::time::Duration;

/// The longest that arrivals fail without a new attempt.
const FAIL_FAST: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Record<E> {
    failures: u32,
    until: u64,
    failing_until: u64,
    last: Option<ConnectFailure<E>>,
}

/// Its lock is held for a few loads and stores, with no other.
#[derive(Debug)]
pub(crate) struct Faults<E>(Mutex<Record<E>>);

impl<E> Faults<E> {
    pub(crate) fn new() -> Self {
        Faults(Mutex::new(Record {
            failures: 0,
            until: 0,
            failing_until: 0,
            last: None,
        }))
    }

    /// An attempt that began at `begun` failed. Failures of attempts that were under way together count once.
    pub(crate) fn failed(&self, failure: ConnectFailure<E>, begun: u64, now: u64, options: &Options) {
        let mut record = self.0.lock();
        if begun >= record.until {
            record.failures = record.failures.saturating_add(1);
            let doublings = (record.failures - 1).min(31);
            let full = options
                .backoff_initial
                .saturating_mul(1 << doublings)
                .min(options.backoff_max);
            // Half of it at random, so that many processes do not come back together.
            let wait = nanos(full) / 2 + fastrand::u64(0..=nanos(full) / 2);
            record.until = begun.saturating_add(wait).max(now);
        }
        let old = record.last.replace(failure);
        drop(record);
        drop(old);
    }

    /// Arrivals fail until the next attempt is due.
    pub(crate) fn fail_fast(&self, now: u64) {
        let mut record = self.0.lock();
        record.failing_until = record.until.min(now.saturating_add(nanos(FAIL_FAST)));
    }

    /// An attempt succeeded.
    pub(crate) fn healed(&self) {
        let mut record = self.0.lock();
        let old = record.last.take();
        (record.failures, record.until, record.failing_until) = (0, 0, 0);
        drop(record);
        drop(old);
    }

    /// When the next attempt may begin.
    pub(crate) fn until(&self) -> u64 {
        self.0.lock().until
    }

    /// The cause with which arrivals fail now, if they do.
    pub(crate) fn failing(&self, now: u64) -> Option<ConnectFailure<E>> {
        let record = self.0.lock();
        if now < record.failing_until {
            record.last.clone()
        } else {
            None
        }
    }

    pub(crate) fn last(&self) -> Option<ConnectFailure<E>> {
        self.0.lock().last.clone()
    }
}
