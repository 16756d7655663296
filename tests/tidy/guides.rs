//! Rules about the guides in `docs`: each is a module of the documentation, so that its examples are tests; README links to
//! each, or to the page that does; and the page about the options says of every option what the code says.

use crate::tree::{Finding, Page, Source, Tree, finds, holds};

const TABLE: &str = "src/pool/options.rs";
const PAGE: &str = "docs/options.md";
/// The guide that leads to several others.
const INDEX: &str = "docs/resources.md";

#[test]
fn every_guide_is_a_page_of_the_documentation() {
    let tree = Tree::load();
    holds(included(&tree.pages, &tree.sources));
}

#[test]
fn readme_links_to_every_guide() {
    let tree = Tree::load();
    holds(linked(&tree.pages, tree.page("README.md"), tree.page(INDEX)));
}

#[test]
fn the_options_are_on_their_page_as_in_the_code() {
    let tree = Tree::load();
    let table = tree.sources.iter().find(|source| source.path == TABLE);
    let table = table.map_or("", |source| &source.text);
    assert!(rows(table).len() > 10, "the rule found next to no options");
    holds(options(table, tree.page(PAGE), tree.page("README.md")));
}

fn guides(pages: &[Page]) -> impl Iterator<Item = &Page> {
    pages.iter().filter(|page| page.path.starts_with("docs/"))
}

/// README is a doctest, and each guide a module of the documentation.
fn included(pages: &[Page], sources: &[Source]) -> Vec<Finding> {
    let library = sources.iter().filter(|source| source.in_folder("src"));
    let included: Vec<&str> = library
        .flat_map(|source| source.text.split("include_str!(\"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let readme = pages.iter().filter(|page| page.path == "README.md");
    let strays = guides(pages)
        .chain(readme)
        .filter(|page| !included.iter().any(|name| name.ends_with(&format!("/{}", page.path))));
    let said = "no file in src pulls it in with `include_str!`: its examples are not tested";
    strays.map(|page| Finding::new(&page.path, 0, said)).collect()
}

fn linked(pages: &[Page], readme: &str, index: &str) -> Vec<Finding> {
    let is_in_readme = |page: &Page| readme.contains(&format!("]: {}\n", page.path));
    let is_in_index = |page: &Page| index.contains(&format!("]: {}\n", page.path.trim_start_matches("docs/")));
    guides(pages)
        .filter(|page| !is_in_readme(page) && !is_in_index(page))
        .map(|page| Finding::new("README.md", 0, format!("does not link to the guide `{}`", page.path)))
        .collect()
}

/// The cells of the options' table in the code: name, unit, default, minimum.
fn rows(table: &str) -> Vec<[&str; 4]> {
    let lines = table.lines().filter_map(|line| line.strip_prefix("//! | `"));
    lines
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`');
            Some([name, cells.next()?, cells.next()?, cells.next()?])
        })
        .collect()
}

/// Each option has a section of its name, which opens with what the code's table says; and a place in README's table.
fn options(table: &str, page: &str, readme: &str) -> Vec<Finding> {
    let sections: Vec<(&str, &str)> = page
        .split("\n### `")
        .skip(1)
        .filter_map(|section| section.split_once('`'))
        .collect();
    let mut findings = Vec::new();
    for [name, unit, default, minimum] in rows(table) {
        let said = format!("*{unit} \u{b7} default {default} \u{b7} minimum {minimum}*");
        match sections.iter().find(|(title, _)| *title == name) {
            None => findings.push(Finding::new(PAGE, 0, format!("has no section `{name}`"))),
            Some((_, text)) if !text.trim_start().starts_with(&said) => {
                findings.push(Finding::new(PAGE, 0, format!("`{name}` does not open with {said}")));
            }
            Some(_) => {}
        }
        if !readme
            .lines()
            .any(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")))
        {
            findings.push(Finding::new(
                "README.md",
                0,
                format!("no table has the option `{name}`"),
            ));
        }
    }
    let names: Vec<&str> = rows(table).iter().map(|row| row[0]).collect();
    let gone = sections.iter().filter(|(title, _)| !names.contains(title));
    findings.extend(gone.map(|(title, _)| Finding::new(PAGE, 0, format!("`{title}` is no option"))));
    findings
}

#[test]
fn the_rules_about_guides_can_fail() {
    let pages = [
        Page::new("README.md", ""),
        Page::new("docs/fairness.md", ""),
        Page::new("SECURITY.md", ""),
    ];
    let some = Source::new("src/lib.rs", "#![doc = include_str!(\"../README.md\")]");
    let all = Source::new("src/guides.rs", "#![doc = include_str!(\"../docs/fairness.md\")]");
    let said = [("docs/fairness.md", "no file in src pulls it in")];
    finds(included(&pages, std::slice::from_ref(&some)), &said);
    finds(included(&pages, &[some, all]), &[]);

    finds(
        linked(&pages, "see docs/fairness.md", ""),
        &[("README.md", "`docs/fairness.md`")],
    );
    finds(linked(&pages, "[a]\n\n[a]: docs/fairness.md\n", ""), &[]);
    finds(linked(&pages, "", "[a]\n\n[a]: fairness.md\n"), &[]);
}

#[test]
fn the_rule_about_options_can_fail() {
    let table = "//! | option | unit |\n//! |---|---|\n//! | `a` | time | 5 s | 0 | \u{2013} | so |\n//! | `b` | time | 1 s | 0 | | |\n";
    let readme = "| `a`, `b` | 5 s |\n";
    let page = |default: &str| format!("\n### `a`\n\n*time \u{b7} default {default} \u{b7} minimum 0*\n");
    let rest = "\n### `b`\n\n*time \u{b7} default 1 s \u{b7} minimum 0*\n";
    finds(options(table, &format!("{}{rest}", page("5 s")), readme), &[]);
    finds(
        options(table, &format!("{}\n### `c`\n", page("6 s")), "| `a` |"),
        &[
            (PAGE, "`a` does not open with"),
            (PAGE, "no section `b`"),
            ("README.md", "the option `b`"),
            (PAGE, "`c` is no option"),
        ],
    );
}
