//! Real work over real servers: what a lease costs when it is used, over 8 connections. fairpool beside its peers, all as
//! clean as each other.
//!
//! ```text
//! cargo bench --bench real                             # everything, less than ten minutes; kept in benches/results
//! cargo bench --bench real -- postgres select 64 512   # only these backends, works, numbers of tasks; a trial
//! cargo bench --bench real -- --quick                  # short windows, few rounds; a trial
//! FAIRPOOL_ROUNDS=9 cargo bench --bench real           # more rounds
//! ```
//!
//! | work | SQL | Redis |
//! |---|---|---|
//! | `select` | `SELECT 1` | `PING` |
//! | `read` | a row by its key, prepared | `GET` |
//! | `transaction` | begin, update a row, read it, commit | `MULTI`, `INCR`, `GET`, `EXEC` in one pipeline |
//!
//! by 1, 8, 64 and 512 tasks that lease, work, give back and lease again at once. Servers are those of the tests (on the
//! loopback, with fsync off); one that is not installed is left out, with a word. Load, pool and server share the machine.
//! Every subject has 8 connections, all open, and resets them alike between two leases; rows with `no reset` do not.
//! Two workers. A figure is the median of the rounds, in which the subjects take turns.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

#[path = "real/mod.rs"]
mod real;
mod report;
#[path = "../tests/servers/mod.rs"]
mod servers;

use real::plan::Plan;
use real::rounds::{Record, run};
use real::work::Work;
use real::{bars, figures, mariadb, postgres, redis, sqlite};
use report::{Facts, publish};
use serde_json::{Value, json};
use std::fmt::Write as _;

const BACKENDS: [&str; 4] = [postgres::NAME, mariadb::NAME, redis::NAME, sqlite::NAME];

fn main() {
    let plan = Plan::asked(&BACKENDS);
    let mut records = Vec::new();
    let mut skipped = Vec::new();
    let mut measure = |backend: &'static str, told: Option<Vec<Record>>| match told {
        Some(told) => records.extend(told),
        None => skipped.push(backend),
    };
    if plan.wants(postgres::NAME) {
        let server = postgres::start();
        let told = server.map(|server| run(&plan, postgres::NAME, &postgres::subjects(&server)));
        measure(postgres::NAME, told);
    }
    if plan.wants(mariadb::NAME) {
        let server = mariadb::start();
        let told = server.map(|server| run(&plan, mariadb::NAME, &mariadb::subjects(&server)));
        measure(mariadb::NAME, told);
    }
    if plan.wants(redis::NAME) {
        let server = redis::start();
        let told = server.map(|server| run(&plan, redis::NAME, &redis::subjects(&server)));
        measure(redis::NAME, told);
    }
    if plan.wants(sqlite::NAME) {
        let file = sqlite::start();
        measure(sqlite::NAME, Some(run(&plan, sqlite::NAME, &sqlite::subjects(&file))));
    }
    if !plan.measuring || records.is_empty() {
        return;
    }
    tell(&plan, &records, &skipped);
}

fn tell(plan: &Plan, records: &[Record], skipped: &[&str]) {
    let mut markdown = format!("Medians of {} rounds, 8 connections.\n", plan.rounds);
    for backend in skipped {
        let _ = writeln!(markdown, "\nLeft out, since its server is not installed: {backend}.");
    }
    let mut cells: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let place = |one: &Record| (one.backend, one.work, one.tasks);
        match cells.last_mut() {
            Some(cell) if place(cell[0]) == place(record) => cell.push(record),
            _ => cells.push(vec![record]),
        }
    }
    let bars: Vec<_> = cells.iter().flat_map(|cell| bars::judge(cell)).collect();
    let _ = write!(markdown, "\n## Standing\n\n{}", bars::standing_table(&bars));
    for backend in BACKENDS {
        let of_backend: Vec<&Record> = records.iter().filter(|record| record.backend == backend).collect();
        for work in Work::ALL {
            if of_backend.iter().any(|record| record.work == work) {
                let table = figures::work_table(&of_backend, work);
                let _ = write!(markdown, "\n## {backend}/{}\n\n{table}", work.name());
            }
        }
    }
    for cell in &cells {
        let (one, table) = (cell[0], figures::cell_table(cell));
        let _ = write!(
            markdown,
            "\n## {}/{}/{}\n\n{table}",
            one.backend,
            one.work.name(),
            one.tasks
        );
    }
    let _ = write!(markdown, "\n## Bars\n\n{}", bars::bars_table(&bars));
    let facts = Facts::gather(
        "real",
        &["FAIRPOOL_ROUNDS"],
        &[
            "bb8",
            "deadpool",
            "mobc",
            "sqlx",
            "mysql_async",
            "tokio-postgres",
            "redis",
            "rusqlite",
            "tokio",
        ],
    );
    let json = json!({
        "figures": records.iter().map(Record::json).collect::<Value>(),
        "bars": bars.iter().map(bars::Bar::json).collect::<Value>(),
    });
    publish("real", plan.is_full() && skipped.is_empty(), &facts, &markdown, json).expect("the results can be written");
}
