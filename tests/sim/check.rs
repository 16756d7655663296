//! What must hold: after every step, and once nothing is ready to run any more.

use super::books::Record;
use super::world::{BACKOFF, BACKOFF_MAX, HANGS_AFTER, Phase, World};
use fairpool::{State, Status};
use std::time::Duration;

/// The grain of tokio's timers: a runtime made later ticks at other fractions of a millisecond.
pub(crate) const GRAIN: u64 = 1;

impl World {
    /// What holds at any moment.
    pub(crate) fn check_always(&mut self) {
        if let Some(violation) = self.books.with(|ledger| ledger.violations.pop()) {
            panic!("{violation}");
        }
        if let Some(panic) = super::unmeant_panic() {
            panic!("P8: the pool itself panicked: {panic}");
        }
        let (live, connecting) = self.books.with(|ledger| (ledger.pooled(), ledger.under.connecting));
        if live + connecting > self.ceiling {
            panic!(
                "P2: {live} connections and {connecting} attempts, at most {}",
                self.ceiling
            );
        }
        if live + connecting > self.limit {
            self.books.seen("in debt");
        }
        self.ceiling = self.limit.max(self.ceiling.min(live + connecting));
        if let Some(checker) = &self.checker {
            if checker.overtakings() > 0 {
                panic!("P1: the order checker saw {} overtakings", checker.overtakings());
            }
        }
    }

    /// What holds when nothing is ready.
    pub(crate) fn check_at_rest(&mut self) {
        self.check_sums();
        self.check_deadlines();
        if self.home.is_some() && self.phase != Phase::Closed {
            self.check_progress();
        }
        if self.home.is_some() && self.phase == Phase::Open {
            self.check_ages();
        }
    }

    /// What has been idle or open for too long is closed.
    fn check_ages(&self) {
        let (status, options, now) = (self.pool.status(), self.pool.options(), self.now());
        let seen_anew = self.blur.max(self.age_blur).max(self.watched_since);
        let overdue = |time: Option<Duration>, since: fn(&Record) -> u64| {
            let Some(time) = time.map(|time| time.as_millis() as u64) else {
                return 0;
            };
            let late = |record: &Record| now > since(record).max(seen_anew) + time + time / 2 + GRAIN;
            let idle = |record: &&Record| !record.lent && !record.detached && !record.leaving;
            self.books.with(|ledger| {
                let idle = ledger.conns.values().filter(idle);
                idle.filter(|record| late(record)).count() as u32
            })
        };
        // Those that are assigned or looked after are not idle.
        let busy = status.in_use - self.guards.len() as u32 + status.validating + status.resetting + status.connecting;
        let unused = overdue(options.idle_timeout, |record| record.last_use.max(record.last_check));
        if unused > busy + options.min_idle {
            panic!("P9: {unused} connections have been idle for too long: {status}");
        }
        let old = overdue(options.max_lifetime, |record| record.opened);
        if old > busy {
            panic!("P9: {old} idle connections are over age: {status}");
        }
    }

    fn check_sums(&self) {
        let status = self.pool.status();
        let (live, leaving, under) = self
            .books
            .with(|ledger| (ledger.pooled(), ledger.leaving(), ledger.under));
        let blame = |what: &str| panic!("P3: {what}: {status:?}, {live} live, {leaving} leaving, {under:?}");
        if status.connecting != under.connecting + under.hooking {
            blame("the attempts do not add up");
        }
        if status.validating != under.validating || status.resetting != under.resetting || status.closing != leaving {
            blame("the work does not add up");
        }
        if status.open() != live - under.hooking {
            blame("the connections do not add up");
        }
        let (lent, rung) = (self.guards.len(), self.rung());
        let assigned = (status.in_use as usize).checked_sub(lent);
        if assigned.is_none_or(|assigned| assigned > rung) {
            panic!("P4: {lent} leases and {rung} requests to hear, but {status}");
        }
        let (waiting, pending) = (self.line.len(), status.pending as usize);
        if pending < waiting || pending > waiting + self.alarmed() {
            panic!("P3: {waiting} requests wait, but {status}");
        }
        let state = match self.phase {
            Phase::Open if self.books.with(|ledger| ledger.paused) => State::Paused,
            Phase::Open => State::Open,
            Phase::Draining if status.state == State::Closed => State::Closed,
            Phase::Draining => State::Draining,
            Phase::Closed => State::Closed,
        };
        if status.state != state || status.limit != self.limit {
            panic!("P3: expected {state:?} at limit {}: {status:?}", self.limit);
        }
    }

