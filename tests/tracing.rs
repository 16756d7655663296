//! What a subscriber of the crate `tracing` sees: spans only where something takes time, each ended, and events by level.
#![cfg(feature = "tracing")]

mod common;

use common::*;
use fairpool::Pool;
use fairpool::export::TracingExporter;
use std::fmt::Debug;
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What is seen, in a line each.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0.insert_str(0, &format!("{value:?}")),
            name => self.0.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Words {
    fn of(record: impl FnOnce(&mut Words)) -> String {
        let mut words = Words::default();
        record(&mut words);
        words.0.replace(" db.client.connection.pool.name=\"orders\"", "")
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span
            .parent()
            .map_or(String::new(), |parent| format!(" in {}", parent.name()));
        self.push(
            span.metadata(),
            format!(
                "+ {}{parent}{}",
                span.name(),
                Words::of(|words| attributes.record(words))
            ),
        );
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        self.push(
            span.metadata(),
            format!("{}{}", span.name(), Words::of(|words| values.record(words))),
        );
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let within = context
            .event_span(event)
            .map_or(String::new(), |span| format!("{}: ", span.name()));
        let words = Words::of(|words| event.record(words));
        self.push(
            event.metadata(),
            format!("{} {within}{words}", event.metadata().level()),
        );
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        self.push(span.metadata(), format!("- {}", span.name()));
    }
}

impl Seen {
    /// Watches this thread for as long as the guard lives.
    fn watch() -> (Self, DefaultGuard) {
        let seen = Seen::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        (seen, tracing::subscriber::set_default(subscriber))
    }

