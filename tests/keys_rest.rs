//! Many keys under one bound, and backends that rest after a failure: nothing begins meanwhile, and nobody loses a place by it.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{KeyedAcquire, KeyedError, Options};
use std::pin::{Pin, pin};
use tokio::time::{Instant, advance, sleep};

/// A backoff of 100 to 200 ms at first, and no more than so many connects at once.
fn resting(max_connecting: u32) -> Options {
    let mut options = Options::default();
    options.max_connecting = max_connecting;
    options.backoff_initial = ms(200);
    options.backoff_max = ms(10_000);
    options
}

fn waits(pool: &KeyedPool, key: u32) -> Pin<Box<KeyedAcquire<u32, Backend>>> {
    let mut request = Box::pin(pool.acquire(&key));
    assert!(poll(request.as_mut()).is_pending());
    request
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_when_a_connect_fails_waits_for_the_backoff_too() {
    let (pool, backends) = keyed(|builder| builder.options(resting(1)).limit(8));
    backends[0].connect.always(Act::Fails);
    let _waiting: Vec<_> = (0..8).map(|_| waits(&pool, 0)).collect();
    sleep(ms(50)).await;
    assert_eq!(backends[0].connect.calls(), 1, "connects in the backoff");
    // Nor do they keep places that others could use.
    assert_eq!((all(&pool).connecting, all(&pool).pending), (0, 8));
    backends[0].connect.always(Act::Ok);
    drop(_waiting);
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_rests_also_when_nobody_waits_for_it_meanwhile() {
    let (pool, backends) = keyed(|builder| builder.options(resting(4)).limit(4));
    backends[0].connect.always(Act::Refuses);
    let began = Instant::now();
    for _ in 0..5 {
        assert!(matches!(pool.acquire(&0).await, Err(KeyedError::Connect(_))));
    }
    // The sum of four waits, each at least half of 200, 400, 800 and 1600 ms.
    assert!(began.elapsed() >= ms(1_500), "five attempts in {:?}", began.elapsed());
    // When its rest is over and nobody has asked, the key is forgotten.
    sleep(ms(10_000)).await;
    assert_eq!(pool.status().keys.len(), 0);
    backends[0].connect.always(Act::Ok);
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn p1_an_attempt_left_behind_serves_who_stands_aside_before_a_later_one_of_its_key() {
    let (pool, backends) = keyed(|builder| builder.options(resting(4)).limit(2));
    backends[0].connect.then([Act::Takes(60), Act::Fails]);
    let first = waits(&pool, 0);
    let mut second = waits(&pool, 0);
    settle().await;
    sleep(ms(20)).await;
    // The second one's attempt has failed, so it stands aside; its place goes to another key.
    let _other = pool.acquire(&1).await.unwrap();
    let mut third = waits(&pool, 0);
    drop(first);
    sleep(ms(60)).await;
    assert!(
        poll(third.as_mut()).is_pending(),
        "overtaken by a later request of the same key"
    );
    assert!(poll(second.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn p1_a_rest_is_over_by_the_clock_and_not_when_the_keeper_has_seen_it() {
    let (pool, backends) = keyed(|builder| builder.options(resting(4)).limit(1));
    backends[0].connect.then([Act::Fails]);
    let mut older = waits(&pool, 0);
    settle().await;
    let conn = pool.acquire(&1).await.unwrap();
    let mut newer = waits(&pool, 1);
    // The keeper does not run between these two lines.
    advance_unseen(ms(500));
    drop(conn);
    assert!(
        poll(newer.as_mut()).is_pending(),
        "served before one that had rested enough"
    );
    drop(newer);
    older.as_mut().await.map(drop).unwrap();
}

/// Moves the clock while no task runs.
fn advance_unseen(time: std::time::Duration) {
    let mut step = pin!(advance(time));
    let _ = poll(step.as_mut());
}

#[tokio::test(start_paused = true)]
async fn what_passed_a_request_counts_on_after_its_connect_has_failed() {
    let mut options = resting(4);
    options.connect_timeout = ms(50);
    let (pool, backends) = keyed(|builder| builder.options(options).limit(2).preference(2));
    backends[0].connect.then([Act::Hangs]);
    let (one, other) = (pool.acquire(&1).await.unwrap(), pool.acquire(&2).await.unwrap());
    let mut down = waits(&pool, 0);
    let (second, third) = (waits(&pool, 1), waits(&pool, 1));
    let (behind, passing) = (waits(&pool, 3), waits(&pool, 2));
    drop(one);
    drop(second.await.unwrap());
    drop(third.await.unwrap());
    assert_eq!(pool.status().totals.passed, 2);
    settle().await;
    // While the first in line has its turn, the one behind it is passed.
    drop(other);
    let passing = passing.await.unwrap();
    assert_eq!(pool.status().totals.passed, 3);
    // The attempt fails, and the first in line stands there again.
    let _behind = behind.await.unwrap();
    let mut last = waits(&pool, 2);
    sleep(ms(300)).await;
    drop(passing);
    assert!(poll(last.as_mut()).is_pending(), "passed for the third time");
    assert!(down.as_mut().await.is_ok());
}
