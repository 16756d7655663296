//! The blocking entrance: threads wait in the same line as tasks, end in time without anybody's help, and are refused where
//! they would stop a runtime.

mod common;

use common::*;
use fairpool::{AcquireError, OrderChecker, Pool};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{block_in_place, spawn_blocking};

/// A runtime whose threads run until it is dropped.
fn threaded(workers: usize) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all().build().expect("a runtime")
}

/// A runtime, and a pool that opens on it.
fn served(limit: u32) -> (Runtime, Pool<Backend>, Backend) {
    let runtime = threaded(1);
    let (pool, backend) = pool_with(|builder| builder.limit(limit).runtime(runtime.handle().clone()));
    (runtime, pool, backend)
}

fn wait_for_pending(pool: &Pool<Backend>, pending: usize) {
    while pool.status().pending as usize != pending {
        thread::yield_now();
    }
}

/// What the code returns on a thread of its own; a test that would hang fails instead.
fn on_a_thread<R: Send + 'static>(code: impl FnOnce() -> R + Send + 'static) -> mpsc::Receiver<R> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || drop(tell.send(code())));
    told
}

fn in_time<R>(told: &mpsc::Receiver<R>) -> R {
    told.recv_timeout(Duration::from_secs(30))
        .expect("the thread waits for ever")
}

/// A blocking request on a thread of its own.
fn waiter(pool: &Pool<Backend>) -> mpsc::Receiver<Result<u64, AcquireError<Fault>>> {
    let pool = pool.clone();
    on_a_thread(move || pool.acquire_blocking().map(|conn| conn.number))
}

/// Keeps the only thread of a runtime busy until the sender is dropped.
fn stop(runtime: &Runtime) -> mpsc::Sender<()> {
    let (go_on, told) = mpsc::channel::<()>();
    let (stopped, is_stopped) = mpsc::channel();
    runtime.spawn(async move {
        stopped.send(()).unwrap();
        let _ = told.recv();
    });
    is_stopped.recv().unwrap();
    go_on
}

#[test]
fn a_thread_without_a_runtime_borrows_a_connection() {
    let (_runtime, pool, backend) = served(1);
    let conn = pool.acquire_blocking().unwrap();
    assert_eq!((conn.number, pool.status().in_use), (1, 1));
    drop(conn);
    let owned = thread::spawn({
        let pool = pool.clone();
        move || pool.acquire_owned_blocking().unwrap()
    });
    drop(owned.join().unwrap());
    drop(pool.acquire_owned_blocking_within(ms(10_000)).unwrap());
    assert_eq!(backend.made(), 1);
}

#[test]
fn p1_threads_and_tasks_are_served_in_the_order_in_which_they_came() {
    let (runtime, pool, _) = served(1);
    let held = pool.acquire_blocking().unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel();
    for number in 0..20 {
        let (pool_of_it, served, tell) = (pool.clone(), served.clone(), tell.clone());
        if number % 2 == 0 {
            thread::spawn(move || {
                let _conn = pool_of_it.acquire_blocking().unwrap();
                served.lock().unwrap().push(number);
                tell.send(()).unwrap();
            });
        } else {
            runtime.spawn(async move {
                let _conn = pool_of_it.acquire().await.unwrap();
                served.lock().unwrap().push(number);
                tell.send(()).unwrap();
            });
        }
        wait_for_pending(&pool, number + 1);
    }
    drop(held);
    (0..20).for_each(|_| in_time(&told));
    assert_eq!(*served.lock().unwrap(), Vec::from_iter(0..20));
}

