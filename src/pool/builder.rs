//! From a manager to a pool.

use super::clock::{Clock, nanos};
use super::desk::Desk;
use super::faults::Faults;
use super::handle::Pool;
use super::hooks::Hooks;
use super::lane::Lane;
use super::loose::ROOM;
use super::manager::Manager;
use super::onlookers::Onlookers;
use super::options::{Options, OptionsError};
use super::shared::{GUARDED, Live, Shared, TIMED};
use super::tally::Tally;
use crate::sync::cells::Cells;
use crate::sync::line::Line;
use crate::sync::primitives::Ordering::Relaxed;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Builds a [`Pool`]. Every option of [`Options`] has a method of its name here and a live setter on the pool.
///
/// ```
/// # use fairpool::{Pool, doc::Demo};
/// # use std::time::Duration;
/// let pool = Pool::builder(Demo)
///     .limit(16)
///     .min_idle(2)
///     .queue_limit(Some(1_000))
///     .acquire_timeout(Duration::from_secs(3))
///     .idle_timeout(None)
///     .build()?;
/// # Ok::<(), fairpool::OptionsError>(())
/// ```
#[must_use = "a builder makes nothing until it is built"]
pub struct Builder<M: Manager> {
    manager: M,
    options: Options,
    hooks: Hooks<M>,
    runtime: Option<Handle>,
    pub(super) onlookers: Onlookers,
    loose: bool,
}

/// From when on a deadline counts as near: always, so that each grant looks at the clock. A shorter time would spare that look,
/// 24 ns, and let a grant come late where the supervisor's runtime stalls for longer (P4).
const NEAR: Duration = Duration::MAX;

/// A builder method and a live setter for each option, from one list.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident, $set:ident: $kind:ty;)*) => {
        impl<M: Manager> Builder<M> {
            $($(#[$doc])* pub fn $name(mut self, $name: $kind) -> Self {
                self.options.$name = Into::into($name);
                self
            })*
        }

        impl<M: Manager> Pool<M> {
            $($(#[$doc])*
            ///
            /// Live at once: requests that begin to wait later, and work that begins later, go by the new value.
            ///
            /// # Errors
            ///
            /// The value is out of its range; nothing has changed.
            pub fn $set(&self, $name: $kind) -> Result<(), OptionsError> {
                self.shared.change(|options| options.$name = Into::into($name))
            })*
        }
    };
}

options! {
    /// The most connections. A raised limit serves those who wait now; a lowered one closes idle connections first, and then
    /// those that come back.
    limit, set_limit: u32;
    /// Idle connections to keep open when the limit allows.
    min_idle, set_min_idle: u32;
    /// The most requests that may wait; `None` for any number.
    queue_limit, set_queue_limit: Option<u32>;
    /// The most connects under way at once.
    max_connecting, set_max_connecting: u32;
    /// How long an acquire may take in all; `None` for any time.
    acquire_timeout, set_acquire_timeout: impl Into<Option<Duration>>;
    /// How long one attempt to connect may take.
    connect_timeout, set_connect_timeout: Duration;
    /// How long a validation may take.
    validate_timeout, set_validate_timeout: Duration;
    /// How long a reset may take.
    reset_timeout, set_reset_timeout: Duration;
    /// How long a close may take.
    close_timeout, set_close_timeout: Duration;
    /// How long an idle connection is kept; `None` for ever.
    idle_timeout, set_idle_timeout: impl Into<Option<Duration>>;
    /// How old a connection may become; `None` for any age. The age of open connections is judged anew.
    max_lifetime, set_max_lifetime: impl Into<Option<Duration>>;
    /// By how much of itself `max_lifetime` is shortened at most, at random.
    lifetime_jitter, set_lifetime_jitter: f64;
    /// How long a connection may be idle and still be lent without validation; `None` never validates.
    validate_after_idle, set_validate_after_idle: impl Into<Option<Duration>>;
    /// The wait after a first failed connect.
    backoff_initial, set_backoff_initial: Duration;
    /// The longest wait between failed connects.
    backoff_max, set_backoff_max: Duration;
}

impl<M: Manager> Builder<M> {
    pub(crate) fn new(manager: M) -> Self {
        let options = manager.defaults();
        Builder {
            manager,
            options,
            hooks: Hooks::default(),
            runtime: None,
            onlookers: Onlookers::default(),
            loose: false,
        }
    }

    /// For connections without a pool: see the module `loose`.
    pub(crate) fn loose(mut self) -> Self {
        self.loose = true;
        self.options.limit = ROOM;
        self.options.min_idle = 0;
        self
    }

    /// All options at once.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The runtime for the pool's background work. Without this the pool uses the one on which it is first waited for.
    /// Should that runtime end, the pool goes on with the next one on which somebody waits. It needs tokio's time driver.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Runs on each new connection, within `connect_timeout`; an error counts as a failed connect.
    ///
    /// ```
    /// # use fairpool::{Pool, doc::Demo};
    /// let pool = Pool::builder(Demo)
    ///     .after_connect(|conn| Box::pin(async move { conn.query("set time zone 'UTC'").await }))
    ///     .build()?;
    /// # Ok::<(), fairpool::OptionsError>(())
    /// ```
    pub fn after_connect<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> BoxFuture<'a, Result<(), M::Error>> + Send + Sync + 'static,
    {
        self.hooks.after_connect = Some(Box::new(hook));
        self
    }

