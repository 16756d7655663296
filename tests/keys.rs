//! Many keys under one bound: order, maximum and preference, room for others, and what an operator does.
//!
//! What fails is in `keys_faults.rs`, what ends in `keys_runtimes.rs`; the invariants are audited from inside, in `src/system/keys/tests`.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{KeyedError, KeyedStage, Options, State, TryAcquireError};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn p1_requests_of_all_keys_are_served_in_one_order() {
    let (pool, _) = keyed(|builder| builder.limit(1));
    let held = pool.acquire(&0).await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..40u32 {
        let (pool, served) = (pool.clone(), served.clone());
        tasks.push(tokio::spawn(async move {
            let conn = pool.acquire(&(number % 5)).await.unwrap();
            assert_eq!(*conn.key(), number % 5);
            served.lock().unwrap().push(number);
            sleep(ms(1)).await;
        }));
    }
    settle().await;
    tasks.remove(7).abort();
    settle().await;
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    let expected: Vec<_> = (0..40).filter(|&number| number != 7).collect();
    assert_eq!(*served.lock().unwrap(), expected);
}

/// 200 requests of two keys in turns, all in line, under a limit of 1: connects, and how often anybody was passed at most.
async fn alternate(preference: u32) -> (u64, usize) {
    let (pool, _) = keyed(|builder| builder.limit(1).preference(preference));
    let held = pool.acquire(&2).await.unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..200u32 {
        let (pool, served) = (pool.clone(), served.clone());
        tasks.push(tokio::spawn(async move {
            let _conn = pool.acquire(&(number % 2)).await.unwrap();
            served.lock().unwrap().push(number);
            sleep(ms(2)).await;
        }));
    }
    settle().await;
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    let served = served.lock().unwrap();
    let passed = |at: usize| served[..at].iter().filter(|&&earlier| earlier > served[at]).count();
    let most = (0..served.len()).map(passed).max().unwrap();
    (pool.status().totals.opened - 1, most)
}

#[tokio::test(start_paused = true)]
async fn strict_order_reconnects_for_every_lease_and_a_preference_spares_most() {
    assert_eq!(alternate(0).await, (200, 0));
    assert_eq!(alternate(4).await, (24, 4));
    assert_eq!(alternate(16).await, (8, 16));
}

