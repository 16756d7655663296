//! What it costs to be watched: a pool without observers beside the same pool with each exporter, with all of them, and with
//! what is opt-in; where nobody waits, and where everybody does.
//!
//! ```text
//! cargo bench --all-features --bench observed                        # under a minute; kept in benches/results
//! FAIRPOOL_ROUNDS=3 cargo bench --all-features --bench observed      # fewer rounds; a trial
//! cargo bench --all-features --bench observed -- --once prometheus lease 1000   # for a profiler; or `handoff`
//! ```
//!
//! In each round all subjects take a turn, in an order that moves on from round to round, and each is compared with the one
//! without observers in the same round; the figure is the median of these ratios. Requests are polled by hand on one thread, so
//! what is measured is the pool. Where `valgrind` is installed, callgrind counts instructions.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

mod report;

use fairpool::export::{MetricsExporter, PrometheusExporter, TracingExporter};
use fairpool::{Builder, Event, Interest, Manager, Observer, Pool, Pooled};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use report::{Facts, median, number, publish, table};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Rounds of a full run.
const ROUNDS: usize = 51;
/// Leases, or hand-offs, in one turn.
const TURN: u64 = 200_000;
/// What callgrind runs, to subtract the one from the other.
const FEW: u64 = 10_000;
const MANY: u64 = 60_000;
/// An uncontended acquire and release, attached by detached.
const BAR: f64 = 1.25;

struct Backend;

impl Manager for Backend {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(0)
    }
}

type Attach = fn(Builder<Backend>) -> Builder<Backend>;

struct Subject {
    name: &'static str,
    attach: Attach,
    /// Whether the bar is for it.
    barred: bool,
}

const SUBJECTS: [Subject; 8] = [
    subject("detached", |builder| builder, false),
    subject(
        "prometheus",
        |builder| builder.exporter(PrometheusExporter::new()),
        true,
    ),
    subject("metrics", |builder| builder.exporter(MetricsExporter::new()), true),
    subject("tracing", |builder| builder.exporter(TracingExporter::new()), true),
    subject("all three", all, true),
    subject(
        "use_time-of-each",
        |builder| builder.exporter(PrometheusExporter::new().with_use_time(1)),
        false,
    ),
    subject(
        "each-lease-told",
        |builder| builder.observer(Arc::new(Each::default())),
        false,
    ),
    subject(
        "long-leases",
        |builder| all(builder).report_leases_over(Duration::from_secs(60)),
        false,
    ),
];

const fn subject(name: &'static str, attach: Attach, barred: bool) -> Subject {
    Subject { name, attach, barred }
}

fn all(builder: Builder<Backend>) -> Builder<Backend> {
    let builder = builder
        .exporter(PrometheusExporter::new())
        .exporter(MetricsExporter::new());
    builder.exporter(TracingExporter::new())
}

/// Wants to be told of each lease.
#[derive(Default)]
struct Each(AtomicU64);

impl Observer for Each {
    fn on(&self, _: &Event) {
        self.0.fetch_add(1, Relaxed);
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_leases()
    }
}

/// A recorder that does the least there is to do.
struct Adding;

struct Sum(AtomicU64);

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.fetch_max(value, Relaxed);
    }
}

impl HistogramFn for Sum {
    fn record(&self, value: f64) {
        self.0.fetch_add((value * 1e9) as u64, Relaxed);
    }
}

impl Recorder for Adding {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Sum(AtomicU64::new(0))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Sum(AtomicU64::new(0))))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Lease,
    Handoff,
}

/// The work on a pool of its own, warm.
fn run(attach: Attach, work: Work, times: u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let limit = if work == Work::Lease { 10 } else { 1 };
    let pool = attach(Pool::builder(Backend).limit(limit))
        .build()
        .expect("the limit is in range");
    runtime.block_on(pool.warm_up(limit)).expect("connects always succeed");
    let _context = runtime.enter();
    let began;
    match work {
        Work::Lease => {
            leases(&pool, TURN / 100);
            began = Instant::now();
            leases(&pool, times);
        }
        Work::Handoff => {
            let mut held = take(&pool);
            let mut seats: Vec<_> = (0..8).map(|_| Box::pin(pool.acquire())).collect();
            seats
                .iter_mut()
                .for_each(|seat| assert!(poll(seat.as_mut()).is_pending()));
            began = Instant::now();
            for turn in 0..times as usize {
                drop(held);
                let seat = &mut seats[turn % 8];
                let Poll::Ready(lease) = poll(seat.as_mut()) else {
                    panic!("the connection goes to the head of the line")
                };
                held = lease;
                seat.set(pool.acquire());
                assert!(poll(seat.as_mut()).is_pending());
            }
        }
    }
    began.elapsed()
}

#[inline(never)]
fn leases(pool: &Pool<Backend>, number: u64) {
    for _ in 0..number {
        let mut lease = take(pool);
        *lease = black_box(lease.wrapping_add(1));
    }
}

