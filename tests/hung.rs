//! An attempt to connect that hangs holds up nobody but the request that met it, and starts no storm.
//!
//! Time is paused; the backend swallows what it is told to.

mod common;

use common::*;
use fairpool::{AcquireError, Pool};
use futures::future::join_all;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const SECOND: Duration = Duration::from_secs(1);

/// Lone requests, one after the other, until this moment; returns how many were served.
async fn ask_until(pool: &Pool<Backend>, end: Instant) -> u32 {
    let mut served = 0;
    while Instant::now() < end {
        match pool.acquire().await {
            Ok(conn) => {
                served += 1;
                drop(conn);
                sleep(ms(1)).await;
            }
            Err(AcquireError::Timeout(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    served
}

#[tokio::test(start_paused = true)]
async fn a_lone_request_does_not_wait_for_an_attempt_that_has_hung() {
    let (pool, backend) = pool_with(|builder| builder.acquire_timeout(ms(500)));
    backend.connect.then([Act::Hangs]);
    assert!(pool.acquire().await.is_err(), "its own attempt hung");
    sleep(ms(500)).await;
    let asked = Instant::now();
    assert!(pool.acquire().await.is_ok());
    assert!(asked.elapsed() < ms(100), "after {:?}", asked.elapsed());
    assert_eq!(
        (backend.connect.calls(), pool.status().connecting),
        (2, 1),
        "the first goes on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_patient_request_gets_a_second_attempt_after_a_quarter_of_connect_timeout() {
    let (pool, backend) = pool_of(10);
    backend.connect.then([Act::Hangs]);
    let asked = Instant::now();
    let _conn = pool.acquire().await.unwrap();
    assert_eq!((asked.elapsed(), backend.connect.calls()), (ms(2_500), 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_with_little_time_of_its_own_is_not_held_up_longer_than_that() {
    let (pool, backend) = pool_of(10);
    backend.connect.then([Act::Hangs]);
    assert!(pool.acquire_within(ms(200)).await.is_err());
    assert!(pool.acquire_within(ms(200)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn attempts_that_hang_leave_room_for_one_more_at_a_time_beyond_max_connecting() {
    let (pool, backend) = pool_with(|builder| builder.limit(20).max_connecting(3).acquire_timeout(ms(500)));
    backend.connect.always(Act::Hangs);
    let mut most = [0; 2];
    for round in 0..20 {
        let before = backend.connect.calls();
        let failed = join_all((0..8).map(|_| pool.acquire())).await;
        assert!(failed.iter().all(Result::is_err));
        let begun = backend.connect.calls() - before;
        let first = usize::from(round > 0);
        most[first] = most[first].max(begun);
    }
    assert_eq!(
        most,
        [3, 1],
        "the most in a round of 500 ms: in the first, in later ones"
    );
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_swallows_everything_is_asked_no_more_often_than_one_that_refuses() {
    let mut calls = Vec::new();
    for act in [Act::Fails, Act::Hangs] {
        let (pool, backend) = pool_with(|builder| builder.limit(100).acquire_timeout(ms(300)));
        backend.connect.always(act);
        let end = Instant::now() + 120 * SECOND;
        assert_eq!(ask_until(&pool, end).await, 0);
        assert!(pool.status().connecting <= 12, "{}", pool.status());
        calls.push(backend.connect.calls());
    }
    // Half of each wait is random.
    assert!(
        calls[1] <= calls[0] + calls[0] / 4,
        "refusing, hanging: {calls:?} attempts in two minutes"
    );
}

#[tokio::test(start_paused = true)]
async fn no_attempt_goes_beyond_the_limit_however_many_hang() {
    let (pool, backend) = pool_with(|builder| {
        builder
            .limit(3)
            .acquire_timeout(ms(100))
            .backoff_max(ms(100))
            .connect_timeout(20 * SECOND)
    });
    backend.connect.always(Act::Hangs);
    let end = Instant::now() + 10 * SECOND;
    while Instant::now() < end {
        assert!(pool.acquire().await.is_err());
        assert!(pool.status().connecting <= 3, "{}", pool.status());
    }
    assert_eq!(backend.connect.calls(), 3, "none was cut short");
}

#[tokio::test(start_paused = true)]
async fn a_backend_slower_than_anybody_waits_is_reached_all_the_same() {
    for limit in [1, 10] {
        let (pool, backend) = pool_with(|builder| builder.limit(limit).acquire_timeout(ms(500)));
        backend.connect.always(Act::Takes(6_000));
        let began = Instant::now();
        assert!(ask_until(&pool, began + 7 * SECOND).await > 0, "limit {limit}");
        assert_eq!(pool.status().totals.connect_failures, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_success_ends_what_was_presumed() {
    let (pool, backend) = pool_with(|builder| builder.limit(8).acquire_timeout(ms(500)));
    backend.connect.always(Act::Hangs);
    let heals = Instant::now() + 4 * SECOND;
    assert_eq!(ask_until(&pool, heals).await, 0);
    backend.connect.always(Act::Ok);
    while pool.acquire().await.is_err() {}
    // Those that hang still keep their slots; the others are open to everybody at once.
    let free = 8 - pool.status().connecting;
    let asked = Instant::now();
    let conns = join_all((0..free).map(|_| pool.acquire())).await;
    assert!(conns.iter().all(Result::is_ok));
    assert_eq!(asked.elapsed(), ms(0));
    drop(conns);
    sleep_until(heals + 12 * SECOND).await;
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn the_late_end_of_an_attempt_that_hung_does_not_blame_a_backend_that_has_healed() {
    let (pool, backend) = pool_with(|builder| builder.limit(2).acquire_timeout(ms(500)));
    backend.connect.then([Act::Hangs]);
    assert!(pool.acquire().await.is_err(), "its own attempt hung");
    let _held = pool.acquire().await.unwrap();
    sleep(10 * SECOND).await;
    assert_eq!(pool.status().connecting, 0, "the one that hung has ended");
    pool.set_limit(1).unwrap();
    let Err(AcquireError::Timeout(timeout)) = pool.acquire().await else {
        panic!("the pool is busy")
    };
    assert!(timeout.last_connect.is_none(), "{timeout}");
}

#[tokio::test(start_paused = true)]
async fn somebody_in_haste_delays_nobody_else() {
    let (pool, backend) = pool_of(10);
    backend.connect.always(Act::Takes(40));
    assert!(pool.try_acquire().is_err(), "it asks for a connection");
    sleep(ms(3)).await;
    let mut hasty = pin!(pool.acquire_within(ms(3)));
    let mut patient = pin!(pool.acquire());
    assert!(poll(hasty.as_mut()).is_pending() && poll(patient.as_mut()).is_pending());
    settle().await;
    assert_eq!(backend.connect.calls(), 2, "one for each");
}
