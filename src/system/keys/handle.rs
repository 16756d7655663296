//! The keyed pool as users hold it: each operation a few lines over the house.

use super::builder::KeyedBuilder;
use super::guard::KeyedPooled;
use super::house::{Failure, Rules};
use super::member::Key;
use super::request::KeyedAcquire;
use super::shared::Shared;
use super::status::KeyedStatus;
use crate::observe::Event;
use crate::pool::clock::{between, nanos};
use crate::pool::drain::DrainReport;
use crate::pool::error::TryAcquireError;
use crate::pool::manager::Manager;
use crate::pool::options::{Options, OptionsError};
use crate::sync::line::{Phase, Refused};
use futures::future::{Either, select};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Connections of many keys (users, hosts, tenants) under one bound, in one line. Cheap to clone; all clones are the same pool.
///
/// Each key has a manager of its own, made when the key is first used and dropped when it has neither
/// connections nor requests, and its backend does not rest after a failed connect.
/// When the bound is reached, the connection longest idle makes room for one of another key. The line is strictly first come,
/// first served, whatever the key; a [preference](KeyedBuilder::preference) can spare reconnects. See [the
/// guide](crate::guides::keys).
///
/// ```
/// # use fairpool::{Keyed, doc::{Demo, block_on}};
/// # block_on(async {
/// let pool = Keyed::builder(|_user: &String| Demo).limit(16).per_key(4).build()?;
/// let mut conn = pool.acquire(&"alice".to_owned()).await?;
/// conn.query("select 1").await?;
/// assert_eq!(conn.key(), "alice");
/// assert_eq!(pool.status().all.in_use, 1);
/// # Ok(()) });
/// ```
pub struct Keyed<K: Key, M: Manager> {
    pub(super) shared: Arc<Shared<K, M>>,
}

impl<K: Key, M: Manager> Clone for Keyed<K, M> {
    fn clone(&self) -> Self {
        Keyed {
            shared: self.shared.clone(),
        }
    }
}

impl<K: Key, M: Manager> Keyed<K, M> {
    /// Begins a pool whose managers this closure makes, one for each key. A panic in it counts as a failed connect.
    pub fn builder(make: impl Fn(&K) -> M + Send + Sync + 'static) -> KeyedBuilder<K, M> {
        KeyedBuilder::new(Box::new(make))
    }

    /// Takes a connection of this key, waiting in line for at most [`Options::acquire_timeout`].
    ///
    /// # Errors
    ///
    /// See [`KeyedError`](crate::KeyedError): the time ran out, the line was full, cleared or closed, or the backend of the
    /// key refuses for good.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time, the future leaves the line and nothing is lost: see [`KeyedAcquire`].
    pub fn acquire(&self, key: &K) -> KeyedAcquire<K, M> {
        KeyedAcquire::new(self.shared.clone(), key, None)
    }

    /// `acquire` with a timeout of its own. Zero takes what is idle and may be lent at once, or nothing.
    pub fn acquire_within(&self, key: &K, timeout: Duration) -> KeyedAcquire<K, M> {
        KeyedAcquire::new(self.shared.clone(), key, Some(timeout))
    }

