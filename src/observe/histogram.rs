//! A histogram of durations that many threads write at once without a lock: an addition to the bucket, one to the sum.
//!
//! It is written where something waited or took time, never on the shortest path of a lease. Its count is the sum of its
//! buckets, so the two always agree; the sum of the durations is read a moment later.

use crate::sync::primitives::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets, inclusive, in nanoseconds: those that OpenTelemetry advises for connection pools, from 1 ms
/// on, and finer ones below, where a hand-off takes microseconds. One more bucket takes what is longer.
pub(crate) const BOUNDS: [u64; 13] = [
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

const BUCKETS: usize = BOUNDS.len() + 1;

#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// In nanoseconds: room for 584 years.
    sum: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spread {
    /// Not cumulative.
    pub(crate) buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    pub(crate) fn record(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)].fetch_add(1, Relaxed);
        self.sum.fetch_add(nanos, Relaxed);
    }

    pub(crate) fn read(&self) -> Spread {
        Spread {
            buckets: std::array::from_fn(|at| self.buckets[at].load(Relaxed)),
            nanos: self.sum.load(Relaxed),
        }
    }
}

impl Spread {
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// In seconds.
    #[cfg(any(feature = "prometheus", test))]
    pub(crate) fn sum(&self) -> f64 {
        Duration::from_nanos(self.nanos).as_secs_f64()
    }

    /// So many more that took no time.
    pub(crate) fn add_zeros(&mut self, many: u64) {
        self.buckets[0] += many;
    }

    pub(crate) fn add(&mut self, other: &Spread) {
        for (mine, others) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += others;
        }
        self.nanos = self.nanos.wrapping_add(other.nanos);
    }
}

fn bucket(nanos: u64) -> usize {
    BOUNDS.partition_point(|&bound| bound < nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_bound_belongs_to_the_bucket_that_ends_there() {
        assert_eq!((bucket(0), bucket(10_000), bucket(10_001)), (0, 0, 1));
        assert_eq!(bucket(10_000_000_000), BOUNDS.len() - 1);
        assert_eq!(bucket(u64::MAX), BOUNDS.len());
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn what_two_threads_write_is_all_there() {
        let histogram = Arc::new(Histogram::default());
        let write = |time: Duration| {
            let histogram = histogram.clone();
            std::thread::spawn(move || (0..1_000).for_each(|_| histogram.record(time)))
        };
        let writers = [write(Duration::from_micros(20)), write(Duration::from_secs(60))];
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        let mut spread = histogram.read();
        assert_eq!((spread.buckets[1], spread.buckets[BOUNDS.len()]), (1_000, 1_000));
        assert_eq!((spread.count(), spread.sum()), (2_000, 60_000.02));
        spread.add(&histogram.read());
        spread.add_zeros(5);
        assert_eq!(
            (spread.buckets[0], spread.count(), spread.sum()),
            (5, 4_005, 120_000.04)
        );
    }
}
