//! From rounds to tables: median, best and spread of each subject, in the unit that suits the group.

use super::rounds::{Group, Record};
use crate::report::{number, table};
use serde_json::{Value, json};

/// One subject's rounds, in ascending order of cost.
pub(crate) struct Figures<'a> {
    pub(crate) record: &'a Record,
    sorted: Vec<f64>,
}

impl<'a> Figures<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        let mut sorted = record.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        Figures { record, sorted }
    }

    /// The cost at a quantile, from the best round (0) to the worst (1), in nanoseconds per lease.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        let place = quantile * (self.sorted.len() - 1) as f64;
        let (below, above) = (self.sorted[place.floor() as usize], self.sorted[place.ceil() as usize]);
        below + (above - below) * place.fract()
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub(crate) fn best(&self) -> f64 {
        self.at(0.0)
    }

    /// The worst look at the shares counts.
    pub(crate) fn share(&self) -> Option<f64> {
        self.record.shares.iter().copied().min_by(f64::total_cmp)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "group": self.record.group.name(),
            "subject": self.record.subject,
            "managed": self.record.managed,
            "ns_per_lease": { "median": self.median(), "best": self.best(), "worst": self.at(1.0), "rounds": self.record.rounds },
            "smallest_of_largest_share": self.record.shares,
        })
    }
}

/// The table of one group, the cheapest median first.
pub(crate) fn group_table(group: Group, figures: &[Figures<'_>]) -> String {
    let mut of_group: Vec<_> = figures.iter().filter(|one| one.record.group == group).collect();
    of_group.sort_by(|a, b| a.median().total_cmp(&b.median()));
    let named = |name| of_group.iter().find(|one| one.record.subject == name);
    let (ours, floor) = (named("fairpool"), named("floor"));

    let contended = matches!(group, Group::Contended { .. });
    let mut head = match group {
        Group::Uncontended => vec!["subject", "ns", "best", "slower … faster quarter", "× fairpool"],
        _ => vec![
            "subject",
            "million/s",
            "best",
            "slower … faster quarter",
            "fairpool ×",
            "best ×",
            "ns each",
        ],
    };
    if contended {
        head.extend(["above floor, ns", "smallest/largest share"]);
    }
    let rows = of_group.iter().map(|one| {
        // How many times our cost this subject has: our throughput is as many times its own.
        let times = |at: f64| ours.map_or("–".into(), |ours| number(one.at(at) / ours.at(at)));
        let unit = |at: f64| {
            number(if group == Group::Uncontended {
                one.at(at)
            } else {
                1e3 / one.at(at)
            })
        };
        let half = format!("{} … {}", unit(0.75), unit(0.25));
        let mut row = vec![one.record.subject.into(), unit(0.5), unit(0.0), half, times(0.5)];
        if group != Group::Uncontended {
            row.extend([times(0.0), number(one.median())]);
        }
        if contended {
            let above = floor.map_or("–".into(), |floor| number(one.median() - floor.median()));
            row.extend([above, one.share().map_or("–".into(), |share| format!("{share:.3}"))]);
        }
        row
    });
    table(&head, rows.collect())
}
