//! SQLite through [`rusqlite`], never on an async thread: each connection lives on a thread of its own.
//!
//! A [`Connection`] is a handle; [`Connection::call`] sends a closure to the thread and awaits what it returns. This
//! needs no runtime, blocks nobody, and costs a few microseconds for the way there and back. A connection costs a
//! thread (2 MiB of address space) and SQLite's page cache (2 MB by default) once it is full.
//!
//! # Connect
//!
//! [`Sqlite::file`] opens a file or makes it, [`Sqlite::read_only`] opens one that is there, and [`Sqlite::in_memory`]
//! a database that all connections of its name share. A connect starts the thread (named `sqlite` and the file's name),
//! opens the database, applies the [options](#options) and reads from the file once, so that a file that is no database
//! fails here. The error is one line:
//!
//! ```text
//! cannot open /srv/app/orders.db: unable to open database file (no directory /srv/app)
//! cannot open /srv/app/notes.txt: file is not a database
//! ```
//!
//! *Permanent*, so that a line with no connection open fails at once: whatever somebody has to change (the path, the
//! permissions, the file, a PRAGMA, a setup that fails). *Transient*: a lock, an I/O error, no memory, no space, no
//! thread, a panic in the setup.
//!
//! # Health check
//!
//! Reads from the file on the connection's thread, which shows that both answer; on Unix, also compares the file that
//! the path names with the one that was opened. After a backup was put in the file's place, connections that were idle
//! for [`validate_after_idle`](crate::Options::validate_after_idle) are replaced; call
//! [`Pool::invalidate`](crate::Pool::invalidate) to be rid of all at once.
//!
//! # Reset
//!
//! None while every job has ended and no transaction is open, which one atomic load tells. Otherwise what still runs is
//! interrupted, and an open transaction rolled back. Cached statements stay.
//!
//! What a rollback does not undo stays too: attached databases, temporary tables, PRAGMAs, functions, handlers and
//! hooks. [`Sqlite::retire_altered`] closes a connection rather than lend it again when its lease attached something,
//! made something temporary or set a PRAGMA. Where a lease added a function or a hook, or dropped something temporary
//! of the [setup](Sqlite::setup), only the lease knows: it calls `mark_broken` on its guard. The progress, commit and
//! busy handlers are the driver's. Where a closure replaces one, as `PRAGMA busy_timeout` does, calls on this
//! connection can no longer be called off as promised.
//!
//! # What is broken
//!
//! A connection on which a closure panicked: its call returns [`Error::Panicked`], and the thread closes the file at
//! once, locks and open transaction included. Also one that was altered, if that is asked for. No error of SQLite
//! breaks a connection; the health check finds those whose file has gone.
//!
//! # Options
//!
//! | option | default | meaning |
//! |---|---|---|
//! | [`busy_timeout`](Sqlite::busy_timeout) | 5 s | how long a statement waits for another connection's lock |
//! | [`journal`](Sqlite::journal) | WAL | files opened for writing: readers and a writer do not wait for each other |
//! | [`synchronous`](Sqlite::synchronous) | NORMAL | the same: waits for the disk at checkpoints, not at every commit |
//! | [`foreign_keys`](Sqlite::foreign_keys) | on | whether they are enforced |
//! | [`statement_cache`](Sqlite::statement_cache) | 64 | prepared statements kept by each connection |
//! | [`create`](Sqlite::create) | on | whether a missing file is made |
//! | [`pragma`](Sqlite::pragma) | – | any further PRAGMA |
//! | [`setup`](Sqlite::setup) | – | anything further, in Rust |
//! | [`retire_altered`](Sqlite::retire_altered) | off | close what a lease altered, see [Reset](#reset) |
//!
//! A pool of these starts with no `max_lifetime`; its other options are the usual ones. SQLite has one writer at a
//! time: connections beyond the processor's cores mostly wait for each other. Writers do best with `BEGIN IMMEDIATE`,
//! since a transaction that first reads and then writes may be refused without a wait. Connections close one after the
//! other, and the last one takes the write-ahead log back into the file; if
//! [`close_timeout`](crate::Options::close_timeout) runs out on it, the thread goes on alone.
//!
//! Missing: extension loading, encryption, backups and incremental blobs are rusqlite's features, and work inside a
//! call when the program enables them there.
//!
//! # Example
//!
//! ```
//! use fairpool::Pool;
//! use fairpool::drivers::sqlite::Sqlite;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder(Sqlite::in_memory("orders")).limit(4).build()?;
//!
//!     let mut conn = pool.acquire().await?;
//!     conn.call(|db| db.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)")).await?;
//!     let item = String::from("tea");
//!     let insert = conn.call(move |db| {
//!         let tx = db.transaction()?;
//!         tx.execute("INSERT INTO orders (item) VALUES (?1)", [&item])?;
//!         let id = tx.last_insert_rowid();
//!         tx.commit()?;
//!         Ok(id)
//!     });
//!     assert_eq!(insert.await?, 1);
//!     Ok(())
//! }
//! ```

mod altered;
mod busy;
mod connection;
mod error;
mod ledger;
mod manager;
mod moved;
mod open;
mod settings;
mod thread;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use error::Error;
pub use manager::Sqlite;
pub use settings::{Journal, Synchronous};

/// The very `rusqlite` that this driver is built on, so that versions match.
pub use rusqlite;
