//! The blocking entrance: a request in the same line, waited for by a thread.
//!
//! It polls the very [`Request`] that the futures poll, with a waker that unparks the thread, and ends it by the thread's
//! own clock: no timer is armed, so it returns in time even where every runtime is stuck or gone (P6). It opens nothing: that
//! is the supervisor's, and takes a runtime.

use super::clock::between;
use super::error::AcquireError;
use super::guard::Pooled;
use super::handle::Pool;
use super::manager::Manager;
use super::notes::Site;
use super::owned::OwnedPooled;
use super::request::{Patience, Request};
use super::shared::{OpenOf, Shared};
use crate::sync::queue::NEVER;
use crate::sync::wakes::contained;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::coop::poll_proceed;

impl<M: Manager> Pool<M> {
    /// [`acquire`](Pool::acquire) for code that is not async: the thread waits, in the same line as everybody else and for at
    /// most `acquire_timeout`.
    ///
    /// Connections are opened on a tokio runtime: the one given to [`Builder::runtime`](crate::Builder::runtime), one where
    /// the pool has been waited for before, or the current one in `spawn_blocking` and `block_in_place`. It has to run
    /// meanwhile. A current-thread runtime runs only while some thread is in its `block_on`; without one, nothing is opened and
    /// the request times out.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Pool::acquire), and [`AcquireError::WouldBlock`] in async code (a task, or the future of a
    /// `block_on`), where the wait could stop the very runtime that has to end it. That is refused always, also when a
    /// connection is idle: code that gets past its tests on an idle pool and fails under load would be worse. Executors other
    /// than tokio cannot be told from plain threads; do not call this on one.
    ///
    /// [`AcquireError::NoRuntime`] comes as soon as nobody could open a connection any more, also in the middle of the wait, when
    /// the runtime that did so has ended and this thread has none: a wait that nobody works for would look like a busy pool. The
    /// next request on any runtime takes over, so a caller that counts on one may ask again.
    ///
    /// A thread that holds a connection and waits for another one of the same pool may wait for itself, until its time is out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fairpool::{Pool, doc::Demo};
    /// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    /// let pool = Pool::builder(Demo).limit(2).runtime(runtime.handle().clone()).build()?;
    ///
    /// std::thread::scope(|threads| {
    ///     for _ in 0..8 {
    ///         threads.spawn(|| {
    ///             let conn = pool.acquire_blocking().expect("a connection");
    ///             assert_eq!(conn.queries, 0);
    ///         });
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn acquire_blocking(&self) -> Result<Pooled<'_, M>, AcquireError<M::Error>> {
        let open = self.shared.wait_blocking(Patience::Default, Location::caller())?;
        Ok(Pooled::new(&self.shared, open, Location::caller()))
    }

    /// `acquire_blocking` with a timeout of its own. Zero takes what is idle now, or nothing.
    ///
    /// # Errors
    ///
    /// As [`acquire_blocking`](Pool::acquire_blocking).
    ///
    /// ```
    /// # use fairpool::{AcquireError, doc::pool};
    /// # use std::time::Duration;
    /// let pool = pool(); // without a runtime, so nobody could open a connection
    /// let refused = pool.acquire_blocking_within(Duration::from_secs(1));
    /// assert!(matches!(refused, Err(AcquireError::NoRuntime)));
    /// ```
    #[track_caller]
    pub fn acquire_blocking_within(&self, timeout: Duration) -> Result<Pooled<'_, M>, AcquireError<M::Error>> {
        let open = self
            .shared
            .wait_blocking(Patience::Within(timeout), Location::caller())?;
        Ok(Pooled::new(&self.shared, open, Location::caller()))
    }

    /// `acquire_blocking` for a guard without a borrow; costs a reference count more.
    ///
    /// # Errors
    ///
    /// As [`acquire_blocking`](Pool::acquire_blocking).
    #[track_caller]
    pub fn acquire_owned_blocking(&self) -> Result<OwnedPooled<M>, AcquireError<M::Error>> {
        let open = self.shared.wait_blocking(Patience::Default, Location::caller())?;
        Ok(OwnedPooled::new(self.shared.clone(), open.shut(), Location::caller()))
    }

    /// `acquire_blocking_within` for a guard without a borrow.
    ///
    /// # Errors
    ///
    /// As [`acquire_blocking`](Pool::acquire_blocking).
    #[track_caller]
    pub fn acquire_owned_blocking_within(&self, timeout: Duration) -> Result<OwnedPooled<M>, AcquireError<M::Error>> {
        let open = self
            .shared
            .wait_blocking(Patience::Within(timeout), Location::caller())?;
        Ok(OwnedPooled::new(self.shared.clone(), open.shut(), Location::caller()))
    }
}

