//! A subject by name, with its type forgotten, and the two works that are counted.

use super::cancels::{self, Cancels};
use crate::subjects::subject::Subject;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The tasks among which one connection goes round.
const RING: u64 = 8;

#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// So many leases of one task; nobody waits.
    pub(crate) lease: fn(u64),
    /// So many leases of eight tasks on one connection, each held over one yield: every one was waited for.
    pub(crate) handoff: fn(u64),
    /// Nanoseconds a cancel, in each place, in a line of so many requests, in so many rounds.
    pub(crate) cancels: fn(usize) -> Box<dyn Cancels>,
}

impl Entry {
    pub(crate) const fn of<S: Subject>(name: &'static str) -> Entry {
        Entry {
            name,
            lease: lease::<S>,
            handoff: handoff::<S>,
            cancels: cancels::line::<S>,
        }
    }
}

fn lease<S: Subject>(number: u64) {
    runtime().block_on(async { S::open(10).await.spin(number).await });
}

fn handoff<S: Subject>(number: u64) {
    let runtime = runtime();
    runtime.block_on(async {
        let pool = Arc::new(S::open(1).await);
        let task = || {
            let pool = pool.clone();
            async move {
                for _ in 0..number / RING {
                    pool.hold().await;
                }
            }
        };
        let tasks: Vec<_> = (0..RING).map(|_| tokio::spawn(task())).collect();
        for task in tasks {
            task.await.expect("a measured task panicked");
        }
    });
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}
