//! Many keys under one bound, and what goes wrong: backends that refuse, hang or panic, and time that runs out.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{ConnectFailure, Keyed, KeyedError, KeyedStage, Options};
use std::error::Error;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn a_host_that_is_down_holds_up_nobody_and_its_request_keeps_its_place() {
    let (pool, backends) = keyed(|builder| builder.limit(1));
    backends[0].connect.then([Act::Fails, Act::Fails, Act::Fails]);
    let down = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire(&0).await.map(|conn| conn.number) }
    });
    settle().await;
    // The limit is 1, and the other host is served while the first one's backoff runs.
    let began = Instant::now();
    let other = pool.acquire(&1).await.unwrap();
    assert!(began.elapsed() < ms(25), "{:?}", began.elapsed());
    let mut later = pin!(pool.acquire(&1));
    assert!(poll(later.as_mut()).is_pending());
    sleep(ms(60)).await;
    // The backoff is over, so the first request stands before the later one again.
    drop(other);
    assert!(poll(later.as_mut()).is_pending());
    drop(later.await.unwrap());
    assert_eq!(down.await.unwrap().unwrap(), 1);
    assert_eq!(
        (backends[0].connect.calls(), pool.status().totals.connect_failures),
        (4, 3)
    );
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_fails_its_own_request_at_once() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    backends[0].connect.always(Act::Refuses);
    let other = pool.acquire(&1).await.unwrap();
    let began = Instant::now();
    let error = pool.acquire(&0).await.unwrap_err();
    assert_eq!(began.elapsed(), ms(0));
    assert_eq!(
        error.to_string(),
        "the key's backend refuses connections: access denied"
    );
    assert!(matches!(error, KeyedError::Connect(_)));
    // What the text has not said yet.
    let source = error.source().expect("the refusal's own");
    assert_eq!(source.to_string(), "the password is wrong");
    drop(other);
    backends[0].connect.always(Act::Ok);
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn p6_a_timeout_names_the_stage_with_the_counts_and_the_cause() {
    let (pool, backends) = keyed(|builder| builder.limit(1).acquire_timeout(ms(200)));
    let began = Instant::now();
    backends[0].connect.always(Act::Fails);
    let Err(KeyedError::Timeout(timeout)) = pool.acquire(&0).await else {
        panic!("it is down")
    };
    assert_eq!(
        (timeout.stage, timeout.waited, began.elapsed()),
        (KeyedStage::Connect, ms(200), ms(200))
    );
    assert!(matches!(timeout.last_connect, Some(ConnectFailure::Error(_))));
    let text = KeyedError::Timeout(timeout).to_string();
    assert!(
        text.starts_with("no connection after 200ms (stage connect): the key's backend gave no connection; limit 1;")
    );
    assert!(text.ends_with("; last connect failed: connection refused"), "{text}");

    backends[0].connect.always(Act::Hangs);
    let Err(KeyedError::Timeout(timeout)) = pool.acquire(&0).await else {
        panic!("it is silent")
    };
    assert_eq!((timeout.stage, timeout.key.connecting), (KeyedStage::Connect, 1));
    // The attempt goes on, so everybody else waits for the place.
    let Err(KeyedError::Timeout(timeout)) = pool.acquire(&1).await else {
        panic!("it is full")
    };
    assert_eq!(
        (timeout.stage, timeout.all.connecting, timeout.key.connecting),
        (KeyedStage::Line, 1, 0)
    );
    backends[0].connect.always(Act::Ok);
    sleep(ms(10_000)).await;

    drop(pool.acquire(&0).await.unwrap());
    sleep(ms(1_000)).await;
    backends[0].validate.always(Act::Hangs);
    let Err(KeyedError::Timeout(timeout)) = pool.acquire(&0).await else {
        panic!("it is silent")
    };
    assert_eq!(timeout.stage, KeyedStage::Validate);
    pool.pause();
    let Err(KeyedError::Timeout(timeout)) = pool.acquire(&1).await else {
        panic!("it is paused")
    };
    assert!(timeout.to_string().contains("the pool is paused"), "{timeout}");
}

