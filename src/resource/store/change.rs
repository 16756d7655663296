//! What writers ask of a store, and the one rule by which a change is taken or refused.

use super::document::Document;
use super::error::StoreError;
use super::kind::Kind;
use std::fmt;

/// The number of a commit, and of the records that it wrote last. Later commits have higher ones; none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// For those who write a store: the version of this number.
    pub const fn new(number: u64) -> Self {
        Version(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A new record whose key the store draws: a number in decimal, from 1, that no record of this kind has or ever had.
    Create {
        /// Of which kind.
        kind: Kind,
        /// Its JSON.
        body: Document,
    },
    /// A new record under this key, where there must be none. Where the key is a number, none up to it is drawn any more.
    Insert {
        /// Of which kind.
        kind: Kind,
        /// Under which key.
        key: String,
        /// Its JSON.
        body: Document,
    },
    /// Another body for the record that has this version.
    Update {
        /// Of which kind.
        kind: Kind,
        /// Which one.
        key: String,
        /// The version that is replaced.
        from: Version,
        /// Its JSON.
        body: Document,
    },
    /// No such record any more, where it has this version.
    Delete {
        /// Of which kind.
        kind: Kind,
        /// Which one.
        key: String,
        /// The version that was meant.
        from: Version,
    },
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The version of every record that it wrote.
    pub version: Version,
    /// The keys that were drawn, one for each [`Change::Create`], in their order.
    pub created: Vec<String>,
}

/// Whether a record that has the version `found` may be changed by somebody who expects `expected`; none means no record.
pub(super) fn judge(
    kind: Kind,
    key: &str,
    expected: Option<Version>,
    found: Option<Version>,
) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Conflict {
        kind,
        key: key.to_owned(),
        expected,
        found,
    })
}