impl<M: Manager> Shared<M> {
    fn wait_blocking(
        self: &Arc<Self>,
        patience: Patience,
        site: Site,
    ) -> Result<OpenOf<'_, M>, AcquireError<M::Error>> {
        if !may_block() {
            return Err(AcquireError::WouldBlock);
        }
        let waker = unparker();
        let mut cx = Context::from_waker(&waker);
        let mut request = pin!(Request::untimed(patience, site));
        if let Poll::Ready(outcome) = request.as_mut().poll(self, &mut cx) {
            return outcome;
        }
        // By the machine's clock: the pool's may be paused, and then stands still while a thread of tokio's is blocked.
        let deadline = request.deadline();
        let until = (deadline != NEVER).then(|| Instant::now().checked_add(between(self.now(), deadline)));
        let until = until.flatten();
        if until.is_some() {
            // The supervisor may be stuck, and so never come to look at the deadlines in time.
            self.line.watch();
        }
        loop {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => std::thread::park(),
                Some(Duration::ZERO) => return request.as_mut().expire(self).map(|slot| self.cells.open(slot)),
                Some(left) => std::thread::park_timeout(left),
            }
            // Called, out of time, or neither: a park may end for no reason.
            if let Poll::Ready(outcome) = request.as_mut().poll(self, &mut cx) {
                return outcome;
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static UNPARK: Waker = fresh_unparker();
}

/// A waker that unparks this thread; made once.
fn unparker() -> Waker {
    UNPARK.try_with(Waker::clone).unwrap_or_else(|_| fresh_unparker())
}

fn fresh_unparker() -> Waker {
    Arc::new(Unpark(std::thread::current())).into()
}

/// Whether this thread may wait without stopping a tokio runtime.
///
/// tokio tells nobody; it panics in whoever blocks where he must not. So that is tried last, and contained, but its message
/// has reached the panic hook by then. Two silent signs come first, and between them see every async context but one. A plain
/// thread pays 5 ns for all this, one of `spawn_blocking` about a microsecond.
///
/// | where | runtime entered | wakes are put off | budget | may block |
/// |---|---|---|---|---|
/// | a plain thread | no | – | – | yes |
/// | a plain thread with `Handle::enter`; `spawn_blocking`; `block_in_place` | yes | no | none | yes |
/// | a task; `block_on` of a current-thread runtime | yes | yes | either | no |
/// | any other `block_on` | yes | no | yes, unless `unconstrained` | no |
fn may_block() -> bool {
    if Handle::try_current().is_err() {
        return true;
    }
    !puts_off_wakes() && !has_budget(BUDGET) && contained(block_on_nothing).is_some()
}

/// What tokio lets a task do before it must yield. Were it more one day, the loud attempt would decide.
const BUDGET: u32 = 128;

/// Whether the wake of a task that yields is left to a scheduler on this thread.
fn puts_off_wakes() -> bool {
    struct Quiet;
    impl Wake for Quiet {
        fn wake(self: Arc<Self>) {}
    }
    let quiet = Arc::new(Quiet);
    let waker = Waker::from(quiet.clone());
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
    // A wake at once would not have kept the waker.
    Arc::strong_count(&quiet) > 2
}

/// Whether tokio counts what this thread does before it must yield: spends what is left, no more than `most`, and gives all
/// of it back.
fn has_budget(most: u32) -> bool {
    match poll_proceed(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => true,
        // Unmarked as progress, it restores the budget when it is dropped.
        Poll::Ready(_restores) => most > 0 && has_budget(most - 1),
    }
}

/// Panics where tokio lets nobody block; ready at once elsewhere.
fn block_on_nothing() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let _ = tell.send(());
    let _ = told.blocking_recv();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::{block_in_place, coop::unconstrained, spawn_blocking};

