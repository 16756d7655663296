//! The tables of a page: what stands between `<!-- from BENCH: HEADING -->` and `<!-- end -->` is replaced by that bench's
//! table of that heading, and a line that says which run it is. `growth` of `peers` is made here, of two of its groups.

use super::results::{Results, Run};
use crate::report::{number, table};
use std::fmt::Write as _;
use std::io;

pub(crate) fn fill(text: &str, results: &Results) -> io::Result<String> {
    let mut filled = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(filled, "{line}");
        let Some(wanted) = line
            .strip_prefix("<!-- from ")
            .and_then(|line| line.strip_suffix(" -->"))
        else {
            continue;
        };
        let table = excerpt(wanted, results).ok_or_else(|| {
            io::Error::other(format!(
                "there is no `{wanted}` in benches/results: run its bench first"
            ))
        })?;
        let _ = write!(filled, "\n{table}\n\n<!-- end -->\n");
        lines
            .find(|line| *line == "<!-- end -->")
            .ok_or_else(|| io::Error::other(format!("`{wanted}` has no end")))?;
    }
    Ok(filled)
}

fn excerpt(wanted: &str, results: &Results) -> Option<String> {
    let (bench, heading) = wanted.split_once(':')?;
    let run = results.run(bench)?;
    let table = match (bench, heading.trim()) {
        ("peers", "growth") => growth(run)?,
        (_, heading) => run.table(heading)?,
    };
    let (date, commit, stem) = (run.fact("date"), run.fact("commit"), &run.stem);
    Some(format!(
        "{}\n\nThe run of {date}, commit {commit}: [all its figures](../benches/results/{stem}.md).",
        table.trim_end()
    ))
}

/// What a second thread brings: the throughput of two threads as a multiple of that of one task alone.
fn growth(run: &Run) -> Option<String> {
    let million = |group: &str, subject: &str| {
        let mut figures = run.json["figures"].as_array()?.iter();
        let figure = figures.find(|figure| figure["group"] == group && figure["subject"] == subject)?;
        Some(1e3 / figure["ns_per_lease"]["median"].as_f64()?)
    };
    let figures = run.json["figures"].as_array()?.iter();
    let alone = figures.filter(|figure| figure["group"] == "uncontended");
    let mut rows: Vec<(&str, f64, f64)> = alone
        .filter_map(|figure| {
            let subject = figure["subject"].as_str()?;
            Some((
                subject,
                million("uncontended", subject)?,
                million("two-threads", subject)?,
            ))
        })
        .collect();
    rows.sort_by(|a, b| (b.2 / b.1).total_cmp(&(a.2 / a.1)));
    let cells = rows.iter().map(|(subject, one, two)| {
        let [one, two, times] = [*one, *two, two / one].map(number);
        vec![(*subject).to_owned(), one, two, times]
    });
    let head = [
        "subject",
        "one thread, million/s",
        "two threads, million/s",
        "two / one",
    ];
    Some(table(&head, cells.collect()))
}
