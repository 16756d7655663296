//! Those who have no timers wait by those of the supervisor's runtime, which may end under them.

mod common;

use common::*;
use fairpool::{Management, System};
use tokio::runtime::{Builder, Runtime};

fn threaded() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn a_lease_without_a_pool_fails_when_the_runtime_ends_that_timed_its_connect() {
    for _ in 0..20 {
        let runtime = threaded();
        let (backend, handle) = (Backend::default(), runtime.handle().clone());
        backend.connect.always(Act::Hangs);
        let system = System::builder(backend.clone(), 1).pools(move |pool| pool.runtime(handle.clone()));
        let system = system.build().unwrap();
        let loose = system.connector("loose").management(Management::None).build().unwrap();
        let waiting = std::thread::spawn(move || block_on_plain(loose.acquire()).map(drop));
        while backend.connect.calls() == 0 {
            std::thread::yield_now();
        }
        drop(runtime);
        assert!(waiting.join().expect("it panicked").is_err());
    }
}

#[test]
fn a_drain_and_a_warm_up_return_when_the_runtime_ends_that_timed_them() {
    for round in 0..20 {
        let runtime = threaded();
        let (pool, backend) = pool_with(|builder| builder.limit(2).runtime(runtime.handle().clone()));
        backend.connect.always(Act::Hangs);
        let waiting = std::thread::spawn(move || {
            if round % 2 == 0 {
                assert!(block_on_plain(pool.warm_up(2)).is_err());
            } else {
                let _ = pool.try_acquire();
                while pool.status().connecting == 0 {
                    std::thread::yield_now();
                }
                assert_eq!(block_on_plain(pool.drain(ms(60_000))).still_out, 0);
            }
        });
        while backend.connect.calls() == 0 {
            std::thread::yield_now();
        }
        std::thread::sleep(ms(round / 4));
        drop(runtime);
        waiting.join().expect("it panicked");
    }
}