    /// What the silent signs say, and the answer.
    fn signs() -> (bool, bool, bool) {
        (puts_off_wakes(), has_budget(BUDGET), may_block())
    }

    fn current_thread() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime")
    }

    fn multi_thread() -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .expect("a runtime")
    }

    fn spawned(
        runtime: &Runtime,
        task: impl Future<Output = (bool, bool, bool)> + Send + 'static,
    ) -> (bool, bool, bool) {
        let task = runtime.spawn(task);
        runtime.block_on(task).expect("no panic")
    }

    #[test]
    fn a_thread_outside_of_async_code_may_block() {
        let free = (false, false, true);
        assert_eq!(signs(), free);
        for runtime in [current_thread(), multi_thread()] {
            {
                let _entered = runtime.enter();
                assert_eq!(signs(), free);
            }
            let blocking = runtime.spawn_blocking(signs);
            assert_eq!(runtime.block_on(blocking).expect("no panic"), free);
        }
        let multi = multi_thread();
        assert_eq!(multi.block_on(async { block_in_place(signs) }), free);
        assert_eq!(spawned(&multi, async { block_in_place(signs) }), free);
    }

    #[test]
    fn async_code_may_not_block_and_is_told_silently() {
        for runtime in [current_thread(), multi_thread()] {
            assert_eq!(spawned(&runtime, async { signs() }), (true, true, false));
            assert_eq!(
                spawned(&runtime, unconstrained(async { signs() })),
                (true, false, false)
            );
        }
        assert_eq!(current_thread().block_on(async { signs() }), (true, true, false));
        assert_eq!(multi_thread().block_on(async { signs() }), (false, true, false));
        assert_eq!(
            current_thread().handle().block_on(async { signs() }),
            (false, true, false)
        );
        let nested = async {
            let handle = Handle::current();
            spawn_blocking(move || handle.block_on(async { signs() })).await
        };
        assert_eq!(multi_thread().block_on(nested).expect("no panic"), (false, true, false));
    }

    #[test]
    fn a_local_set_is_async_code_too() {
        for runtime in [current_thread(), multi_thread()] {
            let local = tokio::task::LocalSet::new();
            let told = local.block_on(&runtime, async { tokio::task::spawn_local(async { signs() }).await });
            assert!(!told.expect("no panic").2);
            let (_, _, may) = local.block_on(&runtime, async { signs() });
            assert!(!may);
            // Nothing of it stays with the thread.
            let _entered = runtime.enter();
            assert!(signs().2);
        }
    }

    #[test]
    fn the_context_without_a_silent_sign_is_refused_as_well() {
        assert_eq!(
            multi_thread().block_on(unconstrained(async { signs() })),
            (false, false, false)
        );
    }

    #[test]
    fn the_look_at_the_budget_leaves_it_as_it_was() {
        let left = |most| {
            (0..most).take_while(|_| {
                let mut cx = Context::from_waker(Waker::noop());
                poll_proceed(&mut cx).map(|step| step.made_progress()).is_ready()
            })
        };
        current_thread().block_on(async {
            assert_eq!(left(3).count(), 3);
            assert!(has_budget(BUDGET) && has_budget(BUDGET));
            assert_eq!(left(1_000).count(), 125);
        });
    }
}
