//! The limit as users hold it, and its builder: each operation a few lines over the line.

use super::error::TryLimitError;
use super::permit::{OwnedPermit, Permit};
use super::shared::{Shared, Tally};
use super::status::LimitStatus;
use super::turn::{Admission, AdmissionOwned};
use super::watch::Onlookers;
use crate::observe::Event;
use crate::pool::clock::{Clock, nanos};
use crate::pool::options::OptionsError;
use crate::sync::line::{Line, Refused};
use crate::sync::primitives::{AtomicU32, AtomicU64, Mutex, Ordering::Relaxed};
use crate::sync::queue::Failure;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A named concurrency limit: at most so many in flight, the rest in one line, first come, first served. Cheap to clone; all
/// clones are the same limit.
///
/// Unlike a semaphore it can be resized exactly in both directions while it is full, its line can be cleared, paused, bounded
/// and drained, and it says who waits. Several [`Connector`](crate::Connector)s can stand under one.
///
/// ```
/// # use fairpool::{Limit, doc::block_on};
/// # use std::time::Duration;
/// # block_on(async {
/// let reports = Limit::builder(2).name("reports").timeout(Duration::from_secs(5)).queue_limit(100).build()?;
/// let permit = reports.acquire().await?; // waits in line for its turn
/// assert_eq!(reports.status().in_flight, 1);
/// drop(permit); // to the next in line
/// # Ok(()) });
/// ```
#[derive(Clone)]
pub struct Limit {
    pub(super) shared: Arc<Shared>,
}

/// Builds a [`Limit`].
///
/// | option | unit | default | range | bounds |
/// |---|---|---|---|---|
/// | `limit` | requests | given | at least 1 | requests in flight |
/// | `timeout` | time | none | more than 0, or none | the wait in this line |
/// | `queue_limit` | requests | none | 0 (nobody waits) or more | requests in line |
/// | `name` | – | `limit` | – | what errors call it |
#[derive(Debug, Clone)]
#[must_use = "a builder makes nothing until it is built"]
pub struct LimitBuilder {
    limit: u32,
    timeout: Option<Duration>,
    queue_limit: Option<u32>,
    name: Arc<str>,
    pub(super) onlookers: Onlookers,
}

impl LimitBuilder {
    /// What errors and status call it.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a request may wait in the line; `None`, the default, for any time.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// The most requests that may wait; `None`, the default, for any number.
    pub fn queue_limit(mut self, queue_limit: impl Into<Option<u32>>) -> Self {
        self.queue_limit = queue_limit.into();
        self
    }

    /// The limit.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<Limit, OptionsError> {
        let LimitBuilder {
            limit,
            timeout,
            queue_limit,
            name,
            onlookers,
        } = self;
        judge(limit, timeout)?;
        let (watch, subject) = onlookers.settle(&name);
        let shared = Arc::new(Shared {
            line: Line::counter(limit),
            clock: Clock::start(),
            name: Mutex::new(name),
            timeout: AtomicU64::new(timeout.map_or(u64::MAX, nanos)),
            queue_limit: AtomicU32::new(queue_limit.unwrap_or(u32::MAX)),
            tally: Tally::default(),
            watch,
            changed: Notify::new(),
        });
        subject.bind(Arc::<Shared>::downgrade(&shared));
        Ok(Limit { shared })
    }
}

impl Limit {
    /// Begins a limit of so many in flight.
    pub fn builder(limit: u32) -> LimitBuilder {
        LimitBuilder {
            limit,
            timeout: None,
            queue_limit: None,
            name: "limit".into(),
            onlookers: Onlookers::default(),
        }
    }

    /// A limit without a timeout and without a bound for its line.
    ///
    /// # Errors
    ///
    /// The limit is 0.
    pub fn new(limit: u32) -> Result<Self, OptionsError> {
        Limit::builder(limit).build()
    }