#[inline(always)]
fn take(pool: &Pool<Backend>) -> Pooled<'_, Backend> {
    match poll(pin!(pool.acquire())) {
        Poll::Ready(lease) => lease,
        Poll::Pending => panic!("a connection is idle"),
    }
}

#[inline(always)]
fn poll<'a>(request: Pin<&mut fairpool::Acquire<'a, Backend>>) -> Poll<Pooled<'a, Backend>> {
    let lease = request.poll(&mut Context::from_waker(Waker::noop()));
    lease.map(|lease| lease.expect("nothing fails here"))
}

/// What one subject was found to cost.
struct Finding {
    nanos: f64,
    ratio: f64,
    instructions: Option<f64>,
}

/// Each round gives a time and a ratio to the first subject.
fn measure(work: Work, rounds: usize, name: &str) -> Vec<Finding> {
    let mut times = vec![Vec::new(); SUBJECTS.len()];
    for round in 0..rounds {
        for turn in 0..SUBJECTS.len() {
            let at = (turn + round) % SUBJECTS.len();
            let took = run(SUBJECTS[at].attach, work, TURN);
            times[at].push(took.as_nanos() as f64 / TURN as f64);
        }
    }
    let ratio = |of: &[f64]| {
        median(
            of.iter()
                .zip(&times[0])
                .map(|(time, detached)| time / detached)
                .collect(),
        )
    };
    let finding = |(subject, of): (&Subject, &Vec<f64>)| Finding {
        nanos: median(of.clone()),
        ratio: ratio(of),
        instructions: instructions(subject.name, name),
    };
    SUBJECTS.iter().zip(&times).map(finding).collect()
}

/// As callgrind counts them for one lease or hand-off; `None` where there is no callgrind.
fn instructions(subject: &str, work: &str) -> Option<f64> {
    let collected = |number: u64| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().ok()?)
            .args(["--once", subject, work, &number.to_string()])
            .output()
            .ok()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        report
            .split_once("Collected : ")?
            .1
            .split_whitespace()
            .next()?
            .parse::<f64>()
            .ok()
    };
    Some((collected(MANY)? - collected(FEW)?) / (MANY - FEW) as f64)
}

fn rows(findings: &[Finding], barred: bool) -> Vec<Vec<String>> {
    let row = |(subject, finding): (&Subject, &Finding)| {
        let bar = barred && subject.barred;
        vec![
            subject.name.to_owned(),
            number(finding.nanos),
            format!("{:.3}", finding.ratio),
            finding.instructions.map_or("–".to_owned(), number),
            if bar { BAR.to_string() } else { String::new() },
            match bar {
                true if finding.ratio <= BAR => "met".to_owned(),
                true => "**missed**".to_owned(),
                false => String::new(),
            },
        ]
    };
    SUBJECTS.iter().zip(findings).map(row).collect()
}

fn json(findings: &[Finding]) -> Value {
    let one = |(subject, finding): (&Subject, &Finding)| {
        json!({
            "subject": subject.name, "ns": finding.nanos, "ratio": finding.ratio, "instructions": finding.instructions,
        })
    };
    SUBJECTS.iter().zip(findings).map(one).collect()
}

fn main() {
    let installed = metrics::set_global_recorder(Adding);
    assert!(installed.is_ok(), "another recorder is installed");
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("no other subscriber is installed");
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        let [subject, work, times] = &arguments[at + 1..] else {
            panic!("usage: --once <subject> lease|handoff <number>")
        };
        let subject = SUBJECTS
            .iter()
            .find(|known| known.name == subject)
            .expect("a subject of this bench");
        let work = if work == "lease" { Work::Lease } else { Work::Handoff };
        run(subject.attach, work, times.parse().expect("a number"));
        return;
    }
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    if !measuring {
        for subject in &SUBJECTS {
            run(subject.attach, Work::Lease, 100);
            run(subject.attach, Work::Handoff, 100);
        }
        return;
    }
    let rounds = report::rounds(ROUNDS);
    let (lease, handoff) = (
        measure(Work::Lease, rounds, "lease"),
        measure(Work::Handoff, rounds, "handoff"),
    );
    let head = ["watched by", "ns", "× detached", "instructions", "at most", ""];
    let markdown = format!(
        "Medians of {rounds} rounds of {TURN}. The subscriber of `tracing` keeps spans and shows nothing; the recorder of `metrics` adds \
         up.\n\n## A lease, nobody waits\n\n{}\n## A hand-off, 8 in line\n\n{}",
        table(&head, rows(&lease, true)),
        table(&head, rows(&handoff, false))
    );
    let facts = Facts::gather(
        "observed --all-features",
        &["FAIRPOOL_ROUNDS"],
        &["metrics", "tracing", "prometheus-client"],
    );
    let figures = json!({ "lease": json(&lease), "handoff": json(&handoff) });
    publish("observed", rounds >= ROUNDS, &facts, &markdown, figures).expect("the results can be written");
}
