//! A scripted backend for the integration tests: each step is told what to do next, and living connections are counted.
//!
//! `live` is the number of connections made and not dropped yet, whatever the pool says. It knows nothing of the pool.
#![allow(dead_code)] // each test file uses its part

pub(crate) mod keyed;

use fairpool::{Builder, Event, Interest, Manager, Observer, Pool, Status};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Ok,
    /// Succeeds after so many milliseconds.
    Takes(u64),
    /// A passing error; for `is_broken`, the answer yes.
    Fails,
    /// An error that no retry helps.
    Refuses,
    Hangs,
    Panics,
}

/// One step of the backend: what it does next, what it usually does, and how often it was asked.
#[derive(Debug)]
pub(crate) struct Step {
    plan: Mutex<(Act, VecDeque<Act>)>,
    calls: AtomicU64,
}

impl Default for Step {
    fn default() -> Self {
        Step {
            plan: Mutex::new((Act::Ok, VecDeque::new())),
            calls: AtomicU64::new(0),
        }
    }
}

impl Step {
    pub(crate) fn always(&self, act: Act) {
        *self.plan.lock().unwrap() = (act, VecDeque::new());
    }

    pub(crate) fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.plan.lock().unwrap().1.extend(acts);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    fn is_quiet(&self) -> bool {
        *self.plan.lock().unwrap() == (Act::Ok, VecDeque::new())
    }

    fn next(&self) -> Act {
        self.calls.fetch_add(1, Relaxed);
        let mut plan = self.plan.lock().unwrap();
        let usual = plan.0;
        plan.1.pop_front().unwrap_or(usual)
    }

    /// For steps that cannot wait: true when told to fail.
    pub(crate) fn look(&self) -> bool {
        match self.next() {
            Act::Panics => panic!("the backend's code panics"),
            act => act == Act::Fails,
        }
    }

    pub(crate) async fn play(&self) -> Result<(), Fault> {
        match self.next() {
            Act::Ok => {}
            Act::Takes(time) => tokio::time::sleep(ms(time)).await,
            Act::Fails => return Err(Fault::Passing),
            Act::Refuses => return Err(Fault::Permanent(Cause)),
            Act::Hangs => std::future::pending().await,
            Act::Panics => panic!("the backend's code panics"),
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) connect: Step,
    pub(crate) validate: Step,
    /// While it is told nothing, there is nothing to await.
    pub(crate) reset: Step,
    /// The same.
    pub(crate) close: Step,
    pub(crate) is_broken: Step,
    pub(crate) drop: Step,
    pub(crate) detached: Step,
    pub(crate) is_transient: Step,
    live: AtomicU64,
    peak: AtomicU64,
    made: AtomicU64,
}

impl Script {
    pub(crate) fn live(&self) -> u64 {
        self.live.load(Relaxed)
    }

    /// The most that lived at once.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }
}

/// The manager; clones share the script.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backend(Arc<Script>);

impl std::ops::Deref for Backend {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0
    }
}

#[derive(Debug)]
pub(crate) struct Conn {
    /// From 1, in the order of their making.
    pub(crate) number: u64,
    /// Set by a holder, undone by a reset.
    pub(crate) dirty: bool,
    script: Arc<Script>,
}

impl Drop for Conn {
    fn drop(&mut self) {
        self.script.live.fetch_sub(1, Relaxed);
        self.script.drop.look();
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Passing,
    Permanent(Cause),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Passing => "connection refused",
            Fault::Permanent(_) => "access denied",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the password is wrong")
    }
}

impl Error for Cause {}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::Passing => None,
            Fault::Permanent(cause) => Some(cause),
        }
    }
}

impl Manager for Backend {
    type Connection = Conn;
    type Error = Fault;

    async fn connect(&self) -> Result<Conn, Fault> {
        self.connect.play().await?;
        self.peak.fetch_max(self.live.fetch_add(1, Relaxed) + 1, Relaxed);
        Ok(Conn {
            number: self.made.fetch_add(1, Relaxed) + 1,
            dirty: false,
            script: self.0.clone(),
        })
    }

    async fn validate(&self, _: &mut Conn) -> Result<(), Fault> {
        self.validate.play().await
    }

    fn reset(&self, conn: &mut Conn) -> Option<impl Future<Output = Result<(), Fault>> + Send> {
        (!self.reset.is_quiet()).then_some(async {
            self.reset.play().await?;
            conn.dirty = false;
            Ok(())
        })
    }

    fn is_broken(&self, _: &mut Conn) -> bool {
        self.is_broken.look()
    }

    fn close(&self, conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        (!self.close.is_quiet()).then_some(async {
            let _ = self.close.play().await;
            drop(conn);
        })
    }

    fn is_transient(&self, error: &Fault) -> bool {
        self.is_transient.look();
        *error == Fault::Passing
    }

    fn detached(&self, _: &mut Conn) {
        self.detached.look();
    }
}

/// A pool with this limit and otherwise default options, and its backend.
pub(crate) fn pool_of(limit: u32) -> (Pool<Backend>, Backend) {
    pool_with(|builder| builder.limit(limit))
}

pub(crate) fn pool_with(options: impl FnOnce(Builder<Backend>) -> Builder<Backend>) -> (Pool<Backend>, Backend) {
    let backend = Backend::default();
    let pool = options(Pool::builder(backend.clone()))
        .build()
        .expect("options in range");
    (pool, backend)
}

pub(crate) fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Lets every task that can run do so; a paused clock stands still meanwhile.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Nothing was lost: the whole limit can be lent at once, to the last slot, and all of it comes back.
pub(crate) async fn assert_whole(pool: &Pool<Backend>) {
    let limit = pool.status().limit;
    let live = || u32::try_from(pool.manager().live()).unwrap();
    let mut guards = Vec::new();
    for _ in 0..limit {
        let within = pool.acquire_within(Duration::from_secs(60));
        guards.push(within.await.expect("a slot was lost"));
    }
    assert_eq!((pool.status().in_use, live()), (limit, limit));
    assert!(pool.try_acquire().is_err(), "one slot more than the limit");
    drop(guards);
    tokio::time::sleep(ms(400)).await;
    let now = pool.status();
    assert_eq!(
        (now.idle, now.occupied(), now.pending, live()),
        (limit, limit, 0, limit),
        "{now:?}"
    );
}

/// Polls once, with a waker that does nothing: the task that owns this future is slow to look.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A waker that counts.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicU64);

impl Wakes {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Runs a future on this thread with no runtime at all.
pub(crate) fn block_on_plain<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A runtime of one thread with a paused clock.
pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().expect("a runtime")
}

/// Remembers every event.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Event>>);

impl Observer for Log {
    fn on(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_leases().with_use_time(1)
    }
}

impl Log {
    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| is(event)).count()
    }

    pub(crate) fn has(&self, is: impl Fn(&Event) -> bool) -> bool {
        self.count(is) > 0
    }
}

/// Connections at work for the pool itself: connecting, validating, resetting, closing.
pub(crate) fn work(now: &Status) -> [u32; 4] {
    [now.connecting, now.validating, now.resetting, now.closing]
}