#[tokio::test(start_paused = true)]
async fn p2_a_connect_begins_only_when_the_farewell_that_makes_room_has_ended() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    backends[0].close.always(Act::Takes(70));
    drop((pool.acquire(&0).await.unwrap(), pool.acquire(&0).await.unwrap()));
    let began = Instant::now();
    let mut request = pin!(pool.acquire(&1));
    assert!(poll(request.as_mut()).is_pending());
    sleep(ms(60)).await;
    let status = pool.status();
    assert_eq!((status.all.closing, status.all.idle, status.totals.evicted), (1, 1, 1));
    assert_eq!((live(&backends), backends[1].connect.calls()), (2, 0));
    let conn = request.await.unwrap();
    assert!(began.elapsed() >= ms(70));
    assert_eq!((live(&backends), conn.number), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_longest_idle_makes_room_unless_somebody_waits_for_its_key() {
    let (pool, backends) = keyed(|builder| builder.limit(3));
    for key in [0, 1, 2] {
        drop(pool.acquire(&key).await.unwrap());
        sleep(ms(1)).await;
    }
    drop(pool.acquire(&0).await.unwrap());
    drop(pool.acquire(&3).await.unwrap());
    let lives = |backends: &[Backend]| backends.iter().map(|backend| backend.live()).collect::<Vec<_>>();
    assert_eq!(lives(&backends), [1, 0, 1, 1, 0, 0]);
    // Key 2 is the longest idle now, but in line behind key 4: key 0 goes.
    pool.pause();
    let (mut first, mut second) = (pin!(pool.acquire(&4)), pin!(pool.acquire(&2)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    pool.resume();
    let _both = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((lives(&backends), backends[2].made()), (vec![0, 0, 1, 1, 1, 0], 1));
}

#[tokio::test(start_paused = true)]
async fn a_key_at_its_maximum_waits_in_its_own_line_and_holds_up_nobody() {
    let (pool, _) = keyed(|builder| builder.limit(4).per_key(2));
    let first = pool.acquire(&0).await.unwrap();
    let _second = pool.acquire(&0).await.unwrap();
    let mut third = pin!(pool.acquire(&0));
    assert!(poll(third.as_mut()).is_pending());
    settle().await;
    assert_eq!(
        (all(&pool).pending_at_key, all(&pool).pending, all(&pool).connecting),
        (1, 0, 0)
    );
    let _other = pool.acquire(&1).await.unwrap();
    let Err(KeyedError::Timeout(timeout)) = pool.acquire_within(&0, ms(20)).await else {
        panic!("it is full")
    };
    assert_eq!(
        (timeout.stage, timeout.key.in_use, timeout.all.in_use),
        (KeyedStage::KeyLine, 2, 3)
    );
    assert!(
        timeout
            .to_string()
            .contains("(stage key line): the key had its maximum; limit 4, 2 a key"),
        "{timeout}"
    );
    drop(first);
    assert_eq!(third.await.unwrap().uses(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_maximum_that_changes_sends_requests_back_and_admits_them_again() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    let held = (pool.acquire(&0).await.unwrap(), pool.acquire(&1).await.unwrap());
    let mut requests: Vec<_> = (0..3).map(|_| Box::pin(pool.acquire(&2))).collect();
    requests
        .iter_mut()
        .for_each(|request| assert!(poll(request.as_mut()).is_pending()));
    assert_eq!((all(&pool).pending, all(&pool).pending_at_key), (3, 0));
    pool.set_per_key(1).unwrap();
    assert_eq!((all(&pool).pending, all(&pool).pending_at_key), (1, 2));
    drop(held);
    let first = requests.remove(0).await.unwrap();
    settle().await;
    assert_eq!(backends[2].live(), 1);
    pool.set_per_key(None).unwrap();
    drop((requests.remove(0).await.unwrap(), first));
    assert_eq!(backends[2].live(), 2);
    pool.set_per_key(1).unwrap();
    settle().await;
    assert_eq!((backends[2].live(), all(&pool).pending_at_key), (1, 0));
    assert_eq!(
        pool.set_per_key(0).unwrap_err().to_string(),
        "per_key is 0, but must be at least 1"
    );
}

#[tokio::test(start_paused = true)]
async fn p2_a_shrink_is_a_debt_that_releases_pay_and_a_growth_admits_who_waits() {
    let (pool, backends) = keyed(|builder| builder.limit(4));
    let mut held = Vec::new();
    for key in 0..4 {
        held.push(pool.acquire(&key).await.unwrap());
    }
    drop(held.pop());
    pool.set_limit(2).unwrap();
    settle().await;
    assert_eq!(live(&backends), 3, "the idle one is closed at once");
    let mut request = pin!(pool.acquire(&4));
    assert!(poll(request.as_mut()).is_pending());
    drop(held.pop());
    settle().await;
    assert_eq!(
        (live(&backends), backends[4].connect.calls()),
        (2, 0),
        "a release pays the debt"
    );
    pool.set_limit(3).unwrap();
    assert_eq!(*request.await.unwrap().key(), 4);
    assert_eq!(pool.set_limit(0).unwrap_err().option(), "limit");
}

#[tokio::test(start_paused = true)]
async fn p4_a_connection_assigned_to_a_dropped_request_goes_to_the_next() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    let held = pool.acquire(&0).await.unwrap();
    let mut second = pin!(pool.acquire(&0));
    {
        let mut first = pin!(pool.acquire(&0));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        drop(held);
        assert!(poll(second.as_mut()).is_pending());
    }
    let conn = second.await.unwrap();
    assert_eq!(
        (conn.uses(), backends[0].made(), pool.status().totals.cancelled),
        (1, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_connect_whose_caller_gives_up_ends_on_the_shelf_of_its_key() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    backends[0].connect.always(Act::Takes(50));
    assert!(tokio::time::timeout(ms(10), pool.acquire(&0)).await.is_err());
    assert_eq!((all(&pool).connecting, all(&pool).admitted), (1, 0));
    sleep(ms(60)).await;
    assert_eq!(all(&pool).idle, 1);
    assert_eq!(pool.try_acquire(&0).unwrap().number, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_left_behind_serves_the_next_of_its_key_and_nobody_makes_room() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    drop(pool.acquire(&1).await.unwrap());
    backends[0].connect.always(Act::Takes(50));
    assert!(tokio::time::timeout(ms(10), pool.acquire(&0)).await.is_err());
    let began = Instant::now();
    assert_eq!(pool.acquire(&0).await.unwrap().number, 1);
    assert_eq!((began.elapsed(), backends[0].connect.calls()), (ms(40), 1));
    assert_eq!((backends[1].live(), pool.status().totals.evicted), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_first_serves_the_key_and_an_opening_not_begun_is_given_up() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    let held = pool.acquire(&0).await.unwrap();
    drop(pool.acquire(&1).await.unwrap());
    backends[1].close.always(Act::Takes(40));
    let mut request = pin!(pool.acquire(&0));
    assert!(poll(request.as_mut()).is_pending());
    sleep(ms(5)).await;
    drop(held);
    let conn = request.await.unwrap();
    assert_eq!((conn.number, all(&pool).closing), (1, 1));
    sleep(ms(60)).await;
    assert_eq!((backends[0].connect.calls(), all(&pool).occupied()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn p5_clear_cuts_those_who_wait_of_all_keys_or_of_one() {
    let (pool, _) = keyed(|builder| builder.limit(2).per_key(1));
    let _held = (pool.acquire(&0).await.unwrap(), pool.acquire(&1).await.unwrap());
    let ask = |key| {
        tokio::spawn({
            let pool = pool.clone();
            async move { pool.acquire(&key).await }
        })
    };
    let (at_key, in_line, other) = (ask(0), ask(2), ask(3));
    settle().await;
    assert_eq!((pool.clear_key(&2), pool.clear_key(&5)), (1, 0));
    assert!(matches!(in_line.await.unwrap(), Err(KeyedError::Cleared)));
    assert_eq!(pool.clear(), 2);
    for request in [at_key, other] {
        assert!(matches!(request.await.unwrap(), Err(KeyedError::Cleared)));
    }
    assert_eq!((all(&pool).in_use, pool.status().totals.cleared), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn pause_serves_nobody_and_resume_serves_in_order() {
    let (pool, _) = keyed(|builder| builder.limit(1));
    let held = pool.acquire(&0).await.unwrap();
    pool.pause();
    let (mut first, mut second) = (pin!(pool.acquire(&1)), pin!(pool.acquire(&0)));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop(held);
    settle().await;
    assert_eq!(
        (all(&pool).idle, all(&pool).pending, pool.status().state),
        (1, 2, State::Paused)
    );
    assert_eq!(pool.try_acquire(&0).unwrap_err(), TryAcquireError::Paused);
    pool.resume();
    assert_eq!(*first.await.unwrap().key(), 1);
    assert_eq!(*second.await.unwrap().key(), 0);
}

#[tokio::test(start_paused = true)]
async fn p9_invalidate_closes_what_is_idle_and_what_comes_back_of_all_keys_or_of_one() {
    let (pool, backends) = keyed(|builder| builder.limit(4));
    let held = (pool.acquire(&0).await.unwrap(), pool.acquire(&1).await.unwrap());
    drop(pool.acquire(&0).await.unwrap());
    backends[0].connect.always(Act::Takes(20));
    let mut opening = pin!(pool.acquire_within(&0, ms(100)));
    let _kept = pool.try_acquire(&0).unwrap();
    assert!(poll(opening.as_mut()).is_pending());
    settle().await;
    pool.invalidate_key(&0);
    backends[0].connect.always(Act::Ok);
    // The one that was being opened is of the old generation as well.
    assert_eq!(opening.await.unwrap().number, 4);
    drop(held);
    settle().await;
    assert_eq!((backends[0].live(), backends[1].live()), (2, 1));
    pool.invalidate();
    settle().await;
    assert_eq!((backends[0].live(), backends[1].live()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn p7_drain_serves_who_waits_and_says_what_was_still_out() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    let held = pool.acquire(&0).await.unwrap();
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire(&1).await.map(drop) }
    });
    settle().await;
    let drain = tokio::spawn({
        let pool = pool.clone();
        async move { pool.drain(ms(500)).await }
    });
    sleep(ms(50)).await;
    assert!(matches!(pool.acquire(&2).await, Err(KeyedError::Closed)));
    drop(held);
    waits.await.unwrap().unwrap();
    let report = drain.await.unwrap();
    assert!(report.completed && report.took < ms(60), "{report}");
    assert_eq!(
        (report.closed, live(&backends), pool.status().state),
        (2, 0, State::Closed)
    );

    let (pool, _) = keyed(|builder| builder.limit(1));
    let _held = pool.acquire(&0).await.unwrap();
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire(&1).await.map(drop) }
    });
    settle().await;
    // A drain that is dropped goes on, and ends with its patience.
    assert!(tokio::time::timeout(ms(5), pool.drain(ms(50))).await.is_err());
    sleep(ms(50)).await;
    assert!(matches!(waits.await.unwrap(), Err(KeyedError::Closed)));
    assert_eq!(pool.drain(ms(10)).await.still_out, 1);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_by_time_and_validated_after_a_rest() {
    let mut options = Options::default();
    options.idle_timeout = Some(ms(5_000));
    options.max_lifetime = Some(ms(60_000));
    options.lifetime_jitter = 0.0;
    let (pool, backends) = keyed(|builder| builder.options(options).limit(2));
    drop(pool.acquire(&0).await.unwrap());
    drop(pool.acquire(&0).await.unwrap());
    assert_eq!((backends[0].made(), backends[0].validate.calls()), (1, 0));
    sleep(ms(1_000)).await;
    drop(pool.acquire(&0).await.unwrap());
    assert_eq!((backends[0].made(), backends[0].validate.calls()), (1, 1));
    sleep(ms(1_000)).await;
    backends[0].validate.then([Act::Fails]);
    assert_eq!(pool.acquire(&0).await.unwrap().number, 2);
    sleep(ms(5_100)).await;
    assert_eq!((live(&backends), pool.status().keys.len()), (0, 0));
    let old = pool.acquire(&0).await.unwrap();
    sleep(ms(60_001)).await;
    drop(old);
    settle().await;
    assert_eq!((live(&backends), all(&pool).occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_line_is_bounded_and_a_try_takes_only_what_is_idle() {
    let mut options = Options::default();
    options.queue_limit = Some(1);
    let (pool, _) = keyed(|builder| builder.options(options).limit(1));
    assert_eq!(pool.try_acquire(&0).unwrap_err(), TryAcquireError::Empty);
    let held = pool.acquire(&0).await.unwrap();
    let mut request = pin!(pool.acquire(&1));
    assert!(poll(request.as_mut()).is_pending());
    let full = pool.acquire(&2).await.unwrap_err();
    assert_eq!(full.to_string(), "the line is full (1 requests wait)");
    assert_eq!(pool.try_acquire(&0).unwrap_err(), TryAcquireError::Waiting);
    let Err(KeyedError::Timeout(none)) = pool.acquire_within(&0, ms(0)).await else {
        panic!("others wait")
    };
    assert_eq!(none.stage, KeyedStage::Line);
    drop(held);
    drop(request.await.unwrap());
    assert_eq!(pool.try_acquire(&1).unwrap().uses(), 1);
    pool.close();
    assert_eq!(pool.try_acquire(&1).unwrap_err(), TryAcquireError::Closed);
}
