//! What users are told when something fails: variant, phase, text and source of each error.
//!
//! The rule above all: a database that is down never looks like a pool that is merely busy.

mod common;

use common::*;
use fairpool::{AcquireError, ConnectFailure, DynManager, Manager, Phase, Pool, Timeout, TryAcquireError, WarmUpError};
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

fn timed_out<T>(outcome: Result<T, AcquireError<Fault>>) -> Timeout<Fault> {
    match outcome {
        Err(AcquireError::Timeout(timeout)) => *timeout,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("served"),
    }
}

/// An error's text and those of its sources, as a report of the whole chain prints them; none says what stands before it already.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        assert!(
            !texts.iter().any(|told| told.contains(&text)),
            "{text:?} again: {texts:?}"
        );
        texts.push(text);
        cause = error.source();
    }
    texts
}

#[tokio::test(start_paused = true)]
async fn a_busy_pool_says_queue_and_names_no_backend() {
    let (pool, _) = pool_of(1);
    let _held = pool.acquire().await.unwrap();
    let error = pool.acquire_within(ms(250)).await.unwrap_err();
    let text = "no connection after 250ms (phase queue): every connection was in use; \
                limit 1, in use 1, idle 0, connecting 0, pending 0";
    assert_eq!(chain(&error), [text]);
    let timeout = timed_out(Err::<(), _>(error));
    assert_eq!((timeout.phase, timeout.waited), (Phase::Queue, ms(250)));
    assert_eq!((timeout.status.in_use, timeout.status.totals.timeouts), (1, 1));
    assert!(timeout.last_connect.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_paused_pool_says_so() {
    let (pool, _) = pool_of(1);
    pool.pause();
    let error = pool.acquire_within(ms(250)).await.unwrap_err();
    assert!(
        error.to_string().contains("(phase queue): the pool is paused; "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_backend_says_connect_and_what_became_of_the_last_attempt() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).connect_timeout(ms(100)));
    backend.connect.always(Act::Hangs);
    let error = pool.acquire_within(ms(250)).await.unwrap_err();
    let text = "no connection after 250ms (phase connect): the backend gave no connection; limit 1, in use 0, idle 0, \
                connecting 1, pending 0; an attempt to connect has had no answer for 50ms; \
                last connect failed: no answer within connect_timeout";
    assert_eq!(chain(&error), [text]);
    let timeout = timed_out(Err::<(), _>(error));
    assert_eq!(timeout.phase, Phase::Connect);
    assert!(matches!(timeout.last_connect, Some(ConnectFailure::TimedOut)));
}

/// A database that never answers.
struct Silent;

impl Manager for Silent {
    type Connection = ();
    type Error = std::convert::Infallible;

    async fn connect(&self) -> Result<(), Self::Error> {
        std::future::pending().await
    }

    fn backend(&self) -> Option<String> {
        Some("orders on db.example:5432".to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn silence_names_the_backend_that_keeps_it_also_through_wrappers() {
    async fn said<M: Manager>(manager: M) -> String {
        let options = Pool::builder(manager).limit(1).connect_timeout(ms(100));
        let pool = options.build().expect("good options");
        let error = pool.acquire_within(ms(250)).await.map(drop).expect_err("silence");
        error.to_string()
    }
    let plain = said(Silent).await;
    assert!(
        plain.contains(": orders on db.example:5432 gave no connection; "),
        "{plain}"
    );
    let last = "; last connect to orders on db.example:5432 failed: no answer within connect_timeout";
    assert!(plain.ends_with(last), "{plain}");
    assert_eq!(said(DynManager::new(Arc::new(Silent))).await, plain);
}

#[tokio::test(start_paused = true)]
async fn a_refusing_backend_says_connect_and_the_cause() {
    let (pool, backend) = pool_of(1);
    backend.connect.always(Act::Fails);
    let error = pool.acquire_within(ms(250)).await.unwrap_err();
    assert!(
        error.to_string().ends_with("; last connect failed: connection refused"),
        "{error}"
    );
    assert_eq!(chain(&error).len(), 1);
    let timeout = timed_out(Err::<(), _>(error));
    assert_eq!(timeout.phase, Phase::Connect);
    assert!(matches!(timeout.last_connect, Some(ConnectFailure::Error(error)) if *error == Fault::Passing));
}

#[tokio::test(start_paused = true)]
async fn a_panicking_manager_says_connect_and_that_it_panicked() {
    let (pool, backend) = pool_of(1);
    backend.connect.always(Act::Panics);
    let timeout = timed_out(pool.acquire_within(ms(250)).await);
    assert_eq!(timeout.phase, Phase::Connect);
    assert!(matches!(timeout.last_connect, Some(ConnectFailure::Panicked)));
    assert!(
        timeout
            .to_string()
            .ends_with("; last connect failed: the manager panicked"),
        "{timeout}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_dies_while_connections_are_out_still_says_connect() {
    let (pool, backend) = pool_of(3);
    let _held = pool.acquire().await.unwrap();
    backend.connect.always(Act::Fails);
    let timeout = timed_out(pool.acquire_within(ms(250)).await);
    assert_eq!(timeout.phase, Phase::Connect, "{timeout}");
    assert!(timeout.last_connect.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_backend_silent_in_validation_says_validate_even_when_the_limit_is_reached() {
    for limit in [1, 3] {
        let (pool, backend) = pool_of(limit);
        drop(pool.acquire().await.unwrap());
        sleep(ms(1_000)).await;
        backend.validate.always(Act::Hangs);
        let timeout = timed_out(pool.acquire_within(ms(250)).await);
        assert_eq!(timeout.phase, Phase::Validate, "{timeout}");
        let text = timeout.to_string();
        assert!(
            text.contains("(phase validate): an idle connection did not pass validation in time; "),
            "{text}"
        );
        assert!(text.ends_with(", validating 1, pending 0"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_silent_in_reset_or_close_is_not_called_a_busy_pool() {
    for in_close in [false, true] {
        let (pool, backend) = pool_of(1);
        let mut held = pool.acquire().await.unwrap();
        if in_close {
            backend.close.always(Act::Hangs);
            held.mark_broken();
        } else {
            backend.reset.always(Act::Hangs);
        }
        drop(held);
        let text = timed_out(pool.acquire_within(ms(250)).await).to_string();
        assert!(
            text.contains("every connection was in use, being cleaned or being closed; "),
            "{text}"
        );
        assert!(
            text.contains(if in_close { ", closing 1" } else { ", resetting 1" }),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_refusal_fails_the_line_at_once_with_its_source() {
    let (pool, backend) = pool_of(4);
    backend.connect.always(Act::Refuses);
    let requests = futures::future::join_all((0..3).map(|_| pool.acquire())).await;
    assert_eq!(pool.status().totals.timeouts, 0);
    for request in requests {
        let error = request.unwrap_err();
        assert!(matches!(&error, AcquireError::Connect(cause) if **cause == Fault::Permanent(Cause)));
        let text = "the backend refuses connections: access denied";
        assert_eq!(chain(&error), [text, "the password is wrong"]);
    }
}

#[tokio::test(start_paused = true)]
async fn arrivals_after_a_permanent_refusal_fail_at_once_without_a_new_attempt() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).backoff_initial(ms(500)));
    backend.connect.then([Act::Refuses]);
    assert!(matches!(pool.acquire().await, Err(AcquireError::Connect(_))));
    let now = tokio::time::Instant::now();
    assert!(matches!(pool.acquire().await, Err(AcquireError::Connect(_))));
    assert_eq!((now.elapsed(), backend.connect.calls()), (ms(0), 1));
    sleep(ms(500)).await;
    assert!(pool.acquire().await.is_ok(), "the backend has healed");
}

#[tokio::test(start_paused = true)]
async fn a_request_failed_by_a_refusal_says_so_however_late_it_looks() {
    for meanwhile in [Act::Ok, Act::Panics, Act::Fails] {
        let (pool, backend) = pool_of(1);
        backend.connect.then([Act::Refuses, meanwhile]);
        let mut slow = pin!(pool.acquire());
        assert!(poll(slow.as_mut()).is_pending());
        sleep(ms(2_000)).await;
        let _ = pool.acquire_within(ms(5)).await;
        let error = slow.await.unwrap_err();
        assert!(matches!(error, AcquireError::Connect(_)), "{meanwhile:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_refusal_fails_nobody_while_a_connection_is_open() {
    let (pool, backend) = pool_of(2);
    let held = pool.acquire().await.unwrap();
    backend.connect.always(Act::Refuses);
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    sleep(ms(3_000)).await;
    assert!(poll(waiting.as_mut()).is_pending());
    drop(held);
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_full_line_says_how_long_it_may_be() {
    let (pool, _) = pool_with(|builder| builder.limit(1).queue_limit(Some(1)));
    let _held = pool.acquire().await.unwrap();
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, AcquireError::QueueFull { queue_limit: 1, .. }));
    assert_eq!(chain(&error), ["the line is full (queue_limit 1)"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_full_since_the_backend_is_down_says_so() {
    for queue_limit in [0, 1] {
        let (pool, backend) = pool_with(|builder| builder.name("orders").queue_limit(Some(queue_limit)));
        backend.connect.always(Act::Fails);
        let mut waiting = pin!(pool.acquire());
        assert_eq!(poll(waiting.as_mut()).is_pending(), queue_limit > 0);
        sleep(ms(10)).await;
        let text = match queue_limit {
            0 => "pool orders: no connection was idle, and nobody may wait (queue_limit 0); ",
            _ => "pool orders: the line is full (queue_limit 1); ",
        };
        let text = format!("{text}last connect failed: connection refused");
        let error = pool.acquire().await.unwrap_err();
        assert_eq!(chain(&error), [text]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_without_an_answer_is_not_called_a_failure_and_says_how_long_it_lasts() {
    let (pool, backend) = pool_of(10);
    let _held = pool.acquire().await.unwrap();
    backend.connect.always(Act::Hangs);
    let error = pool.acquire_within(ms(250)).await.unwrap_err();
    let text = "no connection after 250ms (phase connect): the backend gave no connection; limit 10, in use 1, idle 0, \
                connecting 1, pending 0; an attempt to connect has had no answer for 250ms";
    assert_eq!(chain(&error), [text]);
    let mut timeout = timed_out(Err::<(), _>(error));
    assert_eq!(timeout.connecting_for, Some(ms(250)));
    timeout.waited += Duration::from_nanos(999_999);
    assert!(
        timeout.to_string().starts_with("no connection after 250ms ("),
        "{timeout}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cleared_request_and_a_closed_pool_say_so() {
    let (pool, _) = pool_of(1);
    let _held = pool.acquire().await.unwrap();
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    pool.clear();
    assert_eq!(
        chain(&waiting.await.unwrap_err()),
        ["the request was cleared from the line"]
    );
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    pool.close();
    for error in [waiting.await.unwrap_err(), pool.acquire().await.unwrap_err()] {
        assert!(matches!(error, AcquireError::Closed(_)));
        assert_eq!(chain(&error), ["the pool is closed"]);
    }
    let (pool, _) = pool_with(|builder| builder.name("orders"));
    pool.close();
    assert_eq!(
        chain(&pool.acquire().await.unwrap_err()),
        ["pool orders: the pool is closed"]
    );
}

#[test]
fn a_request_without_any_runtime_says_so() {
    let (pool, _) = pool_of(1);
    let error = block_on_plain(pool.acquire()).unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime));
    assert_eq!(pool.status().totals.cancelled, 0, "nobody gave up");
    assert_eq!(chain(&error), ["no tokio runtime to open a connection on"]);
    assert_eq!(pool.status().pending, 0);
    assert!(matches!(block_on_plain(pool.warm_up(1)), Err(WarmUpError::NoRuntime)));
}

#[tokio::test(start_paused = true)]
async fn a_refused_try_says_why() {
    let (pool, backend) = pool_of(1);
    backend.connect.always(Act::Takes(10));
    let mut seen = vec![pool.try_acquire().map(drop)];
    let mut first = pin!(pool.acquire());
    assert!(poll(first.as_mut()).is_pending());
    seen.push(pool.try_acquire().map(drop));
    drop(first.await.unwrap());
    pool.pause();
    seen.push(pool.try_acquire_owned().map(drop));
    pool.close();
    seen.push(pool.try_acquire().map(drop));
    use TryAcquireError::{Closed, Empty, Paused, Waiting};
    assert_eq!(seen, [Err(Empty), Err(Waiting), Err(Paused), Err(Closed)]);
    let texts = [
        "no connection is idle",
        "other requests wait",
        "the pool is paused",
        "the pool is closed",
    ];
    assert_eq!([Empty, Waiting, Paused, Closed].map(|error| error.to_string()), texts);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_takes_what_is_idle_or_says_what_was_missing() {
    let (pool, backend) = pool_of(1);
    backend.connect.always(Act::Takes(10));
    assert_eq!(timed_out(pool.acquire_within(ms(0)).await).phase, Phase::Connect);
    sleep(ms(20)).await;
    let held = pool.acquire_within(ms(0)).await.unwrap();
    assert_eq!(timed_out(pool.acquire_within(ms(0)).await).phase, Phase::Queue);
    drop(held);
    pool.close();
    assert!(matches!(pool.acquire_within(ms(0)).await, Err(AcquireError::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_failed_warm_up_says_why() {
    let (pool, backend) = pool_with(|builder| builder.limit(2).acquire_timeout(ms(100)).backoff_initial(ms(60)));
    let error = pool.warm_up(3).await.unwrap_err();
    assert!(matches!(error, WarmUpError::OverLimit { limit: 2 }));
    assert_eq!(chain(&error), ["more connections were asked for than the limit of 2"]);
    backend.connect.then([Act::Ok]);
    pool.warm_up(1).await.unwrap();
    backend.connect.always(Act::Hangs);
    assert_eq!(
        chain(&pool.warm_up(2).await.unwrap_err()),
        ["only 1 connections were opened in time"]
    );
    let (pool, backend) = pool_with(|builder| builder.acquire_timeout(ms(100)));
    backend.connect.always(Act::Fails);
    let text = "only 0 connections were opened in time; last connect failed: connection refused";
    assert_eq!(chain(&pool.warm_up(2).await.unwrap_err()), [text]);
    backend.connect.always(Act::Refuses);
    sleep(ms(10_000)).await;
    let text = "the backend refuses connections: access denied";
    assert_eq!(
        chain(&pool.warm_up(2).await.unwrap_err()),
        [text, "the password is wrong"]
    );
    pool.close();
    assert_eq!(chain(&pool.warm_up(1).await.unwrap_err()), ["the pool is closed"]);
}

#[test]
fn an_error_is_no_larger_than_two_words() {
    // Every acquire that succeeds passes through a result with room for it.
    assert_eq!(size_of::<AcquireError<Fault>>(), 16);
}
