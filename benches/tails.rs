//! How long requests wait: the tails of a steady load, a spike, a storm of timeouts, a backend that says nothing. fairpool
//! beside its peers.
//!
//! ```text
//! cargo bench --bench tails                      # everything, about five minutes; kept in benches/results
//! cargo bench --bench tails -- spike storm       # only the named parts; a trial
//! FAIRPOOL_ROUNDS=1 cargo bench --bench tails    # fewer rounds; a trial
//! ```
//!
//! | part | load | what is told |
//! |---|---|---|
//! | `tails` | 1,000 tasks on 50 connections, and 200 on 5; each acquires, sleeps 2 ms, releases, at once again | the waits: median to largest; the smallest share of a task |
//! | `spike` | 50 requests at once, 2 ms each; 5 connections open, a limit of 50, a connect takes 150 ms | when they are served, how many connections are opened |
//! | `storm` | 2,000 tasks whose requests all time out, since no connection comes back | how late each timeout comes, what it costs, what is left afterwards |
//! | `silence` | two requests on a pool of one whose backend never answers; both may take 500 ms | when the second one ends |
//!
//! Two workers. The subjects take turns within every round. A quantile is the median of the rounds', the largest wait is the
//! largest of all.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

mod report;
mod subjects;
#[path = "tails/mod.rs"]
mod tails;

use report::{Facts, publish};
use serde_json::json;
use std::fmt::Write as _;
use subjects::managed::{Bb8, Deadpool, FastPool, Mobc};
use subjects::ours::Fairpool;
use subjects::plain::{DeadpoolUnmanaged, Floor, TokioSemaphore};
use tails::entry::Entry;
use tails::plan::Plan;

/// Rounds of a full run.
const ROUNDS: usize = 3;

fn main() {
    let subjects = [
        Entry::managed::<Fairpool>("fairpool"),
        Entry::managed::<Bb8>("bb8"),
        Entry::managed::<Deadpool>("deadpool"),
        Entry::plain::<DeadpoolUnmanaged>("deadpool-unmanaged"),
        Entry::managed::<Mobc>("mobc"),
        Entry::managed::<FastPool>("fast_pool"),
        Entry::plain::<TokioSemaphore>("tokio-semaphore"),
        Entry::floor::<Floor>("floor"),
    ];
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let rounds = report::rounds(ROUNDS);
    let plan = if measuring { Plan::full(rounds) } else { Plan::smoke() };

    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|one| one == part);
    let mut markdown = format!(
        "{rounds} rounds, the subjects in turns; quantiles are medians of the rounds, the largest is the largest of all.\n"
    );
    let mut parts = json!({});
    for part in tails::PARTS {
        if wanted(part.name) {
            let told = (part.run)(&plan, &subjects);
            for section in &told {
                let _ = write!(markdown, "\n## {}\n\n{}", section.title, section.table);
            }
            parts[part.name] = told.into_iter().map(|section| (section.title, section.json)).collect();
        }
    }
    if !measuring {
        return;
    }
    let full = rounds >= ROUNDS && tails::PARTS.iter().all(|part| wanted(part.name));
    let facts = Facts::gather(
        "tails",
        &["FAIRPOOL_ROUNDS"],
        &["bb8", "deadpool", "mobc", "fast_pool", "tokio"],
    );
    publish("tails", full, &facts, &markdown, parts).expect("the results can be written");
}
