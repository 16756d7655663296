//! Whether a path still names the file that was opened: a restored backup leaves the old connections writing into a
//! file that nobody will ever see. Knows no SQLite.

use std::path::Path;

/// What makes a file the same file.
pub(super) type Identity = (u64, u64);

/// The file that a path names now. Elsewhere than on Unix an open file cannot be replaced, and none has an identity.
#[cfg(unix)]
pub(super) fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// The file that a path names now. Elsewhere than on Unix an open file cannot be replaced, and none has an identity.
#[cfg(not(unix))]
pub(super) fn identity(_: &Path) -> Option<Identity> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use crate::Manager;
    use crate::drivers::sqlite::tests::{Outcome, directory};
    use crate::drivers::sqlite::{Error, Sqlite};

    #[tokio::test]
    async fn a_file_that_was_replaced_fails_the_health_check() -> Outcome {
        let dir = directory();
        let path = dir.path().join("a.db");
        let db = Sqlite::file(&path);
        let mut conn = db.connect().await?;
        db.validate(&mut conn).await?;
        std::fs::rename(&path, dir.path().join("old.db")).expect("moved away");
        assert!(matches!(db.validate(&mut conn).await, Err(Error::Moved { .. })));
        std::fs::write(&path, "").expect("another one");
        assert!(matches!(db.validate(&mut conn).await, Err(Error::Moved { .. })));
        Ok(())
    }
}
