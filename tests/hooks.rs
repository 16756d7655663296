//! The user's steps: when each runs, under which timeout, and what an error in one means. Panics in them are in `panics.rs`.

mod common;

use common::*;
use fairpool::{AcquireError, ConnectFailure, Event, Phase, Pool};
use futures::future::BoxFuture;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, sleep};

/// A hook that does as its step says, and notes which connections it was given.
#[derive(Debug, Clone, Default)]
struct Hook(Arc<(Step, Mutex<Vec<u64>>)>);

impl Hook {
    fn step(&self) -> &Step {
        &self.0.0
    }

    fn seen(&self) -> Vec<u64> {
        self.0.1.lock().unwrap().clone()
    }

    fn hook(&self) -> impl for<'a> Fn(&'a mut Conn) -> BoxFuture<'a, Result<(), Fault>> + Send + Sync + 'static {
        let this = self.clone();
        move |conn| {
            let this = this.clone();
            Box::pin(async move {
                this.0.1.lock().unwrap().push(conn.number);
                this.step().play().await?;
                conn.dirty = false;
                Ok(())
            })
        }
    }
}

/// A pool of one with each of the hooks.
fn hooked() -> (Pool<Backend>, Backend, [Hook; 3]) {
    let hooks = <[Hook; 3]>::default();
    let (pool, backend) = pool_with(|builder| {
        let builder = builder.limit(1).after_connect(hooks[0].hook());
        builder.before_acquire(hooks[1].hook()).after_release(hooks[2].hook())
    });
    (pool, backend, hooks)
}

