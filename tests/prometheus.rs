//! What Prometheus is shown: names and figures as documented, each series once, and only of pools that live.
#![cfg(feature = "prometheus")]

mod common;

use common::*;
use fairpool::export::PrometheusExporter;
use fairpool::{Builder, Manager, Pool};
use prometheus_client::registry::Registry;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

/// A page by its series, as `name{labels}` without the pool's name where that is `orders`.
struct Page(BTreeMap<String, f64>);

impl Page {
    fn of(prometheus: &PrometheusExporter) -> Self {
        Page::read(&prometheus.render())
    }

    fn read(text: &str) -> Self {
        assert!(text.ends_with("# EOF\n"));
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            let name = name
                .replace("db_client_connection_pool_name=\"orders\"", "")
                .replace("{,", "{")
                .replace(",}", "}")
                .replace("{}", "");
            assert_eq!(
                series.insert(name, value.parse().expect("a number")),
                None,
                "{line} is there twice"
            );
        }
        Page(series)
    }

    #[track_caller]
    fn has(&self, expected: &[(&str, f64)]) {
        for (name, value) in expected {
            assert_eq!(self.0.get(*name), Some(value), "{name}");
        }
    }

    fn knows(&self, pool: &str) -> bool {
        self.0
            .keys()
            .any(|series| series.contains(&format!("pool_name=\"{pool}\"")))
    }
}

fn shown<M: Manager>(manager: M, name: &str, prometheus: &PrometheusExporter) -> Builder<M> {
    Pool::builder(manager).limit(2).name(name).exporter(prometheus.clone())
}