#[tokio::test(start_paused = true)]
async fn a_hung_farewell_costs_its_own_timeout_and_no_more() {
    let mut options = Options::default();
    options.close_timeout = ms(80);
    let (pool, backends) = keyed(|builder| builder.options(options).limit(1).per_key(1));
    drop(pool.acquire(&0).await.unwrap());
    backends[0].close.always(Act::Hangs);
    let began = Instant::now();
    drop(pool.acquire(&1).await.unwrap());
    assert_eq!(began.elapsed(), ms(80));
    backends[0].close.always(Act::Ok);
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_at_its_maximum_by_a_farewell_waits_for_it_and_holds_up_nobody() {
    let (pool, backends) = keyed(|builder| builder.limit(2).per_key(1));
    backends[0].close.always(Act::Takes(90));
    pool.acquire(&0).await.unwrap().mark_broken();
    settle().await;
    assert_eq!(all(&pool).closing, 1);
    let began = Instant::now();
    let mut request = pin!(pool.acquire(&0));
    assert!(poll(request.as_mut()).is_pending());
    drop(pool.acquire(&1).await.unwrap());
    assert_eq!((began.elapsed(), backends[0].live()), (ms(0), 1));
    drop(request.await.unwrap());
    assert!(began.elapsed() >= ms(90));
    assert_eq!((backends[0].peak(), backends[0].made()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn p3_whatever_fails_hangs_or_panics_no_place_is_lost() {
    let mut options = Options::default();
    options.validate_after_idle = Some(ms(0));
    (options.connect_timeout, options.validate_timeout) = (ms(50), ms(50));
    (options.reset_timeout, options.close_timeout) = (ms(50), ms(50));
    let (pool, backends) = keyed(|builder| builder.options(options).limit(3).per_key(2).preference(2));
    let acts = [
        Act::Fails,
        Act::Hangs,
        Act::Panics,
        Act::Refuses,
        Act::Takes(30),
        Act::Ok,
    ];
    for round in 0..60usize {
        let backend = &backends[round % 3];
        let step = [
            &backend.connect,
            &backend.validate,
            &backend.reset,
            &backend.close,
            &backend.is_broken,
            &backend.drop,
            &backend.detached,
            &backend.is_transient,
        ][round % 8];
        step.then([acts[round % 6], acts[round % 5]]);
        let mut tasks = Vec::new();
        for task in 0..8 {
            let pool = pool.clone();
            tasks.push(tokio::spawn(async move {
                let asked = pool.acquire_within(&(task % 4), ms(40 * u64::from(task)));
                if let Ok(mut conn) = asked.await {
                    sleep(ms(3)).await;
                    match task {
                        3 => drop(conn.detach()),
                        4 => conn.mark_broken(),
                        5 => panic!("the holder panics"),
                        _ => {}
                    }
                }
            }));
        }
        sleep(ms(7)).await;
        tasks.swap_remove(6).abort();
        for task in tasks {
            let _ = task.await;
        }
    }
    for backend in &backends {
        let steps = [&backend.connect, &backend.validate, &backend.reset, &backend.close];
        steps.into_iter().for_each(|step| step.always(Act::Ok));
        [&backend.is_broken, &backend.drop]
            .into_iter()
            .for_each(|step| step.always(Act::Ok));
    }
    sleep(ms(60_000)).await;
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_is_a_failed_connect() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let make = move |_: &u32| match counted.fetch_add(1, Relaxed) {
        0 => panic!("no manager today"),
        _ => Backend::default(),
    };
    let pool = Keyed::builder(make).limit(1).build().unwrap();
    assert_eq!(pool.acquire(&0).await.unwrap().number, 1);
    assert_eq!((calls.load(Relaxed), pool.status().totals.connect_failures), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_manager_is_made_once_and_dropped_when_its_key_is_not_in_use() {
    struct Counted(Arc<()>);
    impl fairpool::Manager for Counted {
        type Connection = Weak<()>;
        type Error = std::convert::Infallible;
        async fn connect(&self) -> Result<Weak<()>, Self::Error> {
            Ok(Arc::downgrade(&self.0))
        }
    }
    let made = Arc::new(AtomicU64::new(0));
    let counted = made.clone();
    let make = move |_: &u32| {
        counted.fetch_add(1, Relaxed);
        Counted(Arc::new(()))
    };
    let pool = Keyed::builder(make).limit(1).build().unwrap();
    let conn = pool.acquire(&0).await.unwrap();
    let manager = conn.clone();
    drop(conn);
    assert_eq!((made.load(Relaxed), manager.strong_count()), (1, 1));
    drop(pool.acquire(&1).await.unwrap());
    settle().await;
    assert_eq!(
        (made.load(Relaxed), manager.strong_count(), pool.status().keys.len()),
        (2, 0, 1)
    );
    pool.acquire(&1).await.unwrap().detach();
    assert_eq!(pool.status().keys.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_key_opens_no_more_at_once_than_max_connecting() {
    let mut options = Options::default();
    options.max_connecting = 2;
    let (pool, backends) = keyed(|builder| builder.options(options).limit(16));
    backends[0].connect.always(Act::Hangs);
    let _waiting: Vec<_> = (0..5)
        .map(|_| Box::pin(pool.acquire(&0)))
        .map(|mut request| {
            assert!(poll(request.as_mut()).is_pending());
            request
        })
        .collect();
    settle().await;
    assert_eq!((backends[0].connect.calls(), all(&pool).connecting), (2, 5));
    drop(pool.acquire(&1).await.unwrap());
    // The first two run out of their time, and after the backoff the next two begin.
    sleep(ms(10_200)).await;
    assert_eq!(backends[0].connect.calls(), 4);
}
