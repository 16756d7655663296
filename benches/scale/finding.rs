//! One figure, and its bar if it has one.

use crate::report::number;
use serde_json::{Value, json};

/// A figure that is better when it is smaller.
pub(crate) struct Finding {
    measure: String,
    figure: f64,
    unit: &'static str,
    at_most: Option<f64>,
}

impl Finding {
    pub(crate) const HEAD: [&'static str; 4] = ["measure", "figure", "at most", ""];

    pub(crate) fn new(measure: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Finding {
            measure: measure.into(),
            figure,
            unit,
            at_most: None,
        }
    }

    pub(crate) fn at_most(mut self, bar: f64) -> Self {
        self.at_most = Some(bar);
        self
    }

    fn met(&self) -> Option<bool> {
        self.at_most.map(|bar| self.figure <= bar)
    }

    pub(crate) fn row(&self) -> Vec<String> {
        // A count is whole, a time or ratio is not.
        let figure = if self.figure.fract() == 0.0 {
            format!("{:.0}", self.figure)
        } else {
            number(self.figure)
        };
        let verdict = match self.met() {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        vec![
            self.measure.clone(),
            format!("{figure} {}", self.unit),
            self.at_most.map(|bar| bar.to_string()).unwrap_or_default(),
            verdict.into(),
        ]
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "measure": self.measure, "figure": self.figure, "unit": self.unit,
            "at_most": self.at_most, "met": self.met(),
        })
    }
}
