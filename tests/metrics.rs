//! What a recorder of the crate `metrics` is told, and when.
#![cfg(feature = "metrics")]

mod common;

use common::*;
use fairpool::Pool;
use fairpool::export::MetricsExporter;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Mutex, mpsc};

/// What was told since the last look, by name and labels but the pool's. A look sets everything to zero.
fn look(snapshotter: &Snapshotter) -> BTreeMap<String, DebugValue> {
    let told = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, unit, help, value)| {
            let (name, labels) = key.key().clone().into_parts();
            assert!(help.is_some(), "{name:?} is not described");
            let seconds = name.as_str().ends_with("_time") || name.as_str().ends_with("_wait");
            assert_eq!(
                unit,
                Some(if seconds { Unit::Seconds } else { Unit::Count }),
                "{name:?}"
            );
            let labels: BTreeMap<_, _> = labels.iter().map(|label| (label.key(), label.value())).collect();
            let pool = labels["db.client.connection.pool.name"];
            let more = labels
                .values()
                .filter(|value| **value != pool)
                .map(|value| format!(" {value}"));
            (format!("{pool} {}{}", name.as_str(), more.collect::<String>()), value)
        });
    told.collect()
}

#[track_caller]
fn shows(told: &BTreeMap<String, DebugValue>, expected: &[(&str, DebugValue)]) {
    for (name, value) in expected {
        assert_eq!(told.get(*name), Some(value), "{name}");
    }
}

fn gauge(value: f64) -> DebugValue {
    DebugValue::Gauge(value.into())
}

fn times<const N: usize>(seconds: [f64; N]) -> DebugValue {
    DebugValue::Histogram(seconds.map(Into::into).to_vec())
}

