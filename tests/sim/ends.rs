//! The long operations and the ends: warm-up, drain, close, a runtime's death, the census, and the end of a world.

use super::backend::{Backend, Refusal};
use super::ops::How;
use super::shadow::Bell;
use super::world::{Phase, World, ms};
use fairpool::{DrainReport, State, WarmUpError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// Steps that a pool which is ending still takes part in.
const LAST_STEPS: u32 = 25;

/// A future held by the interpreter, and polled on the main runtime when it is woken.
pub(crate) struct Job<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    bell: Arc<Bell>,
    until: Option<u64>,
}

pub(crate) struct WarmUp {
    job: Job<Result<(), WarmUpError<Refusal>>>,
    connections: u32,
}

pub(crate) struct Drain {
    job: Job<DrainReport>,
    gone_before: u64,
    /// Requests in line that were told that the pool is closed.
    pub(crate) failed: usize,
}

impl<T> Job<T> {
    fn new(world: &World, future: impl Future<Output = T> + 'static, until: Option<u64>) -> Job<T> {
        Job {
            future: Box::pin(future),
            // Nobody's number in the line: it never stands there.
            bell: Bell::new(u64::MAX, &world.line, &world.books),
            until,
        }
    }

    fn poll(&mut self, handle: &tokio::runtime::Handle) -> Option<T> {
        self.bell.still();
        let waker = self.bell.waker();
        let _entered = handle.enter();
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }
}

impl World {
    /// Polls the long operations that were woken.
    pub(crate) fn hear(&mut self) {
        let (handle, number) = (self.rts.main.handle().clone(), self.rts.main.number);
        while let Some(mut warm_up) = self.warm_up.take_if(|warm_up| warm_up.job.bell.rung()) {
            match warm_up.job.poll(&handle) {
                None => {
                    // It looked again, and saw to a supervisor if the one before is gone.
                    self.staffed(number);
                    self.warm_up = Some(warm_up);
                }
                Some(result) => self.warmed_up(&warm_up, result),
            }
            self.rts.settle();
        }
        while let Some(mut drain) = self.drain.take_if(|drain| drain.job.bell.rung()) {
            match drain.job.poll(&handle) {
                None => {
                    self.staffed(number);
                    self.drain = Some(drain);
                }
                Some(report) => self.drained(drain, report),
            }
            self.rts.settle();
        }
        let now = self.now();
        let late = |until: Option<u64>| until.is_some_and(|until| until + 1 < now);
        if self.warm_up.as_ref().is_some_and(|warm_up| late(warm_up.job.until)) {
            panic!("P6: warm_up is not back at {now}");
        }
        if self.drain.as_ref().is_some_and(|drain| late(drain.job.until)) {
            panic!("P7: drain is not back at {now}");
        }
    }

    pub(crate) fn warm_up(&mut self, connections: u32) {
        let pool = self.pool.clone();
        let until = self
            .pool
            .options()
            .acquire_timeout
            .map(|time| self.now() + time.as_millis() as u64);
        let job = Job::new(self, async move { pool.warm_up(connections).await }, until);
        let mut warm_up = WarmUp { job, connections };
        let handle = self.rts.main.handle().clone();
        let number = self.rts.main.number;
        self.warm_up = None;
        match warm_up.job.poll(&handle) {
            Some(result) => self.warmed_up(&warm_up, result),
            None => {
                self.staffed(number);
                self.warm_up = Some(warm_up);
            }
        }
    }

    fn warmed_up(&self, warm_up: &WarmUp, result: Result<(), WarmUpError<Refusal>>) {
        let status = self.pool.status();
        let fair = match &result {
            Ok(()) => status.open() >= warm_up.connections,
            Err(WarmUpError::Timeout { .. }) => warm_up.job.until.is_some_and(|until| until <= self.now()),
            Err(WarmUpError::Connect(_)) => self.books.with(|ledger| ledger.permanent_failures) > 0,
            Err(WarmUpError::OverLimit { .. }) => warm_up.connections > self.limit,
            Err(WarmUpError::Closed) => self.phase != Phase::Open,
            Err(_) => false,
        };
        if !fair {
            panic!("P6: warm_up({}) came to {result:?} with {status}", warm_up.connections);
        }
        self.books
            .seen(if result.is_ok() { "warmed up" } else { "warm_up failed" });
    }

