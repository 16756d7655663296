//! Systems and connectors: the three modes, one deadline over two stages, and errors that name the stage.

mod common;

use common::{Act, Backend, Log, ms, poll, settle};
use fairpool::{
    AcquireError, CloseReason, Connector, ConnectorError, Event, Limit, LimitError, Management, Stage, State, System,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

fn system_of(limit: u32) -> (System<Backend>, Backend) {
    let backend = Backend::default();
    let system = System::builder(backend.clone(), limit).name("orders").build();
    (system.expect("in range"), backend)
}

fn connector(system: &System<Backend>, name: &str, management: Management) -> Connector<Backend> {
    system.connector(name).management(management).build().expect("in range")
}

#[tokio::test(start_paused = true)]
async fn connectors_in_general_mode_share_one_pool_and_one_line() {
    let (system, backend) = system_of(1);
    let (shop, cron) = (
        connector(&system, "shop", Management::General),
        connector(&system, "cron", Management::General),
    );
    let held = shop.acquire().await.unwrap();
    let (mut first, mut second) = (Box::pin(cron.acquire()), Box::pin(shop.acquire()));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    assert_eq!(system.pool().status().pending, 2);
    drop(held);
    assert!(poll(second.as_mut()).is_pending());
    assert!(poll(first.as_mut()).is_ready());
    assert_eq!(backend.made(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_custom_connector_has_connections_and_a_line_of_its_own() {
    let (system, backend) = system_of(1);
    let own = connector(&system, "reports", Management::Custom(2));
    let _general = system.pool().acquire().await.unwrap();
    let (_one, _two) = (own.acquire().await.unwrap(), own.acquire().await.unwrap());
    let mut third = Box::pin(own.acquire());
    assert!(poll(third.as_mut()).is_pending());
    assert_eq!((own.pool().status().pending, system.pool().status().pending), (1, 0));
    assert_eq!((backend.live(), system.status().occupied_elsewhere), (3, 2));
    own.set_management(Management::Custom(3)).unwrap();
    let _three = third.await.unwrap();
    for size in [0, 65_537] {
        let error = own.set_management(Management::Custom(size)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("custom size is {size}, but must be from 1 to 65536")
        );
    }
    assert_eq!(own.management(), Management::Custom(3));
    assert_eq!((system.pool().name(), own.pool().name()), ("orders", "orders/reports"));
}

#[tokio::test(start_paused = true)]
async fn without_a_pool_each_lease_has_a_connection_of_its_own_that_is_closed_after_it() {
    let backend = Backend::default();
    let log = Arc::new(Log::default());
    let listener = log.clone();
    let system = System::builder(backend.clone(), 1)
        .pools(move |pool| pool.observer(listener.clone()))
        .build()
        .unwrap();
    let none = connector(&system, "loose", Management::None);
    backend.close.always(Act::Takes(5));
    let leases = [
        none.acquire().await.unwrap(),
        none.acquire().await.unwrap(),
        none.acquire().await.unwrap(),
    ];
    assert_eq!(leases.each_ref().map(|lease| lease.number), [1, 2, 3]);
    assert_eq!(
        (
            none.status().pool.in_use,
            none.status().pool.idle,
            system.pool().status().in_use
        ),
        (3, 0, 0)
    );
    drop(leases);
    assert_eq!((none.status().pool.in_use, none.status().pool.closing), (0, 3));
    tokio::time::sleep(ms(6)).await;
    assert_eq!(
        (none.status().pool.occupied(), backend.live(), backend.close.calls()),
        (0, 0, 3)
    );
    assert_eq!(
        log.count(|event| matches!(
            event,
            Event::Closed {
                reason: CloseReason::Unpooled
            }
        )),
        3
    );
    assert_eq!(backend.reset.calls(), 0, "what is closed need not be clean");
}

#[tokio::test(start_paused = true)]
async fn without_a_pool_a_failure_to_connect_is_told_at_once_and_leaves_nothing_behind() {
    let (system, backend) = system_of(1);
    let none = connector(&system, "loose", Management::None);
    let connection = |failed: Result<_, ConnectorError<_>>| match failed.map(drop) {
        Err(ConnectorError::Connection { error, .. }) => error,
        other => panic!("{other:?}"),
    };
    backend
        .connect
        .then([Act::Fails, Act::Panics, Act::Hangs, Act::Takes(10)]);
    assert!(matches!(connection(none.acquire().await), AcquireError::Connect(_)));
    assert!(matches!(
        connection(none.acquire().await),
        AcquireError::ConnectPanicked
    ));
    let began = tokio::time::Instant::now();
    let error = connection(none.acquire_within(ms(70)).await);
    assert!(matches!(error, AcquireError::Timeout(_)), "{error}");
    assert!(began.elapsed() <= ms(71));
    // Given up in the middle of its connect.
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    assert_eq!(none.status().pool.connecting, 1);
    drop(request);
    assert_eq!((none.status().pool.occupied(), backend.live()), (0, 0));
    drop(none.acquire().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn more_loose_connections_than_any_segment_holds_are_counted_and_closed() {
    let (system, backend) = system_of(1);
    let none = connector(&system, "loose", Management::None);
    let mut leases = Vec::new();
    for _ in 0..1_000 {
        leases.push(none.acquire().await.unwrap());
    }
    assert_eq!((none.status().pool.in_use, backend.live()), (1_000, 1_000));
    drop(leases);
    settle().await;
    assert_eq!((none.status().pool.occupied(), backend.live()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn p6_one_deadline_covers_both_stages_and_the_error_names_the_stage() {
    let (system, backend) = system_of(1);
    let limit = Limit::builder(1).name("exports").build().unwrap();
    let shop = system
        .connector("shop")
        .limit(limit.clone())
        .acquire_timeout(ms(100))
        .build()
        .unwrap();

    let admitted = limit.acquire_owned().await.unwrap();
    let began = tokio::time::Instant::now();
    let error = shop.acquire().await.unwrap_err();
    assert_eq!((error.stage(), error.is_timeout()), (Stage::Limit, true));
    assert!(began.elapsed() <= ms(101));
    let text = error.to_string();
    assert!(
        text.starts_with("connector 'shop' (stage limit, 'exports'): not admitted after 10"),
        "{text}"
    );
    assert_eq!(backend.connect.calls(), 0, "the system was asked before the limit");

    // 60 ms pass at the first stage: 40 are left for the second.
    let _busy = system.pool().acquire().await.unwrap();
    let began = tokio::time::Instant::now();
    let release = async {
        tokio::time::sleep(ms(60)).await;
        drop(admitted);
    };
    let (failed, ()) = tokio::join!(shop.acquire(), release);
    let error = failed.unwrap_err();
    assert!(
        began.elapsed() >= ms(100) && began.elapsed() <= ms(102),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((error.stage(), error.is_timeout()), (Stage::Connection, true));
    let text = error.to_string();
    assert!(
        text.contains("(stage connection, system 'orders', admitted after 6"),
        "{text}"
    );
    assert!(text.contains("every connection was in use"), "{text}");
    assert_eq!(limit.status().in_flight, 0, "the failed request kept its permit");
}

#[tokio::test(start_paused = true)]
async fn a_lease_gives_back_its_connection_before_its_permit() {
    struct Look(System<Backend>, AtomicU32);
    impl Wake for Look {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0.pool().status().idle + 1, Relaxed);
        }
    }
    let (system, _) = system_of(1);
    let limit = Limit::new(1).unwrap();
    let shop = system.connector("shop").limit(limit.clone()).build().unwrap();
    let lease = shop.acquire().await.unwrap();
    let look = Arc::new(Look(system.clone(), AtomicU32::new(0)));
    let waker = Waker::from(look.clone());
    let mut next = Box::pin(shop.acquire());
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!((limit.status().pending, system.pool().status().pending), (1, 0));
    drop(lease);
    assert_eq!(look.1.load(Relaxed), 2, "admitted before the connection was back");
    assert!(poll(next.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_limit_over_two_systems_admits_in_order_and_clear_leaves_those_it_admitted() {
    let ((orders, _), (stock, backend)) = (system_of(4), system_of(4));
    let limit = Limit::new(2).unwrap();
    let under = |system: &System<Backend>| system.connector("c").limit(limit.clone()).build().unwrap();
    let (a, b) = (under(&orders), under(&stock));
    let _first = a.acquire().await.unwrap();
    backend.connect.always(Act::Takes(50));
    let mut second = Box::pin(b.acquire());
    assert!(poll(second.as_mut()).is_pending());
    assert_eq!((limit.status().in_flight, stock.pool().status().pending), (2, 1));
    let mut third = Box::pin(a.acquire());
    assert!(poll(third.as_mut()).is_pending());
    assert_eq!(limit.clear(), 1);
    let Poll::Ready(Err(error)) = poll(third.as_mut()) else {
        panic!("not cleared")
    };
    assert!(
        matches!(
            error,
            ConnectorError::Limit {
                error: LimitError::Cleared,
                ..
            }
        ),
        "{error}"
    );
    assert!(second.await.is_ok(), "clear removed a request that had been admitted");
}

#[tokio::test(start_paused = true)]
async fn a_custom_pool_that_is_left_serves_its_line_and_then_closes() {
    let (system, backend) = system_of(1);
    let shop = connector(&system, "shop", Management::Custom(1));
    let own = shop.pool();
    let lease = shop.acquire().await.unwrap();
    let mut waits = Box::pin(shop.acquire());
    assert!(poll(waits.as_mut()).is_pending());

    shop.set_management(Management::General).unwrap();
    assert_eq!((own.status().state, own.status().pending), (State::Draining, 1));
    let later = shop.acquire().await.unwrap();
    assert_eq!(later.number, 2, "a later request went the old way");
    drop(lease);
    let served = waits.await.unwrap();
    assert_eq!(served.number, 1, "the one that waited was not served where it was");
    drop(served);
    settle().await;
    assert_eq!((own.status().state, own.status().occupied()), (State::Closed, 0));
    assert_eq!(backend.live(), 1);
    drop(later);
    assert_eq!(system.pool().status().idle, 1);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_is_dropped_closes_its_own_pool_after_the_last_lease() {
    let (system, backend) = system_of(1);
    let shop = connector(&system, "shop", Management::Custom(2));
    let (out, back) = (shop.acquire().await.unwrap(), shop.acquire().await.unwrap());
    drop(back);
    drop(shop);
    settle().await;
    assert_eq!(backend.live(), 1);
    assert_eq!(system.status().connectors.len(), 0);
    drop(out);
    settle().await;
    assert_eq!(backend.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn invalidate_and_drain_reach_every_pool_of_a_system() {
    let (system, backend) = system_of(1);
    let (shop, none) = (
        connector(&system, "shop", Management::Custom(1)),
        connector(&system, "loose", Management::None),
    );
    drop(shop.acquire().await.unwrap());
    drop(system.pool().acquire().await.unwrap());
    system.invalidate();
    settle().await;
    assert_eq!(backend.live(), 0);
    let (one, two) = (shop.acquire().await.unwrap(), none.acquire().await.unwrap());
    let report = system.drain(Duration::from_secs(1));
    let leave = async {
        tokio::time::sleep(ms(20)).await;
        drop((one, two));
    };
    let (report, ()) = tokio::join!(report, leave);
    assert!(report.completed() && report.pools.len() == 3, "{report:?}");
    assert_eq!(backend.live(), 0);
    shop.set_management(Management::Custom(4)).unwrap();
    for management in [Management::General, Management::Custom(1), Management::None] {
        shop.set_management(management).unwrap();
        let error = shop.acquire().await.unwrap_err();
        assert!(
            matches!(
                error,
                ConnectorError::Connection {
                    error: AcquireError::Closed(_),
                    ..
                }
            ),
            "{error}"
        );
    }
}
