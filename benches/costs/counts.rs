//! Instructions and atomic read-modify-writes of a lease without waiting, and of a hand-off among eight tasks.
//!
//! Each subject runs under callgrind twice, with a few and with many repetitions; the difference has nothing of start-up
//! in it. One thread: what is counted is what the code does, not what threads do to each other. A spinning lock would be
//! counted once. Before anything else a piece of work is counted whose count is known; where that fails (another
//! processor, a tool that writes otherwise), nothing is counted.

use super::atomics::addresses;
use super::callgrind::{self, Executions};
use super::entry::Entry;
use crate::report::{number, table};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const FEW: u64 = 2_000;
const MANY: u64 = 10_000;
/// Places named in the report; all of them are in the JSON.
const MOST: usize = 6;

/// Runs one piece of work of one subject so many times, and nothing else.
pub(crate) fn once(arguments: &[String], subjects: &[Entry]) {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = |name: &str| subjects.iter().find(|entry| entry.name == name);
    match words[..] {
        ["lease", name, number, ..] if found(name).is_some() => run(found(name).map(|entry| entry.lease), number),
        ["handoff", name, number, ..] if found(name).is_some() => run(found(name).map(|entry| entry.handoff), number),
        ["calibrate", _, number, ..] => run(Some(calibrate), number),
        _ => panic!("usage: --once lease|handoff <subject> <number>"),
    }
}

fn run(work: Option<fn(u64)>, number: &str) {
    let number = number.parse().expect("a number of repetitions");
    work.into_iter().for_each(|work| work(number));
}

/// Work of which the count is known.
fn calibrate(number: u64) {
    let word = AtomicU64::new(0);
    for _ in 0..number {
        word.fetch_add(1, Relaxed);
        word.swap(black_box(2), Relaxed);
        let _ = word.compare_exchange(2, black_box(3), Relaxed, Relaxed);
    }
    black_box(word);
}

/// Per repetition.
struct Count {
    instructions: f64,
    atomics: f64,
    /// Atomic read-modify-writes by the function that executes them, what was inlined included.
    places: BTreeMap<String, f64>,
}

pub(crate) fn count(subjects: &[Entry], measuring: bool) -> io::Result<(String, Value)> {
    if !measuring {
        // That the works run is all that a test run wants to know.
        subjects.iter().for_each(|entry| {
            (entry.lease)(8);
            (entry.handoff)(8);
        });
        return Ok((String::new(), Value::Null));
    }
    // What the disassembly of each object file said.
    let mut known = HashMap::new();
    let known_to_be_three = difference("calibrate", "-", &mut known)?.atomics;
    if (known_to_be_three - 3.0).abs() > 0.01 {
        let why = format!("three atomic read-modify-writes were counted as {known_to_be_three}");
        return Err(io::Error::other(why));
    }
    let (mut markdown, mut figures) = (String::new(), json!({}));
    for work in ["lease", "handoff"] {
        let mut counts = Vec::new();
        for entry in subjects {
            println!("counts/{work}: {}", entry.name);
            counts.push((entry.name, difference(work, entry.name, &mut known)?));
        }
        let title = match work {
            "lease" => "Counted: a lease without waiting",
            _ => "Counted: a lease that was waited for, its tasks' own cost included",
        };
        markdown += &format!("\n## {title}\n\n{}", counts_table(&counts));
        if work == "lease" {
            markdown += &format!("\n{}", places_list(&counts));
        }
        figures[work] = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), count.json()))
            .collect();
    }
    Ok((markdown, figures))
}

fn difference(work: &str, name: &str, known: &mut HashMap<String, HashSet<u64>>) -> io::Result<Count> {
    let mut count = Count {
        instructions: 0.0,
        atomics: 0.0,
        places: BTreeMap::new(),
    };
    for (number, sign) in [(MANY, 1.0), (FEW, -1.0)] {
        let executions = callgrind::run(&["--once", work, name, &number.to_string()])?;
        add(&mut count, &executions, sign / (MANY - FEW) as f64, known)?;
    }
    // What happens now and then (a timer's turn, a growing vector) is no part of a repetition.
    count.places.retain(|_, times| *times > 0.05);
    Ok(count)
}

fn add(
    count: &mut Count,
    executions: &Executions,
    each: f64,
    known: &mut HashMap<String, HashSet<u64>>,
) -> io::Result<()> {
    for (object, executed) in executions {
        if !known.contains_key(object) {
            // `???` is code without a file, such as the loader before it has mapped itself.
            let atomics = if object.starts_with('/') {
                addresses(object)?
            } else {
                HashSet::new()
            };
            known.insert(object.clone(), atomics);
        }
        let atomics = &known[object];
        for (address, executed) in executed {
            let times = executed.times as f64 * each;
            count.instructions += times;
            if atomics.contains(address) {
                count.atomics += times;
                *count.places.entry(executed.function.clone()).or_default() += times;
            }
        }
    }
    Ok(())
}

impl Count {
    fn json(&self) -> Value {
        json!({ "instructions": self.instructions, "atomics": self.atomics, "places": self.places })
    }
}

fn counts_table(counts: &[(&str, Count)]) -> String {
    let floor = counts.iter().find(|(name, _)| *name == "floor");
    let above =
        |figure: f64, of: fn(&Count) -> f64| number((figure - floor.map_or(0.0, |(_, floor)| of(floor))).max(0.0));
    let rows = counts.iter().map(|(name, count)| {
        vec![
            (*name).to_owned(),
            number(count.atomics.max(0.0)),
            above(count.atomics, |floor| floor.atomics),
            number(count.instructions),
            above(count.instructions, |floor| floor.instructions),
        ]
    });
    let head = [
        "subject",
        "atomic read-modify-writes",
        "above floor",
        "instructions",
        "above floor",
    ];
    table(&head, rows.collect())
}

fn places_list(counts: &[(&str, Count)]) -> String {
    let mut list = String::from("Where most of the atomic ones are, with what was inlined there:\n\n");
    for (name, count) in counts.iter().filter(|(_, count)| !count.places.is_empty()) {
        let mut places: Vec<_> = count.places.iter().collect();
        places.sort_by(|a, b| b.1.total_cmp(a.1));
        let told = places.iter().take(MOST);
        let told: Vec<String> = told
            .map(|(place, times)| format!("{} in `{}`", number(**times), short(place)))
            .collect();
        list += &format!("- {name}: {}\n", told.join(", "));
    }
    list
}

/// A function's path without its hash, its generic arguments and the trait it belongs to.
fn short(place: &str) -> String {
    let place = place.rsplit_once("::h").map_or(place, |(place, _)| place);
    if let Some(dropped) = place.strip_prefix("core::ptr::drop_in_place<") {
        return format!("the drop of {}", plain(dropped.strip_suffix('>').unwrap_or(dropped)));
    }
    match place.strip_prefix('<').and_then(|rest| rest.split_once(" as ")) {
        Some((implementor, rest)) => {
            let method = rest.rsplit_once(">::").map_or("", |(_, method)| method);
            format!("{}::{}", plain(implementor), plain(method))
        }
        None => plain(place),
    }
}

fn plain(path: &str) -> String {
    let mut depth = 0;
    let kept = path.chars().filter(|c| {
        depth += i32::from(*c == '<');
        let kept = depth == 0;
        depth -= i32::from(*c == '>');
        kept
    });
    kept.collect::<String>()
        .replace("::::", "::")
        .trim_end_matches("::")
        .to_owned()
}
