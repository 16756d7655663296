//! Operations on the line as a whole: clear, expire, pause, drain, close. Each takes the lock once and wakes after it.

use super::line::{Core, Line, Phase};
use super::primitives::mutant;
use super::queue::{Failure, NEVER};
use super::stock::Stock;
use super::wakes::Wakes;

impl<S: Stock> Line<S> {
    /// Fails everybody in line at this moment; returns how many.
    pub(crate) fn fail_all(&self, why: Failure) -> usize {
        let mut wakes = Wakes::default();
        let failed = {
            let mut core = self.core.lock();
            self.fail_line(&mut core, why, &mut wakes)
        };
        wakes.call();
        failed
    }

    /// Fails everybody whose deadline has come; returns how many.
    pub(crate) fn expire(&self, now: u64) -> usize {
        let mut wakes = Wakes::default();
        let mut expired = 0;
        {
            let mut core = self.core.lock();
            while let Some(waker) = core.queue.expire(&self.slips, now) {
                wakes.push(waker);
                expired += 1;
            }
        }
        wakes.call();
        expired
    }

    /// The next moment at which somebody expires. The caller promises to look again by then, or when `join` says so.
    pub(crate) fn set_alarm(&self, now: u64) -> u64 {
        let mut core = self.core.lock();
        core.watch = false;
        let next = core.queue.next_deadline().unwrap_or(NEVER);
        core.alarm = self.look(&mut core, next, now);
        core.alarm
    }

    /// Somebody waits who cannot rely on whoever tends the line: until that one looks again, each grant looks at the clock.
    pub(crate) fn watch(&self) {
        self.core.lock().watch = true;
    }

    /// Nobody tends the line any more: the next to join is told, and everybody in it is woken to see.
    pub(crate) fn orphan(&self) {
        let wakers = {
            let mut core = self.core.lock();
            core.alarm = NEVER;
            core.watch = true;
            core.queue.take_wakers()
        };
        wakers.into_iter().flatten().for_each(super::wakes::wake);
    }

    /// Holds the line: after this returns nothing is granted until `resume`.
    pub(crate) fn pause(&self) {
        let mut core = self.core.lock();
        // A line that is ending is not held: those in it would only meet its end.
        if core.phase != Phase::Open {
            return;
        }
        core.paused = true;
        if !mutant!("pause_leaves_gates_open") {
            self.stock.shut();
        }
    }

    pub(crate) fn resume(&self, now: impl Fn() -> u64) {
        let mut wakes = Wakes::default();
        {
            let mut core = self.core.lock();
            core.paused = false;
            if !mutant!("resume_serves_nobody") {
                self.serve(&mut core, &now, &mut wakes);
            }
        }
        wakes.call();
    }

    /// Admits nobody new and serves those in line. Returns the idle units that nobody is left to use.
    pub(crate) fn drain(&self, now: impl Fn() -> u64) -> Vec<S::Unit> {
        let mut wakes = Wakes::default();
        let idle = {
            let mut core = self.core.lock();
            self.begin_end(&mut core, &now, &mut wakes)
        };
        wakes.call();
        idle
    }

    /// Idle units of a line that is ending and has nobody in it; empty otherwise.
    pub(crate) fn unwanted_idle(&self) -> Vec<S::Unit> {
        self.unwanted(&mut self.core.lock())
    }

    /// Requests that closes have failed so far.
    pub(crate) fn cut_off(&self) -> usize {
        self.core.lock().cut_off
    }

    /// Fails the line and admits nobody. Returns the idle units, and how many requests this and earlier closes
    /// have failed.
    pub(crate) fn close(&self) -> (Vec<S::Unit>, usize) {
        let mut wakes = Wakes::default();
        let ended = self.end(&mut self.core.lock(), &mut wakes);
        wakes.call();
        ended
    }

    #[allow(dead_code, reason = "a pool asks for `counts`; this is for permits")]
    pub(crate) fn pending(&self) -> u32 {
        self.core.lock().queue.len()
    }

    /// When the request that has waited longest was made.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.core.lock().queue.oldest()
    }

    /// Tickets drawn so far, and the first one still in line: evidence for the order of grants.
    pub(crate) fn tickets(&self) -> (u64, Option<u64>) {
        let core = self.core.lock();
        (core.queue.drawn(), core.queue.first())
    }

    // With the lock held:

    pub(super) fn begin_end(
        &self,
        core: &mut Core<S::Back>,
        now: &impl Fn() -> u64,
        wakes: &mut Wakes,
    ) -> Vec<S::Unit> {
        if core.phase == Phase::Open {
            core.phase = Phase::Draining;
            core.paused = false;
            self.stock.shut();
            self.serve(core, now, wakes);
        }
        self.unwanted(core)
    }

    pub(super) fn end(&self, core: &mut Core<S::Back>, wakes: &mut Wakes) -> (Vec<S::Unit>, usize) {
        core.phase = Phase::Closed;
        core.paused = false;
        self.stock.shut();
        core.cut_off += self.fail_line(core, Failure::Closed, wakes);
        (self.unwanted(core), core.cut_off)
    }

    fn fail_line(&self, core: &mut Core<S::Back>, why: Failure, wakes: &mut Wakes) -> usize {
        let failed = core.queue.len() as usize;
        while !core.queue.is_empty() {
            wakes.push(core.queue.fail_head(&self.slips, why));
        }
        failed
    }

    pub(super) fn unwanted(&self, core: &mut Core<S::Back>) -> Vec<S::Unit> {
        if core.phase == Phase::Open || !core.queue.is_empty() {
            return Vec::new();
        }
        self.stock.shut();
        self.stock
            .retire_idle(&mut core.back)
            .into_iter()
            .map(S::unit)
            .collect()
    }
}
