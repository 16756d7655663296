//! Fifty requests at once where five connections are open and a connect takes far longer than a lease.

use super::Section;
use super::entry::{Entry, workers};
use super::plan::Plan;
use super::waits::Waits;
use crate::report::{median, number, table};
use crate::subjects::backend::Backend;
use crate::subjects::subject::Subject;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REQUESTS: usize = 50;
const LIMIT: u32 = 50;
const OPEN: u32 = 5;
const HOLD: Duration = Duration::from_millis(2);
const CONNECT: Duration = Duration::from_millis(150);
/// After that, whatever the spike has set going is done.
const SETTLED: Duration = Duration::from_millis(700);

/// One spike.
pub(crate) struct Spike {
    /// When each request was served, counted from the moment of the spike.
    served: Vec<Duration>,
    /// Connects begun because of it: until its last lease ended, and in all.
    opened: u64,
    opened_in_all: u64,
}

pub(super) fn measure<S: Subject>() -> Spike {
    let runtime = workers();
    let backend = Backend::default();
    let pool = runtime.block_on(async {
        let pool = S::build(LIMIT, backend.clone()).await;
        pool.warm(OPEN).await;
        Arc::new(pool)
    });
    // A pool that gives back by a task of its own has done so by then.
    std::thread::sleep(Duration::from_millis(10));
    backend.slow_down(CONNECT);
    let before = backend.connects();

    let began = Instant::now();
    let requests: Vec<_> = (0..REQUESTS)
        .map(|_| {
            let pool = pool.clone();
            runtime.spawn(async move {
                let asked = began.elapsed();
                asked + pool.stay(HOLD).await
            })
        })
        .collect();
    let served = requests
        .into_iter()
        .map(|request| runtime.block_on(request).expect("a measured task panicked"))
        .collect();
    let opened = backend.connects() - before;
    std::thread::sleep(SETTLED.saturating_sub(began.elapsed()));
    Spike {
        served,
        opened,
        opened_in_all: backend.connects() - before,
    }
}

pub(super) fn compare(plan: &Plan, subjects: &[Entry]) -> Vec<Section> {
    let openers: Vec<_> = subjects
        .iter()
        .filter_map(|entry| Some((entry.name, entry.spike?)))
        .collect();
    let mut spikes: Vec<Vec<Spike>> = openers.iter().map(|_| Vec::new()).collect();
    for turn in plan.order(openers.len()) {
        println!("spike: {}", openers[turn].0);
        spikes[turn].push(openers[turn].1());
    }
    let mut rows: Vec<Row> = openers
        .iter()
        .map(|(name, _)| *name)
        .zip(&spikes)
        .map(Row::of)
        .collect();
    rows.sort_by(|a, b| a.last.total_cmp(&b.last));
    let head = [
        "subject",
        "half served, ms",
        "last served, ms",
        "connects until then",
        "connects in all",
    ];
    let cells = rows.iter().map(|row| {
        let [half, last] = [row.half, row.last].map(number);
        let [until, in_all] = [row.opened, row.opened_in_all].map(|count| count.to_string());
        vec![row.name.into(), half, last, until, in_all]
    });
    vec![Section {
        title: "spike".into(),
        table: table(&head, cells.collect()),
        json: rows.iter().map(|row| (row.name.to_owned(), row.json())).collect(),
    }]
}

/// Medians of a subject's spikes.
struct Row {
    name: &'static str,
    half: f64,
    last: f64,
    opened: f64,
    opened_in_all: f64,
    served: Waits,
}

impl Row {
    fn of((name, spikes): (&'static str, &Vec<Spike>)) -> Row {
        let middle = |of: &dyn Fn(&Spike) -> f64| median(spikes.iter().map(of).collect());
        let quantile = |at: f64| middle(&|spike| Waits::round(spike.served.iter().copied()).at(at));
        let mut served = Waits::default();
        spikes
            .iter()
            .for_each(|spike| served.append(Waits::round(spike.served.iter().copied())));
        Row {
            name,
            half: quantile(0.5),
            last: quantile(1.0),
            opened: middle(&|spike| spike.opened as f64),
            opened_in_all: middle(&|spike| spike.opened_in_all as f64),
            served,
        }
    }

    fn json(&self) -> Value {
        json!({
            "half_served_ms": self.half, "last_served_ms": self.last, "served_ms": self.served.json(),
            "connects_until_last": self.opened, "connects_in_all": self.opened_in_all,
        })
    }
}
