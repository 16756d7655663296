//! Why a store refused: one line that names the file or the record, and never what a document says.

use super::change::Version;
use super::kind::Kind;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a store could not be opened, read or written. `file` is an absolute path.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StoreError {
    /// A record is not as the writer expected it. Nothing was changed; read again.
    Conflict {
        /// Of which kind.
        kind: Kind,
        /// Which one.
        key: String,
        /// What the writer expected; none: no such record.
        expected: Option<Version>,
        /// What there is.
        found: Option<Version>,
    },
    /// Every number of this kind was drawn.
    Exhausted {
        /// Of which kind.
        kind: Kind,
    },
    /// Another process has the file open, or another store of this one.
    InUse {
        /// Which file.
        file: Arc<str>,
    },
    /// Others than its owner may read or write the file, which holds secrets.
    Exposed {
        /// Which file.
        file: Arc<str>,
        /// Its permissions.
        mode: u32,
    },
    /// The file is something else. It was left as it is.
    Foreign {
        /// Which file.
        file: Arc<str>,
        /// What it is.
        reason: String,
    },
    /// A newer program wrote the file. It was left as it is.
    Newer {
        /// Which file.
        file: Arc<str>,
        /// The version of its schema.
        found: u32,
        /// The last one that this program knows.
        known: u32,
    },
    /// The file is a store, but damaged.
    Damaged {
        /// Which file.
        file: Arc<str>,
        /// What was found.
        reason: String,
    },
    /// While the store was open the file was moved, removed or replaced, or another process had it. What this process knows is no
    /// longer what the file says, so it writes no more: open it again.
    Replaced {
        /// Which file.
        file: Arc<str>,
    },
    /// The turn of a request did not come in time, since the disk did not answer those before it.
    Stalled {
        /// Which file.
        file: Arc<str>,
    },
    /// The store has been closed.
    Closed {
        /// Which file.
        file: Arc<str>,
    },
    /// The file could not be opened, read or written: no space, no permission, a broken disk. A commit that met this was not
    /// acknowledged and does not show; if the disk failed in the very act, a restart may find all of it.
    Failed {
        /// Which file.
        file: Arc<str>,
        /// What went wrong.
        reason: String,
        /// What lies below, if anything.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict {
                kind,
                key,
                expected,
                found,
            } => {
                write!(f, "{kind} {key:?} ")?;
                match (expected, found) {
                    (None, _) => f.write_str("exists already"),
                    (_, None) => f.write_str("does not exist any more"),
                    (Some(expected), Some(found)) => {
                        write!(
                            f,
                            "was changed meanwhile: its version is {found}, expected was {expected}"
                        )
                    }
                }
            }
            StoreError::Exhausted { kind } => write!(f, "no number is left for another {kind}"),
            StoreError::InUse { file } => write!(f, "{file} is in use by another process or another store"),
            StoreError::Exposed { file, mode } => {
                write!(
                    f,
                    "{file} holds secrets, but others may open it (mode {mode:04o}): chmod 600 {file}"
                )
            }
            StoreError::Foreign { file, reason } => write!(f, "{file} is no store of fairpool: {reason}"),
            StoreError::Newer { file, found, known } => write!(
                f,
                "{file} was written by a newer program: its schema has version {found}, this one knows up to {known}"
            ),
            StoreError::Damaged { file, reason } => write!(f, "{file} is damaged: {reason}"),
            StoreError::Replaced { file } => {
                write!(
                    f,
                    "{file} was moved, removed, replaced or used by another process while it was open"
                )
            }
            StoreError::Stalled { file } => {
                write!(f, "{file} does not answer: earlier requests still wait for the disk")
            }
            StoreError::Closed { file } => write!(f, "{file} is closed"),
            StoreError::Failed { file, reason, .. } => write!(f, "{file}: {reason}"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StoreError::Failed {
                source: Some(source), ..
            } => Some(&**source),
            _ => None,
        }
    }
}
