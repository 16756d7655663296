//! `Acquire` is a plain future: any executor may poll it, from any thread, with any waker, as often as it likes.
//!
//! Only the supervisor needs tokio; here it has a runtime of its own, and everybody who waits is elsewhere.

mod common;

use async_executor::Executor;
use common::*;
use fairpool::{AcquireError, OrderChecker, OwnedPooled, Pool};
use futures::executor::{LocalPool, block_on};
use futures::future::{join_all, pending, select_all};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::task::LocalSpawnExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use tokio::runtime::{Builder, Runtime};

/// The supervisor's own runtime, a pool there, and the order of its grants.
fn at_home(limit: u32) -> (Runtime, Pool<Backend>, Arc<OrderChecker>) {
    let home = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let checker = OrderChecker::new();
    let builder = |builder: fairpool::Builder<Backend>| {
        let builder = builder.limit(limit).runtime(home.handle().clone());
        builder.acquire_timeout(None).observer(checker.clone())
    };
    let (pool, _) = pool_with(builder);
    (home, pool, checker)
}

async fn give_way() {
    let mut given = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn lease_some(pool: Pool<Backend>, leases: u64) {
    for n in 0..leases {
        let conn = pool.acquire().await.unwrap();
        for _ in 0..n % 3 {
            give_way().await;
        }
        drop(conn);
    }
}

fn judge(home: &Runtime, pool: &Pool<Backend>, checker: &OrderChecker) {
    assert_eq!(checker.overtakings(), 0);
    assert!(checker.overlaps() > 20, "nobody waited: {}", checker.overlaps());
    assert!(pool.manager().peak() <= u64::from(pool.status().limit));
    home.block_on(assert_whole(pool));
}

/// Drives an executor on so many threads until the future has ended.
fn drive<T: Send>(executor: &Executor<'_>, threads: usize, until: impl Future<Output = T>) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                block_on(executor.run(async {
                    while !over.load(Relaxed) {
                        give_way().await;
                    }
                }))
            });
        }
        let value = block_on(executor.run(until));
        over.store(true, Relaxed);
        value
    })
}

#[test]
fn p1_requests_polled_by_another_executor_are_served_in_order() {
    let (home, pool, checker) = at_home(3);
    let executor = Executor::new();
    let tasks: Vec<_> = (0..60).map(|_| executor.spawn(lease_some(pool.clone(), 40))).collect();
    drive(&executor, 2, join_all(tasks));
    judge(&home, &pool, &checker);
}

#[test]
fn p1_requests_of_many_local_executors_stand_in_one_line() {
    let (home, pool, checker) = at_home(2);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut local = LocalPool::new();
                for _ in 0..8 {
                    local.spawner().spawn_local(lease_some(pool.clone(), 25)).unwrap();
                }
                local.run();
            });
        }
        for _ in 0..4 {
            scope.spawn(|| block_on(lease_some(pool.clone(), 100)));
        }
    });
    judge(&home, &pool, &checker);
}

#[test]
fn requests_in_a_set_are_served_although_the_set_polls_them_under_its_own_wakers() {
    let (home, pool, checker) = at_home(4);
    let served = block_on(async {
        let mut set: FuturesUnordered<_> = (0..100)
            .map(|n| {
                let pool = pool.clone();
                async move {
                    let conn = pool.acquire().await.unwrap();
                    (0..n % 5).for_each(drop);
                    give_way().await;
                    drop(conn);
                }
            })
            .collect();
        let mut served = 0;
        while set.next().await.is_some() {
            served += 1;
        }
        served
    });
    assert_eq!(served, 100);
    judge(&home, &pool, &checker);
}

#[test]
fn p4_losers_of_a_race_give_their_places_back() {
    let (home, pool, checker) = at_home(2);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    // Seven of eight are dropped: in line, or with a connection assigned.
                    let race = select_all((0..8).map(|_| Box::pin(pool.acquire_owned())));
                    let (winner, _, others) = block_on(race);
                    drop(others);
                    (0..4).for_each(|_| std::thread::yield_now());
                    drop(winner.unwrap());
                }
            });
        }
    });
    judge(&home, &pool, &checker);
}

