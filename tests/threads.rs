//! Real threads and no plan: guards dropped wherever they happen to be, everything changed meanwhile, promises counted at the end.
//!
//! It proves little that loom and the simulator do not; it would show what both leave out: real wakers, timers and schedulers.

mod common;

use common::*;
use fairpool::{OrderChecker, OwnedPooled};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::runtime::Builder;

const THREADS: u64 = 6;
const ROUNDS: u32 = 400;

#[test]
fn threads_that_do_as_they_like_break_no_promise() {
    for seed in 0..4 {
        run(seed);
    }
}

fn run(seed: u64) {
    let home = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let checker = OrderChecker::new();
    let (pool, backend) = pool_with(|builder| {
        let builder = builder
            .limit(4)
            .runtime(home.handle().clone())
            .observer(checker.clone());
        builder.validate_after_idle(ms(4)).acquire_timeout(ms(500))
    });
    let (left, over) = (Mutex::new(Vec::<OwnedPooled<Backend>>::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let users: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (pool, left) = (&pool, &left);
                let mut random = fastrand::Rng::with_seed(seed * THREADS + thread);
                scope.spawn(move || {
                    let own = Builder::new_current_thread().enable_all().build().unwrap();
                    for _ in 0..ROUNDS {
                        let asked = pool.acquire_owned();
                        let conn = match random.u8(0..6) {
                            0 => own.block_on(asked),
                            1 => block_on_plain(asked),
                            2 => own.block_on(async {
                                // Given up somewhere on the way, or not.
                                let soon = tokio::time::timeout(ms(1), asked).await;
                                soon.unwrap_or(Err(fairpool::AcquireError::Cleared))
                            }),
                            3 | 4 => {
                                // Left alone for a moment, in which it may be served, and then dropped.
                                let mut request = Box::pin(asked);
                                match poll(request.as_mut()) {
                                    std::task::Poll::Ready(conn) => conn,
                                    std::task::Poll::Pending => {
                                        std::thread::yield_now();
                                        continue;
                                    }
                                }
                            }
                            _ => pool.try_acquire_owned().map_err(|_| fairpool::AcquireError::Cleared),
                        };
                        let Ok(mut conn) = conn else { continue };
                        match random.u8(0..10) {
                            0 => conn.mark_broken(),
                            1 => drop(conn.detach()),
                            // Somebody else drops it, and whatever lay there.
                            2..=4 => {
                                let mut left = left.lock().unwrap();
                                left.push(conn);
                                if left.len() > 1 {
                                    let other = random.usize(0..left.len());
                                    let gone = left.swap_remove(other);
                                    drop(left);
                                    drop(gone);
                                }
                            }
                            5 => {
                                std::thread::yield_now();
                                drop(conn);
                            }
                            _ => drop(conn),
                        }
                    }
                })
            })
            .collect();
        let mut random = fastrand::Rng::with_seed(seed);
        let (pool, over) = (&pool, &over);
        let left = &left;
        scope.spawn(move || {
            while !over.load(Relaxed) {
                match random.u8(0..8) {
                    0 => pool.set_limit(random.u32(1..8)).unwrap(),
                    1 => pool.invalidate(),
                    2 => drop(pool.clear()),
                    3 => {
                        pool.pause();
                        std::thread::yield_now();
                        pool.resume();
                    }
                    4 => pool.set_validate_after_idle(ms(random.u64(0..6))).unwrap(),
                    // Nobody may keep all there are while everybody waits.
                    _ => left.lock().unwrap().clear(),
                }
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
        });
        users
            .into_iter()
            .for_each(|user| user.join().expect("a thread panicked"));
        over.store(true, Relaxed);
    });
    left.into_inner().unwrap().clear();
    pool.resume();
    pool.set_limit(5).unwrap();
    pool.set_validate_after_idle(ms(500)).unwrap();
    pool.set_acquire_timeout(ms(20_000)).unwrap();
    assert_eq!(checker.overtakings(), 0, "seed {seed}: P1");
    assert!(checker.overlaps() > 50, "nobody waited: {}", checker.overlaps());
    home.block_on(async {
        let report = pool.warm_up(5).await;
        report.expect("P3: a slot was lost");
        assert_whole(&pool).await;
        assert!(pool.drain(ms(20_000)).await.completed, "P7");
    });
    assert_eq!(
        (backend.live(), pool.status().occupied(), pool.status().pending),
        (0, 0, 0)
    );
}
