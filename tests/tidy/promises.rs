//! Rules about tests: each is named as a sentence and runs, and every promise has one that README points to.

use crate::lexer::Token;
use crate::tree::{Finding, Page, Source, Tree, each, finds, holds};

/// P1 to P10.
const PROMISES: std::ops::RangeInclusive<u32> = 1..=10;

#[test]
fn every_promise_has_a_test_that_readme_names() {
    let tree = Tree::load();
    holds(promises(
        &all_names(tree),
        &Page::new("README.md", tree.page("README.md")),
    ));
}

#[test]
fn every_page_names_only_tests_that_exist() {
    let tree = Tree::load();
    let names = all_names(tree);
    holds(tree.pages.iter().flat_map(|page| vanished(&names, page)).collect());
}

#[test]
fn every_test_is_named_as_a_sentence() {
    holds(each(&Tree::load().sources, sentences));
}

#[test]
fn no_test_is_ignored() {
    holds(each(&Tree::load().sources, ignored));
}

/// A test function, and the token that ignores it if one does.
struct Test<'a> {
    name: &'a Token,
    ignored: Option<&'a Token>,
}

/// The names of all tests in the project.
fn all_names(tree: &Tree) -> Vec<String> {
    let tests = tree.sources.iter().flat_map(tests);
    tests.map(|test| test.name.text.clone()).collect()
}

/// The functions with an attribute that is a test's: `#[test]`, `#[tokio::test(…)]`, also inside a macro such as `proptest!`.
fn tests(source: &Source) -> Vec<Test<'_>> {
    let tokens = &source.tokens;
    let functions = tokens
        .windows(2)
        .enumerate()
        .filter(|(_, two)| two[0].text == "fn" && two[1].is_word());
    let tests = functions.filter_map(|(at, two)| {
        let attributes = attributes(&tokens[..at]);
        let is_test = attributes.iter().any(|attribute| last_name(attribute) == "test");
        let ignored = attributes
            .iter()
            .find(|attribute| last_name(attribute) == "ignore")
            .map(|attribute| &attribute[0]);
        is_test.then_some(Test { name: &two[1], ignored })
    });
    tests.collect()
}

/// The attributes right before an item whose `fn` comes next, each without its brackets.
fn attributes(before: &[Token]) -> Vec<&[Token]> {
    let modifiers = before
        .iter()
        .rev()
        .take_while(|token| matches!(&*token.text, "pub" | "async" | "const" | "unsafe"));
    let mut rest = &before[..before.len() - modifiers.count()];
    let mut attributes = Vec::new();
    while rest.last().is_some_and(|token| token.text == "]") {
        let mut depth = 0;
        let open = rest.iter().rposition(|token| {
            depth += i32::from(token.text == "]") - i32::from(token.text == "[");
            depth == 0
        });
        match open {
            Some(open) if open > 0 && rest[open - 1].text == "#" => {
                attributes.push(&rest[open + 1..rest.len() - 1]);
                rest = &rest[..open - 1];
            }
            _ => break,
        }
    }
    attributes.retain(|attribute| !attribute.is_empty());
    attributes
}

/// `test` of `tokio::test(start_paused = true)`, `ignore` of `ignore = "slow"`.
fn last_name(attribute: &[Token]) -> &str {
    let path = attribute
        .iter()
        .take_while(|token| token.is_word() || token.text == "::");
    path.last().map_or("", |token| &token.text)
}

/// The promise that a test's name begins with: `p10_…` bears the tenth.
fn promise_of(name: &str) -> Option<u32> {
    let (number, rest) = name.strip_prefix('p')?.split_once('_')?;
    if rest.is_empty() { None } else { number.parse().ok() }
}

/// The words of a line that can be names of tests.
fn names_in(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| promise_of(word).is_some())
}

