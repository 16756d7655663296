//! Where figures go: Markdown tables on the terminal, and Markdown and JSON files that say where the figures come from.
//!
//! A full run is kept in `benches/results`; anything less is a trial and goes to the target folder.

#![allow(dead_code, reason = "each bench uses its part")]

mod facts;

pub(crate) use facts::Facts;
use serde_json::{Value, json};
use std::path::Path;
use std::{fs, io};

/// Prints the report and writes it as `<date>-<name>.md` and `.json`.
pub(crate) fn publish(name: &str, full: bool, facts: &Facts, markdown: &str, mut figures: Value) -> io::Result<()> {
    let markdown = format!("# {name}: {}\n\n{}\n{markdown}", facts.date(), facts.markdown());
    println!("\n{markdown}");
    figures["facts"] = facts.json();

    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results");
    let folder = if full {
        kept
    } else {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("trials")
    };
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}-{name}", facts.date()));
    fs::write(file.with_extension("md"), markdown)?;
    fs::write(file.with_extension("json"), format!("{figures:#}\n"))?;
    println!("written to {}.md and .json", file.display());
    if !full {
        println!("(a trial: only a full run is kept in benches/results)");
    }
    Ok(())
}

/// The rounds that `FAIRPOOL_ROUNDS` asks for, or those of a full run.
pub(crate) fn rounds(full: usize) -> usize {
    std::env::var("FAIRPOOL_ROUNDS").map_or(full, |rounds| {
        rounds
            .parse()
            .ok()
            .filter(|rounds| *rounds > 0)
            .expect("FAIRPOOL_ROUNDS is a number of rounds, at least 1")
    })
}

/// A Markdown table whose columns line up; all but the first column to the right.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count(), 3]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::from("|");
        for (column, (cell, width)) in cells.zip(&widths).enumerate() {
            line += &if column == 0 {
                format!(" {cell:<width$} |")
            } else {
                format!(" {cell:>width$} |")
            };
        }
        line + "\n"
    };
    let rule = |(column, width): (usize, &usize)| {
        if column == 0 {
            "-".repeat(*width)
        } else {
            format!("{}:", "-".repeat(width - 1))
        }
    };
    let rules: Vec<String> = widths.iter().enumerate().map(rule).collect();
    let mut table = line(&mut head.iter().copied()) + &line(&mut rules.iter().map(String::as_str));
    for row in &rows {
        table += &line(&mut row.iter().map(String::as_str));
    }
    table
}

/// Three significant digits or so.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The middle of some figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 {
        figures[middle]
    } else {
        (figures[middle - 1] + figures[middle]) / 2.0
    }
}

impl Facts {
    fn markdown(&self) -> String {
        self.lines()
            .iter()
            .map(|(what, fact)| format!("- {what}: {fact}\n"))
            .collect()
    }

    fn json(&self) -> Value {
        self.lines()
            .into_iter()
            .map(|(what, fact)| (what.to_owned(), json!(fact)))
            .collect()
    }
}
