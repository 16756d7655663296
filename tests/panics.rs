//! Panics of others: in each of the manager's methods, a connection's drop, the hooks, the observer, a waker, a holder.
//!
//! None of them may lose a slot, reach somebody else, or stop the pool.

mod common;

use common::*;
use fairpool::{AcquireError, Activity, Event, Interest, Observer, Pool, Scope};
use futures::future::BoxFuture;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Wake, Waker};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_panic_in_connect_is_retried_and_loses_no_slot() {
    let (pool, backend) = pool_of(2);
    backend.connect.then([Act::Panics, Act::Panics]);
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    assert_eq!(pool.status().totals.connect_failures, 2);
    drop(held);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_an_error_counts_as_a_passing_one() {
    let (pool, backend) = pool_of(1);
    backend.connect.then([Act::Refuses]);
    backend.is_transient.then([Act::Panics]);
    assert!(pool.acquire().await.is_ok());
    assert_eq!(pool.status().totals.connect_failures, 1);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_validate_closes_the_connection_and_the_request_is_served() {
    let (pool, backend) = pool_of(1);
    drop(pool.acquire().await.unwrap());
    sleep(ms(1_000)).await;
    backend.validate.then([Act::Panics]);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_reset_closes_the_connection_and_the_next_in_line_is_served() {
    let (pool, backend) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    backend.reset.then([Act::Panics]);
    drop(held);
    assert_eq!(waiting.await.unwrap().number, 2);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_close_frees_the_slot() {
    let (pool, backend) = pool_of(1);
    backend.close.then([Act::Panics]);
    pool.acquire().await.unwrap().mark_broken();
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_eq!(backend.live(), 1);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_is_broken_counts_as_broken() {
    let (pool, backend) = pool_of(1);
    backend.is_broken.then([Act::Panics]);
    drop(pool.acquire().await.unwrap());
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_detached_still_gives_the_connection_to_its_holder() {
    let (pool, backend) = pool_of(1);
    backend.detached.then([Act::Panics]);
    let kept = pool.acquire().await.unwrap().detach();
    assert_eq!((kept.number, pool.status().occupied()), (1, 0));
    drop(kept);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_connections_drop_stays_where_the_pool_drops_it() {
    let (pool, backend) = pool_with(|builder| builder.limit(2).close_timeout(ms(50)).max_lifetime(ms(60_000)));
    let spoil: [fn(&Pool<Backend>, &Backend); 5] = [
        |pool, _| pool.try_acquire().unwrap().mark_broken(),
        |pool, _| pool.invalidate(),
        |pool, _| pool.set_limit(1).unwrap(),
        |pool, backend| {
            backend.close.then([Act::Hangs]);
            pool.try_acquire().unwrap().mark_broken();
        },
        |pool, backend| {
            backend.reset.then([Act::Fails]);
            drop(pool.try_acquire().unwrap());
        },
    ];
    for (way, spoil) in spoil.into_iter().enumerate() {
        pool.set_limit(2).unwrap();
        pool.warm_up(2).await.unwrap();
        drop(pool.acquire().await.unwrap());
        backend.drop.then([Act::Panics]);
        let drops = backend.drop.calls();
        spoil(&pool, &backend);
        sleep(ms(100)).await;
        assert!(backend.drop.calls() > drops, "way {way}");
        assert_whole(&pool).await;
    }
    sleep(ms(30_000)).await;
    backend.drop.then([Act::Panics, Act::Panics]);
    sleep(ms(40_000)).await;
    assert_eq!(backend.live(), 0, "over age");
    assert_whole(&pool).await;
}

#[test]
fn a_panic_in_a_connections_drop_does_not_stop_the_end_of_its_pool() {
    let (pool, backend) = pool_of(3);
    paused_runtime().block_on(pool.warm_up(3)).unwrap();
    backend.drop.always(Act::Panics);
    drop(pool);
    assert_eq!(backend.live(), 0);
}

#[test]
fn a_panic_in_a_connections_drop_without_a_runtime_reaches_nobody() {
    let (pool, backend) = pool_of(1);
    let runtime = paused_runtime();
    let mut held = runtime.block_on(pool.acquire_owned()).unwrap();
    drop(runtime);
    backend.drop.then([Act::Panics]);
    held.mark_broken();
    drop(held);
    paused_runtime().block_on(async { assert_whole(&pool).await });
}

#[test]
fn a_panic_in_a_drop_while_the_runtime_dies_loses_no_slot() {
    let (pool, backend) = pool_of(1);
    let runtime = paused_runtime();
    runtime.block_on(async {
        drop(pool.acquire().await.unwrap());
        backend.reset.then([Act::Hangs]);
        drop(pool.acquire().await.unwrap());
        settle().await;
        assert_eq!(pool.status().resetting, 1);
    });
    backend.drop.then([Act::Panics]);
    drop(runtime);
    backend.reset.always(Act::Ok);
    assert_eq!((backend.live(), pool.status().occupied()), (0, 0));
    paused_runtime().block_on(async { assert_whole(&pool).await });
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_hook_is_as_an_error_in_it() {
    for (which, at_once) in (0..6).map(|n| (n / 2, n % 2 == 0)) {
        let step = Arc::new(Step::default());
        let (pool, _) = pool_with(|builder| match which {
            0 => builder.limit(1).after_connect(hook(step.clone(), at_once)),
            1 => builder.limit(1).before_acquire(hook(step.clone(), at_once)),
            _ => builder.limit(1).after_release(hook(step.clone(), at_once)),
        });
        step.then([Act::Panics]);
        drop(pool.acquire().await.unwrap());
        settle().await;
        assert_eq!(pool.acquire().await.unwrap().number, 2, "hook {which}");
        step.always(Act::Ok);
        assert_whole(&pool).await;
    }
}

/// A hook that does as its step says: when it is called, or in its future.
fn hook(
    step: Arc<Step>,
    at_once: bool,
) -> impl for<'a> Fn(&'a mut Conn) -> BoxFuture<'a, Result<(), Fault>> + Send + Sync + 'static {
    move |_| {
        if at_once {
            step.look();
        }
        let step = step.clone();
        Box::pin(async move { if at_once { Ok(()) } else { step.play().await } })
    }
}

/// Panics over every event; before that, looks at the pool that it is told about.
#[derive(Default)]
struct Nervous(OnceLock<Pool<Backend>>);

impl Observer for Nervous {
    fn on(&self, event: &Event) {
        if let Some(pool) = self.0.get() {
            let _ = (pool.status(), pool.options());
        }
        panic!("{event:?} is too much");
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_order().with_use_time(1).with_scopes()
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        panic!("{activity:?} is too much");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_observer_that_looks_at_its_pool_changes_nothing() {
    let observer = Arc::new(Nervous::default());
    let (pool, backend) = pool_with(|builder| builder.limit(2).observer(observer.clone()));
    let _ = observer.0.set(pool.clone());
    backend.connect.then([Act::Fails]);
    backend.reset.then([Act::Takes(1)]);
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    assert!(matches!(
        pool.acquire_within(ms(5)).await,
        Err(AcquireError::Timeout(_))
    ));
    drop(poll(pin!(pool.acquire())));
    pool.clear();
    pool.invalidate();
    drop(held);
    assert_whole(&pool).await;
}

/// A waker that uses the pool it is woken by, and then panics.
struct Meddler(Pool<Backend>);

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        let _ = (self.0.status(), self.0.clear(), self.0.try_acquire().map(drop));
        panic!("woken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_meddles_and_panics_disturbs_neither_the_releaser_nor_the_line() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let waker = Waker::from(Arc::new(Meddler(pool.clone())));
    let mut first = pin!(pool.acquire());
    let mut second = pin!(pool.acquire());
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    drop(held);
    assert!(first.await.is_ok());
    assert!(
        matches!(second.await, Err(AcquireError::Cleared)),
        "the meddler's doing"
    );
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_holder_panics_is_closed_and_the_next_in_line_served() {
    let (pool, backend) = pool_of(1);
    let holder = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _conn = pool.acquire().await.unwrap();
            sleep(ms(10)).await;
            panic!("the holder's own");
        }
    });
    settle().await;
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert!(holder.await.unwrap_err().is_panic());
    assert_eq!((backend.live(), backend.is_broken.calls()), (1, 1));
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_by_a_panic_leaves_the_line() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let unlucky = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut request = Box::pin(pool.acquire());
            assert!(poll(request.as_mut()).is_pending());
            tokio::task::yield_now().await;
            panic!("in line");
        }
    });
    settle().await;
    assert!(unlucky.await.unwrap_err().is_panic());
    assert_eq!((pool.status().pending, pool.status().totals.cancelled), (0, 1));
    drop(held);
    assert_whole(&pool).await;
}
