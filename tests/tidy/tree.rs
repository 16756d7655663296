//! The project as the rules see it: Rust files with their tokens, pages, folders; and findings.
//!
//! Knows no rule. Paths are relative to the package and use `/`.

use crate::lexer::{self, Token};
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

/// A Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

/// Any other text: a page of prose or the manifest.
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Everything that is checked.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
    pub(crate) pages: Vec<Page>,
    pub(crate) folders: Vec<String>,
}

/// One breach of one rule. Line 0 is the file as a whole.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens: lexer::tokens(path, text),
        }
    }

    pub(crate) fn in_folder(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    pub(crate) fn find(&self, token: &Token, message: impl Into<String>) -> Finding {
        Finding::new(&self.path, line_of(&self.text, token.start), message)
    }
}

impl Page {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Page {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

impl Tree {
    /// The package this test was built from, read once.
    pub(crate) fn load() -> &'static Tree {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(|| {
            let mut tree = Tree::default();
            tree.read(Path::new(env!("CARGO_MANIFEST_DIR")), "");
            assert!(
                tree.sources.len() > 10 && !tree.folders.is_empty(),
                "the rules found next to nothing to read"
            );
            tree
        })
    }

    /// The page at `path`, or an empty one: every rule about it then has its finding.
    pub(crate) fn page(&self, path: &str) -> &str {
        self.pages
            .iter()
            .find(|page| page.path == path)
            .map_or("", |page| &page.text)
    }

    fn read(&mut self, root: &Path, folder: &str) {
        let mut entries: Vec<_> = std::fs::read_dir(root.join(folder))
            .unwrap_or_else(|error| panic!("cannot list {folder}: {error}"))
            .map(|entry| entry.expect("a readable entry"))
            .collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            let is_folder = entry.file_type().expect("a type").is_dir();
            if is_folder && !name.starts_with('.') && !["target", "corpus", "artifacts"].contains(&&*name) {
                self.folders.push(path.clone());
                self.read(root, &path);
            } else if !is_folder && (name.ends_with(".rs") || name.ends_with(".md") || path == "Cargo.toml") {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
                if name.ends_with(".rs") {
                    self.sources.push(Source::new(&path, &text));
                } else {
                    self.pages.push(Page { path, text });
                }
            }
        }
    }
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Finding {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// The line of a byte, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count()
}

/// Every finding of a rule over many sources.
pub(crate) fn each(sources: &[Source], rule: impl Fn(&Source) -> Vec<Finding>) -> Vec<Finding> {
    sources.iter().flat_map(rule).collect()
}

/// Fails with all findings at once, so that one run shows all there is to do.
#[track_caller]
pub(crate) fn holds(findings: Vec<Finding>) {
    let lines = lines(findings);
    assert!(
        lines.is_empty(),
        "{} to tidy up:\n  {}\n",
        lines.len(),
        lines.join("\n  ")
    );
}

/// For the tests of the rules: exactly these findings, each given by where it is and a part of what it says.
#[track_caller]
pub(crate) fn finds(findings: Vec<Finding>, expected: &[(&str, &str)]) {
    let lines = lines(findings);
    let same = |(line, (place, part)): (&String, &(&str, &str))| line.starts_with(place) && line.contains(part);
    let all = lines.len() == expected.len() && lines.iter().zip(expected).all(same);
    assert!(all, "expected {expected:#?}, found {lines:#?}");
}

/// One line of text for each, and only one where a line of code breaks a rule twice.
fn lines(findings: Vec<Finding>) -> Vec<String> {
    let mut lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    lines.dedup();
    lines
}

#[test]
fn a_finding_names_file_and_line() {
    let source = Source::new("src/a.rs", "//! a\n\nfn b() {}\n");
    let token = source.tokens.iter().find(|token| token.text == "b").expect("a token");
    assert_eq!(source.find(token, "bad name").to_string(), "src/a.rs:3: bad name");
    assert_eq!(
        Finding::new("README.md", 0, "is missing").to_string(),
        "README.md: is missing"
    );
}
