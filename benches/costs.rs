//! What one lease, one hand-off and one cancel cost, counted where counting is possible. fairpool beside its peers.
//!
//! ```text
//! cargo bench --bench costs                            # everything, about four minutes; kept in benches/results
//! cargo bench --bench costs -- counts                  # or `cancels`; a trial
//! FAIRPOOL_ROUNDS=3 cargo bench --bench costs          # fewer rounds of cancels; a trial
//! cargo bench --bench costs -- --once lease bb8 1000   # 1,000 leases and nothing else, for a profiler; or `handoff`
//! ```
//!
//! | part | what is told |
//! |---|---|
//! | `counts` | instructions and atomic read-modify-writes a lease and a hand-off, by callgrind and the disassembly |
//! | `cancels` | nanoseconds a cancel with 100 to 100,000 requests in line: of the newest, the oldest, any |

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

#[path = "costs/mod.rs"]
mod costs;
mod report;
mod subjects;

use costs::entry::Entry;
use costs::{cancels, counts};
use report::{Facts, publish};
use serde_json::json;
use std::fmt::Write as _;
use subjects::managed::{Bb8, Deadpool, FastPool, Mobc};
use subjects::ours::Fairpool;
use subjects::plain::{DeadpoolUnmanaged, Floor, TokioSemaphore};

/// Rounds of a full run.
const ROUNDS: usize = 25;

const SUBJECTS: [Entry; 8] = [
    Entry::of::<Fairpool>("fairpool"),
    Entry::of::<TokioSemaphore>("tokio-semaphore"),
    Entry::of::<DeadpoolUnmanaged>("deadpool-unmanaged"),
    Entry::of::<Deadpool>("deadpool"),
    Entry::of::<Bb8>("bb8"),
    Entry::of::<FastPool>("fast_pool"),
    Entry::of::<Mobc>("mobc"),
    Entry::of::<Floor>("floor"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        return counts::once(&arguments[at + 1..], &SUBJECTS);
    }
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let asked: Vec<&String> = arguments[1..]
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|one| *one == part);
    let rounds = report::rounds(ROUNDS);

    let mut markdown = String::new();
    let mut figures = json!({});
    let mut counted = false;
    if wanted("counts") {
        match counts::count(&SUBJECTS, measuring) {
            Ok((tables, json)) => {
                markdown += &tables;
                figures["counts"] = json;
                counted = true;
            }
            Err(why) => println!("nothing counted: {why}"),
        }
    }
    if wanted("cancels") {
        let (tables, json) = cancels::compare(&SUBJECTS, if measuring { rounds } else { 1 }, measuring);
        let _ = write!(markdown, "\n{tables}");
        figures["cancels"] = json;
    }
    if !measuring {
        return;
    }
    let full = counted && wanted("cancels") && rounds >= ROUNDS;
    let facts = Facts::gather(
        "costs",
        &["FAIRPOOL_ROUNDS"],
        &["bb8", "deadpool", "mobc", "fast_pool", "tokio"],
    );
    publish("costs", full, &facts, &markdown, figures).expect("the results can be written");
}
