//! The store: a pool of one connection, so that commits stand in a fair line and none runs SQLite on an async thread.

use super::super::Store;
use super::super::change::{Change, Committed};
use super::super::contents::Contents;
use super::super::error::StoreError;
use super::failure::{Failure, refused};
use super::opener::{OPENING, Opener};
use super::rows;
use crate::drivers::sqlite::{Connection, rusqlite};
use crate::{AcquireError, Pool, Pooled};
use futures::future::{BoxFuture, FutureExt};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a request waits for those before it.
const TURN: Duration = Duration::from_secs(30);

/// How long [`Store::close`] waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store in an SQLite file. The [page above](super) says what it promises.
///
/// # Examples
///
/// ```
/// use fairpool::resource::store::{Change, Document, Kind, Store, sqlite::SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("fairpool.db");
/// let store = SqliteStore::open(&path).await?;
/// let key = "orders".to_owned();
/// store.commit(vec![Change::Insert { kind: Kind::Connection, key, body: Document::new("…")? }]).await?;
/// store.close().await;
///
/// let store = SqliteStore::open(&path).await?;
/// assert_eq!(store.load().await?.records[0].key, "orders");
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    pub(super) pool: Pool<Opener>,
    file: Arc<str>,
}

impl SqliteStore {
    /// Opens a file, or makes it (its directory is not made), brings its schema up to date and keeps it until the
    /// [close](Store::close) or the drop. Wants a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which names the file and what is wrong with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave an empty store behind, or a migration for the next opening to go on with.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        SqliteStore::with(Opener::new(path.as_ref())?).await
    }

    pub(super) async fn with(opener: Opener) -> Result<Self, StoreError> {
        let file = opener.file().clone();
        let pool = match Pool::builder(opener).build() {
            Ok(pool) => pool,
            Err(error) => {
                return Err(StoreError::Failed {
                    file,
                    reason: error.to_string(),
                    source: None,
                });
            }
        };
        let store = SqliteStore { pool, file };
        drop(store.lease(OPENING).await?);
        Ok(store)
    }

    /// The absolute path of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    pub(super) async fn lease(&self, within: Duration) -> Result<Pooled<'_, Opener>, StoreError> {
        let file = self.file.clone();
        self.pool.acquire_within(within).await.map_err(|error| match error {
            AcquireError::Connect(error) => (*error).clone(),
            AcquireError::Closed(_) => StoreError::Closed { file },
            AcquireError::Timeout(_) => StoreError::Stalled { file },
            other => StoreError::Failed {
                file,
                reason: other.to_string(),
                source: None,
            },
        })
    }

    async fn run<R, F>(&self, conn: &mut Connection, work: F) -> Result<R, StoreError>
    where
        F: FnOnce(&mut rusqlite::Connection) -> Result<R, Failure> + Send + 'static,
        R: Send + 'static,
    {
        match conn.run(work).await {
            Ok(outcome) => outcome.map_err(|failure| failure.at(&self.file)),
            Err(error) => Err(refused(&self.file, error)),
        }
    }
}

impl Store for SqliteStore {
    fn load(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        async {
            let mut conn = self.lease(TURN).await?;
            self.run(&mut conn, rows::load).await
        }
        .boxed()
    }

    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Committed, StoreError>> {
        async {
            let mut conn = self.lease(TURN).await?;
            let claim = self.pool.manager().claim().clone();
            self.run(&mut conn, move |db| {
                let committed = rows::commit(db, &changes)?;
                // Here, on the connection's thread: whoever awaited the commit may be gone.
                claim.wrote(committed.version);
                Ok(committed)
            })
            .await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.pool.drain(PATIENCE).await;
        }
        .boxed()
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