    fn alarmed(&self) -> usize {
        self.requests.iter().filter(|request| request.alarmed()).count()
    }

    fn check_deadlines(&self) {
        let now = self.now();
        for request in self.requests.iter().filter(|request| request.waits()) {
            if request.deadline.is_some_and(|deadline| deadline + GRAIN < now) {
                panic!(
                    "P6: request {} still waits at {now}, {:?} was its deadline",
                    request.id, request.deadline
                );
            }
        }
    }

    /// Whether a backoff may hold attempts up: after a failure, or since an attempt under way was presumed to fail.
    fn armed(&self) -> bool {
        let now = self.now();
        self.books.with(|ledger| {
            let wait = BACKOFF_MAX.min(BACKOFF << (ledger.tries.clamp(1, 8) - 1));
            let failed = ledger.last_failure.map(|(begun, failed)| failed.max(begun + wait));
            let presumed = ledger.attempts.iter().chain(&ledger.newest).map(|begun| begun + wait);
            failed.into_iter().chain(presumed).any(|until| now <= until + GRAIN)
        })
    }

    /// Those who wait count on no attempt that has hung, by the patience of anybody who may have been first when the supervisor
    /// looked.
    fn check_hung(&self, status: &Status) {
        let now = self.now();
        let vacant = status.limit.saturating_sub(status.occupied());
        let hung = self.books.with(|ledger| {
            let patience = ledger.longest.clamp(BACKOFF, HANGS_AFTER);
            let hung = ledger.attempts.iter().all(|begun| begun + patience + GRAIN < now);
            hung && ledger.under.hooking == 0 && ledger.under.connecting > 0
        });
        if hung && !self.armed() && vacant > 0 && status.pending > status.validating {
            panic!("P3: requests wait for attempts that have hung: {status}");
        }
    }

    pub(crate) fn check_progress(&mut self) {
        let status = self.pool.status();
        let options = self.pool.options();
        let now = self.now();
        let (failure, armed) = (self.books.with(|ledger| ledger.last_failure), self.armed());
        if status.pending == 0 {
            self.books.with(|ledger| ledger.longest = 0);
        }
        let paused = status.state == State::Paused;
        let at_work = status.validating + status.connecting;
        let vacant = status.limit.saturating_sub(status.occupied());
        let free = vacant > 0 && status.connecting < options.max_connecting && !armed;
        if status.state == State::Closed {
            return;
        }
        if !paused && status.pending > 0 {
            if status.occupied() <= status.limit && status.pending > status.validating && status.idle > 0 {
                panic!("P3: requests wait while connections are idle: {status}");
            }
            if status.pending > at_work && free {
                panic!("P3: requests wait and nobody connects: {status} (last failure {failure:?}, now {now})");
            }
            self.check_hung(&status);
            if armed && status.pending > at_work && vacant > 0 {
                self.books.seen("waiting for a backoff");
            }
        }
        // The fast path tells nobody that it took an idle connection: the next tick sees.
        let wanted = options.min_idle > status.idle + status.connecting;
        let times = [options.validate_after_idle, options.idle_timeout, options.max_lifetime];
        let tick = times
            .into_iter()
            .flatten()
            .min()
            .map(|time| time.as_millis() as u64 / 4 + GRAIN);
        if status.state != State::Open || !wanted || !free || tick.is_none() {
            self.short_since = u64::MAX;
            return;
        }
        self.short_since = self.short_since.min(now);
        if now - self.short_since.max(self.age_blur).min(now) > tick.unwrap_or(0).max(2) {
            panic!(
                "P3: fewer than min_idle {} and nobody connects: {status}",
                options.min_idle
            );
        }
    }
}
