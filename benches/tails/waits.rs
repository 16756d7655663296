//! Many durations, a round after the other, and their quantiles, exact to three digits.
//!
//! A quantile is the median of the rounds', so that a moment in which the machine did something else does not decide; the
//! largest is the largest of all.

use crate::report::{median, number};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::time::Duration;

/// An hour: nothing here takes that long.
const LONGEST: u64 = 3_600_000_000_000;

/// Kept in nanoseconds, by round.
#[derive(Default)]
pub(crate) struct Waits(Vec<Histogram<u64>>);

impl Waits {
    /// The waits of one round.
    pub(crate) fn round(waits: impl IntoIterator<Item = Duration>) -> Waits {
        let mut round = Histogram::new_with_bounds(1, LONGEST, 3).expect("three digits are possible");
        for wait in waits {
            round.saturating_record((wait.as_nanos() as u64).max(1));
        }
        Waits(vec![round])
    }

    /// Further rounds.
    pub(crate) fn append(&mut self, mut more: Waits) {
        self.0.append(&mut more.0);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(Histogram::len).sum()
    }

    /// In milliseconds.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        let rounds = self
            .0
            .iter()
            .map(|round| round.value_at_quantile(quantile) as f64 / 1e6);
        if quantile >= 1.0 {
            rounds.fold(0.0, f64::max)
        } else {
            median(rounds.collect())
        }
    }

    pub(crate) const HEAD: [&'static str; 4] = ["p50, ms", "p99, ms", "p99.9, ms", "max, ms"];

    pub(crate) fn cells(&self) -> Vec<String> {
        [0.5, 0.99, 0.999, 1.0].map(|quantile| number(self.at(quantile))).into()
    }

    /// In milliseconds, with enough quantiles to draw the curve.
    pub(crate) fn json(&self) -> Value {
        let curve = [
            0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0,
        ];
        json!({
            "count": self.count(), "p50": self.at(0.5), "p99": self.at(0.99),
            "p99.9": self.at(0.999), "max": self.at(1.0),
            "curve": curve.map(|quantile| json!([quantile, self.at(quantile)])),
        })
    }
}