    /// Takes a permit, waiting in line for at most the limit's timeout.
    ///
    /// # Errors
    ///
    /// See [`LimitError`](crate::LimitError): the time ran out, the line was full, cleared or closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, the future leaves the line and nothing is lost: see [`Admission`].
    #[inline]
    pub fn acquire(&self) -> Admission<'_> {
        Admission::new(&self.shared, None)
    }

    /// `acquire` with a bound of its own beside the limit's timeout: the shorter one counts. Zero takes what is free now, or
    /// nothing.
    pub fn acquire_within(&self, timeout: Duration) -> Admission<'_> {
        Admission::new(&self.shared, Some(timeout))
    }

    /// `acquire` for a permit without a borrow; costs a reference count more.
    pub fn acquire_owned(&self) -> AdmissionOwned {
        AdmissionOwned::new(self.shared.clone(), None)
    }

    /// `acquire_within` for a permit without a borrow.
    pub fn acquire_owned_within(&self, timeout: Duration) -> AdmissionOwned {
        AdmissionOwned::new(self.shared.clone(), Some(timeout))
    }

    /// Takes a permit that is free now.
    ///
    /// # Errors
    ///
    /// Says why not: all in use, others waiting, paused, or closed.
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryLimitError> {
        match self.shared.line.try_take() {
            Ok((permit, _)) => {
                self.shared.admitted_at_once();
                Ok(Permit::new(&self.shared, permit))
            }
            Err(refused) => Err(refusal(refused)),
        }
    }

    /// `try_acquire` for a permit without a borrow.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Limit::try_acquire).
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, TryLimitError> {
        match self.shared.line.try_take() {
            Ok((permit, _)) => {
                self.shared.admitted_at_once();
                Ok(OwnedPermit::new(self.shared.clone(), permit))
            }
            Err(refused) => Err(refusal(refused)),
        }
    }

    /// Changes how many may be in flight, live at once: a raised limit admits those who wait now; a lowered one admits nobody
    /// until enough of those in flight have finished.
    ///
    /// # Errors
    ///
    /// The limit is 0; nothing has changed.
    ///
    /// ```
    /// # use fairpool::{Limit, TryLimitError};
    /// let limit = Limit::new(2)?;
    /// let (first, second) = (limit.try_acquire().unwrap(), limit.try_acquire().unwrap());
    /// limit.set_limit(1)?;
    /// drop(first); // pays the debt
    /// assert_eq!(limit.try_acquire().unwrap_err(), TryLimitError::Busy);
    /// drop(second);
    /// assert!(limit.try_acquire().is_ok());
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn set_limit(&self, limit: u32) -> Result<(), OptionsError> {
        judge(limit, None)?;
        self.shared.line.set_permits(limit, || self.shared.now());
        Ok(())
    }

    /// How long a request that begins to wait from now on may do so.
    ///
    /// # Errors
    ///
    /// The timeout is zero; nothing has changed.
    pub fn set_timeout(&self, timeout: impl Into<Option<Duration>>) -> Result<(), OptionsError> {
        let timeout = timeout.into();
        judge(1, timeout)?;
        self.shared.timeout.store(timeout.map_or(u64::MAX, nanos), Relaxed);
        Ok(())
    }

    /// The most requests that may wait, from the next one on.
    pub fn set_queue_limit(&self, queue_limit: impl Into<Option<u32>>) {
        let queue_limit = queue_limit.into().unwrap_or(u32::MAX);
        self.shared.queue_limit.store(queue_limit, Relaxed);
    }

    /// Renames it.
    pub fn set_name(&self, name: impl Into<Arc<str>>) {
        let old = std::mem::replace(&mut *self.shared.name.lock(), name.into());
        drop(old);
    }

    /// Its name.
    pub fn name(&self) -> Arc<str> {
        self.shared.name()
    }

    /// How long a request may wait.
    pub fn timeout(&self) -> Option<Duration> {
        Some(self.shared.timeout.load(Relaxed))
            .filter(|&timeout| timeout != u64::MAX)
            .map(Duration::from_nanos)
    }

    /// The most requests that may wait.
    pub fn queue_limit(&self) -> Option<u32> {
        Some(self.shared.queue_limit.load(Relaxed)).filter(|&limit| limit != u32::MAX)
    }

    /// Removes every request that waits at this moment; later arrivals and everybody in flight are untouched. Returns how many.
    pub fn clear(&self) -> usize {
        let removed = self.shared.line.fail_all(Failure::Cleared);
        self.shared.tally.cleared.fetch_add(removed as u64, Relaxed);
        self.shared.watch.tell(|| Event::Cleared { requests: removed });
        removed
    }

    /// Holds the line: once this has returned nobody is admitted until [`resume`](Limit::resume). Nobody fails, but timeouts
    /// run on.
    pub fn pause(&self) {
        self.shared.line.pause();
    }

    /// Goes on after a [`pause`](Limit::pause).
    pub fn resume(&self) {
        self.shared.line.resume(|| self.shared.now());
    }

    /// Fails the line and admits nobody any more, unless it is [reopened](Limit::reopen); those in flight finish. To let the line
    /// finish first, [`drain`](Limit::drain).
    pub fn close(&self) {
        self.shared.line.close();
        self.shared.announce();
    }

    /// Whether both are handles of one limit.
    pub(in super::super) fn is(&self, other: &Limit) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The limit's counts now.
    pub fn status(&self) -> LimitStatus {
        self.shared.status()
    }
}

fn judge(limit: u32, timeout: Option<Duration>) -> Result<(), OptionsError> {
    OptionsError::unless(limit >= 1, "limit", &limit, "at least 1")?;
    let some = timeout != Some(Duration::ZERO);
    OptionsError::unless(some, "timeout", &timeout.unwrap_or_default(), "more than 0")
}

fn refusal(refused: Refused) -> TryLimitError {
    match refused {
        Refused::Empty => TryLimitError::Busy,
        Refused::Waiting => TryLimitError::Waiting,
        Refused::Paused => TryLimitError::Paused,
        Refused::Closed => TryLimitError::Closed,
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
