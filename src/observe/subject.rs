//! A pool as those see it who watch many: its name, and its counts for as long as it lives.

use super::observer::Observer;
use super::status::Status;
use crate::sync::primitives::OnceLock;
use std::fmt;
use std::sync::{Arc, Weak};

/// Watches any number of pools and limits; given to [`Builder::exporter`](crate::Builder::exporter) or
/// [`LimitBuilder::exporter`](crate::LimitBuilder::exporter).
pub trait Exporter {
    /// A pool is being built: returns who is to be told what happens in it.
    fn watch(&self, subject: Subject) -> Arc<dyn Observer>;
}

/// A pool, or a limit, that is watched. It does not keep it alive.
#[derive(Clone)]
pub struct Subject {
    name: Arc<str>,
    kind: Kind,
    /// Empty until the pool is built.
    pool: Arc<OnceLock<Weak<dyn Watched>>>,
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Pool,
    Limit,
}

/// What a pool answers to those who watch it.
pub(crate) trait Watched: Send + Sync {
    fn status(&self) -> Status;
    fn min_idle(&self) -> u32;
}

impl Subject {
    pub(crate) fn new(name: Arc<str>, kind: Kind) -> Self {
        Subject {
            name,
            kind,
            pool: Arc::new(OnceLock::new()),
        }
    }

    /// The pool is built.
    pub(crate) fn bind(&self, pool: Weak<dyn Watched>) {
        let _ = self.pool.set(pool);
    }

    /// Its name when it was built: see [`Builder::name`](crate::Builder::name), [`LimitBuilder::name`](crate::LimitBuilder::name). Several pools may have the same.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it is a [`Limit`](crate::Limit): its [`status`](Self::status) has who is in flight as `in_use`, and no connections.
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }

    #[cfg(any(feature = "metrics", feature = "prometheus"))]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The pool's counts now; `None` when it is gone, or still being built.
    pub fn status(&self) -> Option<Status> {
        self.pool().map(|pool| pool.status())
    }

    /// The option [`min_idle`](crate::Options::min_idle) now; `None` as above.
    pub fn min_idle(&self) -> Option<u32> {
        self.pool().map(|pool| pool.min_idle())
    }

    /// Whether the pool is gone.
    pub fn is_gone(&self) -> bool {
        self.pool.get().is_some_and(|pool| pool.strong_count() == 0)
    }

    fn pool(&self) -> Option<Arc<dyn Watched>> {
        self.pool.get().and_then(Weak::upgrade)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
