//! What time makes of idle connections, without a clock on the fast path.
//!
//! Leases only count themselves. A tick compares each public slot's count with what the last tick saw: one that stood still
//! goes to the shelf of stale ones, with the last moment at which it may have been in use. Four ticks make
//! `validate_after_idle`, so a connection is validated after three quarters of that time at the earliest and never lent
//! unvalidated after all of it. When nothing public is idle any more, the gates stay shut and the ticks stop; the next use
//! meets a shut gate and starts them again.

use super::super::clock::nanos;
use super::super::manager::Manager;
use super::super::options::Options;
use super::super::shared::{Shared, lifetime_end};
use crate::observe::CloseReason;
use crate::sync::line::Phase;
use crate::sync::upkeep::Sift;
use std::sync::Arc;
use std::time::Duration;

/// Ticks in `validate_after_idle`; and in the shorter of the other two times, which need less precision.
const PARTS: u32 = 4;

/// For how long `min_idle` may be missed, in parts as above.
const MISSED: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Tick {
    /// When the next one is due; 0 while they rest.
    due: u64,
}

impl<M: Manager> Shared<M> {
    /// Ticks if it is time; returns when something is due next.
    pub(super) fn tick(self: &Arc<Self>, tick: &mut Tick, now: u64) -> u64 {
        let options = self.options();
        let counts = self.line.counts();
        if counts.phase != Phase::Open || counts.occupied == 0 {
            self.desk.hands.thin(true);
            tick.due = 0;
            return u64::MAX;
        }
        let Some(period) = period(&options) else {
            return u64::MAX;
        };
        if counts.dozing {
            tick.due = 0;
            // A line that never empties passes connections on without ending the doze.
            self.age(now);
            self.cull(&options, now);
            return self.next_end(&options, now);
        }
        let soon = now.saturating_add(period);
        // A period that was shortened counts at once.
        tick.due = if tick.due == 0 { soon } else { tick.due.min(soon) };
        if now >= tick.due {
            tick.due = soon;
            self.age(now);
            self.sift(now);
            self.cull(&options, now);
            self.desk.hands.thin(false);
            if self.line.doze() {
                self.desk.hands.thin(true);
                tick.due = 0;
                return self.next_end(&options, now);
            }
        }
        tick.due
    }

    /// Whether a connection unused since then must be validated before it is lent, or one that is not to be trusted whenever that
    /// was; `kept`: if it is not lent before the next tick.
    pub(super) fn needs_validation(&self, since: Option<u64>, kept: bool) -> bool {
        let options = self.options();
        options.validate_after_idle.is_some_and(|after| {
            // It may have been in use last just after the tick before `since`.
            let tick = period(&options).unwrap_or(0).saturating_mul(1 + u64::from(kept));
            since.is_none_or(|since| self.now().saturating_sub(since).saturating_add(tick) >= nanos(after))
        })
    }

    /// Marks what is over age, so that it is closed when it comes back.
    pub(super) fn age(&self, now: u64) {
        for number in 0..self.line.made() {
            self.cells.meta(number).expire(now);
        }
    }

    fn sift(&self, now: u64) {
        let gone = self.line.sift(|number| {
            let meta = self.cells.meta(number);
            if meta.expires() <= now {
                return Sift::Leave;
            }
            meta.unused_since(now).map_or(Sift::Stay, Sift::Stale)
        });
        self.dismiss(gone, CloseReason::Lifetime);
    }

    /// Closes shelved connections that are over age or unused for too long.
    fn cull(&self, options: &Options, now: u64) {
        let old = self
            .line
            .cull_stale(|number, _| self.cells.meta(number).expires() <= now);
        self.dismiss(old, CloseReason::Lifetime);
        let Some(idle_for) = options.idle_timeout.map(nanos) else {
            return;
        };
        let mut spare = self.line.counts().idle.saturating_sub(options.min_idle);
        let idle = self.line.cull_stale(|number, since| {
            let leaves = spare > 0 && now.saturating_sub(self.cells.meta(number).last_use(since)) >= idle_for;
            spare -= u32::from(leaves);
            leaves
        });
        self.dismiss(idle, CloseReason::Idle);
    }

    /// `max_lifetime` has changed: open connections are judged by the new one.
    pub(crate) fn rejudge_ages(&self, options: &Options) {
        for number in 0..self.line.made() {
            let meta = self.cells.meta(number);
            if let Some(born) = meta.born() {
                meta.set_expires(lifetime_end(options, born));
            }
        }
    }

    /// When the next connection is over age, or a shelved one unused for too long.
    fn next_end(&self, options: &Options, now: u64) -> u64 {
        let ages = (0..self.line.made()).map(|number| self.cells.meta(number).expires());
        let mut next = ages.filter(|&at| at > now).min().unwrap_or(u64::MAX);
        let Some(idle_for) = options.idle_timeout.map(nanos) else {
            return next;
        };
        if self.line.counts().idle > options.min_idle {
            self.line.cull_stale(|number, since| {
                let last_use = self.cells.meta(number).last_use(since);
                next = next.min(last_use.saturating_add(idle_for));
                false
            });
        }
        next
    }
}

/// The time between two ticks; `None` when nothing ages and nothing idle has to be kept.
fn period(options: &Options) -> Option<u64> {
    let finest = options.validate_after_idle.filter(|after| !after.is_zero());
    // An acquire takes an idle connection without a word, so somebody has to look.
    let kept = (options.min_idle > 0).then_some(MISSED);
    let times = [finest, options.idle_timeout, options.max_lifetime, kept];
    let time = times.into_iter().flatten().min()? / PARTS;
    Some(nanos(time.clamp(Duration::from_millis(1), Duration::from_secs(30))))
}
