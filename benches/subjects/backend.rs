//! The backend of every subject that opens its own connections: how long a connect takes, and how many there were.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the pools lend.
#[derive(Debug, Default)]
pub(crate) struct Conn(u64);

impl Conn {
    /// The work of a lease.
    #[inline(always)]
    pub(crate) fn touch(&mut self) {
        self.0 = black_box(self.0.wrapping_add(1));
    }
}

/// Shared by its clones. At first a connect is instant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backend(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    slowness: AtomicU64,
    connects: AtomicU64,
}

impl Backend {
    /// From now on every connect takes so long.
    pub(crate) fn slow_down(&self, connect: Duration) {
        self.0.slowness.store(connect.as_nanos() as u64, Relaxed);
    }

    /// Connects begun so far.
    pub(crate) fn connects(&self) -> u64 {
        self.0.connects.load(Relaxed)
    }

    pub(super) async fn connect(&self) -> Conn {
        self.0.connects.fetch_add(1, Relaxed);
        let slowness = Duration::from_nanos(self.0.slowness.load(Relaxed));
        if !slowness.is_zero() {
            tokio::time::sleep(slowness).await;
        }
        Conn::default()
    }
}
