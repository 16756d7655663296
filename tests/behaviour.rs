//! What users will try first, each a test: spikes, overload, a backend that hangs and heals, resizing, leaving in a hurry.
//!
//! Load is simulated: holds and connects take virtual time on a paused clock, so the figures are exact. What users try with
//! runtimes is in `runtimes.rs`, with panics in `panics.rs`.

mod common;

use common::*;
use fairpool::{AcquireError, DynManager, OrderChecker, Phase, Pool, TryAcquireError, WarmUpError};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// So many tasks, each with one lease of this length; returns when the last one ended.
async fn burst(pool: &Pool<Backend>, requests: u32, hold: Duration) -> Duration {
    let begun = Instant::now();
    let task = |_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let _conn = pool.acquire().await.expect("a connection");
            sleep(hold).await;
        })
    };
    for done in futures::future::join_all((0..requests).map(task)).await {
        done.expect("no panic");
    }
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_spike_ends_with_the_connections_that_were_there_and_opens_few() {
    let (pool, backend) = pool_of(50);
    pool.warm_up(5).await.unwrap();
    backend.connect.always(Act::Takes(150));
    assert_eq!(burst(&pool, 50, ms(2)).await, ms(20));
    sleep(ms(1_000)).await;
    assert!(
        backend.made() <= 5 + 4,
        "{} were opened for a spike of 20 ms",
        backend.made() - 5
    );
}

#[tokio::test(start_paused = true)]
async fn a_spike_that_the_idle_connections_can_serve_opens_none() {
    let (pool, backend) = pool_of(50);
    pool.warm_up(5).await.unwrap();
    assert_eq!(burst(&pool, 5, ms(2)).await, ms(2));
    assert_eq!(backend.made(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_tasks_on_fifty_connections_get_equal_shares() {
    let checker = OrderChecker::new();
    let (pool, _) = pool_with(|builder| builder.limit(50).observer(checker.clone()));
    let end = Instant::now() + Duration::from_secs(3);
    let task = |_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut grants = 0u32;
            while Instant::now() < end {
                let _conn = pool.acquire().await.expect("a connection");
                grants += 1;
                sleep(ms(5)).await;
            }
            grants
        })
    };
    let grants = futures::future::join_all((0..1_000).map(task)).await;
    let grants: Vec<u32> = grants.into_iter().map(Result::unwrap).collect();
    let (least, most) = (grants.iter().min().unwrap(), grants.iter().max().unwrap());
    assert!(*least >= 30 && most - least <= 1, "from {least} to {most}");
    assert_eq!(checker.overtakings(), 0);
    assert!(checker.overlaps() > 25_000);
}

#[tokio::test(start_paused = true)]
async fn an_overload_of_impatient_tasks_neither_slows_the_work_nor_serves_anyone_late() {
    let (pool, backend) = pool_with(|builder| builder.limit(10).acquire_timeout(ms(50)));
    pool.warm_up(10).await.unwrap();
    let end = Instant::now() + Duration::from_secs(1);
    let task = |_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut grants = 0u64;
            while Instant::now() < end {
                let asked = Instant::now();
                match pool.acquire().await {
                    Ok(_conn) => {
                        assert!(asked.elapsed() <= ms(50), "late: {:?}", asked.elapsed());
                        grants += 1;
                        sleep(ms(5)).await;
                    }
                    Err(AcquireError::Timeout(timeout)) => {
                        assert_eq!((timeout.phase, timeout.waited), (Phase::Queue, ms(50)));
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            grants
        })
    };
    let grants = futures::future::join_all((0..2_000).map(task)).await;
    let grants: u64 = grants.into_iter().map(Result::unwrap).sum();
    // Ten connections, a second, 5 ms each; the last ones began before the end.
    assert!((2_000..=2_110).contains(&grants), "{grants} grants in a second");
    assert!(pool.status().totals.timeouts > 10_000);
    assert_eq!(backend.made(), 10);
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_and_heals_fails_everyone_in_time_and_then_serves_at_once() {
    let (pool, backend) = pool_with(|builder| builder.limit(4).connect_timeout(ms(1_000)).backoff_max(ms(500)));
    backend.connect.always(Act::Hangs);
    for _ in 0..10 {
        let begun = Instant::now();
        let error = pool.acquire_within(ms(400)).await.unwrap_err();
        assert!(
            matches!(&error, AcquireError::Timeout(timeout) if timeout.phase == Phase::Connect),
            "{error}"
        );
        assert_eq!(begun.elapsed(), ms(400));
    }
    // Attempts under way are cut after their own timeout, if they take all the room; the next one waits for the backoff at most.
    let healed = Instant::now();
    backend.connect.always(Act::Ok);
    drop(pool.acquire().await.unwrap());
    assert!(healed.elapsed() <= ms(1_000), "{:?} after it healed", healed.elapsed());
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_hung_attempt_is_followed_by_the_next_without_a_further_wait() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).connect_timeout(ms(1_000)));
    backend.connect.then([Act::Hangs, Act::Hangs, Act::Hangs]);
    let begun = Instant::now();
    let _conn = pool.acquire().await.unwrap();
    assert_eq!(begun.elapsed(), ms(3_000));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_refuses_is_asked_ever_more_rarely_and_at_once_used_when_it_heals() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).backoff_max(ms(2_000)));
    backend.connect.always(Act::Fails);
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire_owned().await.map(drop) }
    });
    sleep(ms(10_000)).await;
    let tries = backend.connect.calls();
    assert!((8..=24).contains(&tries), "{tries} attempts in ten seconds");
    backend.connect.always(Act::Ok);
    let healed = Instant::now();
    waiting.await.unwrap().unwrap();
    assert!(healed.elapsed() <= ms(2_000));
}

