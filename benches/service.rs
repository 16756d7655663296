//! What the resource interface costs: a pool asked for over HTTP beside a bare handler that returns the same bytes, and pages of a
//! list of 10,000 pools beside the one.
//!
//! ```text
//! cargo bench --all-features --bench service                            # some four minutes; kept in benches/results
//! FAIRPOOL_ROUNDS=1 cargo bench --all-features --bench service          # fewer rounds; a trial
//! cargo bench --all-features --bench service -- --once one 1000         # 1,000 requests in process, for a profiler
//! ```
//!
//! It needs `wrk` (Debian has it) and, for the counts of instructions, `valgrind`. `wrk` has one thread and 64 connections that it
//! keeps, the server one thread; all are on loopback. In each round all subjects take a turn, in an order that moves on from round to
//! round, and each is compared with another one in the same round; the figure is the median of these ratios.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

mod report;
#[path = "service/mod.rs"]
mod service;

use report::{Facts, median, number, publish, table};
use serde_json::{Value, json};
use service::{counts, rig, subject::SUBJECTS, wrk};
use std::time::Duration;

/// Rounds of a full run.
const ROUNDS: usize = 9;
/// How long a subject is asked in one turn.
const TURN: Duration = Duration::from_secs(3);
const TRIAL: Duration = Duration::from_secs(1);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        return counts::once(&arguments[at + 1..]);
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        return counts::try_out();
    }
    if let Err(why) = wrk::is_there() {
        println!("nothing is measured: {why}");
        return;
    }
    let rounds = report::rounds(ROUNDS);
    let is_full = rounds >= ROUNDS;
    let turn = if is_full { TURN } else { TRIAL };
    let (rig, weight) = rig::Rig::start();
    let measured = rounds_of(&rig, rounds, turn);
    let instructions: Vec<_> = SUBJECTS
        .iter()
        .map(|subject| counts::instructions(subject.name))
        .collect();
    if instructions.iter().any(Option::is_none) {
        println!("no instructions are counted: valgrind did not run");
    }
    let (markdown, figures) = tables(&measured, &instructions, weight);
    let about = format!(
        "Medians of {rounds} rounds; in each, every subject is asked for {} s by `wrk -t1 -c64`.\n",
        turn.as_secs()
    );
    let facts = Facts::gather(
        "service --all-features",
        &["FAIRPOOL_ROUNDS"],
        &["axum", "hyper", "tokio"],
    );
    let markdown = format!("{about}{markdown}");
    publish("service", is_full, &facts, &markdown, figures).expect("the results can be written");
}

/// Requests a second: by subject, then by round.
fn rounds_of(rig: &rig::Rig, rounds: usize, turn: Duration) -> Vec<Vec<f64>> {
    let mut measured = vec![Vec::new(); SUBJECTS.len()];
    for round in 0..rounds {
        for at in 0..SUBJECTS.len() {
            let at = (at + round) % SUBJECTS.len();
            let subject = &SUBJECTS[at];
            // What the one before has left is none of its business.
            wrk::ask(&rig.url(subject), Duration::from_millis(300));
            measured[at].push(wrk::ask(&rig.url(subject), turn));
        }
        println!("round {} of {rounds}", round + 1);
    }
    measured
}

fn tables(measured: &[Vec<f64>], instructions: &[Option<f64>], weight: u64) -> (String, Value) {
    let of = |name: &str| {
        SUBJECTS
            .iter()
            .position(|subject| subject.name == name)
            .expect("a subject of this bench")
    };
    let ratio = |one: usize, other: usize| {
        let ratios = measured[one]
            .iter()
            .zip(&measured[other])
            .map(|(one, other)| one / other);
        median(ratios.collect())
    };
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for (at, subject) in SUBJECTS.iter().enumerate() {
        let rate = median(measured[at].clone());
        let of_bare = ratio(at, of("bare"));
        let costs = ratio(of("one"), at);
        let (bar, is_met) = subject.bar.judge(of_bare, costs);
        let verdict = match is_met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        rows.push(vec![
            subject.name.to_owned(),
            number(rate),
            format!("{of_bare:.2}"),
            format!("{costs:.2}"),
            instructions[at].map_or("–".to_owned(), number),
            bar,
            verdict.to_owned(),
        ]);
        figures.push(json!({
            "subject": subject.name, "asks": subject.path, "per_second": rate, "of_bare": of_bare, "costs_of_one": costs,
            "instructions": instructions[at],
        }));
    }
    let head = [
        "asked for",
        "requests a second",
        "of bare",
        "× one",
        "instructions",
        "bar",
        "",
    ];
    let legend: String = SUBJECTS
        .iter()
        .map(|subject| format!("- {}: {}\n", subject.name, subject.what))
        .collect();
    let memory = format!(
        "{} pools with their live limits and the store's records in memory: {:.1} MB resident.\n",
        rig::POOLS,
        weight as f64 / 1e6
    );
    (
        format!("\n{}\n{legend}\n{memory}", table(&head, rows)),
        json!({"subjects": figures, "resident": weight}),
    )
}
