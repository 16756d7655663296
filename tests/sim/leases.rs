//! Leases: who may be handed what, and every way in which a guard goes away.

use super::backend::{Backend, SCRIPTED};
use super::books::Record;
use super::ops::How;
use super::world::{VALIDATE_TIMEOUT, World};
use fairpool::OwnedPooled;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The shortest tick there is, and the grain of tokio's timers.
const GRAIN: u64 = 2;

thread_local! {
    /// Guards dropped by the end of their thread.
    static LATE: RefCell<Vec<OwnedPooled<Backend>>> = const { RefCell::new(Vec::new()) };
}

impl World {
    /// Judges a connection that was handed out, when and in which generation is known, and keeps its guard.
    pub(crate) fn take(&mut self, guard: OwnedPooled<Backend>, served: Option<(u64, u64)>) {
        let id = guard.id;
        let record = self.books.with(|ledger| ledger.conns.get(&id).cloned());
        let Some(record) = record else {
            panic!("P9: connection {id} was handed out after it was gone");
        };
        let blame = |what: String| panic!("P9: connection {id} was handed out {what}: {record:?}");
        if record.lent {
            blame("while somebody has it".to_owned());
        }
        if let Some(why) = record.doomed {
            blame(format!("although {why}"));
        }
        if record.dirty || record.leaving || record.detached {
            blame("unclean".to_owned());
        }
        if let Some((at, generation)) = served {
            if record.generation < generation {
                blame(format!("of generation {}, not {generation}", record.generation));
            }
            if let Some(what) = self.judge_age(&record, at) {
                blame(what);
            }
        }
        self.books.change(id, |record| record.lent = true);
        self.guards.push(guard);
    }

    fn judge_age(&self, record: &Record, at: u64) -> Option<String> {
        let options = self.pool.options();
        let millis = |time: std::time::Duration| time.as_millis() as u64;
        if let Some(lifetime) = options.max_lifetime.map(millis) {
            let tick = (lifetime / 4).min(30_000);
            let over = (record.opened + lifetime).max(self.age_blur) + tick + GRAIN;
            if at > over {
                return Some(format!("over age at {at}: it was to go before {over}"));
            }
            if at > record.opened + lifetime {
                self.books.seen("lent over age, within a tick");
            }
        }
        let last = record.last_use.max(record.last_check);
        // What was being looked after when that changed goes by what was then.
        let judged_anew = self.age_blur + VALIDATE_TIMEOUT < at;
        match options.validate_after_idle.map(millis) {
            // One that a request never took goes on to the next as it is.
            Some(0) if record.used && judged_anew && self.blur < at => {
                return Some(format!("without validation at {at}, though every one is validated"));
            }
            Some(after) if after > 0 && last > self.blur && at > last + after + GRAIN => {
                return Some(format!("unused since {last} and not validated at {at}"));
            }
            _ => {}
        }
        if self.setup.hooks && record.unhooked {
            return Some("without its before_acquire".to_owned());
        }
        None
    }

    /// Ends a lease.
    pub(crate) fn release(&mut self, index: usize, how: How) {
        let guard = self.guards.swap_remove(index);
        let (id, now) = (guard.id, self.now());
        // A plain thread has no paused clock, so the pool could not tell there who is too late.
        let lost = self.requests.iter().any(|request| {
            (request.waits() || request.alarmed()) && request.deadline.is_some_and(|deadline| deadline <= now)
        });
        let how = match how {
            How::Thread | How::PanicOnThread | How::Teardown if lost => How::Plain,
            how => how,
        };
        let doomed = match how {
            How::Broken => Some("it was marked broken"),
            How::Panic | How::PanicOnThread => Some("its holder panicked"),
            _ => None,
        };
        self.books.change(id, |record| {
            (record.lent, record.used, record.unhooked) = (false, true, true);
            record.last_use = now;
            record.dirty |= how == How::Dirty;
            record.doomed = record.doomed.or(doomed);
        });
        let waiting = self.line.len();
        let _entered = self.rts.main.handle().enter();
        let quiet = catch_unwind(AssertUnwindSafe(|| drop_guard(guard, how)));
        if quiet.is_err() {
            panic!("P8: a guard panicked when it was dropped ({how:?})");
        }
        self.books.seen(match how {
            How::Plain | How::Dirty | How::Broken => "released",
            How::Detach => "detached",
            How::Panic => "dropped by a panic",
            How::Thread => "dropped on a plain thread",
            How::PanicOnThread => "dropped by a panic on a plain thread",
            How::Teardown => "dropped in thread-local teardown",
        });
        if self.line.len() < waiting {
            self.books.seen("handed on by a release");
            if matches!(how, How::Thread | How::Teardown) {
                self.books.seen("handed on by a plain thread");
            }
        }
    }

    /// Whether somebody was woken and has not looked yet.
    pub(crate) fn rung(&self) -> usize {
        self.requests.iter().filter(|request| request.rung()).count()
    }
}

fn drop_guard(mut guard: OwnedPooled<Backend>, how: How) {
    match how {
        How::Plain | How::Dirty => drop(guard),
        How::Broken => {
            guard.mark_broken();
            drop(guard);
        }
        How::Detach => drop(guard.detach()),
        How::Panic => {
            let meant = catch_unwind(AssertUnwindSafe(move || {
                let _guard = guard;
                panic!("{SCRIPTED} with a guard");
            }));
            assert!(meant.is_err());
        }
        How::Thread => joined(plain_thread(move || drop(guard))),
        How::PanicOnThread => {
            let thread = plain_thread(move || {
                let _guard = guard;
                panic!("{SCRIPTED} with a guard on a thread");
            });
            assert!(thread.join().is_err());
        }
        How::Teardown => joined(plain_thread(move || {
            // In front of tokio's own thread-local, so that it goes after that.
            LATE.with(|late| late.borrow_mut().push(guard));
            let _ = tokio::runtime::Handle::try_current();
        })),
    }
}

/// A thread without a runtime, whose chance (for jitter) is the seed's, too.
fn plain_thread(work: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    let seed = fastrand::u64(..);
    std::thread::spawn(move || {
        fastrand::seed(seed);
        work();
    })
}

fn joined(thread: std::thread::JoinHandle<()>) {
    thread.join().expect("P8: a guard panicked on a plain thread");
}
