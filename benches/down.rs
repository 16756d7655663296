//! When the database is down: what pools do meanwhile, and when it is back. fairpool beside its peers, over PostgreSQL and Redis.
//!
//! ```text
//! cargo bench --all-features --bench down                    # everything, about six minutes; kept in benches/results
//! cargo bench --all-features --bench down -- --quick         # short outages; a trial
//! cargo bench --all-features --bench down -- redis refuse    # only the named backends and faults; a trial
//! ```
//!
//! Sixteen tasks share eight connections through the fault proxy of the tests (`tests/proxy`); each asks, has an answer of
//! 2,000 bytes, pauses for 2 ms. Then a fault strikes for 1.5 s, and heals. A request may take 500 ms, and so may a question,
//! whose asker then drops it, as users do. Every pool has the options that serve it best; they are in the results.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

#[path = "tails/cpu.rs"]
mod cpu;
#[path = "down/mod.rs"]
mod down;
#[path = "../tests/proxy/mod.rs"]
mod proxy;
mod report;
#[path = "../tests/servers/mod.rs"]
mod servers;

use down::course::{Figures, Plan, Server, run};
use down::fault::{FAULTS, Fault};
use down::subject::Subject;
use down::{bb8, deadpool, mobc, ours, sqlx, tables};
use report::{Facts, publish};
use serde_json::json;
use std::time::Duration;

type Runner = (&'static str, fn(&mut Server, &Fault, &Plan) -> Figures);

fn runner<S: Subject>() -> Runner {
    (S::NAME, run::<S>)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let (measuring, quick) = (has("--bench"), has("--quick"));
    let asked: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let names = |name: &str| asked.iter().any(|asked| *asked == name);
    let plan = match (measuring, quick) {
        (true, false) => Plan {
            work: Duration::from_millis(300),
            outage: Duration::from_millis(1500),
        },
        _ => Plan {
            work: Duration::from_millis(200),
            outage: Duration::from_millis(600),
        },
    };
    // A test run only looks whether it runs.
    let faults = FAULTS.iter().filter(|fault| {
        let named = FAULTS.iter().any(|fault| names(fault.name));
        if named {
            names(fault.name)
        } else {
            measuring || fault.name == "reset"
        }
    });
    let faults: Vec<&Fault> = faults.collect();

    let load = load();
    let mut markdown = format!("- load when it began: {load}\n\n{}\n{}", settings(), tables::legend());
    let mut figures = json!({ "load": load });
    let wanted = |backend: &str| names(backend) || !["postgres", "redis"].into_iter().any(names);
    if wanted("postgres") {
        if let Some(server) = servers::postgres::Postgres::start(&[]) {
            let runners = [
                runner::<ours::OverPostgres>(),
                runner::<bb8::OverPostgres>(),
                runner::<deadpool::OverPostgres>(),
                runner::<mobc::OverPostgres>(),
                runner::<sqlx::OverPostgres>(),
            ];
            let rows = compare("postgres", Server::Postgres(server), &faults, &runners, &plan);
            markdown += &tables::markdown("postgres", &rows);
            figures["postgres"] = tables::json(&rows);
        }
    }
    if wanted("redis") {
        if let Some(server) = servers::redis::Redis::start(&[]) {
            let runners = [
                runner::<ours::OverRedis>(),
                runner::<bb8::OverRedis>(),
                runner::<deadpool::OverRedis>(),
                runner::<mobc::OverRedis>(),
            ];
            let rows = compare("redis", Server::Redis(server), &faults, &runners, &plan);
            markdown += &tables::markdown("redis", &rows);
            figures["redis"] = tables::json(&rows);
        }
    }
    if !measuring {
        return;
    }
    let full = !quick && asked.is_empty() && figures["postgres"].is_object() && figures["redis"].is_object();
    let peers = [
        "bb8",
        "bb8-postgres",
        "bb8-redis",
        "deadpool",
        "deadpool-postgres",
        "deadpool-redis",
        "mobc",
        "sqlx",
        "tokio-postgres",
        "redis",
    ];
    let facts = Facts::gather("down --all-features", &[], &peers);
    publish("down", full, &facts, &markdown, figures).expect("the results can be written");
}

/// The pools take turns within each fault, and begin one further each time.
fn compare(backend: &str, mut server: Server, faults: &[&Fault], runners: &[Runner], plan: &Plan) -> Vec<tables::Row> {
    let mut rows = Vec::new();
    for (turn, fault) in faults.iter().enumerate() {
        let mut runs: Vec<Option<Figures>> = runners.iter().map(|_| None).collect();
        for place in 0..runners.len() {
            let at = (place + turn) % runners.len();
            let (name, run) = runners[at];
            println!("{backend}, {}: {name}", fault.name);
            runs[at] = Some(run(&mut server, fault, plan));
        }
        let runs = runners
            .iter()
            .zip(runs)
            .map(|((name, _), run)| (*name, run.expect("each had its turn")));
        rows.push((fault.name, runs.collect()));
    }
    rows
}

/// What else the machine had to do, over 1, 5 and 15 minutes.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(", ")
}

/// Each at its best.
fn settings() -> String {
    let settings = [
        ("fairpool", ours::SETTINGS),
        ("bb8", bb8::SETTINGS),
        ("deadpool", deadpool::SETTINGS),
        ("mobc", mobc::SETTINGS),
        ("sqlx", sqlx::SETTINGS),
    ];
    let cells = settings.map(|(pool, settings)| vec![pool.to_owned(), settings.to_owned()]);
    report::table(&["pool", "settings"], cells.to_vec())
}
