//! The report in words: 80 columns, names on the left, a unit behind every number that is not a count.

use super::database::ROWS;
use super::figures::{ClearFigures, DrainFigures, Figures, LoadFigures, ResizeFigures, Setup, Spread, WholeFigures};
use super::workload::{RANGE, RANGE_READS, WRITES};
use fairpool::Status;
use std::fmt::Display;
use std::time::Duration;

/// The last thing that is said of a run that did not reach its end.
pub(super) fn interrupted(figures: &Figures) -> &'static str {
    if figures.load.is_some() {
        "\nInterrupted: the figures are those of the time until then.\n"
    } else {
        "Interrupted: nothing was measured yet.\n"
    }
}

pub(super) fn setup(setup: &Setup) -> String {
    let Setup {
        tasks,
        limit,
        seconds,
        path,
        is_kept,
        bytes,
        made,
    } = setup;
    let (tasks, limit) = (plural(*tasks, "task"), plural(*limit, "connection"));
    let made = match made {
        Some(time) => format!("made in {}", span(*time)),
        None => "made by an earlier run".to_owned(),
    };
    let kept = if *is_kept { "kept" } else { "removed at the end" };
    [
        format!(
            "{tasks} on {limit} to one SQLite file, for {} s\n\n",
            seconds.as_secs_f64()
        ),
        line("file", path.display()),
        line(
            "",
            format_args!("{} rows, {}, {made}, {kept}", count(ROWS.unsigned_abs()), size(*bytes)),
        ),
        line(
            "operations",
            format_args!(
                "{} % point reads, {RANGE_READS} % range reads of {RANGE} rows, {WRITES} % writes",
                100 - RANGE_READS - WRITES
            ),
        ),
    ]
    .concat()
}

pub(super) fn load(figures: &LoadFigures) -> String {
    let [point_read, range_read, write] = &figures.kinds;
    let mut text = [
        "\nLoad\n".to_owned(),
        line(
            "throughput",
            format_args!(
                "{} operations per second, {} in {}",
                count(figures.throughput().round() as u64),
                count(figures.operations),
                span(figures.elapsed)
            ),
        ),
        format!("\n{:32}{:>12}{:>12}{:>12}{:>12}\n", "", "p50", "p99", "p99.9", "max"),
        row("wait for the pool", &figures.wait),
        row("time in the database", &figures.database),
        row("  point reads", &point_read.1),
        row("  range reads", &range_read.1),
        row("  writes", &write.1),
        "\n".to_owned(),
        line(
            "share of a task",
            format_args!(
                "{} to {} operations, smallest / largest {:.3}",
                count(figures.share.smallest),
                count(figures.share.largest),
                figures.share.ratio()
            ),
        ),
        line(
            "overtakings",
            format_args!(
                "{} in {} grants, {} of them from a line",
                count(figures.overtakings),
                count(figures.grants),
                count(figures.overlaps)
            ),
        ),
        line("connections", format_args!("{} opened", count(figures.opened))),
    ]
    .concat();
    if figures.connect_failures > 0 {
        text += &line("", format_args!("{} attempts failed", count(figures.connect_failures)));
    }
    text
}

pub(super) fn operations() -> &'static str {
    "\nOperations, under the same load\n"
}

pub(super) fn resize(figures: &ResizeFigures) -> String {
    let ResizeFigures {
        from,
        to,
        settled,
        throughput,
    } = figures;
    let settled = settled.map(|time| format!(" in {}", span(time))).unwrap_or_default();
    line(
        "resize",
        format_args!(
            "{} to {}{settled}, then {} operations per second",
            count(*from),
            count(*to),
            count(throughput.round() as u64)
        ),
    )
}

pub(super) fn clear(figures: &ClearFigures) -> String {
    let ClearFigures { removed, told, took } = figures;
    line(
        "clear",
        format_args!(
            "{} removed in {}, {} told",
            plural(*removed, "request"),
            span(*took),
            plural(*told, "task")
        ),
    )
}

pub(super) fn drain(figures: &DrainFigures) -> String {
    let DrainFigures { report, served } = figures;
    line(
        "drain",
        format_args!(
            "{} served, {} failed, {} closed, {} still out in {}{}",
            count(*served),
            count(report.failed as u64),
            count(report.closed),
            count(report.still_out),
            span(report.took),
            if report.completed { "" } else { ", cut off" }
        ),
    )
}

pub(super) fn whole(figures: &WholeFigures) -> String {
    let mut text = [
        "\nWhole run\n".to_owned(),
        line(
            "overtakings",
            format_args!("{} in {} grants", count(figures.overtakings), count(figures.grants)),
        ),
        line(
            "balances",
            format_args!(
                "{} in all, {} before {} writes",
                count(figures.balances.unsigned_abs()),
                if figures.balances == figures.expected {
                    "as"
                } else {
                    "NOT as"
                },
                count(figures.writes)
            ),
        ),
    ]
    .concat();
    if let (1.., Some(first)) = (figures.failures, &figures.first_failure) {
        text += &line(
            "failures",
            format_args!("{}, the first: {first}", count(figures.failures)),
        );
    }
    text
}

/// What stands behind the bar.
pub(super) fn progress(elapsed: Duration, of: Duration, rate: f64, status: &Status) -> String {
    format!(
        "{:.1} of {} s, {} per second, {} in use, {} in line",
        elapsed.min(of).as_secs_f64(),
        of.as_secs_f64(),
        count(rate.round() as u64),
        count(status.in_use),
        count(status.pending)
    )
}

fn line(name: &str, text: impl Display) -> String {
    format!("  {name:<18} {text}\n")
}

fn row(name: &str, spread: &Spread) -> String {
    let Spread { p50, p99, p999, max } = spread;
    format!(
        "  {name:<30}{:>12}{:>12}{:>12}{:>12}\n",
        span(*p50),
        span(*p99),
        span(*p999),
        span(*max)
    )
}

fn plural(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number with its thousands set apart.
fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time, to three digits.
fn span(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    // Half a step below the next unit a time would be rounded to 1000 of its own.
    let (value, unit) = match nanos {
        _ if nanos < 999.5 => (nanos, "ns"),
        _ if nanos < 999.5e3 => (nanos / 1e3, "µs"),
        _ if nanos < 999.5e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    three_digits(value, unit)
}

fn size(bytes: u64) -> String {
    three_digits(bytes as f64 / 1e6, "MB")
}

fn three_digits(value: f64, unit: &str) -> String {
    let decimals = match value {
        _ if value < 9.995 => 2,
        _ if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_three_digits_and_the_unit_that_fits() {
        let shown = [0, 850, 999, 1_234, 99_960, 999_400, 999_600, 15_900_000, 10_004_000_000]
            .map(|nanos| span(Duration::from_nanos(nanos)));
        let expected = [
            "0.00 ns", "850 ns", "999 ns", "1.23 µs", "100 µs", "999 µs", "1.00 ms", "15.9 ms", "10.0 s",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0u64, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