    /// Takes a connection of this key that is idle and may be lent at once. It opens and validates nothing, now or later.
    ///
    /// # Errors
    ///
    /// Says why not: none idle, others waiting, paused, or closed.
    pub fn try_acquire(&self, key: &K) -> Result<KeyedPooled<K, M>, TryAcquireError> {
        let Some(member) = self.shared.register.find(key) else {
            let house = self.shared.house.lock();
            return Err(match house.phase {
                Phase::Open if house.paused => TryAcquireError::Paused,
                Phase::Open => TryAcquireError::Empty,
                _ => TryAcquireError::Closed,
            });
        };
        let taken = self.shared.with(|house, out| {
            house.enter(&member);
            house.take_now(&member, out)
        });
        match taken {
            Ok(link) => {
                let lent = KeyedPooled::new(self.shared.clone(), link);
                self.shared.lent_at_once();
                Ok(lent)
            }
            Err(Refused::Empty) => Err(TryAcquireError::Empty),
            Err(Refused::Waiting) => Err(TryAcquireError::Waiting),
            Err(Refused::Paused) => Err(TryAcquireError::Paused),
            Err(Refused::Closed) => Err(TryAcquireError::Closed),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) -> Result<(), OptionsError> {
        self.shared.with(|house, out| {
            let mut rules = house.rules.clone();
            change(&mut rules);
            rules.validate()?;
            house.change(rules, out);
            Ok(())
        })
    }

    /// Changes the most connections of all keys, live at once: a raised limit serves those who wait now; a lowered one closes
    /// idle connections first, and then those that come back.
    ///
    /// # Errors
    ///
    /// The value is out of its range; nothing has changed. The same holds for the other setters.
    pub fn set_limit(&self, limit: u32) -> Result<(), OptionsError> {
        self.change(|rules| rules.options.limit = limit)
    }

    /// Changes the most connections of one key. Lowered, it closes idle connections of the keys that are over it, and sends
    /// their latest requests back to the key's line.
    ///
    /// # Errors
    ///
    /// It is 0; nothing has changed.
    pub fn set_per_key(&self, most: impl Into<Option<u32>>) -> Result<(), OptionsError> {
        let most = most.into();
        self.change(|rules| rules.per_key = most)
    }

    /// Changes how often a request may be passed by one that needs no new connection; 0 is strict order.
    pub fn set_preference(&self, times: u32) {
        let changed = self.change(|rules| rules.preference = times);
        changed.expect("bug: any preference is in range");
    }

    /// Changes all options of a pool at once, the limit among them. Requests that wait keep their deadlines, and open
    /// connections their ages.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range; nothing has changed.
    pub fn set_options(&self, options: Options) -> Result<(), OptionsError> {
        self.change(|rules| rules.options = options)
    }

    /// The options as they stand.
    pub fn options(&self) -> Options {
        self.shared.options()
    }

    /// Fails every request that waits at this moment, in whatever line; returns how many. Touches no connection.
    pub fn clear(&self) -> usize {
        self.clear_some(None)
    }

    /// Fails every request of this key that waits at this moment; returns how many.
    pub fn clear_key(&self, key: &K) -> usize {
        let member = self.shared.register.find(key);
        member.map_or(0, |member| self.clear_some(Some(member.room)))
    }

    fn clear_some(&self, of: Option<u64>) -> usize {
        let requests = self.shared.with(|house, out| {
            let cleared = house.fail_all(of, || Failure::Cleared, out);
            house.tally.cleared += cleared as u64;
            cleared
        });
        self.shared.report(|| Event::Cleared { requests });
        requests
    }

    /// Holds the lines: nobody is served until `resume`, and nobody fails but by its timeout.
    pub fn pause(&self) {
        self.shared.with(|house, _| house.paused = house.phase == Phase::Open);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.shared.with(|house, out| house.resume(out));
    }

    /// Starts a new generation: idle connections close now, those in use when they come back.
    pub fn invalidate(&self) {
        self.shared.with(|house, out| house.invalidate(None, out));
    }

    /// `invalidate` for the connections of one key.
    pub fn invalidate_key(&self, key: &K) {
        if let Some(member) = self.shared.register.find(key) {
            self.shared.with(|house, out| {
                house.enter(&member);
                house.invalidate(Some(member.room), out);
            });
        }
    }

    /// The pool's counts, of all keys and of each.
    pub fn status(&self) -> KeyedStatus<K> {
        self.shared.status()
    }

    /// Fails all who wait, closes what is idle, and lends nothing any more; connections in use close when they come back.
    pub fn close(&self) {
        self.shared.with(|house, out| house.close(out));
    }

    /// Admits nobody new, lets those in line and all leases finish, and closes every connection; what has not finished when
    /// `patience` is over is cut off as by [`close`](Keyed::close). Returns within `patience` in any case. A paused pool
    /// resumes. Of several drains at once the least patient counts.
    ///
    /// # Cancel safety
    ///
    /// A dropped drain goes on: the pool stays draining and closes when it is empty or when the patience is over.
    ///
    /// ```
    /// # use fairpool::{Keyed, doc::{Demo, block_on}};
    /// # use std::time::Duration;
    /// # block_on(async {
    /// let pool = Keyed::builder(|_host: &u8| Demo).build()?;
    /// drop(pool.acquire(&7).await?);
    /// let report = pool.drain(Duration::from_secs(10)).await;
    /// assert!(report.completed);
    /// assert_eq!(report.closed, 1);
    /// # Ok(()) });
    /// ```
    pub async fn drain(&self, patience: Duration) -> DrainReport {
        let shared = &self.shared;
        let began = shared.now();
        let until = began.saturating_add(nanos(patience));
        let ((closed_before, cut_off_before), calls) = shared.act(|house, out| {
            let before = (house.tally.closed, house.tally.cut_off);
            house.drain_until = house.drain_until.min(until);
            house.drain(out);
            before
        });
        shared.staff();
        shared.tell(calls);
        loop {
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            let ended = {
                let house = shared.house.lock();
                house.busy == 0 && house.pending == 0 && house.shelf.is_empty()
            };
            // Without any runtime there is nothing to wait with.
            if ended || shared.now() >= until || !shared.staff() {
                break;
            }
            // Nothing is held here: a drain dropped now goes on in the keeper's hands.
            match select(changed, pin!(shared.desk.sleep_until(shared.clock.instant(until)))).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
        // Whoever closed: this call, the keeper at the same moment, or a less patient drain.
        let (failed, closed, counts) = shared.with(|house, out| {
            let failed = house.close(out) - cut_off_before;
            (failed as usize, house.tally.closed - closed_before, house.counts())
        });
        DrainReport {
            completed: failed == 0 && counts.occupied() == 0,
            closed,
            still_out: counts.in_use,
            unfinished: counts.connecting + counts.validating + counts.resetting + counts.closing,
            failed,
            took: between(began, shared.now()),
        }
    }
}

impl<K: Key, M: Manager> fmt::Debug for Keyed<K, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The writer is somebody else's: not under the lock.
        let (rules, counts) = {
            let house = self.shared.house.lock();
            (house.rules.clone(), house.counts())
        };
        f.debug_struct("Keyed")
            .field("rules", &rules)
            .field("counts", &counts)
            .finish_non_exhaustive()
    }
}
