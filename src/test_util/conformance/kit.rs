//! The builder that users meet: a manager, and what only its author can tell about its connections.

use super::report::Report;
use super::runner;
use crate::Manager;
use crate::sync::primitives::Mutex;
use futures::future::BoxFuture;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a closure given to the kit returns: `Box::pin(async move { … Ok(()) })`, with any error.
pub type Answer<'a, T = ()> = BoxFuture<'a, Result<T, Box<dyn Error + Send + Sync>>>;

type OnConnection<M, T> = Box<dyn for<'a> Fn(&'a mut <M as Manager>::Connection) -> Answer<'a, T> + Send + Sync>;
type OnManager<M, T> = Box<dyn for<'a> Fn(&'a M) -> Answer<'a, T> + Send + Sync>;

/// Checks a manager: whether pools over it lend connections that work, are clean and do not outstay their welcome, whatever
/// breaks, hangs, panics or is cancelled.
///
/// Only the manager has to be given. What it cannot be asked itself is said by closures, and the more of them there are, the
/// more is checked; the [`Report`] says what was left out for want of which.
///
/// Each check has a pool, a runtime and a clock of its own. That clock is paused and moved by the kit: it goes by the
/// machine's while the backend works, so a slow one is not cut off, and leaps where a timeout has to end what was made to
/// hang. So a backend may be a server, a file, threads or plain memory; a run takes a second or two.
///
/// # Examples
///
/// ```
/// use fairpool::{doc::Demo, test_util::Conformance};
///
/// let report = Conformance::new(Demo)
///     .exercise(|conn| Box::pin(async move { Ok(conn.query("select 1").await?) }))
///     .run();
/// report.assert_ok();
/// assert!(report.to_string().contains("independent, severed-idle, broken-in-use: it needs the closure `sever`"));
/// ```
#[must_use = "nothing is checked before it is run"]
pub struct Conformance<M: Manager> {
    pub(super) make: Arc<dyn Fn() -> Arc<M> + Send + Sync>,
    pub(super) known: Known<M>,
}

/// What the kit was told.
pub(super) struct Known<M: Manager> {
    pub(super) exercise: Option<OnConnection<M, ()>>,
    pub(super) dirty: Option<OnConnection<M, ()>>,
    pub(super) is_clean: Option<OnConnection<M, bool>>,
    pub(super) sever: Option<OnConnection<M, ()>>,
    pub(super) sessions: Option<OnManager<M, u64>>,
    pub(super) permanent: Option<Arc<M>>,
    pub(super) transient: Option<Arc<M>>,
    pub(super) limit: u32,
    pub(super) patience: Duration,
    pub(super) longest_poll: Duration,
    pub(super) without: Vec<(String, String)>,
    /// The fewest that the backend counted between two checks.
    pub(super) quiet: Mutex<Option<u64>>,
}

impl<M: Manager> Conformance<M> {
    /// Checks this manager; all checks share it.
    pub fn new(manager: M) -> Self {
        let manager = Arc::new(manager);
        Conformance::from_shared(move || manager.clone())
    }

    /// Checks the managers that `make` makes, one for each check, on the runtime of that check: for one that belongs to the
    /// runtime on which it was made.
    pub fn fresh(make: impl Fn() -> M + Send + Sync + 'static) -> Self {
        Conformance::from_shared(move || Arc::new(make()))
    }

    fn from_shared(make: impl Fn() -> Arc<M> + Send + Sync + 'static) -> Self {
        Conformance {
            make: Arc::new(make),
            known: Known {
                exercise: None,
                dirty: None,
                is_clean: None,
                sever: None,
                sessions: None,
                permanent: None,
                transient: None,
                limit: 3,
                patience: Duration::from_secs(5),
                longest_poll: Duration::from_millis(50),
                without: Vec::new(),
                quiet: Mutex::new(None),
            },
        }
    }