    pub(crate) fn drain(&mut self, patience: u64) {
        if self.phase != Phase::Open {
            return;
        }
        self.rts.settle();
        self.hear();
        self.poll_woken(false, false);
        self.phase = Phase::Draining;
        self.ending = Some(LAST_STEPS);
        self.books.with(|ledger| ledger.paused = false);
        let pool = self.pool.clone();
        let until = self.now() + patience;
        let job = Job::new(self, async move { pool.drain(ms(patience)).await }, Some(until));
        let mut drain = Drain {
            job,
            gone_before: self.books.with(|ledger| ledger.gone),
            failed: 0,
        };
        let (handle, number) = (self.rts.main.handle().clone(), self.rts.main.number);
        match drain.job.poll(&handle) {
            Some(report) => self.drained(drain, report),
            None => {
                self.staffed(number);
                self.drain = Some(drain);
            }
        }
    }

    fn drained(&mut self, mut drain: Drain, report: DrainReport) {
        self.phase = Phase::Closed;
        drain.failed += self.requests.iter().filter(|request| request.waits()).count();
        let before = drain.failed;
        // Those that it failed have been woken and not been polled; those in `before` had been polled already.
        self.drain = Some(drain);
        self.poll_woken(false, false);
        let drain = self.drain.take().expect("put there a line ago");
        let (gone, live) = self.books.with(|ledger| (ledger.gone, ledger.pooled()));
        let under = self.books.with(|ledger| ledger.under);
        let still_out = self.guards.len() as u32;
        let unfinished = live - still_out.min(live) + under.connecting;
        let fair = report.closed == gone - drain.gone_before
            && report.failed == drain.failed
            && report.still_out == still_out
            && report.unfinished == unfinished
            && report.completed == (drain.failed == 0 && live == 0 && under.connecting == 0);
        if !fair {
            panic!(
                "P7: \"{report}\" (completed: {}), but {} were closed, {still_out} are out, {unfinished} unfinished, {} failed ({before} polled before)",
                report.completed,
                gone - drain.gone_before,
                drain.failed
            );
        }
        self.books.seen(if report.completed {
            "drained"
        } else {
            "gave up draining"
        });
    }

