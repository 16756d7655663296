//! Many durations and their quantiles, exact to three digits.

use crate::report::number;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::time::Duration;

/// An hour: nothing here takes that long.
const LONGEST: u64 = 3_600_000_000_000;

/// Kept in nanoseconds.
pub(crate) struct Waits(Histogram<u64>);

impl Default for Waits {
    fn default() -> Self {
        Waits(Histogram::new_with_bounds(1, LONGEST, 3).expect("three digits are possible"))
    }
}

impl Waits {
    pub(crate) fn add(&mut self, wait: Duration) {
        self.0.saturating_record((wait.as_nanos() as u64).max(1));
    }

    pub(crate) fn merge(&mut self, other: &Waits) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.mean() / 1e6
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
            "count": self.count(), "mean": self.mean(), "p50": self.at(0.5), "p99": self.at(0.99),
            "p99.9": self.at(0.999), "max": self.at(1.0),
            "curve": curve.map(|quantile| json!([quantile, self.at(quantile)])),
        })
    }
}
