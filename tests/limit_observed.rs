//! What is told and shown of a limit's line.

mod common;

use common::{ms, poll, settle};
use fairpool::{Activity, Ending, Event, Interest, Limit, Observer, Scope};
use std::pin::pin;
use std::sync::{Arc, Mutex};

/// Remembers events, and how scopes ended.
#[derive(Default)]
struct Waits(Arc<Mutex<Vec<Ending>>>, Mutex<Vec<String>>);

struct Wait(Arc<Mutex<Vec<Ending>>>);

impl Observer for Waits {
    fn on(&self, event: &Event) {
        self.1.lock().unwrap().push(format!("{event:?}"));
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_scopes()
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        assert_eq!(activity, Activity::Wait);
        Some(Box::new(Wait(self.0.clone())))
    }
}

impl Scope for Wait {
    fn ended(&self, ending: Ending) {
        self.0.lock().unwrap().push(ending);
    }
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_wait_is_told() {
    let waits = Arc::new(Waits::default());
    let limit = Limit::builder(1)
        .queue_limit(1)
        .observer(waits.clone())
        .build()
        .unwrap();
    let held = limit.acquire_owned().await.unwrap();
    assert!(limit.acquire_within(ms(5)).await.is_err());
    {
        let mut cancelled = pin!(limit.acquire());
        assert!(poll(cancelled.as_mut()).is_pending());
        assert!(limit.acquire().await.is_err(), "the line is full");
    }
    let mut cleared = pin!(limit.acquire());
    assert!(poll(cleared.as_mut()).is_pending());
    limit.clear();
    assert!(cleared.await.is_err());
    let mut served = pin!(limit.acquire());
    assert!(poll(served.as_mut()).is_pending());
    tokio::time::sleep(ms(3)).await;
    drop(held);
    let held = served.await.unwrap();
    let mut closed = pin!(limit.acquire());
    assert!(poll(closed.as_mut()).is_pending());
    limit.close();
    assert!(closed.await.is_err());
    drop(held);
    let expected = [
        "Queued",
        "TimedOut { waited: 5ms }",
        "Queued",
        "QueueFull",
        "Cancelled",
        "Queued",
        "Cleared { requests: 1 }",
        "Queued",
        "Acquired { waited: 3ms, order: None }",
        "Queued",
        "Refused { closed: true }",
    ];
    assert_eq!(*waits.1.lock().unwrap(), expected);
    let endings = [
        Ending::TimedOut,
        Ending::Cancelled,
        Ending::Cleared,
        Ending::Done,
        Ending::Closed,
    ];
    assert_eq!(*waits.0.lock().unwrap(), endings);
    settle().await;
}

#[cfg(feature = "prometheus")]
#[tokio::test(start_paused = true)]
async fn a_limit_and_a_pool_of_one_name_are_shown_each() {
    use fairpool::Pool;
    use fairpool::export::PrometheusExporter;

    let prometheus = PrometheusExporter::new();
    let pool = Pool::builder(common::Backend::default())
        .name("orders")
        .exporter(prometheus.clone())
        .build()
        .unwrap();
    let builder = Limit::builder(2).name("orders").queue_limit(1);
    let limit = builder.exporter(prometheus.clone()).build().unwrap();
    let (_first, _second) = (limit.acquire().await.unwrap(), limit.acquire().await.unwrap());
    let mut waiting = pin!(limit.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    assert!(limit.acquire().await.is_err(), "the line is full");
    tokio::time::sleep(ms(250)).await;
    let page = prometheus.render();
    for line in [
        "fairpool_limit_in_flight{fairpool_limit_name=\"orders\"} 2",
        "fairpool_limit_max{fairpool_limit_name=\"orders\"} 2",
        "fairpool_limit_pending_requests{fairpool_limit_name=\"orders\"} 1",
        "fairpool_limit_oldest_wait_seconds{fairpool_limit_name=\"orders\"} 0.25",
        "fairpool_limit_unserved_total{fairpool_limit_name=\"orders\",fairpool_reason=\"queue_full\"} 1",
        "db_client_connection_max{db_client_connection_pool_name=\"orders\"} 10",
    ] {
        assert!(page.lines().any(|said| said == line), "{line} is not in\n{page}");
    }
    drop(pool);
    settle().await;
    let page = prometheus.render();
    assert!(page.contains("fairpool_limit_max") && !page.contains("db_client_connection_max"));
}