    fn push(&self, metadata: &Metadata<'_>, line: String) {
        if metadata.target() == "fairpool" {
            self.0.lock().unwrap().push(line);
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Of these, those about spans.
    fn spans(&self) -> Vec<String> {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN].map(|level| level.to_string());
        let mut lines = self.take();
        lines.retain(|line| !levels.iter().any(|level| line.starts_with(level)));
        lines
    }
}

fn traced(limit: u32) -> (Pool<Backend>, Backend) {
    pool_with(|builder| builder.limit(limit).name("orders").exporter(TracingExporter::new()))
}

#[tokio::test(start_paused = true)]
async fn a_wait_and_a_connect_have_a_span_each_and_a_lease_without_them_none() {
    let (seen, _guard) = Seen::watch();
    let (pool, backend) = traced(1);
    backend.connect.then([Act::Fails, Act::Takes(30)]);
    let request = tracing::info_span!("request");
    let held = tracing::Instrument::instrument(pool.acquire(), request).await.unwrap();
    let expected = [
        "+ fairpool.wait in request",
        "TRACE request: a request waits",
        "TRACE a connect begins",
        "+ fairpool.connect",
        "WARN fairpool.connect: a connect failed took=0ns cause=connection refused",
        "fairpool.connect outcome=\"failed\"",
        "- fairpool.connect",
        "TRACE a connect begins",
        "+ fairpool.connect",
        "DEBUG fairpool.connect: a connection was opened took=30ms",
        "fairpool.connect outcome=\"done\"",
        "- fairpool.connect",
        "fairpool.wait outcome=\"done\"",
        "- fairpool.wait",
    ];
    let mut said = seen.take();
    let last = said.pop().unwrap();
    assert!(
        last.starts_with("TRACE request: a request was served waited="),
        "{last}"
    );
    let mut expected = expected.to_vec();
    said.sort();
    expected.sort();
    assert_eq!(said, expected);
    drop(held);
    drop(pool.acquire().await.unwrap());
    assert_eq!(seen.take(), Vec::<String>::new(), "nothing waits");
}

#[tokio::test(start_paused = true)]
async fn a_connect_runs_inside_its_span() {
    let (seen, _guard) = Seen::watch();
    let builder = Pool::builder(Backend::default())
        .name("orders")
        .exporter(TracingExporter::new());
    let builder = builder.after_connect(|_| {
        Box::pin(async {
            tracing::info!(target: "fairpool", "in the hook");
            tokio::time::sleep(ms(1)).await;
            tracing::info!(target: "fairpool", "and after a wait");
            Ok(())
        })
    });
    let pool = builder.build().unwrap();
    drop(pool.acquire().await.unwrap());
    let said = seen.take();
    assert!(
        said.contains(&"INFO fairpool.connect: in the hook".to_owned()),
        "{said:?}"
    );
    assert!(
        said.contains(&"INFO fairpool.connect: and after a wait".to_owned()),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_wait_ends_however_the_wait_does() {
    let (seen, _guard) = Seen::watch();
    let (pool, backend) = traced(1);
    let held = pool.acquire().await.unwrap();
    seen.take();
    let ended = |outcome: &str| {
        let expected = [
            "+ fairpool.wait".to_owned(),
            format!("fairpool.wait outcome=\"{outcome}\""),
            "- fairpool.wait".to_owned(),
        ];
        assert_eq!(seen.spans(), expected);
    };
    assert!(pool.acquire_within(ms(1)).await.is_err());
    ended("timed out");
    {
        let mut cancelled = pin!(pool.acquire());
        assert!(poll(cancelled.as_mut()).is_pending());
    }
    ended("cancelled");
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut waiting = pin!(pool.acquire());
            assert!(poll(waiting.as_mut()).is_pending());
            panic!("a task panics while it waits");
        }
    });
    assert!(task.await.is_err());
    ended("cancelled");
    let mut cleared = pin!(pool.acquire());
    assert!(poll(cleared.as_mut()).is_pending());
    pool.clear();
    assert!(cleared.await.is_err());
    ended("cleared");
    let mut closed = pin!(pool.acquire());
    assert!(poll(closed.as_mut()).is_pending());
    pool.close();
    assert!(closed.await.is_err());
    ended("closed");
    drop(held);
    drop(backend);
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_connect_ends_however_the_connect_does() {
    let (seen, _guard) = Seen::watch();
    let (pool, backend) = traced(1);
    backend.connect.then([Act::Panics, Act::Hangs]);
    drop(pool.acquire().await.unwrap());
    let mut said = seen.spans();
    said.retain(|line| line.contains("connect"));
    let one = |outcome: &str| {
        [
            "+ fairpool.connect".to_owned(),
            format!("fairpool.connect outcome=\"{outcome}\""),
            "- fairpool.connect".to_owned(),
        ]
    };
    assert_eq!(said, [one("failed"), one("timed out"), one("done")].concat());
}

#[test]
fn the_spans_of_what_dies_with_its_runtime_end_with_it() {
    let (seen, _guard) = Seen::watch();
    let (pool, backend) = traced(1);
    backend.connect.always(Act::Hangs);
    let runtime = paused_runtime();
    let waiting = runtime.spawn({
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    runtime.block_on(settle());
    assert_eq!(seen.spans(), ["+ fairpool.wait", "+ fairpool.connect"]);
    drop(runtime);
    let mut said = seen.spans();
    said.sort();
    assert_eq!(
        said,
        [
            "- fairpool.connect",
            "- fairpool.wait",
            "fairpool.wait outcome=\"cancelled\""
        ]
    );
    drop(waiting);
}

#[tokio::test(start_paused = true)]
async fn warnings_name_the_lines_of_code() {
    let (seen, _guard) = Seen::watch();
    let builder = Pool::builder(Backend::default())
        .limit(1)
        .name("orders")
        .exporter(TracingExporter::new());
    let pool = builder.report_leases_over(ms(50)).warn_nested(true).build().unwrap();
    tokio::spawn(async move {
        let (here, held) = (Location::caller().line(), pool.acquire().await.unwrap());
        seen.take();
        let waits = Location::caller().line() + 1;
        assert!(pool.acquire_within(ms(100)).await.is_err());
        let mut warnings = seen.take();
        warnings.retain(|line| line.starts_with("WARN"));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        let place = |line: u32| format!("tests/tracing.rs:{line}:");
        assert!(
            warnings[0].contains("waits for a connection while it holds one"),
            "{warnings:?}"
        );
        assert!(
            warnings[0].contains(&place(here)) && warnings[0].contains(&place(waits)),
            "{warnings:?}"
        );
        assert!(
            warnings[1].contains("a lease is long held=50ms taken_at=tests/tracing.rs"),
            "{warnings:?}"
        );
        assert!(warnings[1].contains(&place(here)), "{warnings:?}");
        drop(held);
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_timeouts_is_no_storm_of_warnings() {
    let (seen, _guard) = Seen::watch();
    let (pool, _backend) = traced(1);
    let _held = pool.acquire().await.unwrap();
    seen.take();
    for _ in 0..100 {
        assert!(pool.acquire_within(ms(1)).await.is_err());
    }
    pool.clear();
    pool.close();
    assert!(pool.acquire().await.is_err());
    let said = seen.take();
    let loud: Vec<_> = said
        .iter()
        .filter(|line| line.starts_with("WARN") || line.starts_with("INFO"))
        .collect();
    assert_eq!(loud, ["INFO the line was cleared requests=0"]);
    assert_eq!(
        said.iter()
            .filter(|line| line.starts_with("DEBUG a request timed out"))
            .count(),
        100
    );
    assert!(said.contains(&"DEBUG a request was refused closed=true".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_named_as_one() {
    let (seen, _guard) = Seen::watch();
    let limit = fairpool::Limit::builder(1)
        .name("reports")
        .exporter(TracingExporter::new());
    let limit = limit.build().unwrap();
    let _held = limit.acquire().await.unwrap();
    assert!(limit.acquire_within(ms(1)).await.is_err());
    let expected = [
        "TRACE a request waits fairpool.limit.name=\"reports\"",
        "+ fairpool.wait fairpool.limit.name=\"reports\"",
        "fairpool.wait outcome=\"timed out\"",
        "- fairpool.wait",
        "DEBUG a request timed out fairpool.limit.name=\"reports\" waited=1ms",
    ];
    assert_eq!(seen.take(), expected);
}
