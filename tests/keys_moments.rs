//! Many keys under one bound: what holds in the moments between, while time, a debt or a backoff runs.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{KeyedError, KeyedStage, Options};
use std::pin::pin;
use std::task::Poll;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn p4_a_request_whose_time_is_out_is_not_served_though_nobody_has_told_it() {
    let (pool, _) = keyed(|builder| builder.limit(1));
    let held = pool.acquire(&0).await.unwrap();
    let mut late = pin!(pool.acquire_within(&0, ms(10)));
    let mut next = pin!(pool.acquire(&0));
    assert!(poll(late.as_mut()).is_pending() && poll(next.as_mut()).is_pending());
    sleep(ms(20)).await;
    drop(held);
    assert!(poll(next.as_mut()).is_ready());
    let Err(KeyedError::Timeout(timeout)) = late.await else {
        panic!("its time is out")
    };
    assert_eq!(timeout.stage, KeyedStage::Line);
}

#[tokio::test(start_paused = true)]
async fn p1_a_newcomer_with_an_idle_connection_waits_behind_who_waits_for_a_debt() {
    let (pool, backends) = keyed(|builder| builder.limit(3));
    for key in [0, 1, 2] {
        drop(pool.acquire(&key).await.unwrap());
        sleep(ms(1)).await;
    }
    backends[0].close.always(Act::Takes(50));
    pool.set_limit(2).unwrap();
    let mut first = pin!(pool.acquire(&3));
    let mut newcomer = pin!(pool.acquire(&2));
    assert!(poll(first.as_mut()).is_pending() && poll(newcomer.as_mut()).is_pending());
    settle().await;
    assert_eq!((all(&pool).idle, all(&pool).closing, all(&pool).pending), (2, 1, 2));
    assert_eq!(pool.try_acquire(&2).unwrap_err(), fairpool::TryAcquireError::Waiting);
    let _first = first.await.unwrap();
    assert_eq!((newcomer.await.unwrap().number, backends[1].live()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn p2_what_was_promised_before_a_shrink_opens_when_the_debt_is_paid() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    for key in [0, 1] {
        drop(pool.acquire(&key).await.unwrap());
        sleep(ms(1)).await;
    }
    backends[0].close.always(Act::Takes(50));
    backends[1].close.always(Act::Takes(90));
    let began = Instant::now();
    let mut request = pin!(pool.acquire(&2));
    assert!(poll(request.as_mut()).is_pending());
    settle().await;
    pool.set_limit(1).unwrap();
    sleep(ms(70)).await;
    assert_eq!((live(&backends), backends[2].connect.calls()), (1, 0));
    drop(request.await.unwrap());
    assert!(began.elapsed() >= ms(90));
    assert_eq!(live(&backends), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_its_key_serves_a_request_that_waits_for_a_backoff() {
    let mut options = Options::default();
    options.backoff_initial = ms(10_000);
    options.backoff_max = ms(10_000);
    let (pool, backends) = keyed(|builder| builder.options(options).limit(2));
    let held = pool.acquire(&0).await.unwrap();
    backends[0].connect.always(Act::Fails);
    let mut request = pin!(pool.acquire(&0));
    assert!(poll(request.as_mut()).is_pending());
    settle().await;
    assert_eq!((backends[0].connect.calls(), all(&pool).pending), (2, 1));
    drop(held);
    assert!(poll(request.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn what_was_validated_for_a_caller_that_gave_up_is_lent_without_another_look() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    drop(pool.acquire(&0).await.unwrap());
    sleep(ms(1_000)).await;
    backends[0].validate.always(Act::Takes(20));
    assert!(tokio::time::timeout(ms(10), pool.acquire(&0)).await.is_err());
    sleep(ms(15)).await;
    assert_eq!(pool.try_acquire(&0).unwrap().uses(), 1);
    assert_eq!(backends[0].validate.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guard_dropped_by_a_panic_closes_its_connection() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    let conn = pool.acquire(&0).await.unwrap();
    let panics = tokio::spawn(async move {
        let _conn = conn;
        panic!("the holder panics");
    });
    assert!(panics.await.is_err());
    settle().await;
    assert_eq!((live(&backends), all(&pool).occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn of_several_that_could_pass_the_first_in_line_does() {
    let (pool, _) = keyed(|builder| builder.limit(3).preference(1));
    let busy = pool.acquire(&0).await.unwrap();
    let (one, two) = (pool.acquire(&1).await.unwrap(), pool.acquire(&2).await.unwrap());
    pool.pause();
    let mut head = pin!(pool.acquire(&3));
    let (mut first, mut second) = (pin!(pool.acquire(&2)), pin!(pool.acquire(&1)));
    assert!(poll(head.as_mut()).is_pending());
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop((one, two));
    pool.resume();
    let Poll::Ready(_kept) = poll(first.as_mut()) else {
        panic!("it stands before the other")
    };
    assert!(poll(head.as_mut()).is_pending());
    assert_eq!(
        (pool.status().totals.passed, all(&pool).closing + all(&pool).connecting),
        (1, 1)
    );
    assert!(poll(second.as_mut()).is_pending());
    drop(busy);
}

#[test]
fn who_waits_elsewhere_goes_on_when_the_keepers_runtime_ends() {
    let (pool, _) = keyed(|builder| builder.limit(2));
    let first = paused_runtime();
    let _held = first.block_on(pool.acquire(&0)).unwrap();
    let second = paused_runtime();
    let waits = second.spawn({
        let pool = pool.clone();
        async move {
            let began = Instant::now();
            pool.acquire(&1).await.map(|_conn| began.elapsed())
        }
    });
    second.block_on(settle());
    drop(first);
    assert_eq!(second.block_on(waits).unwrap().unwrap(), ms(0));
}
