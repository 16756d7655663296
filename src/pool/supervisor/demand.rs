//! How many connections are wanted, and what is done for it now.
//!
//! Those who wait need one each. A stale idle connection is looked at first, then vacant slots are connected, together never
//! more than there are requests; beyond that `min_idle`, a `warm_up` and a `try_acquire` that found nothing may ask for more.
//! Demand is looked at again before each attempt, so a request that a released connection has served meanwhile opens none.

use super::super::held::Held;
use super::super::manager::Manager;
use super::super::shared::{Shared, SlotOf};
use super::super::tally::{Duty, Work};
use crate::observe::CloseReason;
use crate::sync::line::Phase;
use crate::sync::primitives::Ordering::Relaxed;
use crate::sync::upkeep::Counts;
use std::sync::Arc;

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
    /// Begins what is wanted; returns when a backoff ends that holds something up.
    pub(super) fn meet_demand(self: &Arc<Self>, now: u64, duty: &Arc<Duty>) -> u64 {
        let options = self.options();
        loop {
            let counts = self.line.counts();
            match self.need(&counts, options.min_idle, options.max_connecting, duty) {
                Need::Check => match self.line.take_stale() {
                    Some((slot, since)) => self.look_after(slot, since, counts.pending == 0, duty),
                    None => return u64::MAX,
                },
                Need::Connect => {
                    let until = self.faults.until();
                    if now < until {
                        return until;
                    }
                    let Some((slot, epoch)) = self.line.occupy() else {
                        return u64::MAX;
                    };
                    self.live.asked.store(0, Relaxed);
                    if !self.open(slot, epoch, duty) {
                        return u64::MAX;
                    }
                }
                Need::Nothing => return u64::MAX,
            }
        }
    }

    fn need(&self, counts: &Counts, min_idle: u32, max_connecting: u32, duty: &Duty) -> Need {
        let (validating, connecting) = (duty.at(Work::Validating), duty.at(Work::Connecting));
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
        let open = counts.occupied - self.tally.at(Work::Closing).min(counts.occupied);
        let wanted = waiting > validating + connecting
            || keeps
                && counts.phase == Phase::Open
                && (counts.idle + connecting < min_idle || open < self.live.warm.load(Relaxed).min(counts.limit));
        if wanted && counts.vacant > 0 && connecting < max_connecting {
            Need::Connect
        } else {
            Need::Nothing
        }
    }

    /// False when the attempt has ended already. Then it has called us; or our runtime is shutting down and drops whatever is
    /// spawned, and to try again before we are dropped ourselves would never end.
    fn open(self: &Arc<Self>, slot: SlotOf<M>, epoch: u32, duty: &Arc<Duty>) -> bool {
        let held = Held::begin(self.clone(), slot, Work::Connecting, CloseReason::Retired).on(duty);
        !tokio::spawn(super::attempt::connect(held, epoch)).is_finished()
    }

    /// A stale connection that somebody waits or asked for: lent if it is not that stale after all, else validated. `kept`: it
    /// will be idle again until somebody comes.
    fn look_after(self: &Arc<Self>, slot: SlotOf<M>, since: u64, kept: bool, duty: &Arc<Duty>) {
        let meta = self.cells.meta(slot.number());
        if meta.expire(self.now()) {
            self.line.part();
            return self.send(slot, Work::Closing, CloseReason::Lifetime);
        }
        // What was opened on a runtime that is gone may have gone with it, however lately it was in use.
        let trusted = !self.is_from_elsewhere(&slot);
        let since = trusted.then(|| meta.last_use(since));
        meta.known();
        let held = Held::begin(self.clone(), slot, Work::Validating, CloseReason::Invalid).on(duty);
        match self.needs_validation(since, kept) {
            false if self.hooks.before_acquire.is_none() => held.deliver(true),
            validate => drop(tokio::spawn(super::tend::check(held, validate))),
        }
        self.live.asked.store(0, Relaxed);
    }
}
