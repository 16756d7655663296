//! Runtimes come and go: the pool outlives the one it began on, and nobody waits longer than its timeout for one that is stuck.

mod common;

use common::*;
use fairpool::{AcquireError, Phase, Pool};
use std::pin::pin;
use std::sync::{LazyLock, mpsc};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

/// A runtime whose only thread runs until it is dropped.
fn threaded(workers: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all().build().expect("a runtime")
}

fn plain_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

static STATIC: LazyLock<Pool<Backend>> = LazyLock::new(|| pool_of(2).0);

/// What each of many tests does with the one static pool; the runtime before is gone each time.
fn use_the_static_pool() {
    plain_runtime().block_on(async {
        let held = STATIC.acquire().await.unwrap();
        let other = STATIC.acquire().await.unwrap();
        let mut waiting = pin!(STATIC.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(held);
        drop((waiting.await.unwrap(), other));
    });
}

#[test]
fn a_static_pool_serves_one_test_runtime_after_another() {
    for _ in 0..20 {
        use_the_static_pool();
    }
    assert_eq!(
        STATIC.manager().live(),
        2,
        "its connections live on from one to the next"
    );
}

#[test]
fn a_connect_under_way_on_a_dead_runtime_is_begun_again_on_the_next() {
    let (pool, backend) = pool_of(1);
    backend.connect.then([Act::Hangs]);
    paused_runtime().block_on(async {
        assert!(pool.acquire_within(ms(10)).await.is_err());
    });
    assert_eq!((pool.status().occupied(), pool.status().connecting), (0, 0));
    paused_runtime().block_on(async { assert_whole(&pool).await });
}

#[test]
fn validations_resets_and_closes_on_a_dead_runtime_give_their_slots_back() {
    for step in 0..3 {
        let (pool, backend) = pool_of(1);
        paused_runtime().block_on(async {
            let mut conn = pool.acquire().await.unwrap();
            match step {
                0 => backend.validate.then([Act::Hangs]),
                1 => backend.reset.then([Act::Hangs]),
                _ => {
                    backend.close.then([Act::Hangs]);
                    conn.mark_broken();
                }
            }
            drop(conn);
            sleep(ms(1_000)).await;
            assert!(pool.acquire_within(ms(10)).await.is_err());
            assert_eq!(work(&pool.status()).iter().sum::<u32>(), 1);
        });
        assert_eq!((pool.status().occupied(), backend.live()), (0, 0), "step {step}");
        paused_runtime().block_on(async { assert_whole(&pool).await });
    }
}

#[test]
fn a_waiter_on_a_living_runtime_takes_over_when_the_first_one_dies() {
    let (pool, backend) = pool_of(1);
    let first = paused_runtime();
    backend.connect.then([Act::Hangs]);
    first.block_on(async { assert!(pool.acquire_within(ms(10)).await.is_err()) });
    plain_runtime().block_on(async {
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        first.shutdown_background();
        assert_eq!(waiting.await.unwrap().number, 1);
    });
}

#[test]
fn the_whole_line_is_woken_when_the_supervisors_runtime_dies() {
    let (pool, backend) = pool_of(3);
    let first = paused_runtime();
    backend.connect.then([Act::Hangs; 3]);
    first.block_on(async {
        let requests = (0..3).map(|_| pool.acquire_within(ms(10)));
        futures::future::join_all(requests).await;
    });
    let second = plain_runtime();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let pool = pool.clone();
            second.spawn(async move { pool.acquire_owned().await.unwrap() })
        })
        .collect();
    second.block_on(settle());
    assert_eq!(pool.status().pending, 3);
    drop(first);
    let held = second.block_on(futures::future::join_all(waiting));
    assert!(held.iter().all(Result::is_ok));
}

#[test]
fn a_runtime_that_dies_while_others_wait_can_always_be_dropped() {
    let waiters = threaded(1);
    for _ in 0..300 {
        let (pool, backend) = pool_of(4);
        backend.connect.always(Act::Hangs);
        let first = threaded(2);
        first.block_on(async { assert!(pool.acquire_within(ms(1)).await.is_err()) });
        let requests: Vec<_> = (0..4)
            .map(|_| {
                let pool = pool.clone();
                waiters.spawn(async move { pool.acquire_owned().await.map(drop) })
            })
            .collect();
        while pool.status().connecting < 4 {
            std::thread::yield_now();
        }
        let (dropped, is_dropped) = mpsc::channel();
        std::thread::spawn(move || {
            drop(first);
            let _ = dropped.send(());
        });
        is_dropped
            .recv_timeout(Duration::from_secs(20))
            .expect("the runtime's drop hangs");
        pool.close();
        for request in requests {
            let _ = waiters.block_on(request);
        }
    }
}