#[tokio::test(start_paused = true)]
async fn a_pool_shrunk_to_five_with_two_live_and_grown_again_has_its_limit_back() {
    let (pool, backend) = pool_of(10);
    pool.warm_up(2).await.unwrap();
    pool.set_limit(5).unwrap();
    settle().await;
    assert_eq!(
        (backend.live(), pool.status().idle),
        (2, 2),
        "a shrink that nobody is above closes nothing"
    );
    assert_whole(&pool).await;
    pool.set_limit(10).unwrap();
    assert_whole(&pool).await;
    assert_eq!((backend.made(), backend.peak()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_shrink_closes_idle_connections_first_and_leaves_leases_alone() {
    let (pool, backend) = pool_of(4);
    pool.warm_up(4).await.unwrap();
    let held = pool.acquire().await.unwrap();
    pool.set_limit(1).unwrap();
    settle().await;
    assert_eq!((backend.live(), pool.status().in_use, pool.status().idle), (1, 1, 0));
    drop(held);
    assert_eq!(pool.try_acquire().map(|conn| conn.uses()), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_shrink_while_everyone_waits_and_a_growth_serve_the_line_in_order() {
    let (pool, _) = pool_of(2);
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let mut line: Vec<_> = (0..4).map(|_| Box::pin(pool.acquire())).collect();
    line.iter_mut()
        .for_each(|request| assert!(poll(request.as_mut()).is_pending()));
    pool.set_limit(1).unwrap();
    drop(held.0);
    settle().await;
    assert!(poll(line[0].as_mut()).is_pending());
    pool.set_limit(3).unwrap();
    settle().await;
    let mut served = Vec::new();
    for request in &mut line {
        served.push(poll(request.as_mut()));
    }
    assert!(
        served[0].is_ready() && served[1].is_ready(),
        "a growth serves those who wait"
    );
    assert!(served[2].is_pending() && served[3].is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everyone_without_failing_anyone() {
    let (pool, _) = pool_of(1);
    drop(pool.acquire().await.unwrap());
    pool.pause();
    assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::Paused);
    let mut waiting = pin!(pool.acquire());
    assert!(timeout(ms(5_000), waiting.as_mut()).await.is_err());
    pool.resume();
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_try_that_found_nothing_makes_a_later_one_succeed() {
    let (pool, backend) = pool_of(1);
    assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::Empty);
    settle().await;
    assert_eq!(pool.try_acquire().map(|conn| conn.number), Ok(1));
    assert_eq!(backend.made(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_warm_ups_at_once_both_end() {
    for (first, second) in [(1, 5), (5, 1)] {
        let (pool, backend) = pool_with(|builder| builder.max_connecting(1));
        backend.connect.always(Act::Takes(10));
        let begun = Instant::now();
        let calls = [first, second].map(|connections| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.warm_up(connections).await })
        });
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((pool.status().idle, begun.elapsed()), (5, ms(50)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_does_not_count_connections_that_are_being_closed() {
    let (pool, backend) = pool_of(3);
    backend.close.always(Act::Takes(1_000));
    pool.warm_up(3).await.unwrap();
    pool.invalidate();
    pool.warm_up(3).await.unwrap();
    assert_eq!((pool.status().idle, backend.made()), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_that_cannot_end_says_how_far_it_came() {
    let (pool, backend) = pool_with(|builder| builder.acquire_timeout(ms(100)).max_connecting(1));
    backend.connect.then([Act::Ok, Act::Ok, Act::Hangs]);
    match pool.warm_up(5).await.unwrap_err() {
        WarmUpError::Timeout { open, last_connect } => assert!(open == 2 && last_connect.is_none()),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_whose_line_was_cut_off_does_not_call_itself_completed() {
    let (pool, backend) = pool_with(|builder| builder.limit(2).connect_timeout(ms(300)));
    backend.connect.always(Act::Hangs);
    let requests: Vec<_> = (0..5)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.acquire_owned().await.map(drop) })
        })
        .collect();
    settle().await;
    let (patient, impatient) = tokio::join!(pool.drain(ms(5_000)), pool.drain(ms(1_000)));
    assert_eq!(
        (impatient.completed, impatient.failed, impatient.took),
        (false, 5, ms(1_000))
    );
    assert_eq!((patient.completed, patient.failed), (false, 5), "{patient}");
    for request in requests {
        assert!(matches!(request.await.unwrap(), Err(AcquireError::Closed(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_of_five_thousand_lends_them_all() {
    let (pool, _) = pool_with(|builder| builder.limit(5_000).max_connecting(5_000));
    assert_whole(&pool).await;
    pool.set_limit(3).unwrap();
    settle().await;
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn a_manager_behind_a_box_behaves_as_without_one() {
    let backend = Backend::default();
    backend.reset.always(Act::Takes(5));
    backend.close.always(Act::Takes(5));
    let boxed = DynManager::new(backend.clone());
    let pool = Pool::builder(boxed).limit(1).build().unwrap();
    let mut conn = pool.acquire().await.unwrap();
    conn.dirty = true;
    drop(conn);
    let conn = pool.acquire().await.unwrap();
    assert!(!conn.dirty && conn.number == 1, "reset");
    backend.is_broken.then([Act::Fails]);
    drop(conn);
    backend.connect.then([Act::Refuses]);
    match pool.acquire().await.unwrap_err() {
        AcquireError::Connect(error) => assert!(error.inner().downcast_ref::<Fault>().is_some()),
        other => panic!("{other}"),
    }
    sleep(ms(1_000)).await;
    drop(pool.acquire().await.unwrap());
    sleep(ms(1_000)).await;
    backend.validate.then([Act::Fails]);
    assert_eq!(pool.acquire().await.unwrap().detach().number, 3);
    let calls = [&backend.detached, &backend.close, &backend.validate].map(Step::calls);
    assert_eq!(calls, [1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_largest_values_of_all_break_nothing() {
    let most = Duration::MAX;
    let (pool, backend) = pool_with(|builder| {
        let builder = builder
            .limit(65_536)
            .min_idle(1)
            .queue_limit(Some(u32::MAX))
            .max_connecting(u32::MAX);
        let builder = builder
            .acquire_timeout(most)
            .connect_timeout(most)
            .validate_timeout(most)
            .reset_timeout(most);
        let builder = builder
            .close_timeout(most)
            .idle_timeout(most)
            .max_lifetime(most)
            .lifetime_jitter(1.0);
        builder
            .validate_after_idle(most)
            .backoff_initial(most)
            .backoff_max(most)
    });
    backend.reset.always(Act::Takes(1));
    pool.warm_up(3).await.unwrap();
    sleep(ms(5)).await;
    drop(pool.acquire().await.unwrap());
    let held = pool.acquire_within(most).await.unwrap();
    pool.set_limit(1).unwrap();
    let mut waiting = pin!(pool.acquire_within(most));
    assert!(poll(waiting.as_mut()).is_pending());
    drop(held);
    drop(waiting.await.unwrap());
    assert!(pool.drain(most).await.completed);
}

#[tokio::test(start_paused = true)]
async fn a_line_longer_than_any_limit_is_cleared_to_the_last_request() {
    let (pool, _) = pool_of(1);
    let _held = pool.acquire().await.unwrap();
    let mut waiting: Vec<_> = (0..150_000).map(|_| Box::pin(pool.acquire())).collect();
    assert!(waiting.iter_mut().all(|request| poll(request.as_mut()).is_pending()));
    assert_eq!(pool.clear(), 150_000);
    for request in waiting {
        assert!(matches!(request.await, Err(AcquireError::Cleared)));
    }
}
