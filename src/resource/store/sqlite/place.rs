//! What the file system says about a store's file, before SQLite sees it. A file that exists is never opened here: closing it
//! would let go of the locks that SQLite has on it in this process.

use super::super::error::StoreError;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// SQLite takes a file that is shorter than its shortest page for an empty one, and would write over it.
const SHORTEST: u64 = 512;

/// What is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Nothing was written to the file yet.
    pub(super) is_empty: bool,
    /// A rollback journal lies beside it: somebody was killed while the file was no store yet, or never was one.
    pub(super) has_journal: bool,
}

/// Sees to it that there is a file, which only its owner may open. `first`: this process has not had it open before, so it may
/// be missing.
pub(super) fn prepare(path: &Path, file: &Arc<str>, first: bool) -> Result<Found, StoreError> {
    let failed = |reason: String, error: Error| StoreError::Failed {
        file: file.clone(),
        reason,
        source: Some(Arc::new(error)),
    };
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && first => {
            create(path).map_err(|error| match path.parent() {
                Some(parent) if !parent.is_dir() => failed(format!("no directory {}", parent.display()), error),
                _ => failed(format!("cannot be made: {error}"), error),
            })?;
            fs::metadata(path)
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Replaced { file: file.clone() }),
        Err(error) => return Err(failed(error.to_string(), error)),
    };
    let reason = match found.len() {
        _ if !found.is_file() => Some("it is no regular file"),
        1..SHORTEST => Some("it is no database"),
        _ => None,
    };
    if let Some(reason) = reason {
        return Err(StoreError::Foreign {
            file: file.clone(),
            reason: reason.to_owned(),
        });
    }
    owners_alone(file, &found)?;
    let mut has_journal = false;
    for companion in ["-wal", "-shm", "-journal"] {
        let beside: Arc<str> = format!("{file}{companion}").into();
        let mut name = path.as_os_str().to_owned();
        name.push(companion);
        if let Ok(found) = fs::metadata(name) {
            owners_alone(&beside, &found)?;
            has_journal |= companion == "-journal" && found.len() > 0;
        }
    }
    Ok(Found {
        is_empty: found.len() == 0,
        has_journal,
    })
}

#[cfg(unix)]
fn create(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match file {
        // A umask can have taken bits away.
        Ok(file) => file.set_permissions(fs::Permissions::from_mode(0o600)),
        // Somebody was faster; whose file that is shows next.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn create(path: &Path) -> Result<(), Error> {
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn owners_alone(file: &Arc<str>, found: &fs::Metadata) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(StoreError::Exposed {
        file: file.clone(),
        mode,
    })
}

/// Elsewhere than on Unix the directory's own rules have to keep others out.
#[cfg(not(unix))]
fn owners_alone(_: &Arc<str>, _: &fs::Metadata) -> Result<(), StoreError> {
    Ok(())
}
