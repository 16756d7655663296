//! Takes down what happens to the tasks, with as little disturbance as possible: a lock that few share, held for the time
//! of an addition.

use super::figures::{LoadFigures, Share, Spread};
use super::workload::Kind;
use anyhow::Result;
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Longer times count as this long.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Histograms keep three digits.
const DIGITS: u8 = 3;

/// One for all tasks.
pub(super) struct Recorder {
    began: Instant,
    shards: Vec<Mutex<Shard>>,
    /// Operations that succeeded, also after the measurement.
    done: AtomicU64,
    /// The writes among them.
    writes: AtomicU64,
    /// Requests that were told that they have been cleared.
    told: AtomicU64,
    failures: AtomicU64,
    first_failure: OnceLock<String>,
}

/// What a part of the tasks measured. The lock keeps it consistent: an operation is in all of it or in nothing.
struct Shard {
    measuring: bool,
    /// Operations of each task of this part.
    served: Vec<u64>,
    wait: Histogram<u64>,
    kinds: [Histogram<u64>; 3],
}

impl Recorder {
    pub(super) fn new(tasks: u32) -> Result<Self> {
        let tasks = tasks as usize;
        let shards = std::thread::available_parallelism().map_or(1, usize::from).min(tasks);
        let shard = || -> Result<Mutex<Shard>> {
            Ok(Mutex::new(Shard {
                measuring: true,
                served: vec![0; tasks.div_ceil(shards)],
                wait: histogram()?,
                kinds: [histogram()?, histogram()?, histogram()?],
            }))
        };
        Ok(Recorder {
            began: Instant::now(),
            shards: (0..shards).map(|_| shard()).collect::<Result<_>>()?,
            done: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            told: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            first_failure: OnceLock::new(),
        })
    }

    /// A task was served.
    pub(super) fn served(&self, task: u32, kind: Kind, wait: Duration, database: Duration) {
        self.done.fetch_add(1, Relaxed);
        if kind == Kind::Write {
            self.writes.fetch_add(1, Relaxed);
        }
        let (shard, place) = (task as usize % self.shards.len(), task as usize / self.shards.len());
        let mut shard = lock(&self.shards[shard]);
        if shard.measuring {
            shard.served[place] += 1;
            shard.wait.saturating_record(nanos(wait));
            shard.kinds[kind as usize].saturating_record(nanos(database));
        }
    }

    /// A request learned that it was cleared.
    pub(super) fn told(&self) {
        self.told.fetch_add(1, Relaxed);
    }

    /// Something went wrong that should not.
    pub(super) fn failed(&self, error: &dyn std::error::Error) {
        self.failures.fetch_add(1, Relaxed);
        let _ = self.first_failure.set(error.to_string());
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Relaxed)
    }

    pub(super) fn cleared(&self) -> u64 {
        self.told.load(Relaxed)
    }

    /// How many operations failed, and why the first one did.
    pub(super) fn failures(&self) -> (u64, Option<String>) {
        (self.failures.load(Relaxed), self.first_failure.get().cloned())
    }

    /// Ends the measurement; returns how long it took.
    pub(super) fn finish(&self) -> Duration {
        for shard in &self.shards {
            lock(shard).measuring = false;
        }
        self.began.elapsed()
    }

    /// What the measurement found, without what only the pool knows.
    pub(super) fn figures(&self, tasks: u32) -> Result<LoadFigures> {
        let mut wait = histogram()?;
        let mut kinds = [histogram()?, histogram()?, histogram()?];
        let mut served = Vec::with_capacity(tasks as usize);
        for shard in &self.shards {
            let shard = lock(shard);
            wait.add(&shard.wait)?;
            for (sum, part) in kinds.iter_mut().zip(&shard.kinds) {
                sum.add(part)?;
            }
            served.extend_from_slice(&shard.served);
        }
        let mut database = histogram()?;
        for kind in &kinds {
            database.add(kind)?;
        }
        // Each part has as many places; those that no task has are zeros, and as many zeros go.
        served.sort_unstable();
        let served = &served[served.len().saturating_sub(tasks as usize)..];
        Ok(LoadFigures {
            operations: wait.len(),
            kinds: [0, 1, 2].map(|kind: usize| (kinds[kind].len(), spread(&kinds[kind]))),
            wait: spread(&wait),
            database: spread(&database),
            share: Share {
                smallest: served.first().copied().unwrap_or(0),
                largest: served.last().copied().unwrap_or(0),
            },
            ..LoadFigures::default()
        })
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, nanos(LONGEST), DIGITS)?)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn spread(histogram: &Histogram<u64>) -> Spread {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Spread {
        p50: at(0.5),
        p99: at(0.99),
        p999: at(0.999),
        max: Duration::from_nanos(histogram.max()),
    }
}
