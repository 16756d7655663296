//! Those who have no timers wait by those of the supervisor's runtime, which may end under them.

mod common;

use common::*;
use fairpool::{Limit, Management, System};
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
        let theirs = backend.clone();
        let waiting = std::thread::spawn(move || {
            if round % 2 == 0 {
                assert!(block_on_plain(pool.warm_up(2)).is_err());
            } else {
                let _ = pool.try_acquire();
                while theirs.connect.calls() == 0 {
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

#[test]
fn a_request_driven_by_a_blocking_task_moves_from_a_runtime_that_ends_to_the_next() {
    let (home, outer) = (threaded(), threaded());
    let (pool, _) = pool_with(|builder| builder.limit(1).runtime(home.handle().clone()));
    let limit = Limit::new(1).unwrap();
    let blocking = outer.spawn_blocking(move || {
        let (held, permit) = (
            block_on_plain(pool.acquire_owned()).unwrap(),
            limit.try_acquire_owned().unwrap(),
        );
        let mut request = Box::pin(pool.acquire_owned_within(ms(60_000)));
        let mut admission = Box::pin(limit.acquire_owned());
        for _ in 0..3 {
            // All in one task, which is on another runtime each time.
            let brief = Builder::new_current_thread().enable_all().build().unwrap();
            brief.block_on(async {
                assert!(poll(request.as_mut()).is_pending() && poll(admission.as_mut()).is_pending());
            });
        }
        drop((held, permit));
        assert!(poll(request.as_mut()).is_ready() && poll(admission.as_mut()).is_ready());
    });
    outer.block_on(blocking).expect("it panicked");
}