#[test]
fn requests_on_another_runtime_return_in_time_while_the_supervisors_is_stuck() {
    let (pool, backend) = pool_of(2);
    let stuck = plain_runtime();
    // Never polled again, and not dropped either.
    let _held = stuck.block_on(pool.acquire_owned()).unwrap();
    backend.connect.always(Act::Hangs);
    paused_runtime().block_on(async {
        let begun = Instant::now();
        let requests = (1..5).map(|n| {
            let pool = &pool;
            async move {
                let error = pool.acquire_within(ms(100 * n)).await.unwrap_err();
                assert!(
                    matches!(&error, AcquireError::Timeout(timeout) if timeout.phase == Phase::Connect),
                    "{error}"
                );
                assert_eq!(begun.elapsed(), ms(100 * n));
            }
        });
        futures::future::join_all(requests).await;
        assert_eq!(pool.drain(ms(300)).await.took, ms(300));
    });
}

#[test]
fn a_released_connection_reaches_waiters_even_while_the_supervisors_runtime_is_stuck() {
    let (pool, _) = pool_of(1);
    let stuck = plain_runtime();
    let held = stuck.block_on(pool.acquire_owned()).unwrap();
    paused_runtime().block_on(async {
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(held);
        assert_eq!(waiting.await.unwrap().number, 1);
    });
}

#[test]
fn p4_an_expired_request_gets_no_connection_even_while_nobody_tends_the_line() {
    let (pool, _) = pool_of(1);
    let stuck = plain_runtime();
    let held = stuck.block_on(pool.acquire_owned()).unwrap();
    paused_runtime().block_on(async {
        let (mut expired, mut patient) = (pin!(pool.acquire_within(ms(10_000))), pin!(pool.acquire()));
        assert!(poll(expired.as_mut()).is_pending() && poll(patient.as_mut()).is_pending());
        tokio::time::advance(ms(20_000)).await;
        drop(held);
        assert!(poll(patient.as_mut()).is_ready(), "the connection went to the dead");
        assert!(matches!(expired.await, Err(AcquireError::Timeout(_))));
    });
}

#[test]
fn a_guard_dropped_on_a_plain_thread_after_the_runtime_is_gone_gives_its_slot_back() {
    for (needs_await, is_broken) in [(false, false), (true, false), (false, true), (true, true)] {
        let (pool, backend) = pool_of(1);
        let runtime = plain_runtime();
        let mut held = runtime.block_on(pool.acquire_owned()).unwrap();
        drop(runtime);
        if needs_await {
            backend.reset.always(Act::Takes(1));
            backend.close.always(Act::Takes(1));
        }
        if is_broken {
            held.mark_broken();
        }
        std::thread::spawn(move || drop(held)).join().expect("no panic");
        // What nobody can await any more is dropped; the rest is kept.
        let kept = u32::from(!needs_await && !is_broken);
        assert_eq!((pool.status().idle, backend.live()), (kept, u64::from(kept)));
        backend.reset.always(Act::Ok);
        backend.close.always(Act::Ok);
        paused_runtime().block_on(async { assert_whole(&pool).await });
    }
}

#[test]
fn the_builders_runtime_opens_connections_for_a_thread_without_one() {
    let runtime = threaded(1);
    let (pool, backend) = pool_with(|builder| builder.limit(1).runtime(runtime.handle().clone()));
    assert_eq!(block_on_plain(pool.acquire()).unwrap().number, 1);
    // The timeout is the supervisor's to keep: this thread has no timer.
    let held = block_on_plain(pool.acquire()).unwrap();
    assert!(matches!(
        block_on_plain(pool.acquire_within(ms(20))),
        Err(AcquireError::Timeout(_))
    ));
    drop(held);
    assert_eq!(backend.made(), 1);
}