fn promises(tests: &[String], readme: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    for promise in PROMISES {
        let mine = |name: &str| promise_of(name) == Some(promise) && tests.iter().any(|test| test == name);
        if !tests.iter().any(|name| mine(name)) {
            findings.push(Finding::new(
                "tests",
                0,
                format!("no test's name starts with `p{promise}_`"),
            ));
        }
        let is_row = |line: &str| {
            let first = line
                .trim_start()
                .strip_prefix('|')
                .and_then(|cells| cells.split('|').next())
                .unwrap_or_default();
            first
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == format!("P{promise}"))
        };
        match readme.text.lines().position(is_row) {
            None => findings.push(Finding::new(
                &readme.path,
                0,
                format!("no row of a table starts with P{promise}"),
            )),
            Some(at) => {
                let row = readme.text.lines().nth(at).unwrap_or_default();
                if !names_in(row).any(mine) {
                    let message = format!("the row of P{promise} names no test `p{promise}_…` that exists");
                    findings.push(Finding::new(&readme.path, at + 1, message));
                }
            }
        }
    }
    findings
}

fn vanished(tests: &[String], page: &Page) -> Vec<Finding> {
    let lines = page.text.lines().enumerate();
    let named = lines.flat_map(|(at, line)| names_in(line).map(move |name| (at, name)));
    let gone = named.filter(|(_, name)| !tests.iter().any(|test| test == name));
    gone.map(|(at, name)| Finding::new(&page.path, at + 1, format!("names a test that is not there: `{name}`")))
        .collect()
}

fn sentences(source: &Source) -> Vec<Finding> {
    let short = tests(source).into_iter().filter(|test| {
        let said = if promise_of(&test.name.text).is_some() { 4 } else { 3 };
        test.name.text.split('_').filter(|word| !word.is_empty()).count() < said
    });
    short
        .map(|test| {
            source.find(
                test.name,
                format!("`{}` is no sentence: say what holds", test.name.text),
            )
        })
        .collect()
}

fn ignored(source: &Source) -> Vec<Finding> {
    let ignored = tests(source).into_iter().filter_map(|test| test.ignored);
    ignored
        .map(|token| {
            source.find(
                token,
                "an ignored test proves nothing: make it fast enough, or remove it",
            )
        })
        .collect()
}

#[test]
fn the_rules_about_promises_can_fail() {
    let all: Vec<String> = PROMISES.map(|promise| format!("p{promise}_is_kept_always")).collect();
    let rows = |promises: &mut dyn Iterator<Item = u32>| {
        let rows = promises.map(|promise| format!("| **P{promise}** A promise | `p{promise}_is_kept_always` |\n"));
        Page::new("README.md", &rows.collect::<String>())
    };
    finds(promises(&all, &rows(&mut PROMISES.clone())), &[]);
    let without_the_third = &mut PROMISES.filter(|promise| *promise != 3);
    finds(
        promises(&all, &rows(without_the_third)),
        &[("README.md", "starts with P3")],
    );
    let expected = [
        ("tests", "starts with `p1_`"),
        ("README.md:1", "the row of P1 names no test"),
    ];
    finds(promises(&all[1..], &rows(&mut PROMISES.clone())), &expected);
    finds(
        vanished(&all[1..], &rows(&mut PROMISES.clone())),
        &[("README.md:1", "not there: `p1_is_kept_always`")],
    );
    assert_eq!(promise_of("p1_a"), Some(1));
    assert_eq!(
        (
            promise_of("p_a"),
            promise_of("p1_"),
            promise_of("pa1_b"),
            promise_of("p99")
        ),
        (None, None, None, None)
    );
}

#[test]
fn the_rules_about_tests_can_fail() {
    let bad =
        "#[test]\nfn works() {}\n#[tokio::test(flavor = \"x\")]\n#[ignore = \"slow\"]\nasync fn p1_holds_it() {}\n";
    let source = Source::new("tests/a.rs", bad);
    finds(
        sentences(&source),
        &[("tests/a.rs:2", "`works`"), ("tests/a.rs:5", "`p1_holds_it`")],
    );
    finds(ignored(&source), &[("tests/a.rs:4", "proves nothing")]);
    let good = "fn helper() {}\n#[ignore]\nfn not_a_test() {}\n#[cfg_attr(miri, ignore)]\n#[test]\npub fn nobody_waits_forever() {}\n";
    let source = Source::new("tests/a.rs", good);
    finds(sentences(&source), &[]);
    finds(ignored(&source), &[]);
    assert_eq!(tests(&source).len(), 1);
}
