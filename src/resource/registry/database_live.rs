//! A pool of a managed PostgreSQL database, live: one bound in front of it, a key for each user, and sessions that follow.
//!
//! | it changes | what follows |
//! |---|---|
//! | `size` | the bound, at once |
//! | `mode` | sessions, when they next take a connection |
//! | `user` | the same, in a new generation |
//! | `db`, the server | what opens connections, then a new generation |
//!
//! There is one pool of connections whether or not it names a user, so that the bound holds through every change.

use super::super::models::{Database, DatabasePool, DatabaseUrl, EngineVersion, PoolMode};
use super::live::is_open;
use super::operations::OperationReport;
use super::status::{LiveStatus, LiveTotals, word};
use super::watchers::Watchers;
use crate::drivers::postgres::{Connection, Login, ManagedSessions, Postgres, SessionMode, Signpost, UserSessions};
use crate::sync::primitives::Mutex;
use crate::{DrainReport, Keyed, KeyedBuilder, Manager};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long a request waits in line: longer than an upgrade holds it, so that nobody fails by one. PgBouncer's time.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a pool is to be; understood, and nothing opened yet.
pub(super) struct Way {
    target: Postgres,
    ends: Ends,
    mode: SessionMode,
    size: u32,
}

/// By what its connections are of use. Another one begins a generation.
#[derive(Clone, PartialEq, Eq)]
struct Ends {
    url: DatabaseUrl,
    db: String,
    user: Option<Login>,
}

pub(super) struct LivePool {
    name: Arc<str>,
    signpost: Signpost,
    watchers: Watchers,
    sessions: ManagedSessions,
    /// Changed by whoever has the writers' turn.
    ends: Mutex<Ends>,
    held: Mutex<Held>,
}

/// Who holds its line.
#[derive(Default, Clone, Copy)]
struct Held {
    by_operator: bool,
    by_upgrade: bool,
}

impl Way {
    pub(super) fn of(database: &Database, pool: &DatabasePool) -> Result<Way, String> {
        let url = database.url();
        let target = Postgres::from_url(url.reveal()).map_err(|error| error.to_string())?;
        let user = pool.user().map(|user| {
            let password = database.password_of(user.as_str());
            Login::new(
                user.as_str(),
                password.as_ref().map_or("", |password| password.reveal()),
            )
        });
        let mode = match pool.mode() {
            PoolMode::Session => SessionMode::Session,
            PoolMode::Transaction => SessionMode::Transaction,
            PoolMode::Statement => SessionMode::Statement,
        };
        let (url, db) = (url.clone(), pool.db().to_string());
        Ok(Way {
            target: target.dbname(&db),
            ends: Ends { url, db, user },
            mode,
            size: pool.size(),
        })
    }
}

impl LivePool {
    /// `name`: as its connections' pool calls itself.
    pub(super) fn found(name: &str, way: Way, watchers: &Watchers) -> Arc<Self> {
        let name: Arc<str> = name.into();
        let signpost = Signpost::new(way.target);
        let keyed = keyed(&name, &signpost, way.size, watchers);
        Arc::new(LivePool {
            sessions: ManagedSessions::new(UserSessions::new(keyed, way.mode), way.ends.user.clone()),
            name,
            signpost,
            watchers: watchers.clone(),
            ends: Mutex::new(way.ends),
            held: Mutex::default(),
        })
    }

    /// Goes another way.
    pub(super) fn follow(&self, way: Way) {
        let keyed = self.keyed();
        let before = std::mem::replace(&mut *self.ends.lock(), way.ends.clone());
        let turn = || {
            if before != way.ends {
                self.signpost.turn_to(way.target);
            }
        };
        let sessions = self.sessions.sessions();
        match sessions.mode() != way.mode || before.user != way.ends.user {
            // At once: whom the new server refuses with a login of before has to find the new one.
            true => {
                let sessions = UserSessions::new(keyed.clone(), way.mode);
                self.sessions.change_with(sessions, way.ends.user.clone(), turn);
            }
            false => turn(),
        }
        // After both, so that nothing of the old way is lent after the call.
        if before != way.ends {
            keyed.invalidate();
        }
        if keyed.options().limit != way.size {
            let done = keyed.set_limit(way.size);
            done.expect("bug: the size of a pool is in range");
        }
    }

    pub(super) fn sessions(&self) -> &ManagedSessions {
        &self.sessions
    }

    fn keyed(&self) -> Keyed<Login, Postgres> {
        self.sessions.sessions().keyed().clone()
    }

    pub(super) fn is_open(&self) -> bool {
        is_open(self.keyed().status().state)
    }

    /// Requests in line, and connections that are not closed yet.
    pub(super) fn left_behind(&self) -> u32 {
        let counts = self.keyed().status().all;
        counts.occupied() + counts.pending_at_key + counts.pending + counts.admitted
    }

