//! What every subject can do, and the one text of the measured loops.
//!
//! Each pool lends the same connection, a number, and every lease touches it. The loops are written once, in
//! [`subject!`], around the call that a user of that pool would write, so no subject pays for an adapter.

use super::backend::Backend;
use std::future::Future;
use std::time::Duration;

/// A pool under measurement.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// A pool of at most `limit` connections. One that manages nothing has them all, and no use for a backend.
    fn build(limit: u32, backend: Backend) -> impl Future<Output = Self> + Send;

    /// Opens so many connections.
    fn warm(&self, connections: u32) -> impl Future<Output = ()> + Send;

    /// A pool of `limit` connections, every one of them open.
    fn open(limit: u32) -> impl Future<Output = Self> + Send {
        async move {
            let subject = Self::build(limit, Backend::default()).await;
            subject.warm(limit).await;
            subject
        }
    }

    /// Acquire, touch, release, so many times.
    fn spin(&self, leases: u64) -> impl Future<Output = ()> + Send;

    /// Acquire, touch, yield once, release.
    fn hold(&self) -> impl Future<Output = ()> + Send;

    /// Acquire, touch, sleep, release: how long the acquire took.
    fn stay(&self, hold: Duration) -> impl Future<Output = Duration> + Send;

    /// Acquire, and nothing else: the lease is the result.
    fn request(&self) -> impl Future<Output = impl Send> + Send;

    /// Whether an acquire with a timeout of its own succeeds.
    fn within(&self, patience: Duration) -> impl Future<Output = bool> + Send;
}

/// Implements [`Subject`] from how the pool is built and how a lease is taken from it, with and without a timeout.
macro_rules! subject {
    (
        $subject:ident,
        build: |$limit:ident, $backend:ident| $build:expr,
        acquire: |$pool:ident| $acquire:expr,
        within: |$patience:ident| $within:expr $(,)?
    ) => {
        impl crate::subjects::subject::Subject for $subject {
            async fn build($limit: u32, $backend: crate::subjects::backend::Backend) -> Self {
                $subject($build)
            }

            async fn warm(&self, connections: u32) {
                let $pool = &self.0;
                // All at once, so that none is left to be opened under measurement.
                let mut leases = Vec::new();
                for _ in 0..connections {
                    leases.push($acquire);
                }
            }

            async fn spin(&self, leases: u64) {
                let $pool = &self.0;
                for _ in 0..leases {
                    let mut lease = $acquire;
                    lease.touch();
                }
            }

            async fn hold(&self) {
                let $pool = &self.0;
                let mut lease = $acquire;
                lease.touch();
                tokio::task::yield_now().await;
            }

            async fn stay(&self, hold: std::time::Duration) -> std::time::Duration {
                let $pool = &self.0;
                let asked = std::time::Instant::now();
                let mut lease = $acquire;
                let waited = asked.elapsed();
                lease.touch();
                tokio::time::sleep(hold).await;
                waited
            }

            async fn request(&self) -> impl Send {
                let $pool = &self.0;
                $acquire
            }

            async fn within(&self, $patience: std::time::Duration) -> bool {
                let $pool = &self.0;
                $within.is_ok()
            }
        }
    };
}

pub(crate) use subject;
