//! The manager behind the store: opens the file, claims it for this process, and notices when it is another one.
//!
//! | opening | the file must | then |
//! |---|---|---|
//! | the first | be a store, or empty, or missing | migrations run, the count of openings is raised and remembered |
//! | a later one of the same store | bear the remembered count, and at least the last version that was acknowledged | nothing is written |
//!
//! Every lease is validated first, so that no commit is acknowledged into a file that is no longer at its path.

use super::super::change::Version;
use super::super::error::StoreError;
use super::failure::{Failure, refused};
use super::{place, schema};
use crate::drivers::sqlite::{Connection, Journal, Sqlite, Synchronous, rusqlite};
use crate::sync::primitives::Mutex;
use crate::{Manager, Options};
use futures::TryFutureExt;
use rusqlite::TransactionBehavior;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long an opening waits for a predecessor to end.
const PREDECESSOR: Duration = Duration::from_secs(2);

/// How long an opening may take, with the migrations and the check of a large file.
pub(super) const OPENING: Duration = Duration::from_secs(300);

/// Opens one store's file.
#[derive(Debug)]
pub(super) struct Opener {
    path: PathBuf,
    file: Arc<str>,
    pub(super) sqlite: Sqlite,
    migrations: &'static [&'static str],
    claim: Arc<Claim>,
}

/// What this process knows of the file that it claimed.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// None before the first opening. Held for a copy only.
    state: Mutex<Option<Claimed>>,
}

#[derive(Debug, Clone, Copy)]
struct Claimed {
    opening: i64,
    wrote: Version,
}

impl Claim {
    /// A commit of this version is on the disk.
    pub(super) fn wrote(&self, version: Version) {
        if let Some(claimed) = &mut *self.state.lock() {
            claimed.wrote = version;
        }
    }
}

impl Opener {
    pub(super) fn new(path: &Path) -> Result<Self, StoreError> {
        Opener::with(path, &schema::MIGRATIONS)
    }

    /// With migrations of its own, for tests.
    pub(super) fn with(path: &Path, migrations: &'static [&'static str]) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| StoreError::Failed {
            file: path.display().to_string().into(),
            reason: error.to_string(),
            source: Some(Arc::new(error)),
        })?;
        Ok(Opener {
            file: path.display().to_string().into(),
            sqlite: Sqlite::file(&path)
                .create(false)
                .busy_timeout(PREDECESSOR)
                .journal(Journal::Wal)
                .synchronous(Synchronous::Full)
                .pragma("fullfsync", true)
                .pragma("checkpoint_fullfsync", true)
                .pragma("secure_delete", true)
                .pragma("trusted_schema", false)
                // Whoever writes keeps the file from then on, and the claim is a write.
                .pragma("locking_mode", "EXCLUSIVE".to_owned()),
            path,
            migrations,
            claim: Arc::default(),
        })
    }

    pub(super) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(super) fn claim(&self) -> &Arc<Claim> {
        &self.claim
    }

    async fn open(&self) -> Result<Connection, StoreError> {
        let claimed = *self.claim.state.lock();
        let (path, file) = (self.path.clone(), self.file.clone());
        let looked = tokio::task::spawn_blocking(move || place::prepare(&path, &file, claimed.is_none())).await;
        let found = match looked {
            Ok(looked) => looked?,
            Err(error) => {
                return Err(StoreError::Failed {
                    file: self.file.clone(),
                    reason: error.to_string(),
                    source: None,
                });
            }
        };
        if !found.is_empty {
            self.look(found.has_journal).await?;
        }
        let migrations = self.migrations;
        let (conn, claimed) = self
            .ask(&self.sqlite, move |db| {
                schema::migrate(db, migrations)?;
                claim(db, claimed)
            })
            .await?;
        *self.claim.state.lock() = Some(claimed);
        Ok(conn)
    }

    /// Whether this is a sound store that this program knows, without a write to it. Only a journal that somebody's end left
    /// is played back, as by whoever reads such a file.
    async fn look(&self, has_journal: bool) -> Result<(), StoreError> {
        let known = self.migrations.len();
        let reader = if has_journal {
            Sqlite::file(&self.path).create(false).journal(Journal::Delete)
        } else {
            Sqlite::read_only(&self.path)
        };
        let reader = reader.busy_timeout(PREDECESSOR);
        let (conn, ()) = self.ask(&reader, move |db| schema::look(db, known)).await?;
        conn.close().await;
        Ok(())
    }

    async fn ask<R, F>(&self, sqlite: &Sqlite, work: F) -> Result<(Connection, R), StoreError>
    where
        F: FnOnce(&mut rusqlite::Connection) -> Result<R, Failure> + Send + 'static,
        R: Send + 'static,
    {
        let mut conn = sqlite.connect().await.map_err(|error| refused(&self.file, error))?;
        let failed = match conn.run(work).await {
            Ok(Ok(answer)) => return Ok((conn, answer)),
            Ok(Err(failure)) => failure.at(&self.file),
            Err(error) => refused(&self.file, error),
        };
        conn.close().await;
        Err(failed)
    }
}

/// Takes the lock on the file for as long as the connection lives, and sees whether it may.
fn claim(db: &mut rusqlite::Connection, before: Option<Claimed>) -> Result<Claimed, Failure> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (opening, revision) = tx.query_row("SELECT opening, revision FROM store", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let wrote = Version::new(revision.unsigned_abs());
    let claimed = match before {
        Some(before) if before.opening != opening || before.wrote > wrote => return Err(Failure::Replaced),
        Some(_) => Claimed { opening, wrote },
        None => Claimed {
            opening: opening + 1,
            wrote,
        },
    };
    tx.execute("UPDATE store SET opening = ?1", [claimed.opening])?;
    tx.commit()?;
    Ok(claimed)
}

impl Manager for Opener {
    type Connection = Connection;
    type Error = StoreError;

    async fn connect(&self) -> Result<Connection, StoreError> {
        self.open().await
    }

    async fn validate(&self, conn: &mut Connection) -> Result<(), StoreError> {
        let outcome = self.sqlite.validate(conn).await;
        outcome.map_err(|error| refused(&self.file, error))
    }

    fn reset(&self, conn: &mut Connection) -> Option<impl Future<Output = Result<(), StoreError>> + Send> {
        let reset = self.sqlite.reset(conn)?;
        Some(reset.map_err(|error| refused(&self.file, error)))
    }

    fn is_broken(&self, conn: &mut Connection) -> bool {
        conn.is_broken()
    }

    fn close(&self, conn: Connection) -> Option<impl Future<Output = ()> + Send> {
        Some(conn.close())
    }

    fn backend(&self) -> Option<String> {
        Some(self.file.to_string())
    }

    /// No waiting for better times: whoever asks is told at once.
    fn is_transient(&self, _: &StoreError) -> bool {
        false
    }

    /// One connection, which keeps the lock for as long as the store lives.
    fn defaults(&self) -> Options {
        Options {
            limit: 1,
            connect_timeout: OPENING,
            idle_timeout: None,
            max_lifetime: None,
            validate_after_idle: Some(Duration::ZERO),
            ..Options::default()
        }
    }
}
