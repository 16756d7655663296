//! Errors of the driver and of SQLite, in the words of the store. None of their texts quotes a value that is stored.

use super::super::error::StoreError;
use crate::drivers::sqlite::{Error, rusqlite};
use rusqlite::ErrorCode;
use std::sync::Arc;

/// Why work on the connection's thread, which does not know the file's name, came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(StoreError),
    Sql(rusqlite::Error),
    Foreign(String),
    Newer { found: usize, known: usize },
    Damaged(String),
    Replaced,
}

impl Failure {
    /// The same, with the file's name.
    pub(super) fn at(self, file: &Arc<str>) -> StoreError {
        let file = file.clone();
        match self {
            Failure::Refused(error) => error,
            Failure::Sql(error) => sql(file, error),
            Failure::Foreign(reason) => StoreError::Foreign { file, reason },
            Failure::Newer { found, known } => StoreError::Newer {
                file,
                found: u32::try_from(found).unwrap_or(u32::MAX),
                known: u32::try_from(known).unwrap_or(u32::MAX),
            },
            Failure::Damaged(reason) => StoreError::Damaged { file, reason },
            Failure::Replaced => StoreError::Replaced { file },
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Refused(error)
    }
}

/// What the driver refused.
pub(super) fn refused(file: &Arc<str>, error: Error) -> StoreError {
    let file = file.clone();
    match error {
        Error::Moved { .. } => StoreError::Replaced { file },
        Error::Sql { error, .. } => sql(file, error),
        Error::Open {
            error: Some(error),
            reason,
            ..
        } => match classed(&file, &error) {
            Some(known) => known,
            None => failed(file, reason, error),
        },
        Error::Open { reason, .. } => StoreError::Failed {
            file,
            reason,
            source: None,
        },
        // The text begins with the file's name.
        other => StoreError::Failed {
            reason: other.to_string().replacen(&format!("{file}: "), "", 1),
            file,
            source: Some(Arc::new(other)),
        },
    }
}

fn sql(file: Arc<str>, error: rusqlite::Error) -> StoreError {
    classed(&file, &error).unwrap_or_else(|| failed(file, error.to_string(), error))
}

/// What SQLite's error codes say by themselves.
fn classed(file: &Arc<str>, error: &rusqlite::Error) -> Option<StoreError> {
    let file = file.clone();
    match error.sqlite_error_code()? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(StoreError::InUse { file }),
        ErrorCode::NotADatabase => Some(StoreError::Foreign {
            file,
            reason: "it is no database".to_owned(),
        }),
        ErrorCode::DatabaseCorrupt => Some(StoreError::Damaged {
            file,
            reason: "what SQLite reads there is no sound database".to_owned(),
        }),
        _ => None,
    }
}

fn failed(file: Arc<str>, reason: String, error: rusqlite::Error) -> StoreError {
    // SQLite quotes our statements, on as many lines as they have.
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    StoreError::Failed {
        file,
        reason,
        source: Some(Arc::new(error)),
    }
}
