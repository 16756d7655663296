//! Rules about files and folders: the first line, the length, a place on the map, and what sibling files share.

use crate::tree::{Finding, Source, Tree, each, finds, holds};

const LONGEST: usize = 400;

/// What every driver tells about itself, in this order.
const DRIVER_HEADINGS: [&str; 6] = [
    "Connect",
    "Health check",
    "Reset",
    "What is broken",
    "Options",
    "Example",
];

#[test]
fn every_file_opens_by_saying_what_it_is() {
    holds(each(&Tree::load().sources, opening));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    holds(each(&Tree::load().sources, length));
}

#[test]
fn every_folder_is_on_the_map() {
    let tree = Tree::load();
    holds(folders(&tree.folders, tree.page("ARCHITECTURE.md")));
}

#[test]
fn drivers_share_their_headings() {
    holds(each(&Tree::load().sources, driver_headings));
}

#[test]
fn every_module_stands_where_its_name_says() {
    holds(each(&Tree::load().sources, moved_modules));
}

fn opening(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    match first.strip_prefix("//! ") {
        Some(said) if !said.trim().is_empty() => Vec::new(),
        _ => vec![Finding::new(
            &source.path,
            1,
            "opens with `//!`: what this file is, in a line",
        )],
    }
}

fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let message = format!("has {lines} lines, {LONGEST} are the most: which two nouns are in it?");
    Vec::from_iter((lines > LONGEST).then(|| Finding::new(&source.path, LONGEST + 1, message)))
}

fn folders(folders: &[String], map: &str) -> Vec<Finding> {
    let roots = ["src", "tests", "benches"];
    let checked = folders
        .iter()
        .filter(|folder| roots.iter().any(|root| folder.split('/').next() == Some(root)));
    checked
        .filter(|folder| !names_folder(map, folder))
        .map(|folder| Finding::new("ARCHITECTURE.md", 0, format!("does not name the folder `{folder}`")))
        .collect()
}

/// Whether the folder itself is named, not only one that begins like it.
fn names_folder(map: &str, folder: &str) -> bool {
    let in_a_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    map.match_indices(folder)
        .any(|(at, _)| !map[at + folder.len()..].starts_with(in_a_name))
}

fn driver_headings(source: &Source) -> Vec<Finding> {
    let Some(name) = source.path.strip_prefix("src/drivers/") else {
        return Vec::new();
    };
    let is_driver = match name.split_once('/') {
        None => name != "mod.rs",
        Some((_, file)) => file == "mod.rs",
    };
    let headings: Vec<&str> = source
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("//! # "))
        .collect();
    if !is_driver || headings == DRIVER_HEADINGS {
        return Vec::new();
    }
    let message = format!("a driver's page has the headings `//! # …` {DRIVER_HEADINGS:?}, this one has {headings:?}");
    vec![Finding::new(&source.path, 1, message)]
}

/// `#[path]` and `include!` would let a file in by a side door, past the rules about floors.
fn moved_modules(source: &Source) -> Vec<Finding> {
    let said = "a module is where its name says: no `#[path]`, no `include!` in src";
    let doors = source.tokens.windows(3).filter(|three| {
        let [a, b, c] = [&*three[0].text, &*three[1].text, &*three[2].text];
        (a, b, c) == ("[", "path", "=") || (a, b) == ("include", "!")
    });
    if source.in_folder("src") {
        doors.map(|door| source.find(&door[0], said)).collect()
    } else {
        Vec::new()
    }
}

#[test]
fn the_rules_about_files_can_fail() {
    let bad = Source::new("src/a.rs", "// a\nfn a() {}\n");
    finds(opening(&bad), &[("src/a.rs:1", "opens with `//!`")]);
    finds(
        opening(&Source::new("src/a.rs", "//!\n//! a\n")),
        &[("src/a.rs:1", "opens with")],
    );
    finds(opening(&Source::new("src/a.rs", "//! Knows a.\n")), &[]);

    let lines = |count: usize| Source::new("tests/a.rs", &"//! a\n".repeat(count));
    finds(length(&lines(LONGEST + 1)), &[("tests/a.rs:401", "has 401 lines")]);
    finds(length(&lines(LONGEST)), &[]);

    let all = ["src", "src/sync", "tests", "docs"].map(str::to_owned);
    finds(
        folders(&all, "`src/synchrony` and tests"),
        &[("ARCHITECTURE.md", "`src/sync`")],
    );
    finds(folders(&all, "src/sync: waiting; tests: proof"), &[]);
}

#[test]
fn the_rules_about_modules_can_fail() {
    let page = |headings: &[&str]| {
        headings
            .iter()
            .map(|heading| format!("//! # {heading}\n"))
            .collect::<String>()
    };
    let right = page(&DRIVER_HEADINGS);
    let mut swapped = DRIVER_HEADINGS;
    swapped.swap(0, 1);
    let wrong = page(&swapped);
    finds(
        driver_headings(&Source::new("src/drivers/a.rs", &wrong)),
        &[("src/drivers/a.rs:1", "headings")],
    );
    finds(
        driver_headings(&Source::new("src/drivers/b/mod.rs", &wrong)),
        &[("src/drivers/b/mod.rs:1", "headings")],
    );
    finds(driver_headings(&Source::new("src/drivers/b/part.rs", &wrong)), &[]);
    finds(driver_headings(&Source::new("src/drivers/a.rs", &right)), &[]);

    let side_door = "#[path = \"../b.rs\"]\nmod b;\ninclude!(\"c.rs\");\nlet path = include_str!(\"d.md\");\n";
    let expected = [("src/a.rs:1", "no `#[path]`"), ("src/a.rs:3", "no `#[path]`")];
    finds(moved_modules(&Source::new("src/a.rs", side_door)), &expected);
    finds(moved_modules(&Source::new("tests/a.rs", side_door)), &[]);
}
