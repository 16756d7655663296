//! Waiting for a lock that another connection holds: in steps with jitter, up to the busy timeout, and no step longer
//! than somebody wants the job.
//!
//! SQLite's own busy timeout sleeps a millisecond at least, and does not notice that its caller has gone. Here the
//! first steps are short, since most writes of a busy file last less than a millisecond, and each looks whether it is
//! wanted.

use super::ledger::Ledger;
use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The first step is at most this long; each further one at most twice its predecessor.
const FIRST_STEP: Duration = Duration::from_micros(50);
const LONGEST_STEP: Duration = Duration::from_millis(10);

thread_local! {
    /// SQLite's callback carries no data of ours, but it runs on the connection's own thread.
    static PATIENCE: OnceCell<Patience> = const { OnceCell::new() };
}

/// How long the jobs of this thread wait for a lock.
struct Patience {
    ledger: Arc<Ledger>,
    timeout: Duration,
    since: Cell<Instant>,
}

/// Says once, on a connection's thread, how long its jobs wait.
pub(super) fn prepare(ledger: Arc<Ledger>, timeout: Duration) {
    PATIENCE.with(|patience| {
        let _ = patience.set(Patience {
            ledger,
            timeout,
            since: Cell::new(Instant::now()),
        });
    });
}

/// The busy handler: waits before try number `count` + 1, or says that it is in vain.
pub(super) fn wait(count: i32) -> bool {
    PATIENCE.with(|patience| {
        let Some(patience) = patience.get() else { return false };
        if count == 0 {
            patience.since.set(Instant::now());
        }
        step(patience, count.unsigned_abs(), patience.since.get())
    })
}

/// The same for tries that SQLite does not repeat by itself; the caller counts, and knows since when it tries.
pub(super) fn wait_since(since: Instant, count: u32) -> bool {
    PATIENCE.with(|patience| patience.get().is_some_and(|patience| step(patience, count, since)))
}

fn step(patience: &Patience, count: u32, since: Instant) -> bool {
    let left = patience.timeout.saturating_sub(since.elapsed());
    if left.is_zero() || patience.ledger.is_unwanted() {
        return false;
    }
    let longest = FIRST_STEP.saturating_mul(1 << count.min(16)).min(LONGEST_STEP);
    thread::sleep(longest.mul_f64(0.5 + fastrand::f64() / 2.0).min(left));
    true
}
