//! Opening a database on its connection's thread: flags, handlers, settings, and a first look into the file, so that
//! what is wrong with it shows now and not in somebody's first query.

use super::altered::alters;
use super::busy;
use super::error::Error;
use super::ledger::Ledger;
use super::settings::{Place, Settings};
use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A cancelled statement stops after at most so many steps of SQLite's virtual machine: some tens of microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 1000;

/// Opens the database as its settings say, for the thread that keeps this ledger.
pub(super) fn open(settings: &Settings, ledger: &Arc<Ledger>) -> Result<Connection, Error> {
    let file = settings.place.file();
    if file.is_some_and(is_private) {
        let reason = "each connection would have a database of its own, use Sqlite::in_memory".to_owned();
        return Err(Error::Open {
            database: settings.database.clone(),
            reason,
            error: None,
        });
    }
    let refused = |error| Error::open(settings.database.clone(), error, file, settings.writes());
    let mut connection = open_place(settings).map_err(refused)?;
    stop_when_unwanted(&mut connection, ledger).map_err(refused)?;
    connection.set_prepared_statement_cache_capacity(settings.statement_cache);
    connection
        .pragma_update(None, "foreign_keys", settings.foreign_keys)
        .map_err(refused)?;
    if let (Some(_), true) = (file, settings.writes()) {
        set_journal(&connection, settings, &refused)?;
        connection
            .pragma_update(None, "synchronous", settings.synchronous.name())
            .map_err(refused)?;
    }
    for (name, value) in &settings.pragmas {
        connection.pragma_update(None, name, value).map_err(refused)?;
    }
    if let Some(setup) = &settings.setup {
        setup.call(&mut connection).map_err(refused)?;
    }
    look(&connection).map_err(refused)?;
    if settings.retire_altered {
        let ledger = ledger.clone();
        let watch = move |context: AuthContext<'_>| {
            if alters(&context.action) {
                ledger.alter();
            }
            Authorization::Allow
        };
        connection.authorizer(Some(watch)).map_err(refused)?;
    }
    Ok(connection)
}

/// Reads from the file, without keeping anything: it is there, it is a database, it can be locked.
pub(super) fn look(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("SELECT 1 FROM sqlite_schema")?
        .exists([])
        .map(drop)
}

/// Whether SQLite takes this path for a new database of the connection's own.
pub(super) fn is_private(path: &Path) -> bool {
    path.as_os_str().is_empty() || path == Path::new(":memory:")
}

fn open_place(settings: &Settings) -> rusqlite::Result<Connection> {
    // One thread uses the connection at a time, so SQLite need not lock it.
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match &settings.place {
        Place::File { path, read_only: true } => {
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_ONLY)
        }
        Place::File { path, read_only: false } => {
            let create = if settings.create {
                OpenFlags::SQLITE_OPEN_CREATE
            } else {
                OpenFlags::empty()
            };
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_WRITE | create)
        }
        Place::Memory { uri, anchor } => {
            let flags =
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI | flags;
            let mut anchor = anchor.lock();
            if anchor.is_none() {
                *anchor = Some(Connection::open_with_flags(uri, flags)?);
            }
            Connection::open_with_flags(uri, flags)
        }
    }
}

/// Three places where SQLite asks whether to go on. Unlike an interrupt, which is forgotten where no statement runs at
/// that moment, they know the job: one that is unwanted cannot begin something long, wait for a lock or commit.
/// Mutable, because `rusqlite` 0.41 wants it so.
fn stop_when_unwanted(connection: &mut Connection, ledger: &Arc<Ledger>) -> rusqlite::Result<()> {
    let unwanted = || {
        let ledger = ledger.clone();
        move || ledger.is_unwanted()
    };
    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(unwanted()))?;
    connection.commit_hook(Some(unwanted()))?;
    connection.busy_handler(Some(busy::wait))
}

/// Changing the mode needs the file alone, and SQLite does not always wait for it: connections that open a new file
/// together would refuse each other.
fn set_journal(
    connection: &Connection,
    settings: &Settings,
    refused: &impl Fn(rusqlite::Error) -> Error,
) -> Result<(), Error> {
    let wanted = settings.journal.name();
    let mut mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(refused)?;
    let since = Instant::now();
    for attempt in 0.. {
        if mode.eq_ignore_ascii_case(wanted) {
            break;
        }
        match connection.pragma_update_and_check(None, "journal_mode", wanted, |row| row.get::<_, String>(0)) {
            Ok(now) if now.eq_ignore_ascii_case(wanted) => mode = now,
            Ok(now) => {
                return Err(Error::Open {
                    database: settings.database.clone(),
                    reason: format!("its journal mode stays {now}, asked for was {wanted}"),
                    error: None,
                });
            }
            Err(error) => {
                let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
                if !(busy && busy::wait_since(since, attempt)) {
                    return Err(refused(error));
                }
            }
        }
    }
    Ok(())
}
