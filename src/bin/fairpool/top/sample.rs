//! What a server says of itself at one moment, and what that makes of its totals: rates, by a look at the moment before.

use crate::operator::shown;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Instant;

/// Everything live at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    at: Option<Instant>,
    pub(super) things: Vec<Thing>,
}

/// One of them. What it has not, is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Thing {
    /// The path's word, such as `connection-pools`.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) limit: Option<f64>,
    pub(super) open: Option<f64>,
    pub(super) idle: Option<f64>,
    pub(super) in_use: Option<f64>,
    pub(super) connecting: Option<f64>,
    pub(super) pending: Option<f64>,
    /// In seconds.
    pub(super) oldest_wait: Option<f64>,
    pub(super) generation: Option<f64>,
    pub(super) totals: Numbers,
    /// The totals' growth a second.
    pub(super) rates: Numbers,
}

/// What has happened so far, or happens in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Numbers {
    pub(super) leases: Option<f64>,
    pub(super) opened: Option<f64>,
    pub(super) closed: Option<f64>,
    pub(super) connect_failures: Option<f64>,
    pub(super) queued: Option<f64>,
    pub(super) timeouts: Option<f64>,
    pub(super) cleared: Option<f64>,
    pub(super) cancelled: Option<f64>,
}

impl Sample {
    /// From the answer of `GET /fairpool/v1/status`; what is no status is left out.
    pub(super) fn read(answer: &Value, at: Instant) -> Self {
        let all = answer.get("data").and_then(Value::as_array);
        Sample {
            at: Some(at),
            things: all.into_iter().flatten().filter_map(Thing::read).collect(),
        }
    }

    /// With rates since an earlier one.
    pub(super) fn since(mut self, earlier: &Sample) -> Self {
        let (Some(now), Some(then)) = (self.at, earlier.at) else {
            return self;
        };
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        if seconds <= 0.0 {
            return self;
        }
        let before: HashMap<_, _> = (earlier.things.iter())
            .map(|thing| ((&*thing.kind, &*thing.name), thing.totals))
            .collect();
        for thing in &mut self.things {
            if let Some(before) = before.get(&(&*thing.kind, &*thing.name)) {
                thing.rates = thing.totals.growth(before, seconds);
            }
        }
        self
    }
}

impl Thing {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(shown);
        let number = |name: &str| value.get(name).and_then(Value::as_f64);
        let total = |name: &str| value.get("totals").and_then(|totals| totals.get(name)?.as_f64());
        Some(Thing {
            kind: text("kind")?,
            name: text("name")?,
            state: text("state").unwrap_or_default(),
            reason: text("reason"),
            limit: number("limit"),
            open: number("open"),
            idle: number("idle"),
            in_use: number("in_use"),
            connecting: number("connecting"),
            pending: number("pending"),
            oldest_wait: number("oldest_wait"),
            generation: number("generation"),
            totals: Numbers {
                leases: total("leases"),
                opened: total("opened"),
                closed: total("closed"),
                connect_failures: total("connect_failures"),
                queued: total("queued"),
                timeouts: total("timeouts"),
                cleared: total("cleared"),
                cancelled: total("cancelled"),
            },
            rates: Numbers::default(),
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == "open"
    }
}

impl Numbers {
    fn growth(&self, before: &Numbers, seconds: f64) -> Numbers {
        // A total that has become less is another one's: the server or the thing began anew.
        let rate = |now: Option<f64>, then: Option<f64>| match (now, then) {
            (Some(now), Some(then)) if now >= then => Some((now - then) / seconds),
            _ => None,
        };
        Numbers {
            leases: rate(self.leases, before.leases),
            opened: rate(self.opened, before.opened),
            closed: rate(self.closed, before.closed),
            connect_failures: rate(self.connect_failures, before.connect_failures),
            queued: rate(self.queued, before.queued),
            timeouts: rate(self.timeouts, before.timeouts),
            cleared: rate(self.cleared, before.cleared),
            cancelled: rate(self.cancelled, before.cancelled),
        }
    }

    /// Requests that ended without a connection because of the time, and connections that did not come.
    pub(super) fn failures(&self) -> Option<f64> {
        match (self.timeouts, self.connect_failures) {
            (None, None) => None,
            (timeouts, failures) => Some(timeouts.unwrap_or_default() + failures.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn at(seconds: u64, leases: u64, start: Instant) -> Sample {
        let answer = json!({"data": [{"kind": "connections", "name": "a\u{1b}", "in_use": 1, "totals": {"leases": leases, "timeouts": 2}}, 7]});
        Sample::read(&answer, start + Duration::from_secs(seconds))
    }

    #[test]
    fn rates_are_the_growth_of_totals_by_the_time_between() {
        let start = Instant::now();
        let (first, second, third) = (at(0, 100, start), at(2, 150, start), at(3, 20, start));
        assert_eq!(first.things[0].name, "a\\u{1b}");
        assert_eq!(
            first.clone().since(&Sample::default()).things[0].rates,
            Numbers::default()
        );
        let rates = second.clone().since(&first).things[0].rates;
        assert_eq!(
            (rates.leases, rates.timeouts, rates.queued),
            (Some(25.0), Some(0.0), None)
        );
        // The server has been restarted.
        assert_eq!(third.since(&second).things[0].rates.leases, None);
    }
}
