//! Modes and limits are switched while requests wait, connect and hold: nobody fails, and nothing is lost.

mod common;

use common::{Act, Backend, ms, paused_runtime, poll, settle};
use fairpool::{Connector, Limit, Management, State, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

fn any_mode(random: &mut fastrand::Rng) -> Management {
    match random.u8(0..3) {
        0 => Management::General,
        1 => Management::Custom(random.u32(1..6)),
        _ => Management::None,
    }
}

struct Stage {
    system: System<Backend>,
    backend: Backend,
    connector: Connector<Backend>,
    limits: [Limit; 2],
}

impl Stage {
    fn new() -> Stage {
        let backend = Backend::default();
        let system = System::builder(backend.clone(), 3).build().unwrap();
        let connector = system
            .connector("c")
            .acquire_timeout(Duration::from_secs(600))
            .build()
            .unwrap();
        Stage {
            system,
            backend,
            connector,
            limits: [Limit::new(4).unwrap(), Limit::new(2).unwrap()],
        }
    }

    /// One random change of what the requests run into.
    fn change(&self, random: &mut fastrand::Rng) {
        match random.u8(0..8) {
            0..=3 => self.connector.set_management(any_mode(random)).unwrap(),
            4 => self.connector.set_limit(self.limits[random.usize(0..2)].clone()),
            5 => self.connector.set_limit(None),
            6 => self.limits[0].set_limit(random.u32(1..6)).unwrap(),
            _ => self.system.pool().set_limit(random.u32(1..5)).unwrap(),
        }
    }

    /// Whatever happened: at rest every pool is whole, every permit is back, and nothing is open that no pool knows.
    async fn assert_at_rest(&self, seed: u64) {
        self.connector.set_management(Management::General).unwrap();
        for _ in 0..50 {
            settle().await;
            tokio::time::sleep(ms(10)).await;
        }
        for limit in &self.limits {
            let status = limit.status();
            assert_eq!((status.in_flight, status.pending), (0, 0), "seed {seed}");
        }
        for pool in self.system.pools() {
            let status = pool.status();
            assert_eq!(
                (status.in_use, status.pending, status.connecting),
                (0, 0, 0),
                "seed {seed}: {status}"
            );
            assert_eq!(status.occupied(), status.idle, "seed {seed}: {status}");
            let left = pool.status().state != State::Open;
            assert!(
                !left || status.idle == 0,
                "seed {seed}: a pool that was left keeps connections"
            );
        }
        let idle: u32 = self.system.pools().iter().map(|pool| pool.status().idle).sum();
        assert_eq!(self.backend.live(), u64::from(idle), "seed {seed}");
    }
}

async fn work(stage: Arc<Stage>, leases: u32, seed: u64, given_up: Arc<AtomicU64>) {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..leases {
        let request = stage.connector.acquire();
        if random.u8(0..8) == 0 {
            // Somebody gives up in the middle, at whatever stage that is.
            if tokio::time::timeout(ms(random.u64(0..4)), request).await.is_err() {
                given_up.fetch_add(1, Relaxed);
            }
            continue;
        }
        let lease = request.await.expect("a request was lost in a switch");
        match random.u8(0..4) {
            0 => tokio::task::yield_now().await,
            1 => tokio::time::sleep(ms(random.u64(0..5))).await,
            _ => {}
        }
        drop(lease);
    }
}

#[test]
fn modes_and_limits_switched_under_load_lose_no_request_and_no_connection() {
    let given_up = Arc::new(AtomicU64::new(0));
    for seed in 0..40 {
        paused_runtime().block_on(async {
            let stage = Arc::new(Stage::new());
            stage.backend.connect.always(Act::Takes(3));
            stage.backend.close.always(Act::Takes(2));
            let workers: Vec<_> = (0..16)
                .map(|number| tokio::spawn(work(stage.clone(), 30, seed * 100 + number, given_up.clone())))
                .collect();
            let mut random = fastrand::Rng::with_seed(seed);
            while !workers.iter().all(|worker| worker.is_finished()) {
                stage.change(&mut random);
                tokio::time::sleep(ms(random.u64(0..4))).await;
            }
            for worker in workers {
                worker.await.unwrap();
            }
            stage.assert_at_rest(seed).await;
        });
    }
    assert!(given_up.load(Relaxed) > 100, "too few gave up to prove anything");
}

#[test]
fn threads_that_switch_modes_and_threads_that_acquire_meet_without_harm() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stage = Arc::new(Stage::new());
        let over = Arc::new(AtomicBool::new(false));
        let given_up = Arc::new(AtomicU64::new(0));
        let switchers: Vec<_> = (0..2)
            .map(|seed| {
                let (stage, over) = (stage.clone(), over.clone());
                tokio::spawn(async move {
                    let mut random = fastrand::Rng::with_seed(seed);
                    while !over.load(Relaxed) {
                        stage.change(&mut random);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        let workers: Vec<_> = (0..16)
            .map(|seed| tokio::spawn(work(stage.clone(), 60, seed, given_up.clone())))
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        over.store(true, Relaxed);
        for switcher in switchers {
            switcher.await.unwrap();
        }
        stage.assert_at_rest(0).await;
    });
}

/// Between the look at the route and the pool's line lie a few instructions: only many hot rounds meet a switch there.
#[test]
fn a_request_that_comes_to_a_pool_just_left_follows_the_connector() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let stage = Arc::new(Stage::new());
    let over = Arc::new(AtomicBool::new(false));
    let switcher = std::thread::spawn({
        let (stage, over) = (stage.clone(), over.clone());
        move || {
            let modes = [Management::Custom(2), Management::General, Management::None];
            for mode in modes.iter().cycle().take_while(|_| !over.load(Relaxed)) {
                stage.connector.set_management(*mode).unwrap();
            }
        }
    });
    runtime.block_on(async {
        let hot = |stage: Arc<Stage>| async move {
            for _ in 0..4_000 {
                drop(
                    stage
                        .connector
                        .acquire()
                        .await
                        .expect("a request came too late and was refused"),
                );
            }
        };
        let workers = [tokio::spawn(hot(stage.clone())), tokio::spawn(hot(stage.clone()))];
        for worker in workers {
            worker.await.unwrap();
        }
        over.store(true, Relaxed);
        switcher.join().unwrap();
        stage.assert_at_rest(0).await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_paused_system_opens_nothing_in_any_mode_and_pools_that_come_meanwhile_are_paused_too() {
    let stage = Stage::new();
    stage.system.pause();
    let modes = [Management::General, Management::Custom(2), Management::None];
    let connectors = modes.map(|mode| stage.system.connector("c").management(mode).build().unwrap());
    let mut requests: Vec<_> = connectors
        .iter()
        .map(|connector| Box::pin(connector.acquire()))
        .collect();
    for request in &mut requests {
        assert!(poll(request.as_mut()).is_pending());
    }
    tokio::time::sleep(ms(100)).await;
    assert_eq!(stage.backend.made(), 0);
    stage.system.resume();
    for request in requests {
        drop(request.await.unwrap());
    }
    let pools = stage.system.pools();
    assert!(pools.iter().all(|pool| pool.status().state == State::Open));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_deleted_fails_those_in_its_line_and_the_connector_goes_on_without() {
    let stage = Stage::new();
    let limit = Limit::new(1).unwrap();
    stage.connector.set_limit(limit.clone());
    let admitted = stage.connector.acquire().await.unwrap();
    let mut waits = Box::pin(stage.connector.acquire());
    assert!(poll(waits.as_mut()).is_pending());
    stage.connector.set_limit(None);
    limit.close();
    assert!(waits.await.is_err());
    drop(stage.connector.acquire().await.unwrap());
    drop(admitted);
    assert_eq!(limit.status().in_flight, 0);
}

/// As with the pools: a few instructions lie between the look at the limit and its line.
#[test]
fn a_request_that_comes_to_a_limit_just_deleted_follows_the_connector() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let stage = Arc::new(Stage::new());
    let over = Arc::new(AtomicBool::new(false));
    let switcher = std::thread::spawn({
        let (stage, over) = (stage.clone(), over.clone());
        move || {
            while !over.load(Relaxed) {
                // Room for all: nobody ever stands in its line.
                let limit = Limit::new(8).unwrap();
                stage.connector.set_limit(limit.clone());
                stage.connector.set_limit(None);
                limit.close();
            }
        }
    });
    runtime.block_on(async {
        let hot = |stage: Arc<Stage>| async move {
            for _ in 0..40_000 {
                drop(
                    stage
                        .connector
                        .acquire()
                        .await
                        .expect("refused by a limit that was not its own"),
                );
            }
        };
        let workers = [(); 4].map(|()| tokio::spawn(hot(stage.clone())));
        for worker in workers {
            worker.await.unwrap();
        }
        over.store(true, Relaxed);
        switcher.join().unwrap();
        stage.assert_at_rest(0).await;
    });
}
