//! The layer over a limit: in order, bounded, clearable, drainable, and it keeps no permit that is not used.
#![cfg(feature = "tower")]

mod common;

use common::{ms, poll, settle};
use fairpool::{Limit, LimitError, Limited, LimitedError};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt};

/// Answers its request when it is let go; counts those inside.
#[derive(Debug, Clone)]
struct Fragile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gate: Semaphore,
    inside: AtomicU32,
    peak: AtomicU32,
    order: Mutex<Vec<u32>>,
}

impl Fragile {
    fn new() -> Self {
        Fragile(Arc::new(Inner {
            gate: Semaphore::new(0),
            inside: AtomicU32::new(0),
            peak: AtomicU32::new(0),
            order: Mutex::default(),
        }))
    }
}

impl Service<u32> for Fragile {
    type Response = u32;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<u32, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        struct Inside(Arc<Inner>);
        impl Drop for Inside {
            fn drop(&mut self) {
                self.0.inside.fetch_sub(1, Relaxed);
            }
        }
        let inner = self.0.clone();
        Box::pin(async move {
            inner.order.lock().unwrap().push(request);
            inner.peak.fetch_max(inner.inside.fetch_add(1, Relaxed) + 1, Relaxed);
            let inside = Inside(inner.clone());
            inner.gate.acquire().await.unwrap().forget();
            drop(inside);
            match request {
                13 => Err("unlucky"),
                7 => panic!("the service panics"),
                other => Ok(other),
            }
        })
    }
}

fn fragile(limit: &Limit) -> (Limited<Fragile>, Fragile) {
    let service = Fragile::new();
    (limit.layer().layer(service.clone()), service)
}

#[tokio::test(start_paused = true)]
async fn requests_go_in_by_their_order_and_never_more_than_the_limit() {
    let limit = Limit::new(2).unwrap();
    let (service, inside) = fragile(&limit);
    let requests: Vec<_> = (100..120)
        .map(|number| tokio::spawn(service.clone().oneshot(number)))
        .collect();
    settle().await;
    assert_eq!((limit.status().in_flight, limit.status().pending), (2, 18));
    inside.0.gate.add_permits(20);
    for (request, number) in requests.into_iter().zip(100..) {
        assert_eq!(request.await.unwrap(), Ok(number));
    }
    assert_eq!(inside.0.peak.load(Relaxed), 2);
    assert_eq!(*inside.0.order.lock().unwrap(), (100..120).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_full_cleared_late_or_closed_line_refuses_without_asking_the_service() {
    let limit = Limit::builder(1).queue_limit(1).timeout(ms(10)).build().unwrap();
    let (service, inside) = fragile(&limit);
    let _busy = limit.try_acquire().unwrap();
    let refusal = |answer| match answer {
        Poll::Ready(Err(LimitedError::Refused(error))) => error,
        other => panic!("{other:?}"),
    };
    let mut waits = Box::pin(service.clone().oneshot(1));
    assert!(poll(waits.as_mut()).is_pending());
    let full = Box::pin(service.clone().oneshot(2));
    assert_eq!(
        refusal(Poll::Ready(full.await)),
        LimitError::QueueFull { queue_limit: 1 }
    );
    assert_eq!(limit.clear(), 1);
    assert_eq!(refusal(poll(waits.as_mut())), LimitError::Cleared);
    assert!(matches!(
        refusal(Poll::Ready(service.clone().oneshot(3).await)),
        LimitError::Timeout(_)
    ));
    limit.close();
    assert_eq!(refusal(Poll::Ready(service.oneshot(4).await)), LimitError::Closed);
    assert!(inside.0.order.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_in_line_or_in_the_service_leaves_its_place_to_the_next() {
    let limit = Limit::new(1).unwrap();
    let (service, inside) = fragile(&limit);
    let mut requests: Vec<_> = (0..3).map(|number| Box::pin(service.clone().oneshot(number))).collect();
    for request in &mut requests {
        assert!(poll(request.as_mut()).is_pending());
    }
    drop(requests.remove(1));
    assert_eq!(limit.status().pending, 1);
    drop(requests.remove(0));
    assert_eq!(
        (
            limit.status().pending,
            limit.status().in_flight,
            inside.0.inside.load(Relaxed)
        ),
        (0, 1, 0)
    );
    inside.0.gate.add_permits(1);
    assert_eq!(requests.remove(0).await, Ok(2));
    assert_eq!(limit.status().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn an_error_and_a_panic_of_the_service_give_the_permit_back() {
    let limit = Limit::new(1).unwrap();
    let (service, inside) = fragile(&limit);
    inside.0.gate.add_permits(2);
    assert_eq!(service.clone().oneshot(13).await, Err(LimitedError::Service("unlucky")));
    assert!(tokio::spawn(service.oneshot(7)).await.unwrap_err().is_panic());
    assert_eq!(limit.status().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_found_ready_and_never_called_keeps_no_permit() {
    let limit = Limit::new(1).unwrap();
    let (mut service, inside) = fragile(&limit);
    let idle = service.clone();
    let mut idle = idle.ready_oneshot().await.unwrap();
    inside.0.gate.add_permits(2);
    assert_eq!(service.ready().await.unwrap().call(1).await, Ok(1));
    assert_eq!(idle.call(2).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_finished_request_that_is_kept_does_not_keep_its_permit() {
    let limit = Limit::new(1).unwrap();
    let echo = tower::service_fn(|number: u32| async move { Ok::<_, Infallible>(number) });
    let mut service = limit.layer().layer(echo);
    let mut kept = Box::pin(service.call(5));
    assert_eq!(poll(kept.as_mut()), Poll::Ready(Ok(5)));
    assert_eq!(limit.status().in_flight, 0);
    drop(kept);
}