#[test]
fn p1_the_checker_meets_threads_among_tasks_and_finds_no_overtaking() {
    let runtime = threaded(2);
    let checker = OrderChecker::new();
    let (pool, backend) = pool_with(|builder| {
        let builder = builder.limit(2).runtime(runtime.handle().clone());
        builder.observer(checker.clone())
    });
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            runtime.spawn(async move {
                for _ in 0..300 {
                    let _conn = pool.acquire().await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let threads: Vec<_> = (0..6)
        .map(|_| {
            let pool = pool.clone();
            on_a_thread(move || {
                for _ in 0..300 {
                    let _conn = pool.acquire_blocking().unwrap();
                    thread::yield_now();
                }
            })
        })
        .collect();
    threads.iter().for_each(in_time);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert_eq!((checker.grants(), checker.overtakings()), (14 * 300, 0));
    assert!(checker.overlaps() > 100, "only {} waited", checker.overlaps());
    assert!(backend.peak() <= 2);
}

#[test]
fn p3_threads_that_give_up_at_once_or_are_cleared_lose_nothing() {
    let (runtime, pool, _) = served(2);
    let failed = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..6)
        .map(|thread| {
            let (pool, failed) = (pool.clone(), failed.clone());
            on_a_thread(move || {
                for step in 0..200 {
                    let timeout = Duration::from_micros((thread * 31 + step * 7) % 300);
                    match pool.acquire_blocking_within(timeout) {
                        Ok(_conn) => thread::sleep(Duration::from_micros(50)),
                        Err(AcquireError::Timeout(_) | AcquireError::Cleared) => drop(failed.fetch_add(1, Relaxed)),
                        Err(error) => panic!("{error}"),
                    }
                    if step % 20 == 0 {
                        pool.clear();
                    }
                }
            })
        })
        .collect();
    threads.iter().for_each(in_time);
    assert!(failed.load(Relaxed) > 0);
    drop(runtime);
    paused_runtime().block_on(assert_whole(&pool));
}

#[test]
fn p6_a_thread_ends_in_time_while_the_supervisors_runtime_is_stuck() {
    let (runtime, pool, _) = served(1);
    let held = pool.acquire_blocking().unwrap();
    let go_on = stop(&runtime);
    let waiting = on_a_thread({
        let pool = pool.clone();
        move || pool.acquire_owned_blocking_within(ms(20)).map(drop)
    });
    match in_time(&waiting) {
        Err(AcquireError::Timeout(timeout)) => assert!(timeout.waited >= ms(20), "{timeout:?}"),
        other => panic!("{other:?}"),
    }
    // A release needs nobody's help either.
    let next = waiter(&pool);
    wait_for_pending(&pool, 1);
    drop(held);
    assert_eq!(in_time(&next).unwrap(), 1);
    drop(go_on);
}

#[test]
fn p6_a_thread_ends_in_time_while_nobody_drives_the_runtime() {
    let idle = Builder::new_current_thread().enable_all().build().unwrap();
    let (pool, backend) = pool_with(|builder| builder.runtime(idle.handle().clone()));
    let waiting = on_a_thread(move || pool.acquire_blocking_within(ms(20)).map(drop));
    let error = in_time(&waiting).unwrap_err();
    assert!(matches!(error, AcquireError::Timeout(_)), "{error}");
    assert_eq!(backend.connect.calls(), 0);
}

#[test]
fn p6_a_blocking_thread_of_tokios_ends_in_time_while_its_clock_is_paused() {
    let (pool, backend) = pool_of(1);
    backend.connect.always(Act::Hangs);
    let waiting = on_a_thread(move || {
        paused_runtime().block_on(async move {
            let wait = move || pool.acquire_blocking_within(ms(20)).map(drop);
            spawn_blocking(wait).await.unwrap()
        })
    });
    assert!(matches!(in_time(&waiting), Err(AcquireError::Timeout(_))));
}

#[test]
fn no_time_takes_what_is_idle_or_nothing() {
    let (_runtime, pool, _) = served(1);
    assert!(matches!(
        pool.acquire_blocking_within(Duration::ZERO),
        Err(AcquireError::Timeout(_))
    ));
    drop(pool.acquire_blocking().unwrap());
    let _held = pool.acquire_blocking_within(Duration::ZERO).unwrap();
    pool.set_queue_limit(Some(0)).unwrap();
    let refused = pool.acquire_blocking().map(drop);
    assert!(matches!(refused, Err(AcquireError::QueueFull { queue_limit: 0, .. })));
}

#[test]
fn a_cleared_and_a_drained_thread_wake_and_are_told() {
    let (_runtime, pool, _) = served(1);
    let held = pool.acquire_blocking().unwrap();
    let waiting = waiter(&pool);
    wait_for_pending(&pool, 1);
    assert_eq!(pool.clear(), 1);
    assert!(matches!(in_time(&waiting), Err(AcquireError::Cleared)));
    let waiting = waiter(&pool);
    wait_for_pending(&pool, 1);
    let report = block_on_plain(pool.drain(ms(5)));
    assert!(!report.completed);
    assert!(matches!(in_time(&waiting), Err(AcquireError::Closed(_))));
    assert!(matches!(pool.acquire_blocking(), Err(AcquireError::Closed(_))));
    drop(held);
}

#[test]
fn a_drain_serves_the_threads_in_line() {
    let (runtime, pool, _) = served(1);
    let held = pool.acquire_blocking().unwrap();
    let waiting = waiter(&pool);
    wait_for_pending(&pool, 1);
    let draining = runtime.spawn({
        let pool = pool.clone();
        async move { pool.drain(Duration::from_secs(60)).await }
    });
    while !pool.is_closed() {
        thread::yield_now();
    }
    drop(held);
    assert_eq!(in_time(&waiting).unwrap(), 1);
    assert!(runtime.block_on(draining).unwrap().completed);
}

#[test]
fn without_a_runtime_nobody_could_open_a_connection() {
    let (pool, _) = pool_of(1);
    let refused = pool.acquire_blocking().map(drop);
    assert!(matches!(refused, Err(AcquireError::NoRuntime)));
    let runtime = threaded(1);
    let held = runtime.block_on(pool.acquire_owned()).unwrap();
    let waiting = waiter(&pool);
    wait_for_pending(&pool, 1);
    drop(runtime);
    assert!(matches!(in_time(&waiting), Err(AcquireError::NoRuntime)));
    drop(held);
}

#[test]
fn a_thread_with_a_runtime_of_its_own_goes_on_when_the_first_one_dies() {
    let (pool, backend) = pool_of(1);
    let (first, second) = (threaded(1), threaded(1));
    backend.connect.then([Act::Hangs]);
    assert!(first.block_on(pool.acquire_within(ms(5))).is_err());
    let waiting = on_a_thread({
        let (pool, second) = (pool.clone(), second.handle().clone());
        move || {
            let _entered = second.enter();
            pool.acquire_blocking().map(|conn| conn.number)
        }
    });
    wait_for_pending(&pool, 1);
    drop(first);
    assert_eq!(in_time(&waiting).unwrap(), 1);
}

#[test]
fn a_runtime_that_shuts_down_under_its_blocking_thread_is_not_held_up() {
    let (pool, _) = pool_of(1);
    let runtime = threaded(1);
    let held = runtime.block_on(pool.acquire_owned()).unwrap();
    let waiting = runtime.spawn_blocking({
        let pool = pool.clone();
        move || pool.acquire_blocking().map(drop)
    });
    wait_for_pending(&pool, 1);
    in_time(&on_a_thread(move || drop(runtime)));
    let error = block_on_plain(waiting).unwrap().unwrap_err();
    assert!(matches!(error, AcquireError::NoRuntime), "{error}");
    drop(held);
}

#[test]
fn a_thread_waits_on_undisturbed_while_its_runtime_shuts_down_and_another_one_serves() {
    let (_elsewhere, pool, _) = served(1);
    let held = pool.acquire_blocking().unwrap();
    let runtime = threaded(1);
    let waiting = runtime.spawn_blocking({
        let pool = pool.clone();
        move || pool.acquire_blocking().map(|conn| conn.number)
    });
    wait_for_pending(&pool, 1);
    // Wakes whoever has a timer there, to tell it that the timer is dead.
    runtime.shutdown_background();
    thread::sleep(ms(20));
    assert_eq!(pool.status().pending, 1);
    drop(held);
    assert_eq!(block_on_plain(waiting).unwrap().unwrap(), 1);
}

#[test]
fn threads_of_spawn_blocking_and_block_in_place_open_on_their_own_runtime() {
    let runtime = threaded(2);
    let (pool, backend) = pool_of(2);
    let first = pool.clone();
    let number = move || first.acquire_blocking().unwrap().number;
    assert_eq!(runtime.block_on(async { spawn_blocking(number).await.unwrap() }), 1);
    let second = pool.clone();
    let task = runtime.spawn(async move { block_in_place(|| second.acquire_blocking().unwrap().number) });
    assert_eq!(runtime.block_on(task).unwrap(), 1);
    assert_eq!(backend.made(), 1);
}

#[test]
fn async_code_is_refused_even_where_a_connection_is_idle_and_no_panic_is_reported() {
    static REPORTED: AtomicU64 = AtomicU64::new(0);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.to_string().contains("block the current thread") {
            REPORTED.fetch_add(1, Relaxed);
        }
        before(info);
    }));
    let (runtime, pool, _) = served(1);
    drop(pool.acquire_blocking().unwrap());
    let refused = |pool: &Pool<Backend>| {
        let error = pool.acquire_blocking().map(drop).unwrap_err();
        assert!(matches!(error, AcquireError::WouldBlock));
        let said = error.to_string();
        assert!(
            said.contains("await `acquire`") && said.contains("spawn_blocking"),
            "{said}"
        );
    };
    runtime.block_on(async { refused(&pool) });
    paused_runtime().block_on(async { refused(&pool) });
    Handle::block_on(runtime.handle(), async { refused(&pool) });
    let task = runtime.spawn({
        let pool = pool.clone();
        async move { refused(&pool) }
    });
    runtime.block_on(task).unwrap();
    assert_eq!((pool.status().pending, pool.status().idle), (0, 1));
    assert_eq!(REPORTED.load(Relaxed), 0);
}

#[test]
fn a_panicking_connect_is_tried_again_and_a_panicking_holder_loses_its_connection() {
    let (_runtime, pool, backend) = served(1);
    backend.connect.then([Act::Panics]);
    let panicked = on_a_thread({
        let pool = pool.clone();
        move || {
            let _conn = pool.acquire_blocking().unwrap();
            panic!("the holder gives up");
        }
    });
    assert!(panicked.recv_timeout(Duration::from_secs(30)).is_err());
    assert_eq!(in_time(&waiter(&pool)).unwrap(), 2);
}
