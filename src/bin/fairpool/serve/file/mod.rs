//! The configuration file: read as a whole, by the rules that a request's body is read by, or refused as a whole.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | [`Configuration`] and [`FileError`] |
//! | `document.rs` | the document, table by table: values with their lines, mistakes with theirs |
//! | `keys.rs` | `[[api_key]]`, `[[jwt]]`: who may ask |
//! | `limits.rs` | `[rate_limit]`, `[general]` |
//! | `resources.rs` | what the registry is told: connections, connectors, projects, databases |

mod document;
mod keys;
mod limits;
mod resources;

use super::keys::Keys;
use document::{Notes, Section};
use fairpool::resource::registry::{DeclareError, Declared, GeneralLimits};
use fairpool::server::RateLimits;
use resources::Places;
use std::fmt;
use std::fs;
use std::path::Path;
use toml::de::DeTable;

/// What a file says; without a file, nothing. Its `Debug` would show secrets, so it has none.
#[derive(Default)]
pub(crate) struct Configuration {
    /// Connections, connectors, projects, databases.
    pub(crate) declared: Declared,
    /// How many connections shared pools hold.
    pub(crate) general: GeneralLimits,
    /// How often a holder of a key may ask.
    pub(crate) rate_limits: RateLimits,
    /// Who may ask.
    pub(crate) keys: Keys,
    /// Whether it says anything at all.
    pub(crate) is_said: bool,
    places: Places,
}

/// Why a file is refused: file, line and key of every mistake, and no value.
#[derive(Debug)]
pub(crate) struct FileError(String);

const KNOWN: [&str; 8] = [
    "api_key",
    "jwt",
    "rate_limit",
    "general",
    "connection",
    "connector",
    "project",
    "database",
];

impl Configuration {
    /// Reads and judges a file. Nothing has happened yet.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let file = path.display();
        let text = fs::read_to_string(path).map_err(|error| FileError(format!("{file}: {error}")))?;
        Configuration::parse(&text).map_err(|mistakes| {
            let lines = mistakes.into_iter();
            let lines = lines.map(|(line, said)| format!("{file}:{line}: {said}"));
            FileError(lines.collect::<Vec<_>>().join("; "))
        })
    }

    fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let notes = Notes::new(text);
        let document = match DeTable::parse(text) {
            Ok(document) => document.into_inner(),
            Err(error) => {
                let line = notes.line(error.span().map_or(0, |span| span.start));
                return Err(vec![(line, error.message().to_owned())]);
            }
        };
        let is_said = !document.is_empty();
        let root = Section::root(&document, &notes);
        root.knows(&KNOWN);
        let keys = keys::read(&root);
        let (general, rate_limits) = (limits::general(&root), limits::rate(&root));
        let (declared, places) = resources::read(&root);
        let mistakes = notes.into_lines();
        match mistakes.is_empty() {
            true => Ok(Configuration {
                declared,
                general,
                rate_limits,
                keys,
                is_said,
                places,
            }),
            false => Err(mistakes),
        }
    }

    /// What the registry says of something that is declared, with its place.
    pub(crate) fn located(&self, path: &Path, refused: &DeclareError) -> FileError {
        let file = path.display();
        let place = (refused.kind.to_string(), refused.name.clone());
        FileError(match self.places.get(&place) {
            Some(line) => format!("{file}:{line}: {refused}"),
            None => format!("{file}: {refused}"),
        })
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FileError {}
