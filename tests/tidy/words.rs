//! Rules about words in code: atomics and locks, `unsafe`, orderings, panics, the enums and names that users see.
//!
//! A word in a comment or a string breaks none of them; modules named `tests` may do what the crate may not.

use crate::lexer::Token;
use crate::paths::named;
use crate::tree::{Finding, Source, Tree, each, finds, holds};

const DOOR: &str = "src/sync/primitives.rs";
/// What the documentation's examples stand on; there a panic fails the example.
const EXAMPLES: &str = "src/doc.rs";
const CELLS: &str = "src/sync/cells.rs";
const CELLS_LONGEST: usize = 120;

#[test]
fn atomics_and_locks_come_through_one_door() {
    holds(each(&Tree::load().sources, primitives));
}

#[test]
fn unsafe_code_is_in_one_short_file() {
    holds(each(&Tree::load().sources, unsafe_code));
}

#[test]
fn no_ordering_is_stronger_than_its_argument() {
    holds(each(&Tree::load().sources, orderings));
}

#[test]
fn a_panic_in_the_crate_says_which_invariant_broke() {
    holds(each(&Tree::load().sources, panics));
}

#[test]
fn an_enum_that_users_match_can_grow() {
    holds(each(&Tree::load().sources, closed_enums));
}

#[test]
fn one_thing_has_one_name() {
    holds(each(&Tree::load().sources, names));
}

/// A file whose every word is the shipped library's.
fn is_library(source: &Source) -> bool {
    source.in_folder("src") && !source.in_folder("src/bin")
}

fn primitives(source: &Source) -> Vec<Finding> {
    if !is_library(source) || source.path == DOOR {
        return Vec::new();
    }
    let crates = source
        .tokens
        .iter()
        .filter(|token| matches!(&*token.text, "parking_lot" | "loom"));
    let paths = named(&source.tokens).into_iter().filter(|path| {
        let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
        let is_lock = |name: &str| {
            ["Mutex", "RwLock", "Condvar", "Barrier"]
                .iter()
                .any(|lock| name.starts_with(lock))
        };
        match &*names {
            ["std" | "core", "sync", "atomic", ..] | ["std" | "core" | "tokio", "sync"] => true,
            ["std" | "core" | "tokio", "sync", name, ..] => is_lock(name) || matches!(*name, "*" | "Once"),
            ["std" | "core", "*"] => true,
            _ => false,
        }
    });
    let tokens = crates
        .chain(paths.map(|path| path.token))
        .filter(|token| !token.in_tests());
    tokens
        .map(|token| source.find(token, format!("an atomic or a lock that did not come through {DOOR}")))
        .collect()
}

fn unsafe_code(source: &Source) -> Vec<Finding> {
    let is_ours = ["src", "examples", "fuzz"]
        .iter()
        .any(|folder| source.in_folder(folder));
    let mut tokens = source
        .tokens
        .iter()
        .filter(|token| is_ours && token.text == "unsafe")
        .peekable();
    if source.path != CELLS {
        return tokens
            .map(|token| source.find(token, format!("`unsafe` outside {CELLS}")))
            .collect();
    }
    let lines = source.text.lines().count();
    let is_long = tokens.peek().is_some() && lines >= CELLS_LONGEST;
    let message = format!("has {lines} lines; with `unsafe` in it, it stays under {CELLS_LONGEST}");
    Vec::from_iter(is_long.then(|| Finding::new(&source.path, CELLS_LONGEST, message)))
}

fn orderings(source: &Source) -> Vec<Finding> {
    let words = source
        .tokens
        .iter()
        .filter(|token| matches!(&*token.text, "SeqCst" | "fence" | "compiler_fence"));
    let said = "every race is on one location: no SeqCst and no fence";
    if source.in_folder("src") {
        words.map(|token| source.find(token, said)).collect()
    } else {
        Vec::new()
    }
}

fn panics(source: &Source) -> Vec<Finding> {
    if !is_library(source) || source.path == EXAMPLES {
        return Vec::new();
    }
    let text = |at: usize| source.tokens.get(at).map_or("", |token| &*token.text);
    let mut findings = Vec::new();
    for (at, token) in source
        .tokens
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, token)| !token.in_tests())
    {
        let arguments = match &*token.text {
            "unwrap" if text(at - 1) == "." && text(at + 1) == "(" => {
                findings.push(source.find(
                    token,
                    "`unwrap` says nothing: `expect(\"bug: the invariant\")`, or an error",
                ));
                continue;
            }
            "todo" | "unimplemented" if text(at + 1) == "!" => {
                findings.push(source.find(token, "is not done yet"));
                continue;
            }
            "expect" if text(at - 1) == "." => at + 1,
            "panic" | "unreachable" if text(at + 1) == "!" => at + 2,
            word if text(at + 1) == "!" && is_assert(word) => at + 2,
            _ => continue,
        };
        if !source.text[range(&source.tokens, arguments)].contains("\"bug: ") {
            findings.push(source.find(
                token,
                format!("`{}` without a message that starts with `bug: `", token.text),
            ));
        }
    }
    findings
}

fn is_assert(word: &str) -> bool {
    matches!(
        word.strip_prefix("debug_").unwrap_or(word),
        "assert" | "assert_eq" | "assert_ne"
    )
}

/// The bytes between the bracket at `open` and its partner.
fn range(tokens: &[Token], open: usize) -> std::ops::Range<usize> {
    let mut depth = 0;
    for token in tokens.iter().skip(open) {
        match &*token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return tokens[open].start..token.start;
        }
    }
    0..0
}

