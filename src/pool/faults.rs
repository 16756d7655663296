//! What the last attempts to connect came to, and when the next may begin.
//!
//! | state | meaning | left by |
//! |---|---|---|
//! | healthy | attempts begin at once | a failed attempt |
//! | backing off | no attempt before `until`; the line waits | `until`, a success |
//! | failing | the same, and arrivals fail with the same cause | `until`, a success |
//!
//! The wait counts from the beginning of the attempt that failed: one that hung for longer than its wait has waited enough.
//! One that hangs is presumed to fail (`demand`), which counts once: its end comes too late to count again. What hung while
//! another attempt succeeded says nothing of the time since.

use super::clock::nanos;
use super::error::ConnectFailure;
use super::options::Options;
use crate::sync::primitives::{AtomicU64, Mutex, Ordering::Relaxed};
use std::time::Duration;

/// The longest that arrivals fail without a new attempt.
const FAIL_FAST: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Record<E> {
    failures: u32,
    /// When the first of the permanent failures came that nothing has interrupted since.
    permanent_since: Option<u64>,
    until: u64,
    failing_until: u64,
    /// When an attempt last succeeded.
    healed: u64,
    last: Option<ConnectFailure<E>>,
    /// With what the line was last failed. A success does not forget it: some of those failed may not have looked yet.
    refusal: Option<ConnectFailure<E>>,
}

impl<E> Record<E> {
    /// Counts a failure, unless the attempt began before the wait for another one was over.
    fn count(&mut self, begun: u64, now: u64, options: &Options) {
        if begun < self.until {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let doublings = (self.failures - 1).min(31);
        let full = options
            .backoff_initial
            .saturating_mul(1 << doublings)
            .min(options.backoff_max);
        // Half of it at random, so that many processes do not come back together.
        let wait = nanos(full) / 2 + fastrand::u64(0..=nanos(full) / 2);
        self.until = begun.saturating_add(wait).max(now);
    }
}

/// Its lock is held for a few loads and stores, with no other.
#[derive(Debug)]
pub(crate) struct Faults<E> {
    record: Mutex<Record<E>>,
    /// A copy of `failing_until`, for arrivals to look at without the lock.
    failing_until: AtomicU64,
}

impl<E> Faults<E> {
    pub(crate) fn new() -> Self {
        let record = Record {
            failures: 0,
            permanent_since: None,
            until: 0,
            failing_until: 0,
            healed: 0,
            last: None,
            refusal: None,
        };
        Faults {
            record: Mutex::new(record),
            failing_until: AtomicU64::new(0),
        }
    }

    /// An attempt that began at `begun` failed. Failures of attempts that were under way together count once. True when it
    /// was `permanent` and so was one before it began: attempts that overlap need not wait for each other to say so.
    pub(crate) fn failed(
        &self,
        (failure, permanent): (ConnectFailure<E>, bool),
        begun: u64,
        now: u64,
        options: &Options,
    ) -> bool {
        let mut record = self.record.lock();
        if matches!(failure, ConnectFailure::TimedOut) && begun < record.healed {
            return false;
        }
        let since = record.permanent_since.filter(|_| permanent);
        // Nor does one that began before a permanent failure, and fails for another reason, say anything newer.
        if permanent || record.permanent_since.is_some_and(|since| begun >= since) {
            record.permanent_since = permanent.then(|| since.unwrap_or(now));
        }
        record.count(begun, now, options);
        let old = record.last.replace(failure);
        drop(record);
        drop(old);
        since.is_some_and(|since| begun >= since)
    }

    /// An attempt that began at `begun` has hung: the next one waits as if it had failed.
    pub(crate) fn presumed(&self, begun: u64, now: u64, options: &Options) {
        let mut record = self.record.lock();
        if begun >= record.healed {
            record.count(begun, now, options);
        }
    }

    /// Those who wait are about to be failed with this cause, and arrivals fail with it until the next attempt is due.
    pub(crate) fn fail_fast(&self, cause: ConnectFailure<E>, now: u64) {
        let mut record = self.record.lock();
        record.failing_until = record.until.min(now.saturating_add(nanos(FAIL_FAST)));
        self.failing_until.store(record.failing_until, Relaxed);
        let old = record.refusal.replace(cause);
        drop(record);
        drop(old);
    }

    /// An attempt succeeded.
    pub(crate) fn healed(&self, now: u64) {
        let mut record = self.record.lock();
        record.healed = now;
        let old = record.last.take();
        record.permanent_since = None;
        (record.failures, record.until, record.failing_until) = (0, 0, 0);
        self.failing_until.store(0, Relaxed);
        drop(record);
        drop(old);
    }

    /// When the next attempt may begin.
    pub(crate) fn until(&self) -> u64 {
        self.record.lock().until
    }

    /// The cause with which arrivals fail now, if they do.
    pub(crate) fn failing(&self, now: u64) -> Option<ConnectFailure<E>> {
        if now >= self.failing_until.load(Relaxed) {
            return None;
        }
        let record = self.record.lock();
        if now < record.failing_until {
            record.refusal.clone()
        } else {
            None
        }
    }

    /// The cause with which the line was last failed.
    pub(crate) fn refusal(&self) -> Option<ConnectFailure<E>> {
        self.record.lock().refusal.clone()
    }

    pub(crate) fn last(&self) -> Option<ConnectFailure<E>> {
        self.record.lock().last.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_late_end_of_an_attempt_that_hung_interrupts_no_refusal_for_good() {
        let (faults, options) = (Faults::new(), Options::default());
        let refused = || (ConnectFailure::Error(std::sync::Arc::new("no such user")), true);
        assert!(!faults.failed(refused(), 10, 11, &options));
        assert!(!faults.failed((ConnectFailure::TimedOut, false), 1, 12, &options));
        assert!(faults.failed(refused(), 20, 21, &options));
        assert!(!faults.failed((ConnectFailure::TimedOut, false), 30, 40, &options));
        assert!(!faults.failed(refused(), 50, 51, &options), "that one did interrupt it");
    }
}
