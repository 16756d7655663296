//! The manager that stands between the pool and the user's: it passes everything on, under observation and as planned.

use super::kit::Known;
use super::observed::{Spoilt, observed};
use super::watch::{Plan, Step, Watch};
use crate::sync::primitives::{AtomicBool, Ordering::Relaxed};
use crate::{Manager, Options};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Probe<M: Manager> {
    manager: Arc<M>,
    known: Arc<Known<M>>,
    watch: Arc<Watch>,
    /// The next validation finds a connection that was severed while it was idle.
    severs: Arc<AtomicBool>,
}

impl<M: Manager> Probe<M> {
    pub(super) fn new(manager: Arc<M>, known: Arc<Known<M>>, watch: Arc<Watch>, severs: Arc<AtomicBool>) -> Self {
        Probe {
            manager,
            known,
            watch,
            severs,
        }
    }

    /// Runs a future to its end, and says so if it was to count as failed.
    async fn observe<T>(
        &self,
        step: Step,
        future: (impl Future<Output = Result<T, M::Error>> + Send, Duration),
    ) -> Result<T, Failure<M::Error>> {
        match observed(self.watch.clone(), step, future).await {
            Ok(output) => output.map_err(Failure::Manager),
            Err(Spoilt) => Err(Failure::Planned),
        }
    }
}

impl<M: Manager> Manager for Probe<M> {
    type Connection = Tracked<M::Connection>;
    type Error = Failure<M::Error>;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let (future, built) = self.watch.build(Step::Connect, || self.manager.connect());
        // Tracked inside, so that one that is to count as failed is dropped under observation.
        let tracked = async { Ok(Tracked::new(future.await?, self.watch.clone())) };
        self.observe(Step::Connect, (tracked, built)).await
    }

    async fn validate(&self, conn: &mut Self::Connection) -> Result<(), Self::Error> {
        if self.severs.swap(false, Relaxed) {
            if let Some(sever) = &self.known.sever {
                if let Err(error) = sever(conn).await {
                    self.watch.note(format!("the closure `sever` failed: {error}"));
                }
            }
        }
        let future = self.watch.build(Step::Validate, || self.manager.validate(conn));
        self.observe(Step::Validate, future).await
    }

    fn reset(&self, conn: &mut Self::Connection) -> Option<impl Future<Output = Result<(), Self::Error>> + Send> {
        let (future, built) = self.watch.build(Step::Reset, || self.manager.reset(conn));
        let planned = self.watch.is_planned(Step::Reset);
        if future.is_none() {
            self.watch.blocked(Step::Reset, built);
        }
        (planned || future.is_some()).then_some(async move {
            match future {
                Some(future) => self.observe(Step::Reset, (future, built)).await,
                None => self.observe(Step::Reset, (std::future::ready(Ok(())), built)).await,
            }
        })
    }

    fn is_broken(&self, conn: &mut Self::Connection) -> bool {
        let broken = self.watch.run(Step::IsBroken, || self.manager.is_broken(conn));
        broken || self.watch.take_plan(Step::IsBroken) == Some(Plan::Fail)
    }

    fn close(&self, mut conn: Self::Connection) -> Option<impl Future<Output = ()> + Send> {
        let inner = conn.take();
        let (future, built) = self.watch.build(Step::Close, || self.manager.close(inner));
        if future.is_none() {
            self.watch.blocked(Step::Close, built);
        }
        let planned = self.watch.is_planned(Step::Close);
        let watch = self.watch.clone();
        (planned || future.is_some()).then_some(async move {
            let _ = match future {
                Some(future) => observed(watch, Step::Close, (future, built)).await,
                None => observed(watch, Step::Close, (std::future::ready(()), built)).await,
            };
        })
    }

    fn is_transient(&self, error: &Self::Error) -> bool {
        match error {
            Failure::Manager(error) => self.watch.run(Step::IsTransient, || self.manager.is_transient(error)),
            _ => true,
        }
    }

    fn backend(&self) -> Option<String> {
        self.manager.backend()
    }

    fn detached(&self, conn: &mut Self::Connection) {
        self.watch.run(Step::Detached, || self.manager.detached(conn));
    }

    fn defaults(&self) -> Options {
        self.watch.run(Step::Defaults, || self.manager.defaults())
    }
}

/// A connection with a number, whose end is noticed.
pub(super) struct Tracked<C> {
    /// Until it is closed or dropped.
    conn: Option<C>,
    number: u64,
    watch: Arc<Watch>,
}

impl<C> Tracked<C> {
    fn new(conn: C, watch: Arc<Watch>) -> Self {
        Tracked {
            conn: Some(conn),
            number: watch.born(),
            watch,
        }
    }

    /// From 1, in the order of their making.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    fn take(&mut self) -> C {
        self.watch.died();
        self.conn.take().expect("bug: a connection was closed twice")
    }
}

impl<C> Deref for Tracked<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.conn.as_ref().expect("bug: a closed connection is used")
    }
}

impl<C> DerefMut for Tracked<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.conn.as_mut().expect("bug: a closed connection is used")
    }
}

impl<C> Drop for Tracked<C> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.watch.died();
            self.watch.bury(Step::Drop, conn);
        }
    }
}

/// Why a step of the probe failed.
#[derive(Debug)]
pub(super) enum Failure<E> {
    Manager(E),
    Planned,
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Manager(error) => error.fmt(f),
            Failure::Planned => f.write_str("a failure planned by the kit"),
        }
    }
}

impl<E: Error> Error for Failure<E> {}