fn closed_enums(source: &Source) -> Vec<Finding> {
    let enums = source
        .tokens
        .windows(3)
        .enumerate()
        .filter(|(_, three)| three[0].text == "pub" && three[1].text == "enum");
    let closed = enums.filter(|(at, three)| {
        // Its attributes are what stands between it and the end of the item before.
        let before = source.tokens[..*at]
            .iter()
            .rev()
            .take_while(|token| !matches!(&*token.text, ";" | "}" | "{"));
        !three[0].in_tests() && !before.into_iter().any(|token| token.text == "non_exhaustive")
    });
    let said = "a public enum is `#[non_exhaustive]`: another variant must not break its users";
    if is_library(source) {
        closed.map(|(_, three)| source.find(&three[2], said)).collect()
    } else {
        Vec::new()
    }
}

fn names(source: &Source) -> Vec<Finding> {
    let functions = source
        .tokens
        .windows(2)
        .filter(|two| two[0].text == "fn")
        .map(|two| &two[1]);
    let wrong = functions.filter_map(|token| {
        let said = match &*token.text {
            // A method of the crate redis's trait `ConnectionLike`.
            "get_db" => return None,
            name if name.starts_with("get_") => "no `get_`: a getter is named by its noun",
            // In the room of deadpool its words are spoken.
            name if name.contains("recycle") && !source.in_folder("src/compat/deadpool") => {
                "not `recycle`: a connection is validated, or it is reset"
            }
            "checkout" | "check_out" | "checkin" => "a connection is acquired and released",
            _ => return None,
        };
        Some(source.find(token, said))
    });
    if source.in_folder("src") {
        wrong.collect()
    } else {
        Vec::new()
    }
}

#[test]
fn the_rules_about_primitives_can_fail() {
    let check = |path: &str, text: &str| primitives(&Source::new(path, text));
    let path = "src/pool/a.rs";
    for bad in [
        "use std::sync::atomic::AtomicU64;",
        "use std::sync::{Arc, atomic::{AtomicU64, Ordering}};",
        "use std::{fmt, sync::Mutex};",
        "use std::sync;",
        "use std::sync::*;",
        "struct A(::std::sync::RwLock<u8>);",
        "fn f(_: std::sync::MutexGuard<'_, u8>) {}",
        "use tokio::sync::Mutex;",
        "use parking_lot as p;",
        "use loom::thread;",
    ] {
        finds(check(path, bad), &[("src/pool/a.rs:1", "did not come through")]);
    }
    finds(
        check(
            path,
            "use std::sync::{Arc, OnceLock, Weak, mpsc}; use crate::sync::primitives::Mutex; // loom",
        ),
        &[],
    );
    finds(check(path, "mod tests { use std::sync::Mutex; }"), &[]);
    finds(check("src/sync/tests/a.rs", "use loom::model;"), &[]);
    finds(check(DOOR, "use parking_lot::Mutex;"), &[]);

    let three = Source::new(
        "src/pool/a.rs",
        "#![deny(unsafe_code)]\n// unsafe\nfn f() { unsafe { g(\"unsafe\") } }",
    );
    finds(unsafe_code(&three), &[("src/pool/a.rs:3", "outside src/sync/cells.rs")]);
    let cells = |lines: usize| Source::new(CELLS, &format!("unsafe fn f() {{}}\n{}", "\n".repeat(lines - 1)));
    finds(
        unsafe_code(&cells(CELLS_LONGEST)),
        &[("src/sync/cells.rs:120", "stays under 120")],
    );
    finds(unsafe_code(&cells(CELLS_LONGEST - 1)), &[]);

    let bad = "a.load(Ordering::SeqCst);\nfence(Acquire);\n// SeqCst\nunfence();";
    let said = "no SeqCst and no fence";
    finds(
        orderings(&Source::new("src/sync/a.rs", bad)),
        &[("src/sync/a.rs:1", said), ("src/sync/a.rs:2", said)],
    );
}

#[test]
fn the_rules_about_panics_and_names_can_fail() {
    let path = "src/pool/a.rs";
    for bad in [
        "a.unwrap();",
        "a.expect(\"a slot\");",
        "panic!(\"no {}\", \"way\");",
        "unreachable!();",
        "todo!();",
        "assert!(a == b(), \"not so\");",
        "debug_assert_eq!(a, b);",
    ] {
        finds(
            panics(&Source::new(path, &format!("fn f() {{ {bad} }}"))),
            &[("src/pool/a.rs:1", "")],
        );
    }
    let good = "a.unwrap_or(b); a.expect(\"bug: no slot\"); assert!(b(), \"bug: {c}\"); #[expect(dead_code)] fn f() {}";
    finds(panics(&Source::new(path, good)), &[]);
    finds(panics(&Source::new(path, "mod tests { fn f() { a.unwrap(); } }")), &[]);
    finds(panics(&Source::new("tests/a.rs", "fn f() { a.unwrap(); }")), &[]);

    let enums = "#[derive(Debug)]\npub enum A { B }\n#[non_exhaustive]\n#[derive(Debug)]\npub enum C { D }\npub(crate) enum E {}";
    finds(
        closed_enums(&Source::new(path, enums)),
        &[("src/pool/a.rs:2", "non_exhaustive")],
    );

    let functions = "fn get_size() {}\nfn recycle() {}\nfn checkout() {}\nfn budget() {}\nfn f() { map.get(1) }";
    let expected = [
        ("src/pool/a.rs:1", "named by its noun"),
        ("src/pool/a.rs:2", "recycle"),
        ("src/pool/a.rs:3", "acquired"),
    ];
    finds(names(&Source::new(path, functions)), &expected);
}