    /// Lends again after a drain. An operator's pause is over then; an upgrade's is not.
    pub(super) fn reopen(&self) {
        let (before, user) = (self.sessions.sessions(), self.sessions.user());
        let keyed = keyed(
            &self.name,
            &self.signpost,
            before.keyed().options().limit,
            &self.watchers,
        );
        // Lends nothing before it is known whether it may.
        keyed.pause();
        self.sessions.change(UserSessions::new(keyed, before.mode()), user);
        self.hold_as(|held| held.by_operator = false);
    }

    pub(super) fn clear(&self) -> usize {
        self.keyed().clear()
    }

    pub(super) fn invalidate(&self) {
        self.keyed().invalidate();
    }

    pub(super) fn pause(&self) {
        self.hold_as(|held| held.by_operator = true);
    }

    pub(super) fn resume(&self) {
        self.hold_as(|held| held.by_operator = false);
    }

    /// Holds its line for an upgrade, until [`release`](LivePool::release).
    pub(super) fn hold(&self) {
        self.hold_as(|held| held.by_upgrade = true);
    }

    pub(super) fn release(&self) {
        self.hold_as(|held| held.by_upgrade = false);
    }

    fn hold_as(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held.lock());
        let is_held = || {
            let held = *self.held.lock();
            held.by_operator || held.by_upgrade
        };
        // Until it is as the last of those wants it who change it at once.
        loop {
            let wanted = is_held();
            // Looked up after the flags: a drained pool that comes back meanwhile is another one, and goes by them too.
            let keyed = self.keyed();
            match wanted {
                true => keyed.pause(),
                false => keyed.resume(),
            }
            if is_held() == wanted {
                return;
            }
        }
    }

    /// How many connections are at work: those that are lent, and those on which the server may still undo what a lease has left.
    /// A pool that drains cannot be held, so whoever is in its line counts too.
    pub(super) fn leases(&self) -> u32 {
        let status = self.keyed().status();
        let counts = status.all;
        let coming = match is_open(status.state) {
            true => 0,
            false => counts.pending_at_key + counts.pending + counts.admitted,
        };
        counts.in_use + counts.resetting + coming
    }

    pub(super) async fn drain(&self, patience: Duration) -> OperationReport {
        let report: DrainReport = self.keyed().drain(patience).await;
        OperationReport {
            completed: Some(report.completed),
            still_out: Some(report.still_out),
            failed: Some(report.failed),
            took: Some(report.took.as_secs_f64()),
            ..OperationReport::default()
        }
    }

    /// Its numbers, in a status that has none yet.
    pub(super) fn look(&self, nothing: LiveStatus) -> LiveStatus {
        let status = self.keyed().status();
        let (counts, totals) = (status.all, status.totals);
        LiveStatus {
            limit: Some(status.limit),
            open: Some(counts.occupied() - counts.connecting),
            idle: Some(counts.idle),
            in_use: counts.in_use,
            connecting: Some(counts.connecting),
            pending: counts.pending_at_key + counts.pending + counts.admitted,
            oldest_wait: status.oldest_wait.map(|wait| wait.as_secs_f64()),
            generation: Some(status.generation),
            state: word(status.state),
            totals: LiveTotals {
                leases: Some(totals.leases),
                opened: Some(totals.opened),
                closed: Some(totals.closed),
                connect_failures: Some(totals.connect_failures),
                queued: totals.queued,
                timeouts: totals.timeouts,
                cleared: totals.cleared,
                cancelled: totals.cancelled,
            },
            ..nothing
        }
    }
}

/// Whether the server at this URL answers, is of this major version and has these databases.
pub(super) async fn probe(url: &DatabaseUrl, version: &EngineVersion, wanted: &BTreeSet<&str>) -> Result<(), String> {
    let postgres = Postgres::from_url(url.reveal()).map_err(|error| error.to_string())?;
    let mut conn = postgres.connect().await.map_err(|error| error.to_string())?;
    let answer = look(&mut conn, version, wanted).await;
    conn.close().await;
    answer
}

async fn look(conn: &mut Connection, version: &EngineVersion, wanted: &BTreeSet<&str>) -> Result<(), String> {
    const ASK: &str = "SELECT current_setting('server_version_num')::int / 10000, \
        ARRAY(SELECT datname::text FROM pg_catalog.pg_database WHERE datallowconn)";
    let row = conn.query_one(ASK, &[]).await;
    let row = row.map_err(|error| format!("it answers with an error: {error:?}"))?;
    let (major, known): (i32, Vec<String>) = (row.get(0), row.get(1));
    if major.to_string() != version.major() {
        return Err(format!("it reports version {major}"));
    }
    match wanted
        .iter()
        .find(|wanted| !known.iter().any(|known| known == **wanted))
    {
        Some(missing) => Err(format!("it has no database {missing:?}")),
        None => Ok(()),
    }
}

fn keyed(name: &Arc<str>, signpost: &Signpost, size: u32, watchers: &Watchers) -> Keyed<Login, Postgres> {
    let keyed = UserSessions::connections(signpost.manager()).name(name.clone());
    let keyed = watchers.all().fold(keyed, KeyedBuilder::exporter);
    let keyed = keyed.limit(size).acquire_timeout(PATIENCE).build();
    keyed.expect("bug: the size of a pool is in range")
}
