//! The promises P1 to P9, each with tests that bear its number; README's table of guarantees links to them.
//!
//! More of P2, P8 and P9, as far as a guard's drop keeps them, is in `guards.rs`; P10 counts allocations in `allocations.rs`.

mod common;

use common::*;
use fairpool::{AcquireError, OrderChecker, TryAcquireError};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, sleep, timeout};

#[tokio::test(start_paused = true)]
async fn p1_requests_are_served_in_the_order_in_which_they_came() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..30 {
        let (pool, served) = (pool.clone(), served.clone());
        tasks.push(tokio::spawn(async move {
            let _conn = pool.acquire().await.unwrap();
            served.lock().unwrap().push(number);
            sleep(ms(3)).await;
        }));
    }
    settle().await;
    tasks.remove(7).abort();
    settle().await;
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    let expected: Vec<_> = (0..30).filter(|&number| number != 7).collect();
    assert_eq!(*served.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn p1_a_released_connection_is_the_first_in_lines_before_its_task_runs() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut first = pin!(pool.acquire());
    assert!(poll(first.as_mut()).is_pending());
    drop(held);
    let mut newcomer = pin!(pool.acquire());
    assert!(poll(newcomer.as_mut()).is_pending());
    assert!(pool.try_acquire().is_err());
    assert!(poll(first.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn p1_a_request_that_met_a_broken_connection_keeps_its_place() {
    let (pool, backend) = pool_of(1);
    drop(pool.acquire().await.unwrap());
    sleep(ms(1_000)).await;
    backend.validate.then([Act::Fails]);
    backend.connect.then([Act::Fails, Act::Takes(5)]);
    let mut first = pin!(pool.acquire());
    assert!(poll(first.as_mut()).is_pending());
    settle().await;
    let mut second = pin!(pool.acquire());
    assert!(poll(second.as_mut()).is_pending());
    let conn = first.await.unwrap();
    assert_eq!((conn.number, backend.validate.calls()), (2, 1));
    assert!(poll(second.as_mut()).is_pending());
    drop(conn);
    assert_eq!(second.await.unwrap().number, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p1_the_checker_meets_contention_and_finds_no_overtaking() {
    let checker = OrderChecker::new();
    let (pool, _) = pool_with(|builder| builder.limit(2).observer(checker.clone()));
    let mut tasks = Vec::new();
    for task in 0..8 {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..500 {
                let conn = pool.acquire().await.unwrap();
                tokio::task::yield_now().await;
                drop(conn);
                if (task + round) % 5 == 0 {
                    drop(poll(pin!(pool.acquire())));
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(checker.grants() >= 4_000);
    assert!(checker.overlaps() >= 1_000, "few overlaps prove little");
    assert_eq!(checker.overtakings(), 0);
}

#[tokio::test(start_paused = true)]
async fn p2_no_more_connections_live_at_once_than_the_limit() {
    let (pool, backend) = pool_of(5);
    backend.connect.always(Act::Takes(5));
    backend.close.always(Act::Takes(20));
    let mut tasks = Vec::new();
    for number in 0..200u64 {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move {
            let mut conn = pool.acquire().await.unwrap();
            sleep(ms(number % 4)).await;
            if number % 3 == 0 {
                conn.mark_broken();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(backend.peak(), 5);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn p2_a_shrink_under_lease_is_a_debt_and_a_growth_restores_the_limit() {
    let (pool, backend) = pool_of(5);
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(pool.acquire().await.unwrap());
    }
    pool.set_limit(2).unwrap();
    let mut waiter = pin!(pool.acquire());
    for lent in (2..5).rev() {
        drop(held.pop());
        settle().await;
        assert!(poll(waiter.as_mut()).is_pending(), "lent while a debt was owed");
        assert_eq!((backend.live(), pool.status().in_use), (lent, lent as u32));
    }
    drop(held.pop());
    let served = waiter.await.unwrap();
    assert_eq!((backend.live(), backend.made()), (2, 5));
    pool.set_limit(4).unwrap();
    drop((served, held));
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn p3_a_request_cancelled_at_any_moment_loses_nothing() {
    let (pool, backend) = pool_of(3);
    backend.connect.always(Act::Takes(10));
    backend.validate.always(Act::Takes(10));
    backend.reset.always(Act::Takes(5));
    backend.close.always(Act::Takes(5));
    for idle in [0, 600] {
        for cut in 0..40 {
            let requests = (0..6).map(|n| {
                let pool = pool.clone();
                tokio::spawn(async move { timeout(ms(cut + n), pool.acquire_owned()).await.is_ok() })
            });
            futures::future::join_all(requests).await;
            if cut % 7 == 0 {
                pool.invalidate();
            }
            sleep(ms(idle)).await;
        }
    }
    backend.reset.always(Act::Ok);
    sleep(ms(100)).await;
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn p3_whatever_fails_hangs_or_panics_no_slot_is_lost() {
    let short = ms(50);
    let (pool, backend) = pool_with(|builder| {
        let builder = builder.limit(2).connect_timeout(short).validate_timeout(short);
        builder
            .reset_timeout(short)
            .close_timeout(short)
            .validate_after_idle(ms(0))
    });
    for act in [Act::Fails, Act::Refuses, Act::Hangs, Act::Panics] {
        for step in [
            &backend.connect,
            &backend.validate,
            &backend.reset,
            &backend.close,
            &backend.is_broken,
        ] {
            step.then([act, act]);
            for _ in 0..4 {
                if let Ok(mut conn) = pool.acquire_within(ms(500)).await {
                    conn.mark_broken();
                }
                drop(pool.acquire_within(ms(500)).await);
            }
            step.always(Act::Ok);
            pool.invalidate();
            sleep(ms(11_000)).await;
            assert_whole(&pool).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p3_as_many_attempts_are_in_flight_as_are_wanted_and_allowed() {
    let (pool, backend) = pool_with(|builder| builder.limit(5).max_connecting(3));
    backend.connect.always(Act::Hangs);
    let mut requests = Vec::new();
    for expected in [1, 2, 3, 3, 3, 3, 3] {
        requests.push(Box::pin(pool.acquire()));
        assert!(poll(requests.last_mut().unwrap().as_mut()).is_pending());
        settle().await;
        assert_eq!(pool.status().connecting, expected);
    }
    pool.set_max_connecting(100).unwrap();
    settle().await;
    assert_eq!(pool.status().connecting, 5, "no more than are vacant");
}

#[tokio::test(start_paused = true)]
async fn p4_an_expired_request_gets_no_connection() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut expired = pin!(pool.acquire_within(ms(10)));
    let mut patient = pin!(pool.acquire());
    assert!(poll(expired.as_mut()).is_pending() && poll(patient.as_mut()).is_pending());
    tokio::time::advance(ms(10)).await;
    drop(held);
    assert!(poll(patient.as_mut()).is_ready(), "the connection went to the dead");
    assert!(matches!(expired.await, Err(AcquireError::Timeout(_))));
}

#[tokio::test(start_paused = true)]
async fn p4_a_connection_assigned_to_a_dropped_request_goes_to_the_next() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut first = Box::pin(pool.acquire());
    let mut second = pin!(pool.acquire());
    let wakes = Arc::new(Wakes::default());
    assert!(poll(first.as_mut()).is_pending());
    let waker = wakes.clone().into();
    assert!(
        second
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
            .is_pending()
    );
    drop(held);
    assert_eq!(wakes.count(), 0);
    drop(first);
    assert_eq!(wakes.count(), 1);
    assert!(poll(second.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn p4_a_connection_assigned_before_the_deadline_is_a_success() {
    let (pool, _) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut slow = pin!(pool.acquire_within(ms(10)));
    assert!(poll(slow.as_mut()).is_pending());
    sleep(ms(9)).await;
    drop(held);
    sleep(ms(1_000)).await;
    assert!(matches!(poll(slow.as_mut()), std::task::Poll::Ready(Ok(_))));
}

#[tokio::test(start_paused = true)]
async fn p5_clear_cuts_exactly_those_who_wait() {
    let (pool, _) = pool_of(2);
    let (leased, held) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let mut assigned = pin!(pool.acquire());
    assert!(poll(assigned.as_mut()).is_pending());
    drop(held);
    let mut waiting: Vec<_> = (0..9).map(|_| Box::pin(pool.acquire())).collect();
    waiting
        .iter_mut()
        .for_each(|request| assert!(poll(request.as_mut()).is_pending()));
    assert_eq!(pool.clear(), 9);
    let mut later = pin!(pool.acquire());
    assert!(poll(later.as_mut()).is_pending());
    drop(leased);
    for request in waiting {
        assert!(matches!(request.await, Err(AcquireError::Cleared)));
    }
    assert!(later.await.is_ok() && assigned.await.is_ok());
    assert_eq!((pool.clear(), pool.status().totals.cleared), (0, 9));
}

#[tokio::test(start_paused = true)]
async fn p6_a_request_returns_within_its_timeout_whatever_the_backend_does() {
    for act in [Act::Fails, Act::Hangs, Act::Panics, Act::Takes(60_000)] {
        let (pool, backend) = pool_of(2);
        backend.connect.always(act);
        let begun = Instant::now();
        assert!(
            matches!(pool.acquire_within(ms(300)).await, Err(AcquireError::Timeout(_))),
            "{act:?}"
        );
        assert_eq!(begun.elapsed(), ms(300), "{act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn p6_a_hung_step_costs_its_slot_no_more_than_its_own_timeout() {
    let (pool, backend) = pool_with(|builder| {
        let builder = builder.limit(1).connect_timeout(ms(100)).validate_timeout(ms(200));
        builder.reset_timeout(ms(300)).close_timeout(ms(400))
    });
    let begun = Instant::now();
    backend.connect.then([Act::Hangs]);
    drop(pool.acquire().await.unwrap());
    assert_eq!(begun.elapsed(), ms(100));

    sleep(ms(1_000)).await;
    let begun = Instant::now();
    backend.validate.then([Act::Hangs]);
    let conn = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), ms(200));

    let begun = Instant::now();
    backend.reset.then([Act::Hangs]);
    backend.close.then([Act::Hangs]);
    drop(conn);
    assert_eq!(pool.acquire().await.unwrap().number, 3);
    assert_eq!(begun.elapsed(), ms(700));
}

#[tokio::test(start_paused = true)]
async fn p7_drain_ends_in_time_and_says_what_was_closed_and_what_was_out() {
    let (pool, backend) = pool_of(3);
    let held = pool.acquire().await.unwrap();
    drop((pool.acquire().await.unwrap(), pool.acquire().await.unwrap()));
    let report = pool.drain(ms(500)).await;
    assert_eq!((report.closed, report.still_out, report.took), (2, 1, ms(500)));
    assert!(!report.completed && pool.is_closed());
    drop(held);
    settle().await;
    assert_eq!(backend.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn p7_a_drain_serves_those_in_line_and_admits_nobody_new() {
    let (pool, backend) = pool_of(1);
    let held = pool.acquire().await.unwrap();
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    let mut drain = pin!(pool.drain(ms(500)));
    assert!(poll(drain.as_mut()).is_pending());
    assert!(matches!(pool.acquire().await, Err(AcquireError::Closed(_))));
    assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::Closed);
    drop(held);
    drop(waiting.await.unwrap());
    let report = drain.await;
    assert_eq!((report.completed, report.closed, report.failed), (true, 1, 0));
    assert_eq!(backend.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn p7_a_dropped_drain_leaves_the_pool_draining_until_its_patience_ends() {
    let (pool, _) = pool_of(1);
    let _held = pool.acquire().await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire_owned().await.map(drop) }
    });
    settle().await;
    let begun = Instant::now();
    assert!(timeout(ms(10), pool.drain(ms(500))).await.is_err());
    assert!(matches!(pool.acquire().await, Err(AcquireError::Closed(_))));
    assert!(matches!(waiting.await.unwrap(), Err(AcquireError::Closed(_))));
    assert_eq!(begun.elapsed(), ms(500));
}

#[tokio::test(start_paused = true)]
async fn p8_a_guard_dropped_on_a_plain_thread_serves_the_next_in_line() {
    let (pool, backend) = pool_of(1);
    backend.reset.always(Act::Takes(5));
    let held = pool.acquire_owned().await.unwrap();
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    std::thread::spawn(move || drop(held)).join().expect("no panic");
    assert_eq!(waiting.await.unwrap().number, 1);
}

#[tokio::test(start_paused = true)]
async fn p9_a_connection_of_an_older_generation_is_never_handed_out() {
    let (pool, backend) = pool_of(2);
    let held = pool.acquire().await.unwrap();
    drop(pool.acquire().await.unwrap());
    pool.invalidate();
    assert_eq!(pool.status().idle, 0, "an idle one of the old generation");
    drop(held);
    settle().await;
    assert_eq!(backend.live(), 0);
    backend.connect.then([Act::Takes(50)]);
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    sleep(ms(20)).await;
    assert_eq!(pool.status().connecting, 1);
    pool.invalidate();
    assert_eq!(waiting.await.unwrap().number, 4, "the third was begun before");
    assert_eq!((pool.status().generation, backend.live()), (2, 1));
}
