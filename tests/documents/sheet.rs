//! What a document prints, read from its text file: blocks below lines `== kind title`.

use serde_json::Value;

pub(crate) const POOLS: &str = include_str!("connection-pools.txt");
pub(crate) const SETTINGS: &str = include_str!("connection-settings.txt");
pub(crate) const CONNECTIONS: &str = include_str!("named-connections.txt");

/// Something that a document prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printed {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

impl Printed {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text).unwrap_or_else(|error| panic!("{}: {error}", self.title))
    }
}

pub(crate) fn all(sheet: &'static str) -> Vec<Printed> {
    let mut blocks = sheet.split("\n== ");
    assert!(
        blocks.next().is_some_and(|head| head.starts_with("# ")),
        "a sheet says what it is"
    );
    let printed = |block: &'static str| {
        let (head, text) = block.split_once('\n').expect("a line for its kind and title");
        let (kind, title) = head.split_once(' ').expect("a kind and a title");
        let text = text.trim_end();
        Printed { kind, title, text }
    };
    blocks.map(printed).collect()
}

pub(crate) fn of_kind(sheet: &'static str, kind: &str) -> Vec<Printed> {
    let mut printed = all(sheet);
    printed.retain(|printed| printed.kind == kind);
    printed
}

#[track_caller]
pub(crate) fn one(sheet: &'static str, kind: &str, title: &str) -> Printed {
    let printed = of_kind(sheet, kind).into_iter().find(|printed| printed.title == title);
    printed.unwrap_or_else(|| panic!("no {kind} {title:?}"))
}

/// How much of each kind the documents print, counted by hand.
#[test]
fn every_sample_of_every_document_is_here() {
    for (sheet, counts) in [
        (POOLS, [("call", 6), ("curl", 0), ("body", 0), ("answer", 0)]),
        (SETTINGS, [("call", 0), ("curl", 2), ("body", 1), ("answer", 4)]),
        (CONNECTIONS, [("call", 0), ("curl", 3), ("body", 0), ("answer", 3)]),
    ] {
        for (kind, count) in counts {
            assert_eq!(
                of_kind(sheet, kind).len(),
                count,
                "{kind} in {}",
                sheet.lines().next().unwrap_or_default()
            );
        }
        let curls = sheet.lines().filter(|line| line.starts_with("curl ")).count();
        assert_eq!(curls, of_kind(sheet, "curl").len(), "a block each");
    }
}