#[test]
fn a_request_may_move_from_executor_to_executor_and_only_its_last_waker_is_called() {
    let (home, pool, _) = at_home(1);
    let held = block_on(pool.acquire_owned()).unwrap();
    let mut request = Box::pin(pool.acquire_owned());
    let executor = Executor::new();
    for _ in 0..50 {
        // Another executor each time, and some of them are gone afterwards.
        let mut step = |runtime: Option<&Runtime>| {
            let once = std::future::poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending()));
            match runtime {
                Some(runtime) => runtime.block_on(once),
                None => block_on(executor.run(once)),
            }
        };
        let brief = Builder::new_current_thread().enable_all().build().unwrap();
        assert!(step(None) && step(Some(&home)) && step(Some(&brief)));
        drop(brief);
        assert!(step(None));
    }
    let earlier: Vec<Arc<Wakes>> = (0..20).map(|_| Arc::default()).collect();
    for wakes in &earlier {
        let waker = Waker::from(wakes.clone());
        assert!(request.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(held);
    let counts: Vec<u64> = earlier.iter().map(|wakes| wakes.count()).collect();
    assert_eq!((counts[..19].iter().sum::<u64>(), counts[19]), (0, 1));
    assert!(poll(request.as_mut()).is_ready());
}

#[test]
fn polls_for_nothing_keep_a_place_and_take_no_other() {
    let (_home, pool, _) = at_home(1);
    let held = block_on(pool.acquire_owned()).unwrap();
    let mut requests: Vec<Pin<Box<_>>> = (0..3).map(|_| Box::pin(pool.acquire_owned())).collect();
    for round in 0..10_000 {
        assert!(poll(requests[round % 3].as_mut()).is_pending());
    }
    // The first connection was waited for too.
    assert_eq!((pool.status().pending, pool.status().totals.queued), (3, 4));
    drop(held);
    for mut request in requests {
        let Poll::Ready(conn) = poll(request.as_mut()) else {
            panic!("overtaken");
        };
        drop(conn.unwrap());
    }
}

#[test]
fn an_executor_dropped_with_its_tasks_gives_everything_back() {
    let (home, pool, checker) = at_home(3);
    home.block_on(pool.warm_up(3)).unwrap();
    for round in 0..30 {
        let executor = Executor::new();
        let tasks: Vec<_> = (0..20)
            .map(|_| executor.spawn(lease_some(pool.clone(), 1_000)))
            .collect();
        for _ in 0..50 * round {
            executor.try_tick();
        }
        // A detached task dies with its executor, one that is not with its handle.
        tasks.into_iter().for_each(async_executor::Task::detach);
        drop(executor);
        assert_eq!((pool.status().pending, pool.status().in_use), (0, 0));
    }
    judge(&home, &pool, &checker);
}

/// A waker of an executor with bugs.
#[derive(Debug)]
struct Hostile {
    panics_on_wake: bool,
    panics_on_drop: bool,
}

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        assert!(!self.panics_on_wake, "the waker panics");
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        if self.panics_on_drop && !std::thread::panicking() {
            panic!("the waker's drop panics");
        }
    }
}

/// A request in line under such a waker, which nobody else holds.
fn wait_under<F: Future>(request: Pin<&mut F>, panics_on_wake: bool, panics_on_drop: bool) {
    let waker = Waker::from(Arc::new(Hostile {
        panics_on_wake,
        panics_on_drop,
    }));
    assert!(request.poll(&mut Context::from_waker(&waker)).is_pending());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
}

#[test]
fn a_waker_that_panics_reaches_nobody_but_its_own_executor() {
    for (on_wake, on_drop) in [(true, false), (false, true), (true, true)] {
        let (home, pool, _) = at_home(1);
        let wait =
            |request: &mut Pin<Box<fairpool::AcquireOwned<Backend>>>| wait_under(request.as_mut(), on_wake, on_drop);
        let quietly = |what: &str, code: &mut dyn FnMut()| {
            assert!(
                catch_unwind(AssertUnwindSafe(code)).is_ok(),
                "{what} panicked: {on_wake} {on_drop}"
            );
        };
        let mut held: Option<OwnedPooled<Backend>> = block_on(pool.acquire_owned()).ok();
        let mut request = Box::pin(pool.acquire_owned());
        wait(&mut request);
        quietly("a release", &mut || drop(held.take()));
        held = block_on(request).ok();
        let mut request = Some(Box::pin(pool.acquire_owned()));
        request.iter_mut().for_each(wait);
        quietly("a cancel", &mut || drop(request.take()));
        let mut request = Box::pin(pool.acquire_owned());
        wait(&mut request);
        quietly("a poll with another waker", &mut || {
            assert!(poll(request.as_mut()).is_pending())
        });
        wait(&mut request);
        quietly("clear", &mut || assert_eq!(pool.clear(), 1));
        assert!(matches!(block_on(request), Err(AcquireError::Cleared)));
        drop(held);
        home.block_on(assert_whole(&pool));
        let _held = block_on(pool.acquire_owned()).unwrap();
        let mut request = Box::pin(pool.acquire_owned());
        wait(&mut request);
        quietly("the end of its runtime", &mut || ());
        home.shutdown_background();
        pool.close();
        assert!(matches!(
            poll(request.as_mut()),
            Poll::Ready(Err(AcquireError::Closed(_)))
        ));
    }
}

#[test]
fn requests_polled_from_two_threads_at_once_in_turn_lose_no_wake_up() {
    let (home, pool, checker) = at_home(1);
    let leases = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let request = std::sync::Mutex::new(Box::pin(pool.acquire_owned()));
                    // A thread that only disturbs: it polls with a waker of its own, then leaves the request to us.
                    let early = std::thread::scope(|inner| {
                        let other = inner.spawn(|| poll(request.lock().unwrap().as_mut()));
                        other.join().unwrap()
                    });
                    let conn = match early {
                        Poll::Ready(conn) => conn,
                        Poll::Pending => block_on(request.into_inner().unwrap()),
                    };
                    drop(conn.unwrap());
                    leases.fetch_add(1, Relaxed);
                }
            });
        }
    });
    assert_eq!(leases.load(Relaxed), 900);
    judge(&home, &pool, &checker);
}

#[test]
fn a_future_that_is_never_polled_again_blocks_only_what_it_was_given() {
    let (_home, pool, _) = at_home(2);
    let (first, second) = (
        block_on(pool.acquire_owned()).unwrap(),
        block_on(pool.acquire_owned()).unwrap(),
    );
    let mut sleeper = Box::pin(async {
        let conn = pool.acquire().await;
        pending::<()>().await;
        drop(conn);
    });
    assert!(poll(sleeper.as_mut()).is_pending());
    drop(first);
    // Served, though it does not know.
    assert_eq!(pool.status().in_use, 2);
    let mut next = Box::pin(pool.acquire_owned());
    assert!(poll(next.as_mut()).is_pending());
    drop(second);
    assert!(poll(next.as_mut()).is_ready());
    drop(sleeper);
}
