//! Rules about links: each leads somewhere, for a reader of the repository and for one of the documentation.
//!
//! A guide is read on both sides. Its links to other pages are by name, `[keys]`, which the page itself defines at its end as a
//! file, and its module in `src/guides.rs`, before that, as an item: the first definition counts. README does the same with
//! `src/lib.rs`; its other links are for the repository.

use crate::tree::{Finding, Page, Source, Tree, finds, holds};
use std::path::Path;

const GUIDES: &str = "src/guides.rs";
const FRONT: &str = "src/lib.rs";

#[test]
fn every_link_to_a_file_leads_to_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = &Tree::load().pages;
    let exists = |target: &str| root.join(target).exists();
    holds(pages.iter().flat_map(|page| missing(page, exists)).collect());
}

#[test]
fn no_page_of_the_repository_links_to_an_item() {
    holds(Tree::load().pages.iter().flat_map(items).collect());
}

#[test]
fn every_link_from_guide_to_guide_leads_there_on_both_sides() {
    let tree = Tree::load();
    let text = |path| tree.sources.iter().find(|source| source.path == path);
    let text = |path| text(path).map_or("", |source| &source.text);
    let (modules, front) = (text(GUIDES), text(FRONT));
    let guides = tree.pages.iter().flat_map(|page| one_sided(page, modules));
    holds(guides.chain(unnamed(tree.page("README.md"), front)).collect());
}

#[test]
fn nothing_in_the_documentation_links_to_a_file() {
    let tree = Tree::load();
    let library = tree.sources.iter().filter(|source| source.in_folder("src"));
    holds(library.flat_map(files).collect());
}

/// A link of a page: its line, its name if it is a definition, and where it leads, without an anchor.
struct Link<'a> {
    line: usize,
    name: Option<&'a str>,
    target: &'a str,
}

/// Those outside of fences. Where several follow each other, `](` tells them apart.
fn links(text: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (line, text) in text.lines().enumerate().map(|(at, text)| (at + 1, text)) {
        in_code ^= text.trim_start().starts_with("```");
        if in_code {
            continue;
        }
        let target = |rest: &'_ str| rest.split([')', ' ', '#']).next().unwrap_or_default().len();
        for rest in text.split("](").skip(1) {
            let target = &rest[..target(rest)];
            links.push(Link {
                line,
                name: None,
                target,
            });
        }
        if let Some((name, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            let target = &rest[..target(rest)];
            links.push(Link {
                line,
                name: Some(name),
                target,
            });
        }
    }
    links
}

