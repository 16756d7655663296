//! A subject by name, with its type forgotten, and on a runtime of its own.

use super::load::{Load, Sample, measure};
use super::work::Subject;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How a connection is cleaned between two leases. Compared are subjects that do it alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    /// As the driver has it by default: after what the lease did.
    Driver,
    /// After every lease, whatever it did.
    Always,
    Never,
}

impl Reset {
    pub(crate) const ALL: [Reset; 3] = [Reset::Driver, Reset::Always, Reset::Never];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Reset::Driver => "as needed",
            Reset::Always => "always",
            Reset::Never => "never",
        }
    }
}

pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) reset: Reset,
    open: Box<Open>,
}

type Open = dyn Fn(&Runtime) -> Box<dyn Measure>;

impl Entry {
    /// `open` opens a pool with all its connections.
    pub(crate) fn new<S, F>(name: &'static str, reset: Reset, open: impl Fn() -> F + 'static) -> Entry
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
