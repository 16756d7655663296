//! What every subject can do, and the one text of the measured loops.
//!
//! Each pool lends the same connection, a number opened instantly, and every lease touches it. The loops are written once,
//! in [`subject!`], around the call that a user of that pool would write, so no subject pays for an adapter.

use std::future::Future;
use std::hint::black_box;

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

/// A pool under measurement.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// A pool of `limit` connections, every one of them open.
    fn open(limit: u32) -> impl Future<Output = Self> + Send;

    /// Acquire, touch, release, so many times.
    fn spin(&self, leases: u64) -> impl Future<Output = ()> + Send;

    /// Acquire, touch, yield once, release.
    fn hold(&self) -> impl Future<Output = ()> + Send;
}

/// Implements [`Subject`] from how the pool is built and how one lease is taken from it.
macro_rules! subject {
    ($subject:ident, build: |$limit:ident| $build:expr, acquire: |$pool:ident| $acquire:expr $(,)?) => {
        impl crate::peers::subject::Subject for $subject {
            async fn open($limit: u32) -> Self {
                let subject = $subject($build);
                let $pool = &subject.0;
                // All at once, so that none is left to be opened under measurement.
                let mut leases = Vec::new();
                for _ in 0..$limit {
                    leases.push($acquire);
                }
                drop(leases);
                subject
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
        }
    };
}

pub(crate) use subject;
