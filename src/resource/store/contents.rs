//! What a store holds.

use super::change::Version;
use super::document::Document;
use super::kind::Kind;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub kind: Kind,
    /// Which one of its kind.
    pub key: String,
    /// The commit that wrote it last.
    pub version: Version,
    /// Its JSON.
    pub body: Document,
}

/// Everything in a store, as one commit left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The last commit; 0 if there was none.
    pub version: Version,
    /// Every record, by kind in the order of [`Kind::ALL`], then by key.
    pub records: Vec<Record>,
}
