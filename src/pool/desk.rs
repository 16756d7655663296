//! Where the supervisor sits: whether one is in office, on which runtime, and how it is called.
//!
//! | `home` | meaning | left by |
//! |---|---|---|
//! | 0 | nobody in office | `Desk::open`, by whoever next has to wait |
//! | a runtime's id | a supervisor is spawned there | its tenure's end: finished, panicked, its runtime gone, or somebody `replace`d it |
//!
//! **Lane rule**: who puts an errand into the lane afterwards calls a hand, or else looks at the desk, each under its lock; a
//! supervisor's end empties the desk and the list of hands, under those locks, before it sweeps the lane. One of the two comes
//! second and sees the other, so no errand is left lying. Each lock is taken with no other one held.

use super::whereabouts::{current_runtime, runtime_number};
use crate::sync::hands::Hands;
use crate::sync::primitives::{AtomicBool, AtomicU64, Mutex, Ordering::*};
use crate::sync::signal::Signal;
use crate::sync::wakes::contained;
use futures::FutureExt;
use futures::future::{Either, OptionFuture, pending, ready};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

#[derive(Debug)]
struct Office {
    /// Where the supervisor is.
    seat: Option<Handle>,
    /// Counts supervisors, so that one whose time is over cannot clear the desk of its successor.
    term: u64,
    /// The builder's runtime, until a supervisor died there.
    preferred: Option<Handle>,
}

#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) signal: Arc<Signal>,
    /// Those who run the supervisor's errands, on its runtime.
    pub(crate) hands: Arc<Hands>,
    /// See the table. Written under `office`'s lock, read without.
    home: AtomicU64,
    /// A supervisor has ended, and no other begun to look after what is idle. Written under the same lock, so that no
    /// predecessor has the last word.
    unattended: AtomicBool,
    office: Mutex<Office>,
}

impl Desk {
    pub(crate) fn new(preferred: Option<Handle>) -> Self {
        Desk {
            signal: Arc::new(Signal::new()),
            hands: Arc::new(Hands::new()),
            home: AtomicU64::new(0),
            unattended: AtomicBool::new(false),
            office: Mutex::new(Office {
                seat: None,
                term: 0,
                preferred,
            }),
        }
    }

    /// Whether a supervisor is in office, without the lock: for whoever looks again when it ends.
    pub(crate) fn staffed(&self) -> bool {
        self.home.load(Acquire) != 0
    }

    /// The same, in the order that the lane rule needs.
    pub(crate) fn staffed_for_sure(&self) -> bool {
        let _office = self.office.lock();
        self.home.load(Relaxed) != 0
    }

    /// The runtime that we are on, unless it is the supervisor's, whose timers run when our task does.
    pub(crate) fn abroad(&self) -> Option<u64> {
        current_runtime().filter(|&here| here != self.home.load(Relaxed))
    }

    /// Sees to it that somebody is in office: on the builder's runtime, else on ours. `begin` starts the tenure that it is told
    /// of; false when it could not. The same here when there is no runtime.
    pub(crate) fn employ(&self, begin: impl Fn(&Handle, u64) -> bool) -> bool {
        for _ in 0..2 {
            match self.open() {
                Opening::Ours(runtime, term) if begin(&runtime, term) => {
                    self.signal.poke();
                    return true;
                }
                Opening::Ours(..) => {}
                Opening::Taken => return true,
                Opening::NoRuntime => return false,
            }
        }
        false
    }

    /// Takes office for a new supervisor, if nobody has and there is a runtime for it.
    fn open(&self) -> Opening {
        let mut office = self.office.lock();
        if self.home.load(Relaxed) != 0 {
            return Opening::Taken;
        }
        let Some(handle) = office.preferred.clone().or_else(|| Handle::try_current().ok()) else {
            return Opening::NoRuntime;
        };
        let term = self.install(&mut office, &handle);
        Opening::Ours(handle, term)
    }

    /// Takes office from the supervisor of this term for one on this runtime; the new term, unless that one is gone already.
    pub(crate) fn replace(&self, term: u64, runtime: &Handle) -> Option<u64> {
        let mut office = self.office.lock();
        if office.term != term || self.home.load(Relaxed) == 0 {
            return None;
        }
        office.preferred = None;
        self.unattended.store(true, Relaxed);
        Some(self.install(&mut office, runtime))
    }

    fn install(&self, office: &mut Office, runtime: &Handle) -> u64 {
        office.term += 1;
        office.seat = Some(runtime.clone());
        self.home.store(runtime_number(runtime), Release);
        office.term
    }

    /// Whether the supervisor of this term is still in office.
    pub(crate) fn holds(&self, term: u64) -> bool {
        self.office.lock().term == term
    }

    /// The supervisor of this term begins to look after what is idle, unless it has been replaced.
    pub(crate) fn attend(&self, term: u64) {
        let office = self.office.lock();
        if office.term == term {
            self.unattended.store(false, Relaxed);
        }
    }

    pub(crate) fn unattended(&self) -> bool {
        self.unattended.load(Relaxed)
    }

    /// A timer on the runtime we are on; where there is none, or it has none, on the supervisor's. It rings early if that runtime
    /// ends.
    pub(crate) fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + use<> {
        let timer = timer_here(at).or_else(|| {
            let seat = self.office.lock().seat.clone()?;
            let _entered = seat.enter();
            timer_here(at)
        });
        // Nobody in office: its end has just called everybody who waits for anything.
        let timer = timer.map(|timer| {
            let mut timer = Box::pin(timer);
            poll_fn(move |cx| poll_timer(timer.as_mut(), cx).unwrap_or(Poll::Ready(())))
        });
        OptionFuture::from(timer).then(|slept| match slept {
            Some(()) => Either::Left(ready(())),
            None => Either::Right(pending()),
        })
    }

    /// The supervisor of this term is gone; false if another one has succeeded it already.
    pub(crate) fn vacate(&self, term: u64) -> bool {
        let mut office = self.office.lock();
        let ours = office.term == term;
        if ours {
            self.home.store(0, Release);
            self.unattended.store(true, Relaxed);
            (office.preferred, office.seat) = (None, None);
        }
        ours
    }
}

/// Whether a new supervisor may begin.
#[derive(Debug)]
enum Opening {
    /// On this runtime, in this term.
    Ours(Handle, u64),
    /// One is in office; should it end, everybody who waits is woken.
    Taken,
    NoRuntime,
}

/// A timer on the runtime we are on, if there is one and it has its time driver; says so on stderr if that is missing.
pub(crate) fn timer_here(at: Instant) -> Option<Sleep> {
    Handle::try_current().ok()?;
    std::panic::catch_unwind(|| tokio::time::sleep_until(at)).ok()
}

/// Polls a timer; `None` when its runtime has ended, of which tokio tells by a panic.
pub(crate) fn poll_timer(timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Option<Poll<()>> {
    contained(|| timer.poll(cx))
}

/// Whether a runtime has its time driver; says so on stderr if not.
pub(crate) fn has_timers(runtime: &Handle) -> bool {
    let _entered = runtime.enter();
    std::panic::catch_unwind(|| drop(tokio::time::sleep(std::time::Duration::ZERO))).is_ok()
}