    pub(crate) fn close(&mut self) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.ending = self.ending.or(Some(LAST_STEPS));
        self.books.with(|ledger| ledger.paused = false);
        for request in self.requests.iter_mut().filter(|request| request.waits()) {
            request.must_be_closed = true;
        }
        let (handle, number) = (self.rts.main.handle().clone(), self.rts.main.number);
        {
            let _entered = handle.enter();
            self.pool.close();
        }
        self.staffed(number);
        if self.line.len() > 0 {
            panic!("P6: {} requests were not woken by close", self.line.len());
        }
        self.books.seen("closed with everything else under way");
    }

    /// Drops a runtime with everything on it.
    pub(crate) fn kill(&mut self, side: bool, repoll: bool) {
        let under = self.books.with(|ledger| ledger.under);
        let main = self.rts.main.number;
        let dying = self.rts.kill(side);
        let at_home = self.home == Some(dying.number);
        if dying.number == main {
            // Their timers stood on it.
            if self.drain.is_some() {
                self.books.seen("drain dropped with its runtime");
            }
            (self.warm_up, self.drain) = (None, None);
        }
        let calls = [
            (under.connecting as usize, "runtime killed in mid-connect"),
            (under.validating as usize, "runtime killed in mid-validation"),
            (under.resetting as usize, "runtime killed in mid-reset"),
            (
                self.books.with(|ledger| ledger.leaving()) as usize,
                "runtime killed in mid-close",
            ),
            (self.guards.len(), "runtime killed with leases out"),
            (self.line.len(), "runtime killed with requests in line"),
        ];
        for (_, what) in calls.iter().filter(|(running, _)| at_home && *running > 0) {
            self.books.seen(what);
        }
        self.line.alarm.store(true, Relaxed);
        if catch_unwind(AssertUnwindSafe(|| drop(dying))).is_err() {
            panic!("P8: something panicked out of a runtime's end");
        }
        self.line.alarm.store(false, Relaxed);
        if !at_home {
            self.books.seen("killed a runtime without the supervisor");
        } else {
            (self.home, self.preferred) = (None, None);
            if self.line.len() > 0 {
                panic!(
                    "P6: {} requests were not woken when their runtime died",
                    self.line.len()
                );
            }
            self.books.seen("killed the supervisor's runtime");
        }
        if repoll {
            self.poll_woken(false, false);
        }
    }

    /// Everything comes back, then exactly `limit` connections can be had.
    pub(crate) fn census(&mut self) {
        if self.phase != Phase::Open {
            return;
        }
        self.rts.settle();
        self.hear();
        self.poll_woken(false, false);
        self.books.forget_scripts();
        self.resume();
        self.warm_up = None;
        let options = self.pool.options();
        self.pool.set_queue_limit(None).expect("in its range");
        self.pool.set_idle_timeout(None).expect("in its range");
        self.pool.set_max_lifetime(None).expect("in its range");
        self.pool.set_min_idle(0).expect("in its range");
        self.empty_hands();
        for _ in 0..4 {
            self.advance(60);
            self.poll_woken(false, false);
        }
        for _ in 0..=self.limit {
            self.ask(Some(100_000));
            self.poll(self.requests.len() - 1, false, false);
        }
        for _ in 0..200 {
            self.poll_woken(false, false);
            if self.guards.len() as u32 == self.limit {
                break;
            }
            self.advance(5);
        }
        self.rts.settle();
        self.poll_woken(false, false);
        let live = self.books.with(|ledger| ledger.pooled());
        if self.guards.len() as u32 != self.limit || self.requests.len() != 1 || live != self.limit {
            panic!(
                "P2: {} connections could be had at limit {} ({live} live, {})",
                self.guards.len(),
                self.limit,
                self.pool.status()
            );
        }
        self.empty_hands();
        self.pool.set_queue_limit(options.queue_limit).expect("in its range");
        self.pool.set_idle_timeout(options.idle_timeout).expect("in its range");
        self.pool.set_max_lifetime(options.max_lifetime).expect("in its range");
        self.pool.set_min_idle(options.min_idle).expect("in its range");
        (self.blur, self.age_blur) = (self.now(), self.now());
        self.books.seen("census");
    }

    fn empty_hands(&mut self) {
        while !self.requests.is_empty() {
            self.cancel(0);
        }
        while !self.guards.is_empty() {
            self.release(0, How::Plain);
        }
        self.rts.settle();
    }

    /// The end: everybody lets go, the pool is dropped, and nothing may be left.
    pub(crate) fn finish(mut self) -> super::seen::Seen {
        self.census();
        self.check_always();
        self.books.forget_scripts();
        (self.warm_up, self.drain) = (None, None);
        self.empty_hands();
        self.advance(200);
        self.rest();
        let (live, under) = self.books.with(|ledger| (ledger.pooled(), ledger.under));
        let status = self.pool.status();
        if under != Default::default() || status.idle != live || status.occupied() != live {
            panic!("P3: at rest, but {live} connections live, {under:?}, {status}");
        }
        if self.phase == Phase::Closed && (live > 0 || status.state != State::Closed) {
            panic!("P7: {live} connections outlived their closed pool: {status}");
        }
        if let Some(checker) = &self.checker {
            let (grants, overlaps) = (checker.grants(), checker.overlaps());
            self.books.with(|ledger| {
                ledger.seen.note_many("grants that the order checker saw", grants);
                ledger.seen.note_many("of those, while others waited", overlaps);
            });
        }
        let World { pool, rts, books, .. } = self;
        let orphans = catch_unwind(AssertUnwindSafe(move || {
            drop::<fairpool::Pool<Backend>>(pool);
            rts.settle();
            drop(rts);
        }));
        if orphans.is_err() {
            panic!("P8: something panicked out of a pool's end");
        }
        books.with(|ledger| {
            if !ledger.conns.is_empty() {
                panic!("P3: never dropped: {:?}", ledger.conns);
            }
            ledger.seen.clone()
        })
    }
}