    /// Runs on each idle or returned connection before it is lent, within `validate_timeout`; an error closes it, and the
    /// request is served by another one. With this hook every acquire goes through the supervisor, which costs a task.
    pub fn before_acquire<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> BoxFuture<'a, Result<(), M::Error>> + Send + Sync + 'static,
    {
        self.hooks.before_acquire = Some(Box::new(hook));
        self
    }

    /// Runs on each connection that came back, after its reset and within `reset_timeout`; an error closes it.
    pub fn after_release<F>(mut self, hook: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> BoxFuture<'a, Result<(), M::Error>> + Send + Sync + 'static,
    {
        self.hooks.after_release = Some(Box::new(hook));
        self
    }

    /// The pool. Nothing is opened yet, and no task started.
    ///
    /// # Errors
    ///
    /// The first option that is out of its range.
    pub fn build(self) -> Result<Pool<M>, OptionsError> {
        let Builder {
            manager,
            options,
            hooks,
            runtime,
            onlookers,
            loose,
        } = self;
        options.validate()?;
        let (mut name, watch, subject) = onlookers.settle::<M>();
        name.backend = manager.backend().map(Arc::from);
        let guarded = loose || guards(&options, &hooks);
        let homes = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            line: Line::slots(options.limit, homes, guarded, nanos(NEAR)),
            cells: Cells::new(),
            lane: Lane::new(),
            manager,
            hooks,
            clock: Clock::start(),
            desk: Desk::new(runtime),
            faults: Faults::new(),
            tally: Tally::new(),
            watch,
            name,
            loose,
            changed: tokio::sync::Notify::new(),
            turned: tokio::sync::Notify::new(),
            live: Live::new(options.clone()),
        };
        shared.live.care.store(shared.care(guarded), Relaxed);
        shared.live.wary.store(guarded, Relaxed);
        shared.reach(options.limit);
        let shared = Arc::new(shared);
        subject.bind(Arc::<Shared<M>>::downgrade(&shared));
        Ok(Pool { shared })
    }
}

impl<M: Manager> Pool<M> {
    /// The options as they stand.
    pub fn options(&self) -> Options {
        self.shared.options()
    }

    /// What the pool is called: see [`Builder::name`].
    pub fn name(&self) -> &str {
        &self.shared.name.text
    }
}

/// Whether every connection is to be looked after before it is lent.
fn guards<M: Manager>(options: &Options, hooks: &Hooks<M>) -> bool {
    hooks.before_acquire.is_some() || options.validate_after_idle == Some(Duration::ZERO)
}

impl<M: Manager> Shared<M> {
    /// Cells and lane for the first `slots` numbers, before the line may give those out.
    fn reach(&self, slots: u32) {
        self.cells.reach(slots);
        self.lane.reach(slots);
        if let Some(notes) = &self.watch.notes {
            notes.reach(slots);
        }
    }

    /// What a release must look at.
    fn care(&self, guarded: bool) -> u32 {
        let guarded = if guarded { GUARDED } else { 0 };
        let timed = if self.watch.interest.use_time > 0 { TIMED } else { 0 };
        guarded | timed
    }

    /// Has every connection looked after before it is lent, if that is wanted or nobody watches how idle ones age.
    pub(crate) fn guard(&self) {
        self.line.set_guarded(|| {
            let guarded = self.live.wary.load(Relaxed) || self.desk.unattended();
            self.live.care.store(self.care(guarded), Relaxed);
            guarded
        });
    }

    /// Gives the line the limit that the options name. Of several callers at once the last to look sees them agree.
    fn apply_limit(&self) {
        loop {
            let limit = self.options().limit;
            self.reach(limit);
            let leaving = self.line.set_limit(limit, || self.now());
            self.dismiss(leaving, crate::observe::CloseReason::Retired);
            if self.options().limit == limit {
                return;
            }
        }
    }

    /// Makes room for so many loose connections.
    pub(crate) fn grow(self: &Arc<Self>, room: u32) {
        self.change(|options| options.limit = options.limit.max(room))
            .expect("bug: room for more slots than there may be");
    }

    /// Judges open connections by the age that the options name, for several callers at once as `apply_limit`.
    fn apply_ages(&self) {
        loop {
            let options = self.options();
            self.rejudge_ages(&options);
            if self.options().same_ages(&options) {
                return;
            }
        }
    }

    /// Changes options: judged together, then live at once.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Options)) -> Result<(), OptionsError> {
        let (old, new) = {
            let mut options = self.live.options.lock();
            let mut new = options.clone();
            change(&mut new);
            new.validate()?;
            self.live.publish(&new);
            self.live.wary.store(self.loose || guards(&new, &self.hooks), Relaxed);
            (std::mem::replace(&mut *options, new.clone()), new)
        };
        if old.limit != new.limit {
            self.apply_limit();
        }
        if !old.same_ages(&new) {
            self.apply_ages();
        }
        self.guard();
        self.poke();
        Ok(())
    }
}

impl<M: Manager> fmt::Debug for Builder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("onlookers", &self.onlookers)
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
