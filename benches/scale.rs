//! What a pool weighs, and whether size slows it: allocations, bytes, leases at limit 10,000, cancels at 100,000 waiters,
//! instructions; and what its peers weigh.
//!
//! ```text
//! cargo bench --bench scale                        # a minute or two; kept in benches/results
//! FAIRPOOL_ROUNDS=3 cargo bench --bench scale      # fewer rounds; a trial
//! cargo bench --bench scale -- --once lease 1000   # 1,000 leases and nothing else, for a profiler; or `handoff`
//! ```
//!
//! It counts and times by itself: what it compares differs in size, not in code, so small and large take turns and the
//! medians of many rounds are compared. Where `valgrind` is installed, callgrind counts the instructions.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

mod report;
#[path = "scale/mod.rs"]
mod scale;
mod subjects;

use report::{Facts, publish, table};
use scale::counting::Counting;
use scale::finding::Finding;
use scale::{allocations, beside, bytes, cancels, instructions, limits};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Rounds of a full run.
const ROUNDS: usize = 51;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        return instructions::once(&arguments[at + 1..]);
    }
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    let rounds = report::rounds(ROUNDS);
    let rounds = if measuring { rounds } else { 1 };

    let mut findings = allocations::count();
    findings.extend(bytes::weigh());
    findings.extend(limits::compare(rounds));
    findings.extend(cancels::compare(rounds));
    let weights = beside::weigh();
    if !measuring {
        return;
    }
    findings.extend(instructions::count());

    let rows = findings.iter().map(Finding::row).collect();
    let markdown = format!(
        "Times are medians of {rounds} rounds.\n\n{}\n## Beside its peers\n\n{}",
        table(&Finding::HEAD, rows),
        beside::weights_table(&weights)
    );
    let figures = json!({
        "findings": findings.iter().map(Finding::json).collect::<Value>(),
        "weights": weights.iter().map(beside::Weight::json).collect::<Value>(),
    });
    let facts = Facts::gather(
        "scale",
        &["FAIRPOOL_ROUNDS"],
        &["bb8", "deadpool", "mobc", "fast_pool", "tokio"],
    );
    publish("scale", rounds >= ROUNDS, &facts, &markdown, figures).expect("the results can be written");
}
