//! Thousands of requests with short timeouts while every connection is out: how late the timeouts come, what they cost,
//! and whether the pool is whole afterwards.
//!
//! `floor` is the same number of tasks that sleep: the runtime's timer is late as well, by up to a millisecond of its own.

use super::entry::{Entry, workers};
use super::plan::Plan;
use super::waits::Waits;
use super::{Section, cpu};
use crate::report::{number, table};
use crate::subjects::subject::Subject;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const LIMIT: u32 = 10;
/// Long enough for whatever a cancelled request has left to be done.
const SOON: Duration = Duration::from_secs(2);
/// Long enough to see that nothing comes.
const BRIEF: Duration = Duration::from_millis(20);

/// Which timeouts the requests have.
#[derive(Clone, Copy)]
pub(crate) enum Mix {
    /// One and the same: they end in the order in which they came.
    Same,
    /// Any from 5 to 50 ms: they end in another order.
    Mixed,
}

impl Mix {
    fn name(self) -> &'static str {
        match self {
            Mix::Same => "storm/same",
            Mix::Mixed => "storm/mixed",
        }
    }

    fn milliseconds(self) -> RangeInclusive<u64> {
        match self {
            Mix::Same => 25..=25,
            Mix::Mixed => 5..=50,
        }
    }
}

/// What came of the storms on one subject.
#[derive(Default)]
pub(crate) struct Storm {
    late: Waits,
    /// Time on a processor, where the kernel tells.
    spent: Option<Duration>,
    /// Timeouts that came before their time.
    early: u64,
    /// Requests that got a connection, of which there is none.
    served: u64,
    /// Whether afterwards there were as many connections as before, and no more.
    whole: bool,
}

pub(super) fn measure<S: Subject>(tasks: usize, mix: Mix, window: Duration) -> Storm {
    let runtime = workers();
    let pool = Arc::new(runtime.block_on(S::open(LIMIT)));
    let leases = runtime.block_on(all(&*pool));
    let stop = Arc::new(AtomicBool::new(false));
    let before = cpu::spent();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (pool, stop) = (pool.clone(), stop.clone());
            runtime.spawn(async move {
                let mut ends = Vec::new();
                while !stop.load(Relaxed) {
                    let patience = Duration::from_millis(fastrand::u64(mix.milliseconds()));
                    let asked = Instant::now();
                    let served = pool.within(patience).await;
                    ends.push((served, patience, asked.elapsed()));
                }
                ends
            })
        })
        .collect();
    std::thread::sleep(window);
    stop.store(true, Relaxed);
    let (mut storm, mut late) = (Storm::default(), Vec::new());
    for task in tasks {
        for (served, patience, took) in runtime.block_on(task).expect("a measured task panicked") {
            storm.served += u64::from(served);
            storm.early += u64::from(took < patience);
            late.push(took.saturating_sub(patience));
        }
    }
    storm.late = Waits::round(late);
    storm.spent = before.and_then(|before| Some(cpu::spent()? - before));

    storm.whole = runtime.block_on(async {
        // Not outside: there are pools whose guards spawn a task when they drop.
        drop(leases);
        let again = tokio::time::timeout(SOON, all(&*pool)).await;
        again.is_ok() && !pool.within(BRIEF).await
    });
    storm
}

/// Every connection that there is.
async fn all<S: Subject>(pool: &S) -> Vec<impl Send> {
    let mut leases = Vec::new();
    for _ in 0..LIMIT {
        leases.push(pool.request().await);
    }
    leases
}

pub(super) fn compare(plan: &Plan, subjects: &[Entry]) -> Vec<Section> {
    [Mix::Same, Mix::Mixed]
        .into_iter()
        .map(|mix| {
            let mut totals: Vec<Option<Storm>> = subjects.iter().map(|_| None).collect();
            for turn in plan.order(subjects.len()) {
                println!("{}: {}", mix.name(), subjects[turn].name);
                let storm = (subjects[turn].storm)(plan.storm_tasks, mix, plan.storm_window);
                totals[turn] = Some(match totals[turn].take() {
                    Some(total) => total.and(storm),
                    None => storm,
                });
            }
            let storms = subjects.iter().zip(totals);
            let mut rows: Vec<(&Entry, Storm)> = storms.filter_map(|(entry, storm)| Some((entry, storm?))).collect();
            rows.sort_by(|a, b| a.1.late.at(0.99).total_cmp(&b.1.late.at(0.99)));
            section(mix, &rows)
        })
        .collect()
}

impl Storm {
    fn and(mut self, more: Storm) -> Storm {
        self.late.append(more.late);
        self.spent = self.spent.zip(more.spent).map(|(spent, more)| spent + more);
        self.early += more.early;
        self.served += more.served;
        self.whole &= more.whole;
        self
    }

    /// Microseconds on a processor for one request that timed out.
    fn cost(&self) -> Option<f64> {
        Some(self.spent?.as_secs_f64() * 1e6 / self.late.count().max(1) as f64)
    }

    fn json(&self, lends: bool) -> Value {
        json!({
            "late_ms": self.late.json(), "cpu_us_per_timeout": self.cost(), "early": self.early,
            "served": self.served, "whole_afterwards": lends.then_some(self.whole),
        })
    }
}

fn section(mix: Mix, rows: &[(&Entry, Storm)]) -> Section {
    let mut head = vec!["late by, subject"];
    head.extend(Waits::HEAD);
    head.extend(["timeouts", "too early", "CPU each, µs", "whole afterwards"]);
    let cells = rows.iter().map(|(entry, storm)| {
        let mut row = vec![entry.name.to_owned()];
        row.extend(storm.late.cells());
        row.extend([storm.late.count().to_string(), storm.early.to_string()]);
        row.push(storm.cost().map_or("–".into(), number));
        let verdict = if storm.whole && storm.served == 0 {
            "yes"
        } else {
            "**no**"
        };
        row.push(if entry.lends { verdict } else { "–" }.into());
        row
    });
    Section {
        title: mix.name().into(),
        table: table(&head, cells.collect()),
        json: rows
            .iter()
            .map(|(entry, storm)| (entry.name.to_owned(), storm.json(entry.lends)))
            .collect(),
    }
}
