//! A supervisor whose runtime lives but is not driven is replaced by those who wait elsewhere, and may come back at any time.

mod common;

use common::*;
use fairpool::Pool;
use std::pin::pin;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

fn plain_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Supervisors and their tasks on a runtime on which nothing else is spawned.
fn tasks(runtime: &Runtime) -> usize {
    runtime.metrics().num_alive_tasks()
}

#[test]
fn p6_a_request_elsewhere_replaces_a_supervisor_that_nobody_drives() {
    let (pool, _) = pool_of(2);
    let stuck = plain_runtime();
    let _held = stuck.block_on(pool.acquire_owned()).unwrap();
    let here = paused_runtime();
    here.block_on(async {
        let begun = Instant::now();
        assert_eq!(pool.acquire().await.unwrap().number, 2);
        assert_eq!(begun.elapsed(), ms(500), "two looks");
        // From now on it is at home.
        assert_eq!(pool.acquire().await.unwrap().number, 2);
        assert_eq!(begun.elapsed(), ms(500));
    });
    assert_eq!((tasks(&stuck), tasks(&here)), (1, 1));
    // It is driven again, and finds that its time is over.
    stuck.block_on(settle());
    assert_eq!((tasks(&stuck), tasks(&here)), (0, 1));
    drop(stuck);
    here.block_on(async { drop(pool.acquire().await.unwrap()) });
    assert_eq!(tasks(&here), 1, "the end of the old one touched its successor");
}

#[test]
fn a_runtime_given_to_the_builder_and_never_driven_is_done_without() {
    let stuck = plain_runtime();
    let (pool, _) = pool_with(|builder| builder.limit(2).runtime(stuck.handle().clone()));
    paused_runtime().block_on(async { assert_whole(&pool).await });
    stuck.block_on(settle());
    assert_eq!(tasks(&stuck), 0, "a supervisor that was never in office");
}

#[test]
fn attempts_of_the_old_supervisor_hold_their_slots_and_nobody_up() {
    let (pool, backend) = pool_with(|builder| builder.limit(3).max_connecting(1));
    backend.connect.then([Act::Takes(20)]);
    let stuck = paused_runtime();
    // It connects, and is never heard of again.
    stuck.block_on(async {
        let mut request = pin!(pool.acquire());
        assert!(poll(request.as_mut()).is_pending());
        settle().await;
    });
    assert_eq!(pool.status().connecting, 1);
    let here = paused_runtime();
    here.block_on(async {
        let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        assert_eq!((pool.status().connecting, pool.status().in_use), (1, 2));
        assert!(
            pool.acquire_within(ms(2_000)).await.is_err(),
            "P2: a slot more than there are"
        );
        drop((first, second));
    });
    // The old one is driven again: what it began ends, and it with it.
    stuck.block_on(async { sleep(ms(100)).await });
    assert_eq!((tasks(&stuck), pool.status().connecting, backend.live()), (0, 0, 3));
    here.block_on(async { assert_whole(&pool).await });
}

#[test]
fn what_guards_left_for_the_old_supervisor_its_successor_does() {
    let (pool, backend) = pool_of(1);
    backend.reset.always(Act::Takes(1));
    let stuck = plain_runtime();
    let mut held = stuck.block_on(pool.acquire_owned()).unwrap();
    held.dirty = true;
    drop(held);
    assert_eq!(pool.status().resetting, 1);
    paused_runtime().block_on(async {
        let conn = pool.acquire().await.unwrap();
        assert_eq!((conn.number, conn.dirty), (1, false));
    });
}

#[test]
fn a_warm_up_and_a_drain_replace_a_supervisor_that_nobody_drives() {
    let (pool, backend) = pool_of(3);
    let (first, second) = (plain_runtime(), plain_runtime());
    let held = first.block_on(pool.acquire_owned()).unwrap();
    second.block_on(async { pool.warm_up(3).await.unwrap() });
    backend.close.always(Act::Takes(1));
    drop(held);
    paused_runtime().block_on(async {
        let report = pool.drain(ms(5_000)).await;
        assert!(report.completed && report.took < ms(1_000), "{report}");
    });
    assert_eq!(backend.live(), 0);
}

/// Drives both by turns while a request of the second one's waits.
fn by_turns(home: &Runtime, here: &Runtime, pool: &Pool<Backend>) {
    let mut request = Box::pin(pool.acquire());
    for _ in 0..100 {
        here.block_on(async {
            tokio::select! {
                _ = &mut request => panic!("there is no connection for it"),
                () = sleep(ms(100)) => {}
            }
        });
        home.block_on(settle());
    }
}

#[test]
fn a_supervisor_that_listens_now_and_then_stays_in_office() {
    let (pool, _) = pool_with(|builder| builder.limit(1).acquire_timeout(None));
    let (home, here) = (paused_runtime(), paused_runtime());
    let _held = home.block_on(pool.acquire_owned()).unwrap();
    by_turns(&home, &here, &pool);
    assert_eq!((tasks(&home), tasks(&here)), (1, 0));
}

#[test]
fn the_office_passes_to_and_fro_and_nothing_is_lost() {
    let (pool, _) = pool_of(2);
    let runtimes: Vec<Runtime> = (0..3).map(|_| paused_runtime()).collect();
    for round in 0..30 {
        let (here, other) = (&runtimes[round % 3], &runtimes[(round + 1) % 3]);
        here.block_on(async {
            let first = pool.acquire().await.unwrap();
            drop((pool.acquire().await.unwrap(), first));
            // So long that what is idle must be looked after.
            sleep(ms(1_000)).await;
        });
        if round % 2 == 1 {
            other.block_on(settle());
        }
    }
    runtimes[0].block_on(async { assert_whole(&pool).await });
    for runtime in &runtimes {
        runtime.block_on(async { sleep(ms(700_000)).await });
    }
    let alive: usize = runtimes.iter().map(tasks).sum();
    assert_eq!(alive, 1, "more than one supervisor is left");
}