#[tokio::test(start_paused = true)]
async fn durations_are_told_at_once_the_rest_at_a_refresh() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let exporter = MetricsExporter::new().with_use_time(1);
    let backend = Backend::default();
    let builder = Pool::builder(backend.clone())
        .limit(2)
        .name("orders")
        .exporter(exporter.clone());
    let pool = builder.build().unwrap();
    backend.connect.then([Act::Takes(4)]);
    let held = pool.acquire().await.unwrap();
    tokio::time::sleep(ms(16)).await;
    drop(held);
    let told = look(&snapshotter);
    shows(
        &told,
        &[
            ("orders db.client.connection.create_time", times([0.004])),
            ("orders db.client.connection.wait_time", times([0.004])),
            ("orders db.client.connection.use_time", times([0.016])),
        ],
    );
    assert!(!told.contains_key("orders db.client.connection.max"));
    for _ in 0..3 {
        drop(pool.acquire().await.unwrap());
    }
    let held = pool.acquire().await.unwrap();
    assert!(pool.acquire_within(ms(0)).await.is_err());
    exporter.refresh();
    shows(
        &look(&snapshotter),
        &[
            ("orders db.client.connection.count used", gauge(1.0)),
            ("orders db.client.connection.count idle", gauge(0.0)),
            ("orders db.client.connection.max", gauge(2.0)),
            ("orders db.client.connection.timeouts", DebugValue::Counter(1)),
            ("orders fairpool.requests.unserved timed_out", DebugValue::Counter(1)),
            ("orders fairpool.requests.unserved cancelled", DebugValue::Counter(0)),
            ("orders fairpool.leases", DebugValue::Counter(4)),
            // Those that did not wait.
            ("orders db.client.connection.wait_time", times([0.0; 3])),
        ],
    );
    drop(held);
    exporter.refresh();
    shows(
        &look(&snapshotter),
        &[
            ("orders fairpool.leases", DebugValue::Counter(1)),
            ("orders db.client.connection.timeouts", DebugValue::Counter(0)),
            ("orders db.client.connection.wait_time", times([0.0])),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn the_gauges_of_a_dropped_pool_end_at_zero_and_none_of_its_counts_is_lost() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let exporter = MetricsExporter::new();
    let build = || {
        Pool::builder(Backend::default())
            .name("orders")
            .exporter(exporter.clone())
            .build()
            .unwrap()
    };
    let pool = build();
    drop(pool.acquire().await.unwrap());
    exporter.refresh();
    shows(
        &look(&snapshotter),
        &[
            ("orders db.client.connection.count idle", gauge(1.0)),
            ("orders fairpool.connections.opened", DebugValue::Counter(1)),
        ],
    );
    drop(pool);
    settle().await;
    exporter.refresh();
    shows(
        &look(&snapshotter),
        &[
            ("orders db.client.connection.count idle", gauge(0.0)),
            ("orders db.client.connection.max", gauge(0.0)),
            ("orders fairpool.pools open", gauge(0.0)),
            ("orders fairpool.connections.opened", DebugValue::Counter(0)),
            ("orders fairpool.connections.closed retired", DebugValue::Counter(1)),
        ],
    );
    let successor = build();
    drop(successor.acquire().await.unwrap());
    exporter.refresh();
    shows(
        &look(&snapshotter),
        &[
            ("orders fairpool.pools open", gauge(1.0)),
            ("orders fairpool.connections.opened", DebugValue::Counter(1)),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_it_fresh_refreshes_and_keeps_no_pool() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let exporter = MetricsExporter::new();
    let pool = Pool::builder(Backend::default())
        .name("orders")
        .exporter(exporter.clone())
        .build()
        .unwrap();
    let mut fresh = pin!(exporter.keep_fresh(ms(100)));
    assert!(poll(fresh.as_mut()).is_pending());
    shows(&look(&snapshotter), &[("orders db.client.connection.max", gauge(10.0))]);
    pool.set_limit(7).unwrap();
    tokio::time::sleep(ms(101)).await;
    assert!(poll(fresh.as_mut()).is_pending());
    shows(&look(&snapshotter), &[("orders db.client.connection.max", gauge(7.0))]);
    drop(pool);
    settle().await;
    tokio::time::sleep(ms(101)).await;
    assert!(poll(fresh.as_mut()).is_pending());
    shows(&look(&snapshotter), &[("orders fairpool.pools open", gauge(0.0))]);
}

/// Passes everything on; the first gauge that is told waits until it may.
struct Gate<'a> {
    recorder: &'a DebuggingRecorder,
    reached: mpsc::SyncSender<()>,
    opened: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Recorder for Gate<'_> {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.recorder.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        if let Some(opened) = self.opened.lock().unwrap().take() {
            self.reached.send(()).unwrap();
            opened.recv().unwrap();
        }
        self.recorder.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.recorder.register_histogram(key, metadata)
    }
}

#[test]
fn a_refresh_that_is_slow_tells_nothing_older_than_one_that_began_later() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let exporter = MetricsExporter::new();
    let builder = Pool::builder(Backend::default()).name("orders").limit(3);
    let pool = metrics::with_local_recorder(&recorder, || builder.exporter(exporter.clone()).build().unwrap());
    let ((reached, is_reached), (open, opened)) = (mpsc::sync_channel(1), mpsc::channel());
    let gate = Gate {
        recorder: &recorder,
        reached,
        opened: Mutex::new(Some(opened)),
    };
    std::thread::scope(|threads| {
        threads.spawn(|| metrics::with_local_recorder(&gate, || exporter.refresh()));
        is_reached.recv().unwrap();
        // The slow one has seen the pool. It goes, and another refresh tells so, or waits.
        drop(pool);
        let later = threads.spawn(|| metrics::with_local_recorder(&recorder, || exporter.refresh()));
        let patience = std::time::Instant::now() + ms(50);
        while !later.is_finished() && std::time::Instant::now() < patience {
            std::thread::yield_now();
        }
        open.send(()).unwrap();
    });
    shows(&look(&snapshotter), &[("orders db.client.connection.max", gauge(0.0))]);
}
