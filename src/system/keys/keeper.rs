//! The background work of a keyed pool: one task that begins what the house asks for, each piece a task of its own.
//!
//! It holds the pool weakly, and it may die with its runtime; the pool may not. The end of its tenure clears the desk, ends
//! the errands that nobody will run, and wakes everybody who waits: whoever is polled next starts another on its own runtime.

use super::changes::Start;
use super::house::Work;
use super::member::Key;
use super::shared::Shared;
use super::work::{self, Held};
use crate::pool::desk::has_timers;
use crate::pool::manager::Manager;
use crate::sync::line::Phase;
use crate::sync::signal::Signal;
use futures::future::{Either, select};
use std::pin::pin;
use std::sync::{Arc, Weak};

impl<K: Key, M: Manager> Shared<K, M> {
    /// Sees to it that a keeper is in office; false when there is no runtime for one.
    pub(super) fn staff(self: &Arc<Self>) -> bool {
        self.desk.staffed() || self.employ()
    }

    #[cold]
    fn employ(self: &Arc<Self>) -> bool {
        self.desk.employ(|runtime, term| {
            self.desk.signal.begin(term);
            let tenure = Tenure {
                shared: Arc::downgrade(self),
                term,
            };
            // Without timers every keeper would panic; one that is shut down drops it at once.
            has_timers(runtime) && !runtime.spawn(keep(tenure, self.desk.signal.clone())).is_finished()
        })
    }

    /// One look at everything. Returns when to look again if nobody calls; `None` when there is nothing left to keep, ever.
    fn turn(self: &Arc<Self>) -> Option<u64> {
        // The calls are for us.
        let ((next, starts, ended), _) = self.act(|house, out| {
            let next = house.tick(out);
            let starts = house.start(out);
            let ended = house.phase == Phase::Closed && house.busy == 0;
            (next, starts, ended)
        });
        self.announce();
        for start in starts {
            match start {
                Start::Open(member, begun) => {
                    drop(tokio::spawn(work::open(Held::opening(self.clone(), member), begun)))
                }
                Start::Errand(errand) => {
                    let work = errand.work;
                    let held = Held::adopt(self.clone(), errand);
                    match work {
                        Work::Validating => drop(tokio::spawn(work::check(held))),
                        Work::Resetting => drop(tokio::spawn(work::reset(held))),
                        _ => drop(tokio::spawn(work::close(held))),
                    }
                }
            }
        }
        (!ended).then_some(next)
    }
}

/// A keeper's time in office, ended by its drop: it returned, panicked, or its runtime is gone.
struct Tenure<K: Key, M: Manager> {
    shared: Weak<Shared<K, M>>,
    term: u64,
}

impl<K: Key, M: Manager> Drop for Tenure<K, M> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        if shared.desk.vacate(self.term) {
            shared.sweep();
            let ((), _) = shared.act(|house, out| {
                house.plan = u64::MAX;
                for request in house.requests.values_mut() {
                    out.wakes.push(request.waker.take());
                }
            });
            shared.announce();
        }
    }
}

async fn keep<K: Key, M: Manager>(tenure: Tenure<K, M>, signal: Arc<Signal>) {
    loop {
        // A dying runtime drops what we spawn, and each drop calls us again: we must yield to be dropped ourselves.
        tokio::task::coop::consume_budget().await;
        let Some(shared) = tenure.shared.upgrade() else { return };
        let Some(next) = shared.turn() else { return };
        let clock = shared.clock;
        drop(shared);
        // Nothing is held across this await; dropped here, the tenure ends.
        let called = pin!(std::future::poll_fn(|cx| signal.listen(tenure.term, cx)));
        match next {
            u64::MAX => {
                called.await;
            }
            at => match select(called, pin!(tokio::time::sleep_until(clock.instant(at)))).await {
                Either::Left(_) | Either::Right(_) => {}
            },
        }
    }
}
