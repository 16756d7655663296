//! What reached the proxy. Refused attempts did not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// The moment of each, in order.
    accepted: Mutex<Vec<Instant>>,
    open: AtomicUsize,
    to_backend: AtomicU64,
    to_clients: AtomicU64,
}

impl Counts {
    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.lock().unwrap().len()
    }

    /// Those accepted at or after a moment.
    pub(crate) fn accepted_since(&self, since: Instant) -> usize {
        let accepted = self.accepted.lock().unwrap();
        accepted.len() - accepted.partition_point(|at| *at < since)
    }

    /// The same, one figure for each further `width` of time, up to the last that is not 0.
    pub(crate) fn buckets(&self, since: Instant, width: Duration) -> Vec<usize> {
        let mut buckets = Vec::new();
        for at in self.accepted.lock().unwrap().iter().filter(|at| **at >= since) {
            let bucket = (at.duration_since(since).as_nanos() / width.as_nanos()) as usize;
            buckets.resize(buckets.len().max(bucket + 1), 0);
            buckets[bucket] += 1;
        }
        buckets
    }

    /// Clients that are connected now, as far as the proxy knows: one that has gone unheard still counts.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Bytes passed on, to the backend and to the clients.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.to_backend.load(Relaxed), self.to_clients.load(Relaxed))
    }

    pub(super) fn begin(&self) {
        self.accepted.lock().unwrap().push(Instant::now());
        self.open.fetch_add(1, Relaxed);
    }

    pub(super) fn end(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(super) fn passed(&self, way: super::link::Way, bytes: usize) {
        let count = match way {
            super::link::Way::ToBackend => &self.to_backend,
            super::link::Way::ToClient => &self.to_clients,
        };
        count.fetch_add(bytes as u64, Relaxed);
    }
}