#[tokio::test(start_paused = true)]
async fn what_stands_there_now() {
    let prometheus = PrometheusExporter::new();
    let backend = Backend::default();
    let pool = shown(backend.clone(), "orders", &prometheus)
        .limit(3)
        .min_idle(1)
        .build()
        .unwrap();
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    backend.connect.then([Act::Hangs]);
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    tokio::time::sleep(ms(1500)).await;
    pool.invalidate();
    Page::of(&prometheus).has(&[
        ("db_client_connection_count{db_client_connection_state=\"used\"}", 2.0),
        ("db_client_connection_count{db_client_connection_state=\"idle\"}", 0.0),
        ("db_client_connection_max", 3.0),
        ("db_client_connection_idle_max", 3.0),
        ("db_client_connection_idle_min", 1.0),
        ("db_client_connection_pending_requests", 1.0),
        ("fairpool_connection_upkeep{fairpool_upkeep=\"connecting\"}", 1.0),
        ("fairpool_oldest_wait_seconds", 1.5),
        ("fairpool_generation", 1.0),
        ("fairpool_pools{fairpool_state=\"open\"}", 1.0),
        ("fairpool_pools{fairpool_state=\"paused\"}", 0.0),
    ]);
    pool.pause();
    drop((first, second));
    settle().await;
    Page::of(&prometheus).has(&[
        ("db_client_connection_count{db_client_connection_state=\"used\"}", 0.0),
        ("fairpool_pools{fairpool_state=\"open\"}", 0.0),
        ("fairpool_pools{fairpool_state=\"paused\"}", 1.0),
        ("fairpool_connections_closed_total{fairpool_reason=\"retired\"}", 2.0),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_has_happened_and_how_long_it_took() {
    let prometheus = PrometheusExporter::new().with_use_time(1);
    let backend = Backend::default();
    let builder = shown(backend.clone(), "orders", &prometheus)
        .limit(1)
        .queue_limit(Some(1));
    let pool = builder.report_leases_over(ms(100)).build().unwrap();
    backend.connect.then([Act::Fails, Act::Takes(30)]);
    let held = pool.acquire().await.unwrap();
    tokio::time::sleep(ms(200)).await;
    {
        let mut cancelled = pin!(pool.acquire());
        assert!(poll(cancelled.as_mut()).is_pending());
        assert!(pool.acquire().await.is_err(), "the line is full");
    }
    assert!(pool.acquire_within(ms(20)).await.is_err());
    for _ in 0..2 {
        let mut cleared = pin!(pool.acquire());
        assert!(poll(cleared.as_mut()).is_pending());
        pool.clear();
        assert!(cleared.await.is_err());
    }
    let mut waiting = pin!(pool.acquire());
    assert!(poll(waiting.as_mut()).is_pending());
    tokio::time::sleep(ms(3)).await;
    drop(held);
    waiting.await.unwrap().mark_broken();
    backend.reset.then([Act::Takes(7)]);
    drop(pool.acquire().await.unwrap());
    tokio::time::sleep(ms(700)).await;
    drop(pool.acquire().await.unwrap());
    for _ in 0..5 {
        drop(pool.acquire().await.unwrap());
    }
    settle().await;
    let page = Page::of(&prometheus);
    page.has(&[
        ("db_client_connection_timeouts_total", 1.0),
        ("fairpool_requests_unserved_total{fairpool_reason=\"timed_out\"}", 1.0),
        ("fairpool_requests_unserved_total{fairpool_reason=\"queue_full\"}", 1.0),
        ("fairpool_requests_unserved_total{fairpool_reason=\"cleared\"}", 2.0),
        ("fairpool_requests_unserved_total{fairpool_reason=\"cancelled\"}", 1.0),
        ("fairpool_connections_failed_total", 1.0),
        ("fairpool_connections_opened_total", 2.0),
        ("fairpool_connections_closed_total{fairpool_reason=\"broken\"}", 1.0),
        ("fairpool_connections_closed_total{fairpool_reason=\"idle\"}", 0.0),
        ("fairpool_warnings_total{fairpool_warning=\"long_lease\"}", 1.0),
        ("fairpool_leases_total", 9.0),
        ("db_client_connection_create_time_seconds_count", 2.0),
        ("db_client_connection_create_time_seconds_sum", 0.03),
        ("db_client_connection_create_time_seconds_bucket{le=\"0.01\"}", 1.0),
        ("db_client_connection_create_time_seconds_bucket{le=\"0.05\"}", 2.0),
        ("db_client_connection_use_time_seconds_count", 9.0),
        ("db_client_connection_use_time_seconds_bucket{le=\"0.1\"}", 8.0),
        ("fairpool_reset_time_seconds_sum", 0.007),
        ("fairpool_validate_time_seconds_count", 1.0),
        // Each lease once, whether it waited or not.
        ("db_client_connection_wait_time_seconds_count", 9.0),
        ("db_client_connection_wait_time_seconds_bucket{le=\"+Inf\"}", 9.0),
    ]);
    assert!(page.0["fairpool_requests_queued_total"] >= 6.0);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_did_not_wait_is_a_wait_of_zero_and_no_count_runs_backwards() {
    let prometheus = PrometheusExporter::new();
    let backend = Backend::default();
    let pool = shown(backend.clone(), "orders", &prometheus).build().unwrap();
    for _ in 0..10 {
        drop(pool.acquire().await.unwrap());
    }
    let count = || {
        let page = Page::of(&prometheus).0;
        let name = "db_client_connection_wait_time_seconds";
        (
            page[&format!("{name}_bucket{{le=\"0.00001\"}}")],
            page[&format!("{name}_count")],
        )
    };
    assert_eq!(count(), (10.0, 10.0));
    pool.invalidate();
    backend.connect.then([Act::Takes(2)]);
    let held = pool.acquire().await.unwrap();
    // The one that waited counts from its beginning, the others from their end.
    assert_eq!(count(), (10.0, 11.0));
    drop(held);
    assert_eq!(count(), (10.0, 11.0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_pool_disappears_and_the_others_stay() {
    let prometheus = PrometheusExporter::new();
    assert_eq!(prometheus.render(), "# EOF\n");
    let (orders, stock) = (
        shown(Backend::default(), "orders", &prometheus),
        shown(Backend::default(), "stock", &prometheus),
    );
    let (orders, stock) = (orders.build().unwrap(), stock.build().unwrap());
    let unnamed = Pool::builder(Backend::default())
        .exporter(prometheus.clone())
        .build()
        .unwrap();
    drop(orders.acquire().await.unwrap());
    let page = Page::of(&prometheus);
    assert!(page.knows("stock") && page.knows("Backend"));
    page.has(&[("fairpool_leases_total", 1.0)]);
    drop((orders, unnamed));
    settle().await;
    let page = Page::of(&prometheus);
    assert_eq!(page.0.get("fairpool_leases_total"), None);
    assert!(page.knows("stock") && !page.knows("Backend"));
    drop(stock);
    settle().await;
    assert_eq!(prometheus.render(), "# EOF\n");
    assert!(
        shown(Backend::default(), "never", &prometheus)
            .limit(0)
            .build()
            .is_err()
    );
    assert_eq!(prometheus.render(), "# EOF\n", "a pool that was not built is not shown");
}

#[tokio::test(start_paused = true)]
async fn pools_of_one_name_are_one_and_what_a_gone_one_counted_stays() {
    let prometheus = PrometheusExporter::new();
    let build = || shown(Backend::default(), "orders", &prometheus).build().unwrap();
    let (first, second) = (build(), build());
    drop(first.acquire().await.unwrap());
    let held = second.acquire().await.unwrap();
    let figures = |limit: f64, used: f64, open: f64, closed: f64| {
        let page = Page::of(&prometheus);
        page.has(&[
            ("db_client_connection_max", limit),
            ("db_client_connection_count{db_client_connection_state=\"used\"}", used),
            ("fairpool_pools{fairpool_state=\"open\"}", open),
            ("fairpool_connections_opened_total", 2.0),
            ("fairpool_connections_closed_total{fairpool_reason=\"retired\"}", closed),
            ("fairpool_leases_total", 1.0),
            ("db_client_connection_create_time_seconds_count", 2.0),
        ]);
    };
    figures(4.0, 1.0, 2.0, 0.0);
    drop(first);
    settle().await;
    figures(2.0, 1.0, 1.0, 1.0);
    figures(2.0, 1.0, 1.0, 1.0);
    drop(held);
    drop(second);
    settle().await;
    assert_eq!(prometheus.render(), "# EOF\n");
    let third = build();
    Page::of(&prometheus).has(&[("fairpool_connections_opened_total", 0.0)]);
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn a_registry_of_ones_own_shows_them_with_its_prefix_and_labels() {
    let prometheus = PrometheusExporter::new();
    let pool = shown(Backend::default(), "orders", &prometheus).build().unwrap();
    let labels = [(Cow::from("zone"), Cow::from("a"))].into_iter();
    let mut registry = Registry::with_prefix_and_labels("shop", labels);
    registry.register_collector(Box::new(prometheus.clone()));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    Page::read(&text).has(&[("shop_db_client_connection_max{zone=\"a\"}", 2.0)]);
    assert!(text.contains("# UNIT shop_db_client_connection_wait_time_seconds seconds\n"));
    drop(pool);
}

#[tokio::test(start_paused = true)]
async fn a_strange_name_is_escaped() {
    let prometheus = PrometheusExporter::new();
    let pool = shown(Backend::default(), "a \"b\"\\\n} 7", &prometheus)
        .build()
        .unwrap();
    let line = r#"db_client_connection_max{db_client_connection_pool_name="a \"b\"\\\n} 7"} 2"#;
    assert!(prometheus.render().lines().any(|said| said == line));
    drop(pool);
}

#[test]
fn pages_rendered_while_leases_run_are_whole() {
    let prometheus = PrometheusExporter::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let pool = shown(Backend::default(), "orders", &prometheus)
        .limit(3)
        .build()
        .unwrap();
    let users: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            runtime.spawn(async move {
                for _ in 0..2_000 {
                    let conn = pool.acquire().await.unwrap();
                    tokio::task::yield_now().await;
                    drop(conn);
                }
            })
        })
        .collect();
    let mut before = BTreeMap::new();
    while users.iter().any(|user| !user.is_finished()) {
        let page = Page::of(&prometheus).0;
        for (name, value) in &page {
            if ["_total", "_bucket", "_count"]
                .iter()
                .any(|kind| name.split('{').next().is_some_and(|name| name.ends_with(kind)))
                && !name.starts_with("db_client_connection_count")
            {
                let earlier: f64 = before.insert(name.clone(), *value).unwrap_or_default();
                assert!(*value >= earlier, "{name} fell from {earlier} to {value}");
            }
        }
    }
    runtime
        .block_on(async { futures::future::join_all(users).await })
        .into_iter()
        .for_each(|user| user.unwrap());
    let page = Page::of(&prometheus);
    page.has(&[
        ("fairpool_leases_total", 16_000.0),
        ("db_client_connection_wait_time_seconds_count", 16_000.0),
    ]);
    runtime.shutdown_timeout(Duration::from_secs(5));
}
