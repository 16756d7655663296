//! Many keys under one bound: runtimes that end, threads without one, and many threads at once.

mod common;

use common::keyed::*;
use common::*;
use fairpool::KeyedError;
use std::pin::pin;

#[test]
fn a_runtime_that_ends_takes_its_work_and_not_the_pool() {
    let (pool, backends) = keyed(|builder| builder.limit(2));
    let first = paused_runtime();
    let held = first.block_on(async { (pool.acquire(&0).await.unwrap(), pool.acquire(&1).await.unwrap()) });
    backends[0].close.always(Act::Hangs);
    drop(held.0);
    // A connect under way, room being made for it by a farewell that hangs.
    let mut request = Box::pin(pool.acquire(&2));
    first.block_on(async {
        assert!(poll(request.as_mut()).is_pending());
        settle().await;
    });
    assert_eq!(all(&pool).closing, 1);
    drop(first);
    assert_eq!((all(&pool).closing, backends[0].live()), (0, 0));
    let second = paused_runtime();
    let conn = second.block_on(request).unwrap();
    assert_eq!(*conn.key(), 2);
    // No runtime runs where these are dropped, one of them to be closed, one to be reset.
    backends[1].reset.always(Act::Takes(5));
    drop(second);
    let mut conn = conn;
    conn.mark_broken();
    std::thread::spawn(move || drop((conn, held.1))).join().unwrap();
    assert_eq!(
        (all(&pool).occupied(), backends[1].live(), backends[2].live()),
        (0, 0, 0)
    );
    backends[0].close.always(Act::Ok);
    backends[1].reset.always(Act::Ok);
    paused_runtime().block_on(assert_keyed_whole(&pool, &backends));
}

#[test]
fn threads_without_a_runtime_wait_on_the_builders() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let (pool, _) = keyed(|builder| builder.limit(1).runtime(runtime.handle().clone()));
    let held = block_on_plain(pool.acquire(&0)).unwrap();
    let late = block_on_plain(pool.acquire_within(&1, ms(30)));
    assert!(matches!(late, Err(KeyedError::Timeout(_))));
    drop(held);
    assert_eq!(*block_on_plain(pool.acquire(&1)).unwrap().key(), 1);

    let (nobodys, _) = keyed(|builder| builder.limit(1));
    assert!(matches!(
        block_on_plain(nobodys.acquire(&0)),
        Err(KeyedError::NoRuntime)
    ));
    assert_eq!((all(&nobodys).occupied(), all(&nobodys).pending), (0, 0));
}

#[test]
fn p8_a_guard_dropped_in_a_threads_teardown_serves_the_next_in_line() {
    let (pool, _) = keyed(|builder| builder.limit(1));
    let runtime = paused_runtime();
    let conn = runtime.block_on(pool.acquire(&0)).unwrap();
    let mut next = Box::pin(pool.acquire(&0));
    runtime.block_on(async { assert!(poll(next.as_mut()).is_pending()) });
    std::thread::spawn(move || {
        thread_local!(static KEPT: std::cell::RefCell<Option<fairpool::KeyedPooled<u32, Backend>>> = const { std::cell::RefCell::new(None) });
        KEPT.with(|kept| *kept.borrow_mut() = Some(conn));
    })
    .join()
    .unwrap();
    assert!(runtime.block_on(async { poll(next.as_mut()) }).is_ready());
}

#[test]
fn the_last_handle_drops_what_is_idle_though_each_drop_panics() {
    let (pool, backends) = keyed(|builder| builder.limit(3));
    let runtime = paused_runtime();
    runtime.block_on(async {
        let three = (pool.acquire(&0).await, pool.acquire(&1).await, pool.acquire(&2).await);
        drop(three);
    });
    backends.iter().for_each(|backend| backend.drop.always(Act::Panics));
    drop(pool);
    runtime.block_on(settle());
    assert!(backends.iter().all(|backend| backend.live() == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_lose_nothing_and_keep_the_limit() {
    let (pool, backends) = keyed(|builder| builder.limit(3).per_key(2).preference(1));
    let mut tasks = Vec::new();
    for task in 0..8u32 {
        let pool = pool.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..400u32 {
                if (task + round) % 7 == 0 {
                    drop(poll(pin!(pool.acquire(&(round % 5)))));
                }
                let mut conn = pool.acquire(&((task + round) % 5)).await.unwrap();
                tokio::task::yield_now().await;
                if round % 50 == 0 {
                    conn.mark_broken();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(pool.drain(ms(10_000)).await.completed);
    let totals = pool.status().totals;
    assert_eq!(totals.opened, totals.closed);
    assert!(totals.leases >= 3_200 && totals.evicted >= 100, "{totals:?}");
    assert!(
        backends
            .iter()
            .all(|backend| backend.live() == 0 && backend.peak() <= 2)
    );
}
