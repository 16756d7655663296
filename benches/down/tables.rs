//! The figures of one backend: tables of faults by pools, and what requests were told.

use super::course::Figures;
use super::fault::FAULTS;
use crate::report::{number, table};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The runs of one fault, by pool.
pub(crate) type Row = (&'static str, Vec<(&'static str, Figures)>);

type Cell = fn(&Figures) -> String;

const TABLES: [(&str, &str, Cell); 7] = [
    (
        "late",
        "By how many ms the latest request exceeded its 500 ms.",
        |figures| ms(figures.late),
    ),
    (
        "attempts",
        "Attempts to connect a second during the outage (~: of the whole machine), and the processor time of the process, load \
         and proxy included, in ms a second.",
        |figures| {
            let sign = if figures.guessed { "~" } else { "" };
            format!("{sign}{} / {}", number(figures.attempts), ms(figures.cpu))
        },
    ),
    (
        "first success",
        "From the healing to the first answer over a connection that was lent after it, in ms.",
        |figures| figures.success.map_or("none in a second".into(), ms),
    ),
    (
        "storm",
        "Connections opened within a second of the healing; 8 are enough.",
        |figures| figures.opened.to_string(),
    ),
    (
        "first second",
        "In the second after the healing: the 99th percentile of the waits in ms, requests refused, questions failed.",
        |figures| {
            format!(
                "{} / {} / {}",
                ms(figures.p99),
                figures.refused_after,
                figures.failed_after
            )
        },
    ),
    (
        "used",
        "During the outage: leases whose question was answered, and leases whose question failed.",
        |figures| format!("{} / {}", figures.served, figures.failed),
    ),
    (
        "whole",
        "Whether all 8 can be held and used at once afterwards; sessions that the server counts then; and when the pool has \
         been closed and dropped.",
        |figures| {
            let whole = if figures.whole { "yes" } else { "no" };
            format!("{whole} / {} / {}", figures.sessions, figures.leaked)
        },
    ),
];

fn ms(time: Duration) -> String {
    number(time.as_secs_f64() * 1e3)
}

pub(crate) fn markdown(backend: &str, rows: &[Row]) -> String {
    let mut text = String::new();
    let pools: Vec<&str> = rows[0].1.iter().map(|(pool, _)| *pool).collect();
    let head: Vec<&str> = std::iter::once("fault").chain(pools.iter().copied()).collect();
    for (name, what, cell) in TABLES {
        let cells = rows.iter().map(|(fault, runs)| {
            let runs = runs.iter().map(|(_, figures)| cell(figures));
            std::iter::once((*fault).to_owned()).chain(runs).collect()
        });
        let _ = write!(
            text,
            "\n## {backend}: {name}\n\n{what}\n\n{}",
            table(&head, cells.collect())
        );
    }
    let _ = write!(
        text,
        "\n## {backend}: errors\n\nWhat requests were told most, and how often.\n"
    );
    for pool in &pools {
        let _ = write!(text, "\n{pool}:\n\n");
        for (fault, runs) in rows {
            let told = runs
                .iter()
                .find(|(name, _)| name == pool)
                .map(|(_, figures)| &figures.told);
            for (words, times) in told.into_iter().flatten().take(2) {
                let _ = writeln!(text, "- {fault}, {times} ×: {}", words.replace('\n', " "));
            }
        }
    }
    text
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let of_fault = |(fault, runs): &Row| {
        let runs: Value = runs
            .iter()
            .map(|(pool, figures)| ((*pool).to_owned(), of_run(figures)))
            .collect();
        ((*fault).to_owned(), runs)
    };
    rows.iter().map(of_fault).collect()
}

fn of_run(figures: &Figures) -> Value {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    json!({
        "late_ms": ms(figures.late),
        "attempts_per_s": figures.attempts,
        "attempts_are_of_the_machine": figures.guessed,
        "cpu_ms_per_s": ms(figures.cpu),
        "first_success_ms": figures.success.map(ms),
        "opened": figures.opened,
        "p99_ms": ms(figures.p99),
        "refused_after": figures.refused_after,
        "failed_after": figures.failed_after,
        "served": figures.served,
        "failed": figures.failed,
        "whole": figures.whole,
        "sessions": figures.sessions,
        "leaked": figures.leaked,
        "told": figures.told.iter().map(|(words, times)| json!([words, times])).collect::<Value>(),
    })
}

/// What the faults are.
pub(crate) fn legend() -> String {
    let cells = FAULTS
        .iter()
        .map(|fault| vec![fault.name.to_owned(), fault.what.to_owned()]);
    table(&["fault", "what happens"], cells.collect())
}