#[test]
fn a_dead_runtime_given_to_the_builder_is_replaced_by_that_of_the_first_to_wait() {
    let dead = plain_runtime().handle().clone();
    let (pool, _) = pool_with(|builder| builder.limit(2).runtime(dead.clone()));
    paused_runtime().block_on(async { assert_whole(&pool).await });
    let (pool, _) = pool_with(|builder| builder.runtime(dead.clone()));
    paused_runtime().block_on(async { pool.warm_up(2).await.unwrap() });
    let (pool, _) = pool_with(|builder| builder.runtime(dead));
    assert!(matches!(block_on_plain(pool.acquire()), Err(AcquireError::NoRuntime)));
}

#[test]
fn another_executor_is_served_while_a_supervisor_runs_elsewhere() {
    let (pool, _) = pool_of(1);
    let runtime = threaded(1);
    let held = runtime.block_on(pool.acquire_owned()).unwrap();
    let waiting = std::thread::spawn({
        let pool = pool.clone();
        move || block_on_plain(pool.acquire_owned()).map(|conn| conn.number)
    });
    while pool.status().pending == 0 {
        std::thread::yield_now();
    }
    drop(held);
    assert_eq!(waiting.join().unwrap().unwrap(), 1);
}

#[test]
fn another_executor_is_told_when_the_last_runtime_dies_under_it() {
    let (pool, _) = pool_of(1);
    let runtime = threaded(1);
    let _held = runtime.block_on(pool.acquire_owned()).unwrap();
    let waiting = std::thread::spawn({
        let pool = pool.clone();
        move || block_on_plain(pool.acquire_owned()).map(drop)
    });
    while pool.status().pending == 0 {
        std::thread::yield_now();
    }
    drop(runtime);
    assert!(matches!(waiting.join().unwrap(), Err(AcquireError::NoRuntime)));
}

#[test]
fn warming_up_and_draining_need_no_runtime_of_the_callers() {
    let runtime = threaded(1);
    let (pool, backend) = pool_with(|builder| builder.runtime(runtime.handle().clone()));
    backend.connect.always(Act::Takes(1));
    backend.close.always(Act::Takes(1));
    block_on_plain(pool.warm_up(3)).unwrap();
    let held = block_on_plain(pool.acquire()).unwrap();
    let report = block_on_plain(pool.drain(ms(20)));
    assert_eq!((report.completed, report.closed, report.still_out), (false, 2, 1));
    drop(held);
}

#[test]
fn a_warm_up_is_told_of_the_last_connection_that_another_thread_opens() {
    let runtime = threaded(2);
    let (ended, has_ended) = mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..300 {
            let (pool, _) = pool_with(|builder| builder.runtime(runtime.handle().clone()));
            block_on_plain(pool.warm_up(3)).unwrap();
        }
        let _ = ended.send(());
    });
    let waited = has_ended.recv_timeout(Duration::from_secs(20));
    waited.expect("a wake-up was lost");
}

#[test]
fn a_runtime_without_timers_is_no_runtime() {
    let (pool, backend) = pool_of(1);
    let timeless = Builder::new_current_thread().build().unwrap();
    let error = timeless.block_on(pool.acquire()).map(drop).unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime), "{error}");
    assert_eq!(backend.connect.calls(), 0);
    plain_runtime().block_on(async { drop(pool.acquire().await.unwrap()) });
}

#[test]
fn a_pool_dropped_with_everything_else_leaves_no_connection_behind() {
    let (pool, backend) = pool_of(3);
    let runtime = plain_runtime();
    runtime.block_on(pool.warm_up(3)).unwrap();
    let held = runtime.block_on(pool.acquire_owned()).unwrap();
    drop(pool);
    assert_eq!(backend.live(), 3, "a guard keeps its pool alive");
    drop(held);
    runtime.block_on(settle());
    assert_eq!(backend.live(), 0);
}

#[test]
fn a_connection_of_a_runtime_that_is_gone_is_validated_once_before_it_is_lent_on_the_next() {
    let (pool, backend) = pool_of(2);
    plain_runtime().block_on(async { drop((pool.acquire().await, pool.acquire().await)) });
    // As sockets do whose reactor is gone.
    backend.validate.then([Act::Fails, Act::Ok]);
    plain_runtime().block_on(async {
        for validated in [2, 2] {
            let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
            assert_eq!((backend.validate.calls(), backend.made()), (validated, 3));
            drop(held);
        }
    });
}
