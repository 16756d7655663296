//! How many connections are wanted, and what is done for it now.
//!
//! Those who wait need one each. A stale idle connection is looked at first, then vacant slots are connected, together never
//! more than there are requests; beyond that `min_idle`, a `warm_up` and a `try_acquire` that found nothing may ask for more.
//! Demand is looked at again before each attempt, so a request that a released connection has served meanwhile opens none.
//!
//! **An attempt that hangs** is not counted on for ever. Once it has been under way for a quarter of `connect_timeout`, or for all
//! the time that the first in line has (but for `backoff_initial` at least, so that somebody in haste delays nobody else), those who
//! wait get another one in its stead, as if it had failed: after the same backoff,
//! one at a time where `max_connecting` are under way already, and never beyond the limit. It goes on meanwhile, since a backend
//! that is merely slow would never be reached if attempts were cut short. Validations are judged in the same way, by their own
//! timeout; what follows one that hangs is the next idle connection, or else an attempt to connect.

use super::super::clock::nanos;
use super::super::held::Held;
use super::super::manager::Manager;
use super::super::options::Options;
use super::super::shared::{Shared, SlotOf};
use super::super::tally::{Attempts, Work};
use crate::observe::CloseReason;
use crate::sync::line::Phase;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::upkeep::Counts;
use std::sync::Arc;

/// Of `connect_timeout`: in one of them an attempt should have ended.
const PARTS: u64 = 4;

/// The next thing to do for those who wait.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// Look after a stale idle connection.
    Check,
    /// Connect a vacant slot.
    Connect,
    /// Nothing, as long as nothing changes.
    Nothing,
}

impl<M: Manager> Shared<M> {
    /// Begins what is wanted; returns when a backoff ends that holds something up, or an attempt will have hung.
    pub(super) fn meet_demand(self: &Arc<Self>, now: u64, term: u64) -> u64 {
        let options = self.options();
        loop {
            let counts = self.line.counts();
            let under_way = |work, limit| {
                let patience = counts.patience.max(nanos(options.backoff_initial));
                let patience = patience.min(nanos(limit) / PARTS);
                self.tally.attempts(work, term, now, patience)
            };
            let checks = under_way(Work::Validating, options.validate_timeout);
            let attempts = under_way(Work::Connecting, options.connect_timeout);
            match self.need(&counts, &options, &attempts, checks.fresh) {
                Need::Check => match self.line.take_stale() {
                    Some((slot, since)) => self.look_after(slot, since, counts.pending == 0, term),
                    None => return u64::MAX,
                },
                Need::Connect => {
                    if let Some(begun) = attempts.last_hung {
                        self.faults.presumed(begun, now, &options);
                    }
                    let until = self.faults.until();
                    if now < until {
                        return until;
                    }
                    let Some((slot, epoch)) = self.line.occupy() else {
                        return u64::MAX;
                    };
                    self.live.asked.store(0, Relaxed);
                    if !self.open(slot, epoch, term) {
                        return u64::MAX;
                    }
                }
                Need::Nothing if counts.pending > 0 => return attempts.next.min(checks.next),
                Need::Nothing => return u64::MAX,
            }
        }
    }

    fn need(&self, counts: &Counts, options: &Options, attempts: &Attempts, validating: u32) -> Need {
        if counts.phase == Phase::Closed {
            return Need::Nothing;
        }
        // Where nothing is kept, nothing is opened but for those who wait.
        let keeps = !self.loose;
        let asked = if keeps { self.live.asked.load(Relaxed) } else { 0 };
        let waiting = if counts.paused { 0 } else { counts.pending.max(asked) };
        if waiting > validating && counts.stale > 0 {
            return Need::Check;
        }
        let (fresh, connecting) = (attempts.fresh, attempts.fresh + attempts.hung);
        let open = counts.occupied - self.tally.at(Work::Closing).min(counts.occupied);
        let now = waiting > validating + fresh;
        let later = keeps
            && counts.phase == Phase::Open
            && (counts.idle + connecting < options.min_idle || open < self.live.warm.load(Relaxed).min(counts.limit));
        let few = connecting < options.max_connecting;
        if counts.vacant > 0 && (few && (now || later) || now && fresh == 0) {
            Need::Connect
        } else {
            Need::Nothing
        }
    }

    /// False when the attempt has ended already. Then it has called us; or our runtime is shutting down and drops whatever is
    /// spawned, and to try again before we are dropped ourselves would never end.
    fn open(self: &Arc<Self>, slot: SlotOf<M>, epoch: u32, term: u64) -> bool {
        let held = Held::begin(self.clone(), slot, Work::Connecting, CloseReason::Retired).on(term);
        !tokio::spawn(super::attempt::connect(held, epoch)).is_finished()
    }

    /// A stale connection that somebody waits or asked for: lent if it is not that stale after all, else validated. `kept`: it
    /// will be idle again until somebody comes.
    fn look_after(self: &Arc<Self>, slot: SlotOf<M>, since: u64, kept: bool, term: u64) {
        let meta = self.cells.meta(slot.number());
        if meta.expire(self.now()) {
            self.line.part();
            return self.send(slot, Work::Closing, CloseReason::Lifetime);
        }
        // Nor is one asked to prove itself, or trusted for a while more, that knows its own end.
        let Some(open) = self.vouched(slot) else { return };
        let slot = open.shut();
        // What was opened on a runtime that is gone may have gone with it, however lately it was in use.
        // And what was idle when another one was found dead may be dead as well.
        let last_use = meta.last_use(since);
        let trusted = !self.is_from_elsewhere(&slot) && last_use >= self.live.suspect_before.load(Relaxed);
        let since = trusted.then_some(last_use);
        meta.known();
        let held = Held::begin(self.clone(), slot, Work::Validating, CloseReason::Invalid).on(term);
        match self.needs_validation(since, kept) {
            false if self.hooks.before_acquire.is_none() => held.deliver(),
            validate => drop(tokio::spawn(super::tend::check(held, validate))),
        }
        self.live.asked.store(0, Relaxed);
    }
}
