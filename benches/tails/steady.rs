//! Many tasks on few connections, without a pause: how long a request waits, and who gets how much.
//!
//! A wait is counted when it ends. Those that are still waiting when the window closes are served then, by the tasks that
//! stop, and counted with what they have waited: for whom a pool had forgotten, that is a lower bound.

use super::Section;
use super::entry::{Entry, workers};
use super::plan::Plan;
use super::waits::Waits;
use crate::report::{number, table};
use crate::subjects::subject::Subject;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const HOLD: Duration = Duration::from_millis(2);

/// What a subject did in its windows.
#[derive(Default)]
pub(crate) struct Steady {
    waits: Waits,
    /// The smallest share of a task as a part of the largest, a figure a window.
    shares: Vec<f64>,
    leases: u64,
    lasted: Duration,
}

pub(super) fn measure<S: Subject>(tasks: usize, limit: u32, window: Duration) -> Steady {
    let runtime = workers();
    let pool = Arc::new(runtime.block_on(S::open(limit)));
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (pool, stop) = (pool.clone(), stop.clone());
            runtime.spawn(async move {
                let (mut waits, mut leases) = (Vec::new(), 0);
                while !stop.load(Relaxed) {
                    waits.push(pool.stay(HOLD).await);
                    leases += u64::from(!stop.load(Relaxed));
                }
                (waits, leases)
            })
        })
        .collect();
    std::thread::sleep(window);
    stop.store(true, Relaxed);
    let lasted = began.elapsed();

    let (mut waits, mut shares) = (Vec::new(), Vec::new());
    for task in tasks {
        let (of_task, leases) = runtime.block_on(task).expect("a measured task panicked");
        waits.extend(of_task);
        shares.push(leases);
    }
    let mut steady = Steady {
        waits: Waits::round(waits),
        leases: shares.iter().sum(),
        lasted,
        ..Steady::default()
    };
    let (smallest, largest) = (shares.iter().min(), shares.iter().max());
    if let (Some(&smallest), Some(&largest)) = (smallest, largest) {
        steady.shares.push(smallest as f64 / largest.max(1) as f64);
    }
    steady
}

pub(super) fn compare(plan: &Plan, subjects: &[Entry]) -> Vec<Section> {
    let lenders: Vec<&Entry> = subjects.iter().filter(|entry| entry.lends).collect();
    plan.steady
        .iter()
        .map(|&(tasks, limit)| {
            let mut totals: Vec<Steady> = lenders.iter().map(|_| Steady::default()).collect();
            for turn in plan.order(lenders.len()) {
                println!("tails/{tasks}x{limit}: {}", lenders[turn].name);
                totals[turn].add((lenders[turn].steady)(tasks, limit, plan.window));
            }
            let mut rows: Vec<(&str, Steady)> = lenders.iter().map(|entry| entry.name).zip(totals).collect();
            rows.sort_by(|a, b| a.1.waits.at(0.99).total_cmp(&b.1.waits.at(0.99)));
            section(format!("tails/{tasks}x{limit}"), &rows)
        })
        .collect()
}

impl Steady {
    fn add(&mut self, more: Steady) {
        self.waits.append(more.waits);
        self.shares.extend(more.shares);
        self.leases += more.leases;
        self.lasted += more.lasted;
    }

    /// The worst look counts.
    fn share(&self) -> f64 {
        self.shares.iter().copied().fold(1.0, f64::min)
    }

    fn rate(&self) -> f64 {
        self.leases as f64 / self.lasted.as_secs_f64()
    }

    fn json(&self) -> Value {
        json!({
            "waits_ms": self.waits.json(), "leases_per_second": self.rate(),
            "smallest_of_largest_share": self.shares,
        })
    }
}

fn section(title: String, rows: &[(&str, Steady)]) -> Section {
    let mut head = vec!["subject"];
    head.extend(Waits::HEAD);
    head.extend(["leases/s", "smallest/largest share"]);
    let cells = rows.iter().map(|(name, steady)| {
        let mut row = vec![(*name).to_owned()];
        row.extend(steady.waits.cells());
        row.extend([number(steady.rate()), format!("{:.3}", steady.share())]);
        row
    });
    Section {
        title,
        table: table(&head, cells.collect()),
        json: rows
            .iter()
            .map(|(name, steady)| ((*name).to_owned(), steady.json()))
            .collect(),
    }
}
