//! fairpool beside its peers: the cost of a lease where nobody waits, on two threads, and with many more tasks than
//! connections.
//!
//! ```text
//! cargo bench --bench peers                        # everything, about six minutes; kept in benches/results
//! cargo bench --bench peers -- contended/64x4      # only what matches; a trial
//! FAIRPOOL_ROUNDS=3 cargo bench --bench peers      # fewer rounds; a trial
//! ```
//!
//! | group | load |
//! |---|---|
//! | `uncontended` | one task on a runtime of one thread acquires and releases; ten connections |
//! | `two-threads` | the same on two workers at once; two connections |
//! | `contended/<tasks>x<limit>` | each task acquires, yields once, releases; two workers |
//!
//! A subject's figure is the median of many short rounds, see `rounds`; its best round is given as well, since thread
//! placement has two modes: compare medians with medians and best rounds with best rounds. `floor` is the same tasks
//! without a pool. qp 0.2 is left out: under the contended load it hangs.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

#[path = "peers/mod.rs"]
mod peers;
mod report;
mod subjects;

use peers::bars::{bars_table, judge};
use peers::figures::{Figures, group_table};
use peers::rounds::{Entry, Group, run};
use report::{Facts, publish};
use serde_json::{Value, json};
use std::fmt::Write as _;
use subjects::managed::{Bb8, Deadpool, FastPool, Mobc};
use subjects::ours::Fairpool;
use subjects::plain::{DeadpoolUnmanaged, Floor, TokioSemaphore};

/// Rounds of a full run.
const ROUNDS: usize = 25;

const GROUPS: [Group; 6] = [
    Group::Uncontended,
    Group::TwoThreads,
    Group::Contended { tasks: 16, limit: 4 },
    Group::Contended { tasks: 64, limit: 4 },
    Group::Contended { tasks: 256, limit: 8 },
    Group::Contended { tasks: 1000, limit: 10 },
];

fn main() {
    let subjects = [
        Entry::new::<Fairpool>("fairpool", false),
        Entry::new::<Bb8>("bb8", true),
        Entry::new::<Deadpool>("deadpool", true),
        Entry::new::<DeadpoolUnmanaged>("deadpool-unmanaged", false),
        Entry::new::<Mobc>("mobc", true),
        Entry::new::<FastPool>("fast_pool", true),
        Entry::new::<TokioSemaphore>("tokio-semaphore", false),
        Entry::new::<Floor>("floor", false),
    ];
    // Without `--bench` this is a test run: everything once, nothing to report.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let rounds = report::rounds(ROUNDS);
    let records = run(&GROUPS, &subjects, if measuring { rounds } else { 1 });
    if !measuring || records.is_empty() {
        return;
    }

    let figures: Vec<Figures<'_>> = records.iter().map(Figures::of).collect();
    let groups: Vec<Group> = GROUPS
        .into_iter()
        .filter(|group| records.iter().any(|record| record.group == *group))
        .collect();
    let bars = judge(&groups, &figures);
    let mut markdown = format!("Medians, best and quarters of {rounds} rounds.\n");
    for group in &groups {
        let _ = write!(markdown, "\n## {}\n\n{}", group.name(), group_table(*group, &figures));
    }
    if !bars.is_empty() {
        let _ = write!(markdown, "\n## Bars\n\n{}", bars_table(&bars));
    }

    let full = rounds >= ROUNDS && records.len() == GROUPS.len() * subjects.len();
    let facts = Facts::gather(
        "peers",
        &["FAIRPOOL_ROUNDS"],
        &["bb8", "deadpool", "mobc", "fast_pool", "tokio"],
    );
    let json = json!({
        "figures": figures.iter().map(Figures::json).collect::<Value>(),
        "bars": bars.iter().map(|bar| bar.json()).collect::<Value>(),
    });
    publish("peers", full, &facts, &markdown, json).expect("the results can be written");
}
