//! The demo's SQLite file: 100,000 accounts of 1,000 each, in a temporary folder or where the user wants it.
//!
//! A new file is made under another name and moved to its place when it is complete; the move replaces nothing. A file that
//! exists is used only if its header says that the demo made it, and any other is not even opened by SQLite.

use super::interrupt::Interrupt;
use anyhow::{Context, Result, anyhow, bail, ensure};
use fairpool::Manager;
use fairpool::drivers::sqlite::Sqlite;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rows of the table.
pub(super) const ROWS: i64 = 100_000;

/// What is in each account at first. The workload only moves money, so the sum stays.
const BALANCE: i64 = 1_000;

/// SQLite keeps these two in the file's header: who made it ("fair"), and the layout of what is inside.
const APPLICATION: u32 = 0x6661_6972;
const LAYOUT: u32 = 1;

/// A file that is ready for the load.
pub(super) struct Database {
    pub(super) path: PathBuf,
    /// How long it took to make it; `None` if it was there.
    pub(super) made: Option<Duration>,
    pub(super) bytes: u64,
    /// Removed with its content when the demo ends.
    _folder: Option<TempDir>,
}

impl Database {
    /// Finds the file or makes it; `None` if the user interrupted.
    pub(super) async fn prepare(file: Option<&Path>, interrupt: &Interrupt) -> Result<Option<Self>> {
        let (path, folder) = match file {
            Some(file) => (file.to_owned(), None),
            None => {
                let folder = tempfile::Builder::new().prefix("fairpool-demo-").tempdir();
                let folder = folder.context("cannot make a temporary folder")?;
                (folder.path().join("demo.db"), Some(folder))
            }
        };
        let made = if is_ours(&path)? {
            check(&path).await?;
            None
        } else {
            match make(&path, interrupt).await? {
                None => return Ok(None),
                made => made,
            }
        };
        let bytes = fs::metadata(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        Ok(Some(Database {
            path,
            made,
            bytes,
            _folder: folder,
        }))
    }

    /// How to connect to it. If it vanishes nothing is made in its place.
    pub(super) fn manager(&self) -> Sqlite {
        Sqlite::file(&self.path).create(false)
    }

    /// The sum of all accounts, and what it must be.
    pub(super) async fn balances(&self) -> Result<(i64, i64)> {
        Ok((content(&self.path).await?.1, ROWS * BALANCE))
    }
}

/// Whether the demo made this file. `false`: there is none. Anything else that is there is an error.
fn is_ours(path: &Path) -> Result<bool> {
    let shown = path.display();
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found.with_context(|| format!("cannot read {shown}"))?,
    };
    ensure!(!found.is_dir(), "{shown} is a directory");
    ensure!(found.is_file(), "{shown} is not a regular file");
    let header = header(path).with_context(|| format!("cannot read {shown}"))?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    if !header.starts_with(b"SQLite format 3\0") || number(68) != Some(APPLICATION) {
        bail!("{shown} exists and is not a database of this demo, so it stays as it is");
    }
    ensure!(
        number(60) == Some(LAYOUT),
        "{shown} is from another version of this demo, so it stays as it is"
    );
    let writable = OpenOptions::new().write(true).open(path);
    writable.with_context(|| format!("cannot write {shown}"))?;
    Ok(true)
}

fn header(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut header)?;
    Ok(header)
}

/// Fills a new file, then moves it to `path`; `None` if the user interrupted, after which nothing is left of it.
async fn make(path: &Path, interrupt: &Interrupt) -> Result<Option<Duration>> {
    let began = Instant::now();
    let cannot = || format!("cannot make {}", path.display());
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    ensure!(folder.is_dir(), "{}: no directory {}", cannot(), folder.display());
    // In the same folder, so that the move is one step. Errors name a path that the user has never seen: their kind will do.
    let unfinished = tempfile::Builder::new().prefix(".fairpool-demo-").tempfile_in(folder);
    let unfinished = unfinished
        .map_err(|error| anyhow!("{}: {}", cannot(), error.kind()))?
        .into_temp_path();

    let mut connection = Sqlite::file(&unfinished).connect().await?;
    let filled = tokio::select! {
        filled = connection.call(|db| db.execute_batch(&script())) => Some(filled),
        () = interrupt.once() => None,
    };
    connection.close().await;
    let Some(filled) = filled else { return Ok(None) };
    filled.map_err(|error| match error.sqlite() {
        Some(error) => anyhow!("{}: {error}", cannot()),
        None => error.into(),
    })?;
    unfinished
        .persist_noclobber(path)
        .map_err(|error| anyhow!("{}: {}", cannot(), error.error.kind()))?;
    Ok(Some(began.elapsed()))
}

fn script() -> String {
    format!(
        "BEGIN;
         PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {LAYOUT};
         CREATE TABLE accounts (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, balance INTEGER NOT NULL);
         WITH RECURSIVE numbers (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM numbers LIMIT {ROWS})
         INSERT INTO accounts SELECT id, format('owner of the account with the number %06d', id), {BALANCE} FROM numbers;
         COMMIT;"
    )
}

async fn check(path: &Path) -> Result<()> {
    let (rows, _) = content(path).await?;
    ensure!(rows == ROWS, "{} has {rows} accounts, not {ROWS}", path.display());
    Ok(())
}

/// The number of accounts, and the sum of what is in them.
async fn content(path: &Path) -> Result<(i64, i64)> {
    let mut connection = Sqlite::file(path).create(false).connect().await?;
    let sql = "SELECT count(*), coalesce(sum(balance), 0) FROM accounts";
    let content = connection
        .call(|db| db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))))
        .await;
    connection.close().await;
    Ok(content?)
}
