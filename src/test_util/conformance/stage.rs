//! What every check stands on: pools over the probe, their leases, and what is to be reported.
//!
//! A step returns a [`Breach`], a sentence about what went wrong, as soon as the check cannot go on; what is no more than a
//! pity is noted by [`Stage::warn`].

use super::kit::Known;
use super::probe::Probe;
use super::report::Outcome;
use super::watch::Watch;
use crate::sync::primitives::{AtomicBool, Mutex, Ordering::Relaxed};
use crate::{Manager, Options, OwnedPooled, Pool};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// What went wrong, in a sentence.
#[derive(Debug)]
pub(super) struct Breach(pub(super) String);

pub(super) type Verdict<T = ()> = Result<T, Breach>;

pub(super) type Lease<M> = OwnedPooled<Probe<M>>;

/// Ends a check.
pub(super) fn breach<T>(said: impl Into<String>) -> Verdict<T> {
    Err(Breach(said.into()))
}

pub(super) struct Stage<M: Manager> {
    pub(super) manager: Arc<M>,
    pub(super) known: Arc<Known<M>>,
    pub(super) watch: Arc<Watch>,
    severs: Arc<AtomicBool>,
    /// The backend's sessions before the check.
    pub(super) before: Option<u64>,
    warnings: Mutex<Vec<String>>,
    /// Pools whose end is not the check's.
    kept: Mutex<Vec<Pool<Probe<M>>>>,
}

impl<M: Manager> Stage<M> {
    pub(super) async fn new(manager: Arc<M>, known: Arc<Known<M>>, watch: Arc<Watch>) -> Self {
        let mut stage = Stage {
            manager,
            known,
            watch,
            severs: Arc::default(),
            before: None,
            warnings: Mutex::new(Vec::new()),
            kept: Mutex::new(Vec::new()),
        };
        stage.before = stage.quiet().await;
        stage
    }

    /// A pool of so many connections that neither ages nor validates, unless the manager's defaults ask for a check before every
    /// lease: such a manager may leave to that check what others tell by `is_broken`. The rest is the kit's patience.
    pub(super) fn pool(&self, limit: u32) -> Pool<Probe<M>> {
        self.pool_over(self.manager.clone(), limit)
    }

    /// The same over another manager.
    pub(super) fn pool_over(&self, manager: Arc<M>, limit: u32) -> Pool<Probe<M>> {
        let patience = self.known.patience;
        let options = Options {
            limit,
            acquire_timeout: Some(patience * 3),
            connect_timeout: patience,
            validate_timeout: patience,
            reset_timeout: patience,
            close_timeout: patience,
            idle_timeout: None,
            max_lifetime: None,
            validate_after_idle: manager.defaults().validate_after_idle.filter(Duration::is_zero),
            backoff_initial: Duration::from_millis(1),
            backoff_max: Duration::from_millis(10),
            ..Options::default()
        };
        let probe = Probe::new(manager, self.known.clone(), self.watch.clone(), self.severs.clone());
        let pool = Pool::builder(probe).options(options).build();
        pool.expect("bug: the kit's options are out of range")
    }

    /// The same, where each connection is validated before it is lent again.
    pub(super) fn validating_pool(&self, limit: u32) -> Pool<Probe<M>> {
        let pool = self.pool(limit);
        let changed = pool.set_validate_after_idle(Duration::ZERO);
        changed.expect("bug: the kit's options are out of range");
        pool
    }

    /// The next validation finds its connection severed.
    pub(super) fn sever_before_validation(&self) {
        self.severs.store(true, Relaxed);
    }

    /// Whether that validation is still to come.
    pub(super) fn awaits_validation(&self) -> bool {
        self.severs.load(Relaxed)
    }

    /// Leaves a pool's end to the time after the check.
    pub(super) fn keep(&self, pool: Pool<Probe<M>>) {
        self.kept.lock().push(pool);
    }

    pub(super) async fn lend(&self, pool: &Pool<Probe<M>>) -> Verdict<Lease<M>> {
        self.watch.doing("waiting for the pool to lend a connection");
        let lease = pool.acquire_owned().await;
        lease.map_err(|error| Breach(format!("the pool could lend no connection: {error}")))
    }

    /// All the pool has.
    pub(super) async fn lend_all(&self, pool: &Pool<Probe<M>>) -> Verdict<Vec<Lease<M>>> {
        let mut leases = Vec::new();
        for _ in 0..pool.status().limit {
            leases.push(self.lend(pool).await?);
        }
        Ok(leases)
    }

    /// Notes what is no failure, once.
    pub(super) fn warn(&self, said: impl Display) {
        let said = said.to_string();
        let mut warnings = self.warnings.lock();
        if !warnings.contains(&said) {
            warnings.push(said);
        }
    }

    /// The verdict, and whatever panicked meanwhile.
    pub(super) fn conclude(&self, verdict: Verdict) -> Outcome {
        let mut failures: Vec<String> = Vec::new();
        for panicked in self.watch.take_panics() {
            let said = panicked.to_string();
            if !failures.contains(&said) {
                failures.push(said);
            }
        }
        failures.extend(self.watch.take_notes());
        failures.extend(verdict.err().map(|breach| breach.0));
        let warnings = std::mem::take(&mut *self.warnings.lock());
        if !failures.is_empty() {
            failures.extend(warnings);
            return Outcome::Failed(failures);
        }
        if warnings.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Warned(warnings)
        }
    }
}
