//! How the pools of a managed database move to its server of another version, without failing a request.
//!
//! | step | if it fails |
//! |---|---|
//! | 1. the server of that version answers, reports that version, and has the pools' databases | nothing has happened |
//! | 2. the pools' lines are held, and what is lent comes back | the lines go on, to the old server |
//! | 3. in the writers' turn the pools are still those, and still | the same |
//! | 4. the store keeps the choice | the same |
//! | 5. what opens connections leads to the new server, in a new generation; the lines go on | it cannot |
//!
//! It moves no data: that the new server has them is the operator's doing.

use super::super::models::{Database, DatabaseRecord, EngineVersion};
use super::super::store::{Change, Kind};
use super::database::Way;
use super::database_pools::DatabasePoolEntry;
use super::error::RegistryError;
use super::root::Registry;
use super::state::Inner;
use super::write::{Plan, body};
use crate::sync::primitives::{AtomicBool, Ordering::Relaxed};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long leases may take to come back, unless the builder says otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long its turn to change may take at least, however little of the patience is left.
const TURN: Duration = Duration::from_millis(500);

/// How often the leases are counted meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// # Family 2: another version
impl Registry {
    /// Moves the pools of a database to its server of that version: of exactly that, or else of the same major one. Requests are
    /// held meanwhile, and none fails. The choice is kept, and survives a restart.
    ///
    /// # Errors
    ///
    /// There is no such database, or it is not PostgreSQL's; no such server is declared, it does not answer, it is of another
    /// version or lacks a pool's database; the leases did not come back in time, or other changes took too long; or the pools were
    /// changed meanwhile. Nothing has changed then.
    ///
    /// # Cancel safety
    ///
    /// What has begun goes on when the future is dropped.
    pub async fn upgrade(&self, id: &str, version: EngineVersion) -> Result<(), RegistryError> {
        let turn = self.inner.pooling(id)?.turn.clone();
        let id = id.to_owned();
        let registry = self.clone();
        self.in_task(move |_| async move {
            let Ok(_turn) = turn.try_acquire() else {
                let reason = "the database is on its way to another server already";
                return Err(RegistryError::Unsupported(reason.to_owned()));
            };
            registry.move_database(&id, version).await
        })
        .await
    }

    async fn move_database(&self, id: &str, version: EngineVersion) -> Result<(), RegistryError> {
        let database = self.database(id)?;
        let Some((_, url)) = database.server(&version) else {
            return Err(RegistryError::Unsupported(format!(
                "no server of version {version} is declared for this database"
            )));
        };
        let pools = self.inner.pools_of_database(id);
        let wanted: BTreeSet<&str> = pools.iter().map(|pool| pool.model.db().as_str()).collect();
        let answer = timeout(ANSWER, super::database::probe(url, &version, &wanted)).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {ANSWER:?}")));
        answer.map_err(|reason| refused(&version, reason))?;
        if url == database.url() {
            return Ok(());
        }
        let (began, patience) = (Instant::now(), self.inner.upgrade_patience);
        let held = Arc::new(Held::hold(pools));
        let emptied = held.emptied(patience).await;
        emptied.map_err(|reason| refused(&version, reason))?;
        // It has them held as long as it may still happen.
        let late = refused(&version, format!("other changes were in its way for {patience:?}"));
        let moved = move |_: &Inner| {
            let (database, version, held) = (database.clone(), version.clone(), held.clone());
            Plan::apart(move |inner| inner.moved(&database, &version, &held))
        };
        // Whoever is first: its turn, which is followed to the end, or the end of the patience, after which it does nothing.
        let decided = Arc::new(AtomicBool::new(false));
        let begun = decided.clone();
        let mut write = pin!(self.in_turn(move |inner| async move {
            match begun.swap(true, Relaxed) {
                true => Err(RegistryError::Unavailable("its caller gave up before its turn".into())),
                false => inner.write(moved).await,
            }
        }));
        let left = patience.saturating_sub(began.elapsed()).max(TURN);
        match timeout(left, &mut write).await {
            Ok(outcome) => outcome,
            Err(_) if decided.swap(true, Relaxed) => write.await,
            Err(_) => Err(late),
        }
        // The lines go on here, by whichever way.
    }
}

impl Inner {
    /// Keeps the choice and makes it live.
    fn moved(&self, database: &Database, version: &EngineVersion, held: &Held) -> Result<Plan<()>, RegistryError> {
        let now = self.known_database(database.id().as_str())?;
        if now.model != *database {
            let reason = "the database was declared anew meanwhile".to_owned();
            return Err(refused(version, reason));
        }
        let pools = self.pools_of_database(database.id().as_str());
        if !held.is_all_of(&pools) || held.leases() > 0 {
            return Err(refused(version, "its pools were changed meanwhile"));
        }
        let (choice, _) = database.server(version).expect("bug: it was found before");
        let record: DatabaseRecord = database.record_of(choice);
        let moved = Database::with(database.definition().clone(), &record);
        let ways = pools
            .into_iter()
            .map(|entry| Way::of(&moved, &entry.model).map(|way| (entry, way)));
        let ways: Result<Vec<_>, String> = ways.collect();
        let ways = ways.map_err(|reason| refused(version, reason))?;
        let (_, from) = self.database_record(database.id());
        let (kind, key) = (Kind::Database, database.id().to_string());
        let change = match from {
            Some(from) => Change::Update {
                kind,
                key,
                from,
                body: body(&record),
            },
            None => Change::Insert {
                kind,
                key,
                body: body(&record),
            },
        };
        let id = database.id().clone();
        Plan::commit(vec![change], move |inner, committed| {
            inner.place_database_record(id.as_str(), Some((record, committed.version)));
            for (entry, way) in ways {
                inner.place_database_pool(id.as_str(), entry.model.clone(), entry.version, Ok(way));
            }
        })
    }
}

fn refused(version: &EngineVersion, reason: impl std::fmt::Display) -> RegistryError {
    RegistryError::Unsupported(format!("the server of version {version} does not take over: {reason}"))
}

/// Pools whose lines are held; dropped, they go on.
struct Held(Vec<Arc<DatabasePoolEntry>>);

impl Held {
    fn hold(pools: Vec<Arc<DatabasePoolEntry>>) -> Self {
        let held = Held(pools);
        held.live().for_each(|live| live.hold());
        held
    }

    fn live(&self) -> impl Iterator<Item = &super::database::LivePool> {
        self.0.iter().filter_map(|pool| pool.live.as_deref().ok())
    }

    fn leases(&self) -> u32 {
        self.live().map(|live| live.leases()).sum()
    }

    /// Whether these are they, and as they were.
    fn is_all_of(&self, pools: &[Arc<DatabasePoolEntry>]) -> bool {
        let mut both = self.0.iter().zip(pools);
        self.0.len() == pools.len() && both.all(|(held, pool)| Arc::ptr_eq(held, pool))
    }

    /// Waits until nothing of them is lent.
    async fn emptied(&self, patience: Duration) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let out = self.leases();
            if out == 0 {
                return Ok(());
            }
            if began.elapsed() >= patience {
                return Err(format!("{out} connections did not come back within {patience:?}"));
            }
            sleep(LOOK.min(patience)).await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.live().for_each(|live| live.release());
    }
}
