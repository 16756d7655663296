//! What a pool weighs, and whether size slows it: allocations, bytes, leases at limit 10,000, cancels at 100,000 waiters,
//! instructions.
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

use report::{Facts, publish, table};
use scale::counting::Counting;
use scale::finding::Finding;
use scale::{allocations, bytes, cancels, instructions, limits};
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
    let rounds = std::env::var("FAIRPOOL_ROUNDS").map_or(ROUNDS, |rounds| {
        rounds
            .parse()
            .ok()
            .filter(|rounds| *rounds > 0)
            .expect("FAIRPOOL_ROUNDS is a number of rounds, at least 1")
    });
    let rounds = if measuring { rounds } else { 1 };

    let mut findings = allocations::count();
    findings.extend(bytes::weigh());
    findings.extend(limits::compare(rounds));
    findings.extend(cancels::compare(rounds));
    if !measuring {
        return;
    }
    findings.extend(instructions::count());

    let rows = findings.iter().map(Finding::row).collect();
    let markdown = format!(
        "Times are medians of {rounds} rounds.\n\n{}",
        table(&Finding::HEAD, rows)
    );
    let figures = json!({ "findings": findings.iter().map(Finding::json).collect::<Value>() });
    let facts = Facts::gather("scale", &["FAIRPOOL_ROUNDS"], &[]);
    publish("scale", rounds >= ROUNDS, &facts, &markdown, figures).expect("the results can be written");
}