#[tokio::test(start_paused = true)]
async fn each_hook_runs_at_its_moment_on_every_connection() {
    let (pool, _, hooks) = hooked();
    let seen = || hooks.each_ref().map(|hook| hook.seen().len());
    let conn = pool.acquire().await.unwrap();
    assert_eq!(seen(), [1, 0, 0], "a new connection is lent as after_connect left it");
    drop(conn);
    settle().await;
    assert_eq!(seen(), [1, 0, 1]);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(seen(), [1, 1, 1]);
    conn.mark_broken();
    drop(conn);
    settle().await;
    assert_eq!(seen(), [1, 1, 1], "a broken connection is not cleaned");
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_eq!(hooks[0].seen(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn before_acquire_also_runs_on_a_connection_handed_straight_to_the_next_in_line() {
    let hook = Hook::default();
    let (pool, _) = pool_with(|builder| builder.limit(1).before_acquire(hook.hook()));
    let held = pool.acquire().await.unwrap();
    let (mut first, mut second) = (pin!(pool.acquire()), pin!(pool.acquire()));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop(held);
    assert!(poll(first.as_mut()).is_pending(), "not before the hook has run");
    drop(first.await.unwrap());
    drop(second.await.unwrap());
    assert_eq!(hook.seen(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_error_after_connect_is_a_failed_connect() {
    let (pool, backend, [after_connect, ..]) = hooked();
    after_connect.step().then([Act::Fails]);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_eq!((backend.live(), pool.status().totals.connect_failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_after_connect_fails_the_line() {
    let (pool, backend, [after_connect, ..]) = hooked();
    after_connect.step().then([Act::Refuses]);
    assert!(matches!(pool.acquire().await, Err(AcquireError::Connect(_))));
    assert_eq!(backend.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_before_acquire_closes_the_connection_and_the_request_keeps_its_place() {
    let (pool, _, [_, before_acquire, _]) = hooked();
    drop(pool.acquire().await.unwrap());
    before_acquire.step().then([Act::Fails]);
    let (mut first, mut second) = (pin!(pool.acquire()), pin!(pool.acquire()));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    let conn = first.await.unwrap();
    assert_eq!(conn.number, 2);
    assert!(poll(second.as_mut()).is_pending());
    drop(conn);
    assert_eq!(second.await.unwrap().number, 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_after_release_closes_the_connection() {
    let (pool, backend, [.., after_release]) = hooked();
    after_release.step().then([Act::Fails]);
    drop(pool.acquire().await.unwrap());
    settle().await;
    assert_eq!(backend.live(), 0);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
}

#[tokio::test(start_paused = true)]
async fn after_release_runs_after_the_reset_and_a_failed_reset_skips_it() {
    let (pool, backend, [.., after_release]) = hooked();
    backend.reset.always(Act::Takes(10));
    after_release.step().then([Act::Takes(5)]);
    drop(pool.acquire().await.unwrap());
    sleep(ms(9)).await;
    assert_eq!(after_release.seen().len(), 0);
    let begun = Instant::now();
    let conn = pool.acquire().await.unwrap();
    assert_eq!((begun.elapsed(), after_release.seen().len()), (ms(6), 1));
    backend.reset.then([Act::Fails]);
    drop(conn);
    settle().await;
    assert_eq!((backend.live(), after_release.seen().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_cut_off_by_the_timeout_of_its_phase() {
    for (which, phase) in ["connect", "validate", "reset"].into_iter().enumerate() {
        let (pool, backend, hooks) = hooked();
        let step = hooks[which].step();
        let set = [
            Pool::set_connect_timeout,
            Pool::set_validate_timeout,
            Pool::set_reset_timeout,
        ];
        set[which](&pool, ms(300)).unwrap();
        if which > 0 {
            drop(pool.acquire().await.unwrap());
            settle().await;
        }
        if which == 2 {
            let held = pool.acquire().await.unwrap();
            step.then([Act::Hangs]);
            drop(held);
        } else {
            step.then([Act::Hangs]);
        }
        let begun = Instant::now();
        assert_eq!(pool.acquire().await.unwrap().number, 2, "{phase}");
        assert_eq!((begun.elapsed(), backend.live()), (ms(300), 1), "{phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_which_hook_took_the_time() {
    let (pool, backend, [after_connect, before_acquire, _]) = hooked();
    after_connect.step().then([Act::Hangs]);
    let phase = async || match pool.acquire_within(ms(50)).await.unwrap_err() {
        AcquireError::Timeout(timeout) => (timeout.phase, timeout.last_connect),
        other => panic!("{other}"),
    };
    assert!(matches!(phase().await, (Phase::Connect, None)));
    sleep(ms(20_000)).await;
    after_connect.step().then([Act::Fails]);
    backend.connect.then([Act::Ok, Act::Hangs]);
    assert!(matches!(
        phase().await,
        (
            Phase::Connect,
            Some(ConnectFailure::Error(_) | ConnectFailure::TimedOut)
        )
    ));
    sleep(ms(20_000)).await;
    drop(pool.acquire().await.unwrap());
    settle().await;
    before_acquire.step().then([Act::Hangs]);
    assert!(matches!(phase().await, (Phase::Validate, _)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_gives_up_during_a_hook_leaves_the_connection_to_the_next() {
    let (pool, _, [_, before_acquire, _]) = hooked();
    drop(pool.acquire().await.unwrap());
    settle().await;
    before_acquire.step().then([Act::Takes(100)]);
    let (mut second, begun) = (pin!(pool.acquire()), Instant::now());
    {
        let mut first = pin!(pool.acquire());
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        sleep(ms(50)).await;
    }
    assert_eq!(second.await.unwrap().number, 1);
    assert_eq!(begun.elapsed(), ms(100), "the hook's work is not done twice");
}

#[tokio::test(start_paused = true)]
async fn an_invalidate_during_a_hook_closes_the_connection_that_it_ran_on() {
    for which in 0..3 {
        let (pool, _, hooks) = hooked();
        if which > 0 {
            drop(pool.acquire().await.unwrap());
            settle().await;
        }
        if which == 2 {
            let held = pool.acquire().await.unwrap();
            hooks[which].step().then([Act::Takes(100)]);
            drop(held);
        } else {
            hooks[which].step().then([Act::Takes(100)]);
        }
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        sleep(ms(50)).await;
        pool.invalidate();
        assert_eq!(waiting.await.unwrap().number, 2, "hook {which}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_every_step_once() {
    let log = Arc::new(Log::default());
    let hook = Hook::default();
    let (pool, backend) = pool_with(|builder| {
        builder
            .limit(1)
            .observer(log.clone())
            .before_acquire(hook.hook())
            .after_release(hook.hook())
    });
    backend.connect.then([Act::Fails]);
    drop(pool.acquire().await.unwrap());
    drop(pool.acquire().await.unwrap());
    let held = pool.acquire().await.unwrap();
    drop(pool.acquire_within(ms(5)).await);
    drop(poll(pin!(pool.acquire())));
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    pool.clear();
    assert!(waiting.await.is_err());
    drop(held.detach());
    let count = |is: fn(&Event) -> bool| log.count(is);
    let counts = [
        count(|event| matches!(event, Event::Connecting)),
        count(|event| matches!(event, Event::ConnectFailed { .. })),
        count(|event| matches!(event, Event::Opened { .. })),
        count(|event| matches!(event, Event::Validated { sound: true, .. })),
        count(|event| matches!(event, Event::Reset { clean: true, .. })),
        count(|event| matches!(event, Event::Acquired { .. })),
        count(|event| matches!(event, Event::TimedOut { .. })),
        count(|event| matches!(event, Event::Cancelled)),
        count(|event| matches!(event, Event::Cleared { requests: 1 })),
        count(|event| matches!(event, Event::Queued)),
        count(|event| matches!(event, Event::Closed { .. })),
    ];
    assert_eq!(counts, [2, 1, 1, 2, 2, 3, 1, 1, 1, 6, 1]);
}