    /// How to use a connection for what it is there for: a query with an answer, best one that it checks. It has to leave the
    /// connection as it was.
    pub fn exercise<F>(mut self, exercise: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> Answer<'a> + Send + Sync + 'static,
    {
        self.known.exercise = Some(Box::new(exercise));
        self
    }

    /// How to leave a connection as no other lease should find it: an open transaction, a changed setting, an unread answer.
    pub fn dirty<F>(mut self, dirty: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> Answer<'a> + Send + Sync + 'static,
    {
        self.known.dirty = Some(Box::new(dirty));
        self
    }

    /// How to tell whether nothing is left of what `dirty` does.
    pub fn is_clean<F>(mut self, is_clean: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> Answer<'a, bool> + Send + Sync + 'static,
    {
        self.known.is_clean = Some(Box::new(is_clean));
        self
    }

    /// How to break a connection as the network or the server does: end its session on the server, shut its socket. The
    /// manager must not learn of it by this.
    pub fn sever<F>(mut self, sever: F) -> Self
    where
        F: for<'a> Fn(&'a mut M::Connection) -> Answer<'a> + Send + Sync + 'static,
    {
        self.known.sever = Some(Box::new(sever));
        self
    }

    /// How many sessions the backend itself counts, this question's own not included. What matters is the difference to the
    /// beginning of a check, so nobody else may open or close any meanwhile.
    pub fn sessions<F>(mut self, sessions: F) -> Self
    where
        F: for<'a> Fn(&'a M) -> Answer<'a, u64> + Send + Sync + 'static,
    {
        self.known.sessions = Some(Box::new(sessions));
        self
    }

    /// A manager whose connects fail for a reason that no retry helps: a wrong password, a path that cannot be.
    pub fn permanent(mut self, manager: M) -> Self {
        self.known.permanent = Some(Arc::new(manager));
        self
    }

    /// A manager whose connects fail for a reason that may pass: nobody listens at its address.
    pub fn transient(mut self, manager: M) -> Self {
        self.known.transient = Some(Arc::new(manager));
        self
    }

    /// The most connections of a check's pool, at least 2; 3 if this is not said.
    pub fn limit(mut self, limit: u32) -> Self {
        self.known.limit = limit.max(2);
        self
    }

    /// How long one step of the backend may take; 5 s if this is not said. The pool's timeouts are set to this, and a check that
    /// takes twelve times as long has failed. At least 50 ms.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.known.patience = patience.max(Duration::from_millis(50));
        self
    }

    /// How long a manager may keep its thread at a time before the kit warns; 50 ms if this is not said. Of several calls the
    /// quickest counts, so a busy machine does not warn.
    pub fn longest_poll(mut self, longest: Duration) -> Self {
        self.known.longest_poll = longest;
        self
    }

    /// Leaves a check out; the report gives the reason.
    pub fn without(mut self, check: impl Into<String>, because: impl Into<String>) -> Self {
        self.known.without.push((check.into(), because.into()));
        self
    }

    /// Makes all checks, one after the other, each on a thread of its own. The calling thread waits, so where the backend lives
    /// on the current runtime, use [`run_async`](Conformance::run_async).
    pub fn run(self) -> Report {
        runner::run(self)
    }

    /// The same, without keeping the runtime on which it is awaited.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the report; the checks go on.
    pub async fn run_async(self) -> Report {
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(self.run()));
        told.await.expect("bug: the kit itself panicked")
    }
}

impl<M: Manager> fmt::Debug for Conformance<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known {
            exercise,
            dirty,
            is_clean,
            sever,
            sessions,
            permanent,
            transient,
            limit,
            patience,
            longest_poll,
            without,
            quiet: _,
        } = &self.known;
        f.debug_struct("Conformance")
            .field("exercise", &exercise.is_some())
            .field("dirty", &dirty.is_some())
            .field("is_clean", &is_clean.is_some())
            .field("sever", &sever.is_some())
            .field("sessions", &sessions.is_some())
            .field("permanent", &permanent.is_some())
            .field("transient", &transient.is_some())
            .field("limit", limit)
            .field("patience", patience)
            .field("longest_poll", longest_poll)
            .field("without", without)
            .finish_non_exhaustive()
    }
}
