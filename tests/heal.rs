//! A backend that refuses for a while and then heals: how soon that is noticed, and how many attempts it meets on the way.

mod common;

use common::*;
use fairpool::{AcquireError, Pool};
use futures::future::join_all;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// Requests come one by one for so long, and fail in their own time.
async fn suffer(pool: &Pool<Backend>, until: Instant) {
    while Instant::now() < until {
        let asked = Instant::now();
        let error = pool.acquire_within(ms(300)).await.unwrap_err();
        assert!(
            matches!(&error, AcquireError::Timeout(timeout) if timeout.last_connect.is_some()),
            "{error}"
        );
        assert_eq!(asked.elapsed(), ms(300));
    }
}

async fn lease(pool: Pool<Backend>) {
    let _conn = pool.acquire().await.unwrap();
    sleep(ms(20)).await;
}

#[tokio::test(start_paused = true)]
async fn a_healed_backend_is_found_within_two_seconds_and_serves_everybody_at_once() {
    for minutes in [1, 60] {
        let (pool, backend) = pool_of(10);
        backend.connect.always(Act::Fails);
        let heals = Instant::now() + 60 * minutes * SECOND;
        suffer(&pool, heals).await;
        let waiting: Vec<_> = (0..40).map(|_| tokio::spawn(lease(pool.clone()))).collect();
        backend.connect.always(Act::Takes(5));
        let before = backend.connect.calls();
        let first = Instant::now();
        while pool.status().totals.opened == 0 {
            sleep(ms(1)).await;
        }
        assert!(first.elapsed() <= 2 * SECOND + ms(10), "{:?}", first.elapsed());
        // Ten connections, four at a time, and four leases of 20 ms on each.
        let served = timeout(ms(3 * 5 + 4 * 20 + 10), join_all(waiting)).await;
        assert_eq!(served.expect("all are served soon").len(), 40);
        assert_eq!(backend.connect.calls() - before, 10, "attempts on heal");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_down_meets_few_attempts_however_many_ask() {
    let (pool, backend) = pool_with(|builder| builder.max_connecting(1));
    backend.connect.always(Act::Fails);
    let end = Instant::now() + 60 * SECOND;
    join_all((0..200).map(|_| suffer(&pool, end))).await;
    let calls = backend.connect.calls();
    assert!(
        (30..=75).contains(&calls),
        "{calls} attempts in a minute, one or two seconds apart"
    );
}

#[tokio::test(start_paused = true)]
async fn pools_that_lost_their_backend_together_do_not_come_back_together() {
    const POOLS: usize = 200;
    let pools: Vec<_> = (0..POOLS)
        .map(|_| pool_with(|builder| builder.max_connecting(1)))
        .collect();
    for (_, backend) in &pools {
        backend.connect.always(Act::Fails);
    }
    let heals = Instant::now() + 60 * SECOND;
    join_all(pools.iter().map(|(pool, _)| suffer(pool, heals))).await;
    let mut slots = [0; 30];
    for slot in &mut slots {
        let calls = || pools.iter().map(|(_, backend)| backend.connect.calls()).sum::<u64>();
        let before = calls();
        let end = Instant::now() + ms(100);
        join_all(pools.iter().map(|(pool, _)| async {
            let _ = pool.acquire_within(ms(100)).await;
        }))
        .await;
        sleep_until(end).await;
        *slot = calls() - before;
    }
    let most = *slots.iter().max().unwrap();
    assert!(
        most <= POOLS as u64 / 4,
        "of {POOLS} pools {most} came in one tenth of a second: {slots:?}"
    );
}
