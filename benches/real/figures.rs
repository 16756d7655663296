//! From rounds to tables: medians, and how far the rounds lie apart.

use super::load::QUANTILES;
use super::load::Sample;
use super::plan::TASKS;
use super::rounds::Record;
use super::work::Work;
use crate::report::{median, number, table};
use serde_json::{Value, json};

impl Record {
    pub(crate) fn values(&self, of: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(of).collect()
    }

    pub(crate) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.values(of))
    }

    /// The smallest and the largest.
    fn spread(&self, of: impl Fn(&Sample) -> f64) -> String {
        let values = self.values(of);
        let smallest = values.iter().copied().fold(f64::MAX, f64::min);
        let largest = values.iter().copied().fold(0.0, f64::max);
        format!("{} … {}", number(smallest), number(largest))
    }

    pub(crate) fn json(&self) -> Value {
        let named = |at: usize| self.values(|sample| sample.took[at]);
        json!({
            "backend": self.backend, "work": self.work.name(), "tasks": self.tasks, "subject": self.subject,
            "reset": self.reset,
            "leases_per_second": self.values(|sample| sample.rate),
            "p50_ms": named(0), "p99_ms": named(1), "p99.9_ms": named(2), "max_ms": named(3),
            "cpu_us": self.values(|sample| sample.cpu),
            "least_share": self.values(|sample| sample.least),
        })
    }
}

/// One cell in full, the most leases a second first.
pub(crate) fn cell_table(records: &[&Record]) -> String {
    let head = [
        "subject",
        "reset",
        "leases/s",
        "all rounds",
        "fairpool ×",
        "p50, ms",
        "p99, ms",
        "all rounds",
        "p99.9, ms",
        "p99/p50",
        "least share",
        "CPU, µs",
    ];
    let ours = |reset: &str| {
        let mut all = records.iter();
        let ours = all.find(|record| record.subject == "fairpool" && record.reset == reset);
        ours.map(|ours| ours.median(|sample| sample.rate))
    };
    let mut sorted = records.to_vec();
    sorted.sort_by(|a, b| {
        b.median(|sample| sample.rate)
            .total_cmp(&a.median(|sample| sample.rate))
    });
    let rows = sorted.iter().map(|record| {
        let took = |at: usize| record.median(|sample| sample.took[at]);
        let rate = record.median(|sample| sample.rate);
        vec![
            record.subject.to_owned(),
            record.reset.to_owned(),
            format!("{rate:.0}"),
            record.spread(|sample| sample.rate),
            ours(record.reset).map_or("–".into(), |ours| number(ours / rate)),
            number(took(0)),
            number(took(1)),
            record.spread(|sample| sample.took[1]),
            number(took(2)),
            number(took(1) / took(0)),
            format!("{:.2}", record.median(|sample| sample.least)),
            number(record.median(|sample| sample.cpu)),
        ]
    });
    table(&head, rows.collect())
}

/// One work on one backend by numbers of tasks: what matters at a glance, as `leases/s` and `p99`.
pub(crate) fn work_table(records: &[&Record], work: Work) -> String {
    let mut subjects: Vec<(&str, &str)> = Vec::new();
    for record in records {
        if record.work == work && !subjects.contains(&(record.subject, record.reset)) {
            subjects.push((record.subject, record.reset));
        }
    }
    let asked: Vec<usize> = TASKS
        .into_iter()
        .filter(|tasks| records.iter().any(|record| record.tasks == *tasks))
        .collect();
    let mut head = vec![work.name().to_owned(), "reset".to_owned()];
    head.extend(asked.iter().map(|tasks| format!("{tasks}: leases/s")));
    head.extend(asked.iter().map(|tasks| format!("{tasks}: p99, ms")));
    head.extend(asked.last().map(|tasks| format!("{tasks}: least share")));
    let rows = subjects.into_iter().map(|(subject, reset)| {
        let of = |tasks: usize| {
            let mut same = records
                .iter()
                .filter(|record| (record.subject, record.reset) == (subject, reset));
            same.find(|record| (record.work, record.tasks) == (work, tasks))
        };
        let each = |text: &dyn Fn(&Record) -> String| -> Vec<String> {
            let cells = asked
                .iter()
                .map(|tasks| of(*tasks).map_or("–".into(), |record| text(record)));
            cells.collect()
        };
        let mut row = vec![subject.to_owned(), reset.to_owned()];
        row.extend(each(&|record| format!("{:.0}", record.median(|sample| sample.rate))));
        row.extend(each(&|record| number(record.median(|sample| sample.took[1]))));
        row.extend(each(&|record| format!("{:.2}", record.median(|sample| sample.least))).pop());
        row
    });
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(&head, rows.collect())
}

const _: () = assert!(QUANTILES[1] == 0.99, "the tables name them");
