//! A limit keeps the promises of a pool that are about waiting: order, exactness, bounded time, nothing lost.

mod common;

use common::{Wakes, block_on_plain, ms, poll, settle};
use fairpool::{Limit, LimitError, OrderChecker, OwnedPermit, State, TryLimitError};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn limit(limit: u32) -> Limit {
    Limit::new(limit).expect("in range")
}

#[tokio::test(start_paused = true)]
async fn p1_permits_are_given_in_the_order_in_which_they_were_asked_for() {
    let limit = limit(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let held = limit.acquire().await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let (limit, order) = (limit.clone(), order.clone());
            tokio::spawn(async move {
                let _permit = limit.acquire().await.unwrap();
                order.lock().unwrap().push(number);
                tokio::time::sleep(ms(number % 7)).await;
            })
        })
        .collect();
    settle().await;
    assert_eq!((limit.status().in_flight, limit.status().pending), (1, 50));
    drop(held);
    assert_eq!(
        limit.try_acquire().unwrap_err(),
        TryLimitError::Waiting,
        "a newcomer overtook the line"
    );
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn p2_a_lowered_limit_admits_nobody_until_its_debt_is_paid() {
    let limit = limit(3);
    let mut held: Vec<_> = (0..3).map(|_| limit.try_acquire_owned().unwrap()).collect();
    limit.set_limit(1).unwrap();
    let mut next = Box::pin(limit.acquire_owned());
    assert!(poll(next.as_mut()).is_pending());
    for in_flight in [2, 1] {
        drop(held.pop());
        assert!(poll(next.as_mut()).is_pending());
        assert_eq!(limit.status().in_flight, in_flight);
    }
    drop(held.pop());
    assert!(poll(next.as_mut()).is_ready());
    assert_eq!(
        limit.status().in_flight,
        0,
        "the permit went back with the future's output"
    );
    assert!(limit.set_limit(0).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_raised_limit_admits_those_who_wait_at_once() {
    let limit = limit(1);
    let _held = limit.try_acquire().unwrap();
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(limit.acquire())).collect();
    for request in &mut waiting {
        assert!(poll(request.as_mut()).is_pending());
    }
    limit.set_limit(4).unwrap();
    let served: Vec<_> = waiting.iter_mut().map(|request| poll(request.as_mut())).collect();
    let ready: Vec<_> = served.iter().map(Poll::is_ready).collect();
    assert_eq!(ready, [true, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn p6_a_request_waits_for_the_shorter_of_two_timeouts_and_says_who_was_busy() {
    let limit = Limit::builder(1).name("reports").timeout(ms(50)).build().unwrap();
    let _held = limit.try_acquire().unwrap();
    for (within, waits) in [(None, 50), (Some(20), 20), (Some(90), 50)] {
        let began = tokio::time::Instant::now();
        let failed = match within {
            None => limit.acquire().await,
            Some(time) => limit.acquire_within(ms(time)).await,
        };
        let Err(LimitError::Timeout(timeout)) = failed.map(drop) else {
            panic!("no timeout")
        };
        // tokio's timers are exact to a millisecond.
        let waited = began.elapsed();
        assert!(waited >= ms(waits) && waited <= ms(waits + 1), "{waited:?}");
        assert_eq!((timeout.waited, &*timeout.name), (waited, "reports"));
        let text = timeout.to_string();
        assert!(
            text.contains("the limit 'reports' is busy; limit 1, in flight 1"),
            "{text}"
        );
    }
    assert_eq!(limit.status().totals.timeouts, 3);
    assert!(limit.set_timeout(Duration::ZERO).is_err());
}

#[tokio::test(start_paused = true)]
async fn p4_a_permit_assigned_to_a_dropped_request_goes_to_the_next_and_none_to_an_expired_one() {
    let limit = limit(1);
    let held = limit.try_acquire_owned().unwrap();
    let (mut first, mut second) = (Box::pin(limit.acquire()), Box::pin(limit.acquire_within(ms(10))));
    let mut third = Box::pin(limit.acquire());
    assert!(
        poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending()
    );
    drop(held);
    assert_eq!(limit.status().in_flight, 1, "assigned already");
    // Nobody polls the second one, whose time is out when the permit comes to it.
    tokio::time::advance(ms(11)).await;
    drop(first);
    assert!(poll(third.as_mut()).is_ready());
    assert!(matches!(
        poll(second.as_mut()),
        Poll::Ready(Err(LimitError::Timeout(_)))
    ));
}

#[tokio::test(start_paused = true)]
async fn p5_clear_removes_exactly_those_who_wait() {
    let limit = limit(1);
    let held = limit.try_acquire().unwrap();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(limit.acquire())).collect();
    for request in &mut waiting {
        assert!(poll(request.as_mut()).is_pending());
    }
    assert_eq!(limit.clear(), 3);
    let mut later = Box::pin(limit.acquire());
    assert!(poll(later.as_mut()).is_pending());
    drop(held);
    for request in &mut waiting {
        assert!(matches!(poll(request.as_mut()), Poll::Ready(Err(LimitError::Cleared))));
    }
    assert!(poll(later.as_mut()).is_ready());
    assert_eq!((limit.clear(), limit.status().totals.cleared), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_paused_limit_admits_nobody_and_fails_nobody() {
    let limit = limit(2);
    limit.pause();
    assert_eq!(limit.try_acquire().unwrap_err(), TryLimitError::Paused);
    let mut request = Box::pin(limit.acquire());
    assert!(poll(request.as_mut()).is_pending());
    assert_eq!(limit.status().state, State::Paused);
    limit.resume();
    assert!(poll(request.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_full_line_turns_newcomers_away() {
    let limit = Limit::builder(1).queue_limit(1).build().unwrap();
    let _held = limit.try_acquire().unwrap();
    let mut request = Box::pin(limit.acquire());
    assert!(poll(request.as_mut()).is_pending());
    assert_eq!(
        limit.acquire().await.map(drop),
        Err(LimitError::QueueFull { queue_limit: 1 })
    );
    limit.set_queue_limit(None);
    assert!(poll(Box::pin(limit.acquire()).as_mut()).is_pending());
    assert_eq!(limit.status().totals.refused, 1);
}

#[tokio::test(start_paused = true)]
async fn p7_drain_lets_the_line_finish_and_ends_in_time() {
    let first = limit(1);
    let permit = first.try_acquire_owned().unwrap();
    let worker = |limit: Limit| {
        tokio::spawn(async move {
            let _permit = limit.acquire().await?;
            tokio::time::sleep(ms(30)).await;
            Ok::<_, LimitError>(())
        })
    };
    let waiting = worker(first.clone());
    settle().await;
    let drain = tokio::spawn({
        let limit = first.clone();
        async move { limit.drain(ms(1_000)).await }
    });
    settle().await;
    assert_eq!(first.acquire().await.map(drop), Err(LimitError::Closed));
    drop(permit);
    waiting.await.unwrap().unwrap();
    let report = drain.await.unwrap();
    assert!(report.completed && report.took <= ms(31), "{report}");
    assert_eq!(first.status().state, State::Closed);

    let second = limit(1);
    let permit = second.try_acquire_owned().unwrap();
    let waiting = worker(second.clone());
    settle().await;
    let report = second.drain(ms(100)).await;
    assert_eq!((report.completed, report.still_out, report.failed), (false, 1, 1));
    assert!(report.took <= ms(101), "{report}");
    assert_eq!(waiting.await.unwrap(), Err(LimitError::Closed));
    drop(permit);
    assert_eq!(second.status().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_called_off_by_a_reopening_and_what_is_out_still_counts() {
    let limit = limit(1);
    let held = limit.acquire().await.unwrap();
    let mut waiting = Box::pin(limit.acquire_owned());
    assert!(poll(waiting.as_mut()).is_pending());
    let mut drain = Box::pin(limit.drain(Duration::from_secs(60)));
    assert!(poll(drain.as_mut()).is_pending());
    limit.reopen();
    let report = drain.await;
    assert!(report.called_off && !report.completed, "{report}");
    assert_eq!((report.still_out, report.failed, report.took), (1, 0, Duration::ZERO));
    assert_eq!(limit.status().state, State::Open);
    assert!(poll(waiting.as_mut()).is_pending());
    limit.close();
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Err(LimitError::Closed))));
    limit.reopen();
    assert_eq!(limit.try_acquire().unwrap_err(), TryLimitError::Busy);
    drop(held);
    assert!(limit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_the_last_one_in_line_gives_up() {
    let limit = limit(1);
    let held = limit.try_acquire_owned().unwrap();
    let mut request = Box::pin(limit.acquire_owned());
    assert!(poll(request.as_mut()).is_pending());
    let mut drain = Box::pin(limit.drain(Duration::from_secs(60)));
    assert!(poll(drain.as_mut()).is_pending());
    drop(held);
    assert!(poll(drain.as_mut()).is_pending(), "the one in line has been served");
    drop(request);
    assert!(drain.await.took < ms(1));
}

#[test]
fn a_limit_needs_no_runtime_where_nobody_waits_or_time_is_not_bounded() {
    let limit = limit(1);
    let held = block_on_plain(limit.acquire_owned()).unwrap();
    assert_eq!(
        block_on_plain(limit.acquire_within(ms(5))).map(drop),
        Err(LimitError::NoRuntime)
    );
    let waiter = std::thread::spawn({
        let limit = limit.clone();
        move || block_on_plain(limit.acquire_owned()).map(drop)
    });
    while limit.status().pending == 0 {
        std::thread::yield_now();
    }
    drop(held);
    waiter.join().unwrap().unwrap();
    assert_eq!((limit.status().pending, limit.status().in_flight), (0, 0));
}

#[test]
fn p8_a_permit_drops_in_a_threads_teardown_and_while_unwinding() {
    thread_local!(static KEPT: std::cell::RefCell<Option<OwnedPermit>> = const { std::cell::RefCell::new(None) });
    let limit = limit(1);
    let mine = limit.clone();
    std::thread::spawn(move || KEPT.set(Some(mine.try_acquire_owned().unwrap())))
        .join()
        .unwrap();
    let mine = limit.clone();
    let panicked = std::thread::spawn(move || {
        let _permit = mine.try_acquire_owned().unwrap();
        std::panic::resume_unwind(Box::new("somebody's bug"));
    });
    assert!(panicked.join().is_err());
    assert!(limit.try_acquire().is_ok());
}

#[test]
fn many_threads_never_exceed_a_limit_that_moves() {
    let limit = limit(3);
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let limit = limit.clone();
            std::thread::spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..2_000 {
                    let wakes = Arc::new(Wakes::default());
                    let mut request = Box::pin(limit.acquire());
                    let polled = request.as_mut().poll(&mut Context::from_waker(&Waker::from(wakes)));
                    match random.u8(0..4) {
                        0 => drop(request),
                        1 if polled.is_pending() => drop(block_on_plain(request)),
                        2 => limit.set_limit(random.u32(1..6)).unwrap(),
                        _ => drop(polled),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    limit.set_limit(3).unwrap();
    let all: Vec<_> = (0..3)
        .map(|_| limit.try_acquire().expect("a permit was lost"))
        .collect();
    assert_eq!(
        limit.try_acquire().unwrap_err(),
        TryLimitError::Busy,
        "a permit too many"
    );
    drop(all);
}

#[test]
fn p1_no_permit_overtakes_an_older_request() {
    let checker = OrderChecker::new();
    let limit = Limit::builder(3).observer(checker.clone()).build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let limit = limit.clone();
            runtime.spawn(async move {
                for turn in 0..500 {
                    if (number + turn) % 7 == 0 {
                        // Gives up after one poll.
                        drop(poll(Box::pin(limit.acquire_owned()).as_mut()));
                    }
                    let permit = limit.acquire().await.unwrap();
                    tokio::task::yield_now().await;
                    drop(permit);
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert!(checker.grants() >= 32 * 500);
    assert!(
        checker.overlaps() > 1_000,
        "only {} grants met others in line",
        checker.overlaps()
    );
    assert_eq!(checker.overtakings(), 0);
}
