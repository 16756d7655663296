//! A subject by name, with its type forgotten, and on a runtime of its own.

use super::load::{Load, Sample, measure};
use super::work::Subject;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The reset of those that have none.
pub(crate) const NONE: &str = "none";

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// What happens between two leases, in the driver's word; compared are subjects that have it in common.
    pub(crate) reset: &'static str,
    open: Box<Open>,
}

type Open = dyn Fn(&Runtime) -> Box<dyn Measure>;

impl Entry {
    /// `open` opens a pool with all its connections.
    pub(crate) fn new<S, F>(name: &'static str, reset: &'static str, open: impl Fn() -> F + 'static) -> Entry
    where
        S: Subject,
        F: Future<Output = S>,
    {
        Entry {
            name,
            reset,
            open: Box::new(move |runtime| Box::new(Arc::new(runtime.block_on(open())))),
        }
    }

    pub(crate) fn open(&self) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime starts");
        Running {
            pool: (self.open)(&runtime),
            runtime,
        }
    }
}

/// An open pool. It goes before its runtime.
pub(crate) struct Running {
    pool: Box<dyn Measure>,
    runtime: Runtime,
}

impl Running {
    pub(crate) fn measure(&self, load: &Load) -> Sample {
        self.pool.measure(&self.runtime, load)
    }
}

/// Some pools end tasks of theirs when they are dropped.
impl Drop for Running {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        self.pool = Box::new(Nothing);
    }
}

trait Measure {
    fn measure(&self, runtime: &Runtime, load: &Load) -> Sample;
}

impl<S: Subject> Measure for Arc<S> {
    fn measure(&self, runtime: &Runtime, load: &Load) -> Sample {
        measure(runtime, self, load)
    }
}

struct Nothing;

impl Measure for Nothing {
    fn measure(&self, _: &Runtime, _: &Load) -> Sample {
        unreachable!("a pool that is gone is not measured")
    }
}
