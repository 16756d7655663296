//! Where fairpool is behind a peer that resets alike, and whether that is more than noise.
//!
//! Subjects are measured in turns, so each round is a comparison of its own. Behind means: by the median of the rounds'
//! ratios more than 3 %, and in more than three rounds of four.

use super::load::Sample;
use super::rounds::Record;
use crate::report::{median, number, table};
use serde_json::{Value, json};

const OURS: &str = "fairpool";

/// What is compared, which way is better, and among how many tasks it has to be ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Rate,
    P99,
}

pub(crate) struct Bar {
    backend: &'static str,
    cell: String,
    reset: &'static str,
    measure: Measure,
    best: &'static str,
    /// How many times the peer's ours is, best above 1.
    ratios: Vec<f64>,
    /// Whether a tie is not enough.
    must_lead: bool,
}

impl Measure {
    fn name(self) -> &'static str {
        match self {
            Measure::Rate => "leases/s",
            Measure::P99 => "p99",
        }
    }

    /// Larger is better.
    fn worth(self, sample: &Sample) -> f64 {
        match self {
            Measure::Rate => sample.rate,
            Measure::P99 => 1.0 / sample.took[1],
        }
    }
}

/// The bars of one cell.
pub(crate) fn judge(cell: &[&Record]) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut resets: Vec<&'static str> = cell.iter().map(|record| record.reset).collect();
    resets.dedup();
    for reset in resets {
        let alike: Vec<&&Record> = cell.iter().filter(|record| record.reset == reset).collect();
        for measure in [Measure::Rate, Measure::P99] {
            let worth = |record: &&&&Record| record.median(|sample| measure.worth(sample));
            let ours = alike.iter().find(|record| record.subject == OURS);
            let peers = alike.iter().filter(|record| record.subject != OURS);
            let best = peers.max_by(|a, b| worth(a).total_cmp(&worth(b)));
            let (Some(ours), Some(best)) = (ours, best) else {
                continue;
            };
            let rounds = ours.samples.iter().zip(&best.samples);
            let ratios = rounds.map(|(ours, best)| measure.worth(ours) / measure.worth(best));
            let (backend, work, tasks) = (ours.backend, ours.work.name(), ours.tasks);
            bars.push(Bar {
                backend,
                cell: format!("{backend}/{work}/{tasks}"),
                reset,
                measure,
                best: best.subject,
                ratios: ratios.collect(),
                must_lead: measure == Measure::P99 && tasks > 64,
            });
        }
    }
    bars
}

impl Bar {
    fn median(&self) -> f64 {
        median(self.ratios.clone())
    }

    fn verdict(&self) -> &'static str {
        let rounds = self.ratios.len();
        let mostly = |count: usize| 4 * count > 3 * rounds;
        let (behind, ahead) = (
            self.ratios.iter().filter(|ratio| **ratio < 1.0).count(),
            self.ratios.iter().filter(|ratio| **ratio > 1.0).count(),
        );
        match self.median() {
            ratio if ratio < 0.97 && mostly(behind) => "behind",
            ratio if ratio > 1.03 && mostly(ahead) => "ahead",
            _ if self.must_lead => "as good, not ahead",
            _ => "as good",
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "cell": self.cell, "reset": self.reset, "measure": self.measure.name(), "best": self.best, "ratios": self.ratios,
            "verdict": self.verdict(),
        })
    }
}

/// Where it is behind, or only as good where it was meant to be ahead; then all the others.
pub(crate) fn bars_table(bars: &[Bar]) -> String {
    let head = [
        "cell",
        "reset",
        "measure",
        "the best peer",
        "fairpool is times as good",
        "rounds",
        "verdict",
    ];
    let mut sorted: Vec<&Bar> = bars.iter().collect();
    sorted.sort_by_key(|bar| (bar.verdict() != "behind", bar.verdict() != "as good, not ahead"));
    let rows = sorted.into_iter().map(|bar| {
        let smallest = bar.ratios.iter().copied().fold(f64::MAX, f64::min);
        let largest = bar.ratios.iter().copied().fold(0.0, f64::max);
        vec![
            bar.cell.clone(),
            bar.reset.to_owned(),
            bar.measure.name().to_owned(),
            bar.best.to_owned(),
            number(bar.median()),
            format!("{} … {}", number(smallest), number(largest)),
            bar.verdict().to_owned(),
        ]
    });
    table(&head, rows.collect())
}

/// How many comparisons went how, by backend, reset and measure.
pub(crate) fn standing_table(bars: &[Bar]) -> String {
    let kind = |bar: &Bar| (bar.backend, bar.reset, bar.measure);
    let mut kinds = Vec::new();
    for bar in bars {
        if !kinds.contains(&kind(bar)) {
            kinds.push(kind(bar));
        }
    }
    let rows = kinds.into_iter().map(|of| {
        let of_kind: Vec<&Bar> = bars.iter().filter(|bar| kind(bar) == of).collect();
        let count = |verdict: &str| of_kind.iter().filter(|bar| bar.verdict() == verdict).count();
        let (ahead, behind) = (count("ahead"), count("behind"));
        let late = of_kind
            .iter()
            .filter(|bar| bar.must_lead && bar.verdict() != "ahead")
            .count();
        let late = if of.2 == Measure::P99 {
            late.to_string()
        } else {
            "–".into()
        };
        let as_good = of_kind.len() - ahead - behind;
        let mut row = vec![of.0.to_owned(), of.1.to_owned(), of.2.name().to_owned()];
        row.extend([ahead, as_good, behind].map(|count| count.to_string()));
        row.push(late);
        row
    });
    let head = [
        "backend",
        "reset",
        "measure",
        "ahead",
        "as good",
        "behind",
        "512 tasks, not ahead",
    ];
    table(&head, rows.collect())
}
