//! The second floor under awkward users: huge numbers, other executors, runtimes that died, permits that somebody could keep.
#![cfg(feature = "tower")]

mod common;

use common::{Act, Backend, ms, paused_runtime, poll, settle};
use fairpool::{Limit, LimitError, Management, Stage, System, TryAcquireError, TryConnectorError, TryLimitError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

const MODES: [Management; 3] = [Management::General, Management::Custom(2), Management::None];

#[tokio::test(start_paused = true)]
async fn the_longest_times_and_the_largest_numbers_mean_what_they_say() {
    let limit = Limit::builder(u32::MAX)
        .timeout(Duration::MAX)
        .queue_limit(u32::MAX)
        .build()
        .unwrap();
    let most = limit.acquire_within(Duration::MAX).await.unwrap();
    limit.set_limit(1).unwrap();
    let centuries = Duration::from_secs(60 * 60 * 24 * 365 * 500);
    for patience in [Duration::MAX, centuries, Duration::from_nanos(u64::MAX - 1)] {
        let mut request = Box::pin(limit.acquire_within(patience));
        assert!(poll(request.as_mut()).is_pending());
    }
    assert!(matches!(
        limit.acquire_within(Duration::ZERO).await,
        Err(LimitError::Timeout(_))
    ));
    drop(most);
    drop(limit.acquire_within(Duration::ZERO).await.unwrap());
    let system = System::builder(Backend::default(), 2).build().unwrap();
    for management in MODES {
        let connector = system
            .connector("c")
            .limit(limit.clone())
            .management(management)
            .build()
            .unwrap();
        for patience in [Duration::MAX, centuries, Duration::from_nanos(u64::MAX - 1)] {
            connector.set_acquire_timeout(patience).unwrap();
            drop(connector.acquire().await.unwrap());
            drop(connector.acquire_within(patience).await.unwrap());
        }
        settle().await;
    }
    assert!(system.drain(Duration::MAX).await.completed());
    assert!(limit.drain(Duration::MAX).await.completed);
}

#[test]
fn a_runtime_that_dies_under_every_mode_leaves_a_system_that_works_on_the_next() {
    for management in MODES {
        let backend = Backend::default();
        let limit = Limit::new(2).unwrap();
        let system = System::builder(backend.clone(), 2).build().unwrap();
        let connector = system
            .connector("c")
            .limit(limit.clone())
            .management(management)
            .build()
            .unwrap();
        let first = paused_runtime();
        let held = first.block_on(async {
            let hung = connector.clone();
            let held = connector.acquire().await.unwrap();
            backend.connect.then([Act::Hangs]);
            tokio::spawn(async move { hung.acquire().await.map(drop) });
            settle().await;
            held
        });
        assert_eq!(limit.status().in_flight, 2, "{management}");
        drop(first);
        drop(held);
        assert_eq!(limit.status().in_flight, 0, "{management}");
        paused_runtime().block_on(async {
            let leases = (connector.acquire().await.unwrap(), connector.acquire().await.unwrap());
            drop(leases);
            settle().await;
        });
        // Nobody is left to say farewell: what is open is dropped with the last that knows it.
        drop((connector, system));
        assert_eq!(backend.live(), 0, "{management}");
    }
}

#[test]
fn switched_away_without_a_runtime_a_pool_of_its_own_keeps_nothing_open() {
    let backend = Backend::default();
    let system = System::builder(backend.clone(), 2).build().unwrap();
    let connector = system.connector("c").management(Management::Custom(2)).build().unwrap();
    paused_runtime().block_on(async {
        let both = (connector.acquire().await.unwrap(), connector.acquire().await.unwrap());
        drop(both);
        settle().await;
    });
    assert_eq!(backend.live(), 2);
    connector.set_management(Management::General).unwrap();
    assert_eq!(backend.live(), 0, "after a switch");
    connector.set_management(Management::Custom(1)).unwrap();
    paused_runtime().block_on(async { drop(connector.acquire().await.unwrap()) });
    assert_eq!(backend.live(), 1);
    std::thread::spawn(move || drop(connector)).join().unwrap();
    assert_eq!(backend.live(), 0, "after the connector's end");
}

#[tokio::test(start_paused = true)]
async fn a_system_forgets_the_pools_of_connectors_that_are_gone() {
    let system = System::builder(Backend::default(), 2).build().unwrap();
    let text = system.status().to_string();
    assert!(
        text.starts_with("system: ") && text.ends_with("; 0 occupied elsewhere"),
        "{text}"
    );
    for management in [Management::Custom(2), Management::None] {
        let connectors: Vec<_> = (0..20)
            .map(|n| {
                system
                    .connector(format!("c{n}"))
                    .management(management)
                    .build()
                    .unwrap()
            })
            .collect();
        let last = connectors[0].acquire().await.unwrap();
        assert_eq!(system.pools().len(), 21);
        drop(connectors);
        settle().await;
        assert_eq!(
            system.pools().len(),
            2,
            "{management}: the one with a lease is known still"
        );
        drop(last);
        settle().await;
        assert_eq!(system.pools().len(), 1, "{management}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_try_takes_what_is_idle_or_nothing_and_keeps_no_permit() {
    let limit = Limit::new(1).unwrap();
    let backend = Backend::default();
    let system = System::builder(backend.clone(), 1).build().unwrap();
    let connector = system.connector("c").limit(limit.clone()).build().unwrap();
    let lease = connector.acquire().await.unwrap();
    assert_eq!(
        connector.try_acquire().unwrap_err(),
        TryConnectorError::Limit(TryLimitError::Busy)
    );
    drop(lease);
    drop(connector.try_acquire().unwrap());
    connector.set_management(Management::None).unwrap();
    let error = connector.try_acquire().unwrap_err();
    assert_eq!(
        (error, error.stage()),
        (TryConnectorError::Connection(TryAcquireError::Empty), Stage::Connection)
    );
    settle().await;
    assert_eq!((limit.status().in_flight, backend.made()), (0, 1));
}

/// Fails or waits before it takes a request.
#[derive(Clone)]
struct Unready(Arc<AtomicU32>);

impl Service<u32> for Unready {
    type Response = u32;
    type Error = &'static str;
    type Future = std::future::Ready<Result<u32, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.0.load(Relaxed) {
            0 => Poll::Ready(Ok(())),
            1 => Poll::Ready(Err("never ready")),
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn call(&mut self, request: u32) -> Self::Future {
        std::future::ready(Ok(request))
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_the_future_of_a_service_that_failed_keeps_no_permit() {
    let limit = Limit::new(1).unwrap();
    let state = Arc::new(AtomicU32::new(1));
    let mut service = limit.layer().layer(Unready(state.clone()));
    let mut failed = Box::pin(service.call(1));
    assert!(matches!(poll(failed.as_mut()), Poll::Ready(Err(_))));
    assert_eq!(limit.status().in_flight, 0, "kept by a request that has failed");
    state.store(2, Relaxed);
    let mut waits = Box::pin(service.call(2));
    assert!(poll(waits.as_mut()).is_pending());
    assert_eq!(limit.status().in_flight, 1, "admitted while the service is not ready");
    state.store(0, Relaxed);
    assert_eq!(waits.as_mut().await, Ok(2));
    assert_eq!(limit.status().in_flight, 0);
    drop((failed, waits));
    assert!(limit.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_layer_stands_among_those_whose_errors_are_boxed() {
    let limit = Limit::new(1).unwrap();
    let inner = tower::service_fn(|n: u32| async move { if n == 0 { Err(BoxError::from("nought")) } else { Ok(n) } });
    let service = ServiceBuilder::new()
        .buffer(4)
        .layer(limit.layer())
        .timeout(ms(100))
        .service(inner);
    let boxed = tower::util::BoxCloneService::new(service);
    assert_eq!(boxed.clone().oneshot(5).await.unwrap(), 5);
    assert_eq!(boxed.clone().oneshot(0).await.unwrap_err().to_string(), "nought");
    limit.close();
    let refused = boxed.oneshot(5).await.unwrap_err();
    assert_eq!(refused.to_string(), "the limit is closed");
}
