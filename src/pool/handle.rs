//! The handle that users hold: every operation on a pool, each a few lines over the floor below.

use super::acquire::{Acquire, AcquireOwned};
use super::builder::Builder;
use super::error::TryAcquireError;
use super::guard::Pooled;
use super::manager::Manager;
use super::notes::Site;
use super::owned::OwnedPooled;
use super::request::Patience;
use super::shared::{OpenOf, Shared};
use crate::observe::{CloseReason, Event, State, Status};
use crate::sync::line::Refused;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::queue::Failure;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Connections to one backend, and the line of requests waiting for one. Cheap to clone; all clones are the same pool.
///
/// When the last handle, guard and running task are gone, idle connections are dropped; [`drain`](Pool::drain) before that to
/// close them properly.
///
/// ```
/// # use fairpool::doc::{Demo, block_on};
/// # use fairpool::Pool;
/// # use std::time::Duration;
/// # block_on(async {
/// let pool = Pool::builder(Demo).limit(16).acquire_timeout(Duration::from_secs(3)).build()?;
/// let conn = pool.acquire().await?;
/// assert_eq!(pool.status().in_use, 1);
/// drop(conn);
/// # Ok(()) });
/// ```
pub struct Pool<M: Manager> {
    pub(crate) shared: Arc<Shared<M>>,
}

impl<M: Manager> Pool<M> {
    /// Begins a pool over this manager, with [`Manager::defaults`].
    pub fn builder(manager: M) -> Builder<M> {
        Builder::new(manager)
    }

    /// Takes a connection, waiting in line for at most `acquire_timeout`, which covers every phase.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`](crate::AcquireError): its variants tell a busy pool from a backend that is down.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, the future leaves the line and nothing is lost: see [`Acquire`].
    ///
    /// ```
    /// # use fairpool::doc::{pool, block_on};
    /// # block_on(async {
    /// let pool = pool();
    /// let mut conn = pool.acquire().await?;
    /// conn.query("select 1").await?;
    /// # Ok(()) });
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Acquire<'_, M> {
        Acquire::new(&self.shared, Patience::Default)
    }

    /// `acquire` with a timeout of its own. Zero takes what is idle now, or nothing.
    #[track_caller]
    pub fn acquire_within(&self, timeout: Duration) -> Acquire<'_, M> {
        Acquire::new(&self.shared, Patience::Within(timeout))
    }

    /// `acquire` for a guard without a borrow; costs a reference count more.
    #[track_caller]
    pub fn acquire_owned(&self) -> AcquireOwned<M> {
        AcquireOwned::new(self.shared.clone(), Patience::Default)
    }

    /// `acquire_within` for a guard without a borrow.
    #[track_caller]
    pub fn acquire_owned_within(&self, timeout: Duration) -> AcquireOwned<M> {
        AcquireOwned::new(self.shared.clone(), Patience::Within(timeout))
    }

    /// The same for a caller who knows better where it was asked for.
    pub(crate) fn acquire_owned_at(&self, timeout: Duration, site: Site) -> AcquireOwned<M> {
        AcquireOwned::at(self.shared.clone(), Patience::Within(timeout), site)
    }

    /// Takes an idle connection, without waiting, opening or validating one. Where nothing is idle the supervisor is asked
    /// for a connection, so a later try may succeed.
    ///
    /// # Errors
    ///
    /// Says why not: nothing idle, others waiting, paused, or closed.
    ///
    /// ```
    /// # use fairpool::{TryAcquireError, doc::pool};
    /// assert_eq!(pool().try_acquire().unwrap_err(), TryAcquireError::Empty);
    /// ```
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Pooled<'_, M>, TryAcquireError> {
        let open = self.shared.try_take().map_err(refusal)?;
        let conn = Pooled::new(&self.shared, open, Location::caller());
        self.shared.lent_at_once();
        Ok(conn)
    }

    /// `try_acquire` for a guard without a borrow.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Pool::try_acquire).
    #[track_caller]
    pub fn try_acquire_owned(&self) -> Result<OwnedPooled<M>, TryAcquireError> {
        let slot = self.shared.try_take().map_err(refusal)?.shut();
        let conn = OwnedPooled::new(self.shared.clone(), slot, Location::caller());
        self.shared.lent_at_once();
        Ok(conn)
    }

    /// Removes every request that waits at this moment: each fails with [`AcquireError::Cleared`](crate::AcquireError),
    /// and none of them is granted afterwards. Later arrivals and all leases are untouched. Returns how many.
    pub fn clear(&self) -> usize {
        let requests = self.shared.line.fail_all(Failure::Cleared);
        self.shared.tally.cleared.fetch_add(requests as u64, Relaxed);
        self.shared.tell(|| Event::Cleared { requests });
        self.shared.line_shrank();
        requests
    }

    /// Holds the line: once this has returned nothing is lent until [`resume`](Pool::resume). Nobody fails, but timeouts run
    /// on.
    pub fn pause(&self) {
        self.shared.line.pause();
    }

    /// Goes on after a [`pause`](Pool::pause).
    pub fn resume(&self) {
        self.shared.line.resume(|| self.shared.now());
        self.shared.tell_the_lineless();
        self.shared.poke();
    }

    /// Starts a new generation: once this has returned, no connection whose connect began before is lent again. Idle ones
    /// close now, those in use when they come back.
    pub fn invalidate(&self) {
        let idle = self.shared.line.invalidate();
        self.shared.dismiss(idle, CloseReason::Retired);
        self.shared.poke();
    }

    /// Fails the line and admits nobody any more. Idle connections close now, those in use when they come back. To let
    /// requests and leases finish first, [`drain`](Pool::drain).
    pub fn close(&self) {
        self.shared.staff();
        self.shared.close();
    }

    /// Whether the pool drains or is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.status().state, State::Draining | State::Closed)
    }

    /// The pool's counts now.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The manager that the pool was built with.
    pub fn manager(&self) -> &M {
        &self.shared.manager
    }
}

impl<M: Manager> Shared<M> {
    pub(crate) fn try_take(self: &Arc<Self>) -> Result<OpenOf<'_, M>, Refused> {
        loop {
            match self.line.try_take() {
                Ok((slot, stirred)) => {
                    if stirred {
                        self.poke();
                    }
                    if let Some(open) = self.vouched(slot) {
                        return Ok(open);
                    }
                }
                Err(refused) => {
                    if refused == Refused::Empty {
                        self.ask();
                    }
                    return Err(refused);
                }
            }
        }
    }

    /// Asks for a connection that nobody waits for.
    pub(crate) fn ask(self: &Arc<Self>) {
        self.live.asked.store(1, Relaxed);
        self.staff();
        self.poke();
    }
}

fn refusal(refused: Refused) -> TryAcquireError {
    match refused {
        Refused::Empty => TryAcquireError::Empty,
        Refused::Waiting => TryAcquireError::Waiting,
        Refused::Paused => TryAcquireError::Paused,
        Refused::Closed => TryAcquireError::Closed,
    }
}

impl<M: Manager> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Pool {
            shared: self.shared.clone(),
        }
    }
}

impl<M: Manager> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
