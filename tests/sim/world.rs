//! The interpreter: a pool, a backend, runtimes and everybody who uses them, moved on by one operation at a time.

use super::backend::{Backend, Conn, hook};
use super::books::Books;
use super::ends::{Drain, WarmUp};
use super::ops::{Call, Knob, Op, Setup};
use super::requests::Request;
use super::runtimes::Runtimes;
use super::shadow::Line;
use fairpool::{OrderChecker, OwnedPooled, Pool};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const CONNECT_TIMEOUT: u64 = 40;
pub(crate) const VALIDATE_TIMEOUT: u64 = 15;
pub(crate) const RESET_TIMEOUT: u64 = 12;
pub(crate) const CLOSE_TIMEOUT: u64 = 18;
pub(crate) const BACKOFF: u64 = 5;
pub(crate) const BACKOFF_MAX: u64 = 50;
/// When nobody counts on an attempt any more, unless those who wait have less time.
pub(crate) const HANGS_AFTER: u64 = CONNECT_TIMEOUT / 4;

/// The most requests at a time; more do not make it harder.
const CROWD: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    Draining,
    Closed,
}

pub(crate) struct World {
    // In the order in which they are dropped.
    pub(crate) requests: Vec<Request>,
    pub(crate) guards: Vec<OwnedPooled<Backend>>,
    pub(crate) warm_up: Option<WarmUp>,
    pub(crate) drain: Option<Drain>,
    pub(crate) pool: Pool<Backend>,
    pub(crate) rts: Runtimes,
    pub(crate) books: Arc<Books>,
    pub(crate) line: Arc<Line>,
    pub(crate) checker: Option<Arc<OrderChecker>>,
    pub(crate) setup: Setup,
    pub(crate) phase: Phase,
    pub(crate) limit: u32,
    /// The most connections that a shrink's debt allows now.
    pub(crate) ceiling: u32,
    /// The runtime of the supervisor, and the one that the builder named.
    pub(crate) home: Option<u64>,
    pub(crate) preferred: Option<u64>,
    /// When that supervisor began, or `min_idle` changed: how long idle connections have been watched by today's rules.
    pub(crate) watched_since: u64,
    /// When an option about age changed, time jumped, or a connection came back from a request that never took it: what
    /// was idle across such a moment is not judged to the tick.
    pub(crate) blur: u64,
    /// The same without the last of these.
    pub(crate) age_blur: u64,
    /// Since when there have been fewer idle connections than wanted, and nothing in the way of more.
    pub(crate) short_since: u64,
    /// A request that is polled now may take over from the supervisor, which wakes everybody.
    pub(crate) taking_over: bool,
    /// Steps until a pool that is ending is replaced.
    pub(crate) ending: Option<u32>,
    pub(crate) next_id: u64,
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl World {
    pub(crate) fn new(setup: Setup) -> World {
        let mut rts = Runtimes::new();
        if setup.at_home {
            rts.start_side();
        }
        let books = Arc::new(Books::new(rts.base, &setup));
        let checker = setup.observed.then(OrderChecker::new);
        let preferred = setup.at_home.then(|| rts.choose(true));
        let _entered = rts.main.handle().enter();
        let mut builder = Pool::builder(Backend(books.clone()))
            .limit(setup.limit)
            .min_idle(setup.min_idle)
            .queue_limit(setup.queue_limit)
            .max_connecting(setup.max_connecting)
            .acquire_timeout(setup.acquire_timeout.map(ms))
            .connect_timeout(ms(CONNECT_TIMEOUT))
            .validate_timeout(ms(VALIDATE_TIMEOUT))
            .reset_timeout(ms(RESET_TIMEOUT))
            .close_timeout(ms(CLOSE_TIMEOUT))
            .idle_timeout(setup.idle_timeout.map(ms))
            .max_lifetime(setup.max_lifetime.map(ms))
            .lifetime_jitter(if setup.jitter { 0.3 } else { 0.0 })
            .validate_after_idle(setup.validate_after_idle.map(ms))
            .backoff_initial(ms(BACKOFF))
            .backoff_max(ms(BACKOFF_MAX));
        if let Some(checker) = &checker {
            builder = builder.observer(checker.clone());
        }
        if let Some(rt) = preferred {
            builder = builder.runtime(rt.handle().clone());
        }
        if setup.hooks {
            builder = builder
                .after_connect(|conn: &mut Conn| Box::pin(hook(conn, Call::AfterConnect)))
                .before_acquire(|conn: &mut Conn| Box::pin(hook(conn, Call::BeforeAcquire)))
                .after_release(|conn: &mut Conn| Box::pin(hook(conn, Call::AfterRelease)));
        }
        let pool = builder.build().expect("options in their ranges");
        let preferred = preferred.map(|rt| rt.number);
        drop(_entered);
        World {
            requests: Vec::new(),
            guards: Vec::new(),
            warm_up: None,
            drain: None,
            pool,
            rts,
            books,
            line: Arc::new(Line::default()),
            checker,
            setup,
            phase: Phase::Open,
            limit: setup.limit,
            ceiling: setup.limit,
            home: None,
            preferred,
            watched_since: 0,
            blur: 0,
            age_blur: 0,
            short_since: u64::MAX,
            taking_over: false,
            ending: None,
            next_id: 1,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.rts.now()
    }

    /// One operation; then, unless the next one follows in haste, everything comes to rest and is judged.
    pub(crate) fn step(&mut self, op: Op, hasty: bool) {
        self.apply(op);
        if hasty {
            // Nobody looks, so nobody knows how long idle connections have been short.
            self.short_since = u64::MAX;
        } else {
            self.rest();
        }
        self.check_always();
    }

    /// Runs until nothing is ready, hears who was woken, and judges.
    pub(crate) fn rest(&mut self) {
        self.rts.settle();
        self.hear();
        if self.setup.prompt {
            while self.poll_woken(false, false) > 0 {
                self.rts.settle();
                self.hear();
            }
        }
        self.check_at_rest();
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Acquire { within, side, unpolled } => {
                if self.requests.len() < CROWD {
                    self.ask(within);
                    if !unpolled {
                        self.poll(self.requests.len() - 1, side, false);
                    }
                }
            }
            Op::Poll { which, side, new_waker } => {
                if let Some(index) = pick(which, self.requests.len()) {
                    self.poll(index, side, new_waker);
                }
            }
            Op::PollWoken { backwards, side } => {
                self.poll_woken(backwards, side);
            }
            Op::Cancel { which } => {
                if let Some(index) = pick(which, self.requests.len()) {
                    self.cancel(index);
                }
            }
            Op::Release { which, how } => {
                if let Some(index) = pick(which, self.guards.len()) {
                    self.release(index, how);
                }
            }
            Op::TryAcquire => self.try_acquire(),
            Op::Clear => self.clear(),
            Op::SetLimit(limit) => self.set_limit(limit),
            Op::Set(knob) => self.set(knob),
            Op::Pause => self.pause(),
            Op::Resume => self.resume(),
            Op::Invalidate => self.invalidate(),
            Op::WarmUp(connections) => self.warm_up(connections),
            Op::ForgetWarmUp => self.warm_up = None,
            Op::Advance(millis) => self.advance(millis),
            Op::Stall(millis) => self.stall(millis),
            Op::Neglect(millis) => self.neglect(millis),
            Op::Forsake(millis) => self.forsake(millis),
            Op::Script { call, outcome, times } => self.books.script(call, outcome, times),
            Op::Kill { side, repoll } => self.kill(side, repoll),
            Op::SecondRuntime => self.rts.start_side(),
            Op::Census => self.census(),
            Op::Drain(patience) => self.drain(patience),
            Op::Close => self.close(),
        }
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        self.rts.settle();
        let still = self.rts.advance(millis);
        // While they took turns, the two runtimes' clocks were apart by that much.
        if still > 1 {
            self.blurred();
        }
        self.tell_time();
    }

    fn stall(&mut self, millis: u64) {
        self.rts.settle();
        self.rts.stall(millis);
        self.tell_time();
        self.blurred();
    }

    fn neglect(&mut self, millis: u64) {
        self.rts.settle();
        let (home, then) = (self.home.unwrap_or(0), self.now() + millis);
        let requests = &self.requests;
        let abroad = |request: &&Request| request.waits() && request.on != home;
        let waiting = self.line.len();
        let look = || {
            if self.line.len() < waiting {
                self.books.seen("expired while nobody drove the supervisor");
            }
            for request in requests.iter().filter(abroad) {
                if request.deadline.is_some_and(|deadline| deadline + 1 < then) {
                    panic!("P6: request {} waits for a supervisor that nobody drives", request.id);
                }
            }
        };
        if self.rts.neglect(home, millis, look) {
            self.tell_time();
            self.blurred();
        }
    }

    pub(crate) fn tell_time(&mut self) {
        let now = self.now();
        self.books.with(|ledger| ledger.shadow_now = now);
        self.hear();
    }

    pub(crate) fn blurred(&mut self) {
        self.blur = self.now();
        self.age_blur = self.now();
    }

    fn clear(&mut self) {
        let (waiting, unsure) = (self.line.len(), self.requests.iter().any(Request::alarmed));
        for request in self.requests.iter_mut().filter(|request| request.waits()) {
            request.must_be_cleared = true;
        }
        let cleared = self.pool.clear();
        if cleared < waiting || (cleared != waiting && !unsure) {
            panic!("P5: clear returned {cleared}, but {waiting} requests waited");
        }
        if self.line.len() > 0 {
            panic!("P5: {} requests were not woken by clear", self.line.len());
        }
        if cleared > 1 {
            self.books.seen("clear of several");
        }
    }

    fn set_limit(&mut self, limit: u32) {
        self.rts.settle();
        if limit == 0 {
            assert!(self.pool.set_limit(0).is_err(), "a limit of 0 is refused");
            return;
        }
        let live = self.books.with(|ledger| {
            ledger.limit = limit;
            ledger.pooled() + ledger.under.connecting
        });
        if limit > self.limit && self.line.len() > 0 {
            self.books.seen("grown while requests wait");
        }
        let _entered = self.rts.main.handle().enter();
        self.pool.set_limit(limit).expect("a limit in its range");
        self.limit = limit;
        self.ceiling = limit.max(live);
        if self.guards.len() as u32 > limit {
            self.books.seen("shrunk under lease");
        }
    }

    fn set(&mut self, knob: Knob) {
        self.rts.settle();
        let _entered = self.rts.main.handle().enter();
        let pool = &self.pool;
        let fine = match knob {
            Knob::MinIdle(n) => pool.set_min_idle(n),
            Knob::QueueLimit(n) => pool.set_queue_limit(n),
            Knob::MaxConnecting(n) => pool.set_max_connecting(n),
            Knob::AcquireTimeout(time) => pool.set_acquire_timeout(time.map(ms)),
            Knob::IdleTimeout(time) => pool.set_idle_timeout(time.map(ms)),
            Knob::MaxLifetime(time) => pool.set_max_lifetime(time.map(ms)),
            Knob::ValidateAfterIdle(time) => pool.set_validate_after_idle(time.map(ms)),
        };
        if fine.is_err() != matches!(knob, Knob::MaxConnecting(0)) {
            panic!("an option was judged wrongly: {knob:?}");
        }
        drop(_entered);
        match knob {
            Knob::MaxConnecting(n) if n > 0 => self.books.with(|ledger| ledger.max_connecting = n),
            Knob::MinIdle(_) => self.watched_since = self.now(),
            Knob::IdleTimeout(_) | Knob::MaxLifetime(_) | Knob::ValidateAfterIdle(_) => self.blurred(),
            _ => {}
        }
    }

    fn pause(&mut self) {
        self.pool.pause();
        if self.phase == Phase::Open {
            self.books.with(|ledger| ledger.paused = true);
        }
    }

    pub(crate) fn resume(&mut self) {
        self.books.with(|ledger| ledger.paused = false);
        let _entered = self.rts.main.handle().enter();
        self.pool.resume();
    }

    fn invalidate(&mut self) {
        let under = self.books.with(|ledger| ledger.under);
        let calls = [
            (under.connecting, "invalidated in mid-connect"),
            (under.validating, "invalidated in mid-validation"),
            (under.resetting, "invalidated in mid-reset"),
        ];
        for (_, what) in calls.iter().filter(|(running, _)| *running > 0) {
            self.books.seen(what);
        }
        self.books.with(|ledger| ledger.generation += 1);
        let _entered = self.rts.main.handle().enter();
        self.pool.invalidate();
    }
}

/// One of so many; a small number means one of the first, 128 and up one of the last.
fn pick(which: u8, len: usize) -> Option<usize> {
    let which = usize::from(which);
    match len {
        0 => None,
        _ if which < 128 => Some(which % len),
        _ => Some(len - 1 - (which - 128) % len),
    }
}