/// Where a link of this page leads, from the root; `None` for an address, an anchor or an item.
fn file(page: &str, target: &str) -> Option<String> {
    if target.contains(':') || !target.contains(['/', '.']) {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The links that name a file that is not there.
fn missing(page: &Page, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let gone = links(&page.text).into_iter().filter(|link| {
        let file = file(&page.path, link.target);
        file.is_some_and(|file| !exists(&file))
    });
    gone.map(|link| {
        Finding::new(
            &page.path,
            link.line,
            format!("links to `{}`, which is not there", link.target),
        )
    })
    .collect()
}

/// The links to an item of the crate.
fn items(page: &Page) -> Vec<Finding> {
    let items = links(&page.text).into_iter().filter(|link| link.target.contains("::"));
    items
        .map(|link| {
            let said = format!(
                "links to `{}`, a dead link in the repository: write it as code",
                link.target
            );
            Finding::new(&page.path, link.line, said)
        })
        .collect()
}

/// The links of a guide to a page of the documentation that would be dead in the documentation.
fn one_sided(page: &Page, modules: &str) -> Vec<Finding> {
    let is_page = |path: &str| path == "README.md" || path.starts_with("docs/") && path.ends_with(".md");
    if !page.path.starts_with("docs/") {
        return Vec::new();
    }
    let before = modules
        .split(&format!("(\"../{}\")", page.path))
        .next()
        .unwrap_or_default();
    let own = before.rsplit("{}").next().unwrap_or_default();
    let mut findings = Vec::new();
    for link in links(&page.text) {
        if !file(&page.path, link.target).is_some_and(|path| is_page(&path)) {
            continue;
        }
        match link.name {
            None => findings.push(Finding::new(
                &page.path,
                link.line,
                format!(
                    "links to `{}` directly: write a name, and define it at the end and in {GUIDES}",
                    link.target
                ),
            )),
            Some(name) if !own.contains(&format!("/// [{name}]: crate")) => {
                let said = format!("`[{name}]` is not defined before this page in {GUIDES}");
                findings.push(Finding::new(&page.path, link.line, said));
            }
            Some(_) => {}
        }
    }
    findings
}

/// Links in comments of the code.
fn files(source: &Source) -> Vec<Finding> {
    let mut text = String::new();
    for line in source.text.lines() {
        let line = line.trim_start();
        let comment = ["//!", "///"].iter().find_map(|mark| line.strip_prefix(mark));
        text.push_str(comment.map_or("", |comment| comment.trim_start()));
        text.push('\n');
    }
    let links = links(&text);
    let found = links.iter().filter(|link| file(&source.path, link.target).is_some());
    found
        .map(|link| {
            let said = format!("links to `{}`, which is no page of the documentation", link.target);
            Finding::new(&source.path, link.line, said)
        })
        .collect()
}

/// The links of README to a guide that would be dead on the documentation's first page.
fn unnamed(readme: &str, front: &str) -> Vec<Finding> {
    let before = front.split("include_str!(\"../README.md\")").next().unwrap_or_default();
    let mut findings = Vec::new();
    for link in links(readme).iter().filter(|link| link.target.starts_with("docs/")) {
        match link.name {
            None if link.target.ends_with(".md") => {
                let said = format!(
                    "links to `{}` directly: write a name, and define it at the end and in {FRONT}",
                    link.target
                );
                findings.push(Finding::new("README.md", link.line, said));
            }
            Some(name) if !before.contains(&format!("//! [{name}]: guides::")) => {
                let said = format!("`[{name}]` is not defined before README in {FRONT}");
                findings.push(Finding::new("README.md", link.line, said));
            }
            _ => {}
        }
    }
    findings
}

#[test]
fn the_rules_about_links_can_fail() {
    let text =
        "[a](https://a.b/c) [b](#d) [d](Pool) [e](gone.md#x)\n[f](here.md)\n```\nx[0](a.b)\n```\n\n[g]: lost.md\n";
    let found = missing(&Page::new("docs/a.md", text), |path| path == "docs/here.md");
    finds(found, &[("docs/a.md:1", "`gone.md`"), ("docs/a.md:7", "`lost.md`")]);

    let page = Page::new(
        "docs/a.md",
        "[a](crate::Pool) `crate::Pool` [b](c)\n\n[d]: crate::Limit\n",
    );
    finds(
        items(&page),
        &[("docs/a.md:1", "`crate::Pool`"), ("docs/a.md:3", "`crate::Limit`")],
    );

    let modules = "/// [b]: crate::guides::b\n#[doc = include_str!(\"../docs/z.md\")]\npub mod z {}\n\n\
                   /// [c]: crate::guides::c\n#[doc = include_str!(\"../docs/a.md\")]\npub mod a {}\n";
    let text = "[x](b.md) [b] [c] [y](../tests/b.rs)\n\n[b]: b.md\n[c]: ../README.md#c\n";
    let found = one_sided(&Page::new("docs/a.md", text), modules);
    finds(found, &[("docs/a.md:1", "`b.md` directly"), ("docs/a.md:3", "`[b]`")]);
    finds(one_sided(&Page::new("README.md", "[x](docs/b.md)"), modules), &[]);

    let source = Source::new(
        "src/a.rs",
        "//! [a](crate::A) [b](b.md)\nfn a() { x](b.md) }\n/// [c](../b/c)\n",
    );
    finds(files(&source), &[("src/a.rs:1", "`b.md`"), ("src/a.rs:3", "`../b/c`")]);
    let readme = "[x](docs/a.md) [b] [c](tests/c.rs)\n\n[b]: docs/b.md\n[d]: docs/d.md\n";
    let front = "//! [b]: guides::b\n#![doc = include_str!(\"../README.md\")]\n//! [d]: guides::d\n";
    finds(
        unnamed(readme, front),
        &[("README.md:1", "`docs/a.md` directly"), ("README.md:4", "`[d]`")],
    );
}
