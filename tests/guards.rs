//! What a guard's drop does, wherever it happens: P8, P9, and what becomes of a connection that leaves with its holder.

mod common;

use common::*;
use std::cell::RefCell;
use std::pin::pin;
use tokio::time::{Instant, sleep};

thread_local! {
    static KEPT: RefCell<Option<fairpool::OwnedPooled<Backend>>> = const { RefCell::new(None) };
}

#[tokio::test(start_paused = true)]
async fn p2_a_connection_being_closed_still_counts() {
    let (pool, backend) = pool_of(1);
    backend.close.always(Act::Takes(100));
    let mut conn = pool.acquire().await.unwrap();
    conn.mark_broken();
    drop(conn);
    let begun = Instant::now();
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_eq!((begun.elapsed(), backend.peak()), (ms(100), 1));
}

#[tokio::test(start_paused = true)]
async fn p2_a_detached_connection_no_longer_counts() {
    let (pool, backend) = pool_of(1);
    let kept = pool.acquire().await.unwrap().detach();
    let conn = pool.acquire().await.unwrap();
    assert_eq!((kept.number, conn.number, backend.detached.calls()), (1, 2, 1));
    drop((conn, kept));
    assert_whole(&pool).await;
}

#[tokio::test(start_paused = true)]
async fn p8_a_guard_dropped_while_unwinding_closes_its_connection_without_another_panic() {
    let (pool, backend) = pool_of(1);
    backend.drop.then([Act::Panics]);
    backend.is_broken.always(Act::Panics);
    let held = pool.acquire_owned().await.unwrap();
    let holder = tokio::spawn(async move {
        let _held = held;
        panic!("the holder's own");
    });
    let panic = holder.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"the holder's own"));
    backend.is_broken.always(Act::Ok);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_whole(&pool).await;
}

#[tokio::test]
async fn p8_a_guard_dropped_in_a_threads_teardown_serves_the_next_in_line() {
    let (pool, _) = pool_of(1);
    let keeper = {
        let pool = pool.clone();
        let (kept, is_kept) = tokio::sync::oneshot::channel();
        let (end, may_end) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            // Touched first, so it is torn down last: after the runtime's own thread-local state.
            KEPT.with(|_| ());
            paused_runtime().block_on(async {
                let guard = pool.acquire_owned().await.unwrap();
                KEPT.set(Some(guard));
            });
            kept.send(()).unwrap();
            let _ = may_end.recv();
        });
        is_kept.await.unwrap();
        (thread, end)
    };
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    drop(keeper.1);
    keeper.0.join().expect("no panic");
    assert_eq!(waiting.await.unwrap().number, 1);
}

#[tokio::test(start_paused = true)]
async fn p9_an_unclean_or_broken_connection_is_never_handed_out_again() {
    let (pool, backend) = pool_of(1);
    let spoil = |n: u64| match n {
        1 => backend.is_broken.then([Act::Fails]),
        2 => backend.reset.then([Act::Fails]),
        3 => backend.reset.then([Act::Panics]),
        _ => backend.is_broken.then([Act::Panics]),
    };
    for number in 1..=4 {
        let mut waiting = pin!(pool.acquire());
        let mut conn = pool.acquire().await.unwrap();
        conn.dirty = true;
        assert!(poll(waiting.as_mut()).is_pending());
        spoil(number);
        drop(conn);
        let next = waiting.await.unwrap();
        assert_eq!((next.number, next.dirty), (number + 1, false));
    }
}

#[tokio::test(start_paused = true)]
async fn p9_a_connection_over_age_is_not_handed_on_even_to_a_line_that_never_empties() {
    let life = ms(400);
    let (pool, _) = pool_with(|builder| builder.limit(1).max_lifetime(life).lifetime_jitter(0.0));
    let mut held = pool.acquire_owned().await.unwrap();
    sleep(ms(250)).await;
    for _ in 0..40 {
        let mut next = Box::pin(pool.acquire_owned());
        assert!(poll(next.as_mut()).is_pending());
        sleep(ms(30)).await;
        drop(held);
        held = next.await.unwrap();
        assert!(held.age() <= life + life / 4, "lent at the age of {:?}", held.age());
    }
}

#[tokio::test(start_paused = true)]
async fn p9_an_idle_connection_that_knows_its_end_is_not_lent() {
    let (pool, backend) = pool_with(|builder| builder.limit(2).validate_after_idle(None));
    let both = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(both);
    // One after the other is asked, and says yes; nothing is left but to open another one.
    backend.is_broken.then([Act::Fails, Act::Panics]);
    let conn = pool.acquire().await.unwrap();
    assert!(conn.number > 2, "lent number {}", conn.number);
    drop(conn);
    assert_whole(&pool).await;
    assert_eq!(pool.status().totals.closed, 2);
}

#[tokio::test(start_paused = true)]
async fn p9_nor_by_an_acquire_that_does_not_wait() {
    let (pool, backend) = pool_of(1);
    drop(pool.acquire().await.unwrap());
    backend.is_broken.then([Act::Fails]);
    assert!(pool.try_acquire().is_err(), "a broken one was lent");
    assert_whole(&pool).await;
    assert_eq!(pool.acquire().await.unwrap().number, 2);
}

#[tokio::test(start_paused = true)]
async fn p9_nor_when_it_has_been_idle_for_a_while_and_is_still_trusted() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).validate_after_idle(ms(500)));
    drop(pool.acquire().await.unwrap());
    // Ticks have shelved it, and it is not yet old enough to be validated.
    sleep(ms(300)).await;
    backend.is_broken.then([Act::Fails]);
    assert_eq!(pool.acquire().await.unwrap().number, 2);
    assert_eq!(backend.validate.calls(), 0);
}
