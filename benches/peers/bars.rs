//! What fairpool set out to reach against its peers, and whether it did.

use super::figures::Figures;
use super::rounds::Group;
use crate::report::{number, table};
use serde_json::{Value, json};

/// A figure that must be at least so large.
pub(crate) struct Bar {
    group: Group,
    measure: String,
    at_least: f64,
    reached: f64,
}

impl Bar {
    fn met(&self) -> bool {
        self.reached >= self.at_least
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "group": self.group.name(), "measure": self.measure,
            "at_least": self.at_least, "reached": self.reached, "met": self.met(),
        })
    }
}

/// The bars of the groups in which fairpool and the peers concerned were measured.
pub(crate) fn judge(groups: &[Group], figures: &[Figures<'_>]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for &group in groups {
        let of_group: Vec<_> = figures.iter().filter(|one| one.record.group == group).collect();
        let Some(ours) = of_group.iter().find(|one| one.record.subject == "fairpool") else {
            continue;
        };
        let others = || of_group.iter().filter(|one| one.record.subject != "fairpool");
        // How many times our cost the cheapest of these peers has, at the same quantile.
        let mut against = |what: &str, peers: &dyn Fn(&Figures<'_>) -> bool, at_least, looks: &[(f64, &str)]| {
            for (at, look) in looks {
                let cheapest = others()
                    .filter(|one| peers(one))
                    .min_by(|a, b| a.at(*at).total_cmp(&b.at(*at)));
                if let Some(peer) = cheapest {
                    let measure = format!("{look} against {what} ({})", peer.record.subject);
                    bars.push(Bar {
                        group,
                        measure,
                        at_least,
                        reached: peer.at(*at) / ours.at(*at),
                    });
                }
            }
        };
        let named = |name: &'static str| move |one: &Figures<'_>| one.record.subject == name;
        let managed = |one: &Figures<'_>| one.record.managed;
        match group {
            Group::Uncontended => {
                let look = [(0.5, "median cost")];
                against("a managed peer", &named("bb8"), 8.0, &look);
                against("a managed peer", &named("deadpool"), 8.0, &look);
                against("the plain one", &named("tokio-semaphore"), 2.5, &look);
            }
            Group::TwoThreads => {
                against(
                    "the best managed peer",
                    &managed,
                    4.0,
                    &[(0.5, "median throughput"), (0.0, "best throughput")],
                );
            }
            Group::Contended { .. } => {
                let looks = [(0.5, "median throughput"), (0.0, "best throughput")];
                against("the best managed peer", &managed, 1.5, &looks);
                against("the plain one", &named("tokio-semaphore"), 1.2, &looks);
                if let Some(share) = ours.share() {
                    let measure = "smallest of largest share of a task".into();
                    bars.push(Bar {
                        group,
                        measure,
                        at_least: 0.95,
                        reached: share,
                    });
                }
            }
        }
    }
    bars
}

pub(crate) fn bars_table(bars: &[Bar]) -> String {
    let rows = bars.iter().map(|bar| {
        let verdict = if bar.met() { "met" } else { "**missed**" };
        vec![
            bar.group.name(),
            bar.measure.clone(),
            bar.at_least.to_string(),
            number(bar.reached),
            verdict.into(),
        ]
    });
    table(&["group", "measure", "at least", "reached", ""], rows.collect())
}
