//! A backend that accepts and never answers: does a timeout bound the whole acquire, or each of its phases anew?
//!
//! The pool may have one connection. The first request waits for the connect; the second, a moment later, for its turn.

use super::Section;
use super::entry::{Entry, workers};
use super::plan::Plan;
use crate::report::{median, number, table};
use crate::subjects::backend::Backend;
use crate::subjects::subject::Subject;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NEVER: Duration = Duration::from_secs(3600);
/// The second request comes so much later.
const LATER: Duration = Duration::from_millis(2);

/// How long the second request takes.
pub(super) fn measure<S: Subject>(patience: Duration) -> Duration {
    let runtime = workers();
    let backend = Backend::default();
    backend.slow_down(NEVER);
    let pool = Arc::new(runtime.block_on(S::build(1, backend)));
    let first = runtime.spawn({
        let pool = pool.clone();
        async move { pool.within(patience).await }
    });
    std::thread::sleep(LATER);
    let asked = Instant::now();
    let served = runtime.block_on(async { pool.within(patience).await });
    let took = asked.elapsed();
    assert!(!served, "the backend never answers");
    runtime.block_on(first).expect("a measured task panicked");
    took
}

pub(super) fn compare(plan: &Plan, subjects: &[Entry]) -> Vec<Section> {
    let openers: Vec<_> = subjects
        .iter()
        .filter_map(|entry| Some((entry.name, entry.silence?)))
        .collect();
    let mut took: Vec<Vec<f64>> = openers.iter().map(|_| Vec::new()).collect();
    for turn in plan.order(openers.len()) {
        println!("silence: {}", openers[turn].0);
        took[turn].push(openers[turn].1(plan.patience).as_secs_f64() * 1e3);
    }
    let mut rows: Vec<(&str, f64)> = openers
        .iter()
        .map(|(name, _)| *name)
        .zip(took.into_iter().map(median))
        .collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let asked = plan.patience.as_millis();
    let cells = rows
        .iter()
        .map(|(name, took)| vec![(*name).to_owned(), asked.to_string(), number(*took)]);
    vec![Section {
        title: "silence".into(),
        table: table(&["subject", "asked, ms", "took, ms"], cells.collect()),
        json: rows
            .iter()
            .map(|(name, took)| ((*name).to_owned(), json!({ "asked_ms": asked as u64, "took_ms": took })))
            .collect(),
    }]
}
