//! Rules about prose: README and ARCHITECTURE stay short, tables name what exists, examples compile.

use crate::tree::{Finding, Tree, finds, holds};

/// A page of this many lines is too long.
const TOO_LONG: usize = 300;

#[test]
fn readme_and_architecture_can_be_read_in_one_go() {
    let tree = Tree::load();
    holds(
        ["README.md", "ARCHITECTURE.md"]
            .iter()
            .flat_map(|path| page_length(path, tree.page(path)))
            .collect(),
    );
}

#[test]
fn every_feature_has_its_row() {
    let tree = Tree::load();
    holds(features(tree.page("Cargo.toml"), tree.page("README.md")));
}

#[test]
fn every_example_in_prose_is_compiled() {
    let tree = Tree::load();
    let sources = tree
        .sources
        .iter()
        .flat_map(|source| fences(&source.path, &source.text));
    holds(
        sources
            .chain(tree.pages.iter().flat_map(|page| fences(&page.path, &page.text)))
            .collect(),
    );
}

#[test]
fn every_version_has_a_dated_entry() {
    let tree = Tree::load();
    holds(changelog(tree.page("Cargo.toml"), tree.page("CHANGELOG.md")));
}

fn page_length(path: &str, text: &str) -> Vec<Finding> {
    match text.lines().count() {
        0 => vec![Finding::new(path, 0, "is missing or empty")],
        lines if lines >= TOO_LONG => {
            vec![Finding::new(
                path,
                TOO_LONG,
                format!("has {lines} lines and must stay under {TOO_LONG}"),
            )]
        }
        _ => Vec::new(),
    }
}

fn features(manifest: &str, readme: &str) -> Vec<Finding> {
    let first_cells = readme
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('|')?.split('|').next());
    let rows: Vec<&str> = first_cells.map(|cell| cell.trim().trim_matches('`')).collect();
    feature_names(manifest)
        .filter(|name| !rows.contains(name))
        .map(|name| Finding::new("README.md", 0, format!("no table has a row for the feature `{name}`")))
        .collect()
}

fn feature_names(manifest: &str) -> impl Iterator<Item = &str> {
    let names = section(manifest, "features").filter_map(|line| Some(line.split_once('=')?.0.trim()));
    names.filter(|name| *name != "default" && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)))
}

/// The lines of one table of a manifest that are not indented.
fn section<'a>(manifest: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let header = format!("[{name}]");
    let lines = manifest.lines().skip_while(move |line| line.trim() != header).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with(|c: char| c.is_alphanumeric()))
}

/// The code fences that say `ignore`: rustdoc would skip them, and they would rot.
fn fences(path: &str, text: &str) -> Vec<Finding> {
    let fences = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim_start();
        let line = ["///", "//!"]
            .iter()
            .find_map(|mark| line.strip_prefix(mark))
            .unwrap_or(line);
        let line = line.trim_start_matches([' ', '>', '*']);
        let info = line
            .strip_prefix("```")
            .or_else(|| line.strip_prefix("~~~"))
            .unwrap_or_default();
        info.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ignore")
    });
    fences
        .map(|(at, _)| {
            Finding::new(
                path,
                at + 1,
                "a fence that says `ignore` rots: let it compile, or say `text`",
            )
        })
        .collect()
}

fn changelog(manifest: &str, log: &str) -> Vec<Finding> {
    let version = section(manifest, "package")
        .find_map(|line| line.strip_prefix("version")?.split('"').nth(1))
        .unwrap_or("?");
    let entries = || {
        log.lines()
            .enumerate()
            .filter_map(|(at, line)| Some((at + 1, line.strip_prefix("## ")?)))
    };
    let undated = entries().filter(|(_, title)| !title.to_lowercase().contains("unreleased") && !ends_with_date(title));
    let mut findings: Vec<Finding> = undated
        .map(|(line, title)| Finding::new("CHANGELOG.md", line, format!("`{title}` does not end with its date")))
        .collect();
    if !entries().any(|(_, title)| title.contains(version)) {
        findings.push(Finding::new(
            "CHANGELOG.md",
            0,
            format!("has no entry for the version {version}"),
        ));
    }
    findings
}

fn ends_with_date(title: &str) -> bool {
    let date = title.split_whitespace().last().unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn the_rules_about_tables_can_fail() {
    let manifest = "[package]\nversion = \"0.2.0\"\n[features]\ndefault = []\n# note\na = []\nb-c = [\n    \"d\",\n]\n[dependencies]\ne = \"1\"\n";
    let readme = "| feature | adds |\n|---|---|\n| `a` | b-c |\n";
    finds(features(manifest, readme), &[("README.md", "`b-c`")]);
    finds(features(manifest, &format!("{readme}| `b-c` | |")), &[]);

    let log = "# Changelog\n## Unreleased\n## 0.1.0 - 2026-02-31\n## 0.0.1, soon\n";
    finds(
        changelog(manifest, log),
        &[("CHANGELOG.md:4", "`0.0.1, soon`"), ("CHANGELOG.md", "version 0.2.0")],
    );
    finds(changelog(manifest, "## 0.2.0 - 2026-01-01\n"), &[]);

    finds(page_length("README.md", ""), &[("README.md", "missing")]);
    finds(
        page_length("README.md", &"a\n".repeat(TOO_LONG)),
        &[("README.md:300", "under 300")],
    );
    finds(page_length("README.md", &"a\n".repeat(TOO_LONG - 1)), &[]);
}

#[test]
fn the_rules_about_prose_can_fail() {
    let source = "/// ```ignore\n/// ```\nfn a() {}\n//! ```rust,ignore\n/// ```no_run\n/// to ignore it\n";
    finds(
        fences("src/a.rs", source),
        &[("src/a.rs:1", "rots"), ("src/a.rs:4", "rots")],
    );
    finds(fences("README.md", "~~~ rust ignore\n"), &[("README.md:1", "rots")]);
}
