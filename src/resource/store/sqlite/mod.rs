//! The store in an SQLite file: what a commit acknowledged is on the disk, and a kill or a power cut at any moment leaves each
//! commit whole or undone.
//!
//! | file | what |
//! |---|---|
//! | `store.rs` | [`SqliteStore`], over the crate's own pool with a limit of one connection: every commit is a lease |
//! | `opener.rs` | the manager of that pool: opens the file, claims it, notices when it is another one |
//! | `place.rs` | what the file system says: the file is there, and is its owner's alone |
//! | `schema.rs` | whose file it is, and the numbered migrations |
//! | `rows.rs` | load and commit as SQL |
//! | `failure.rs` | errors of the driver and of SQLite, in the words of [`StoreError`](super::StoreError) |
//!
//! # Which moments are safe
//!
//! The file has a write-ahead log and `synchronous` is FULL. A commit appends its pages and a checksummed end mark to the log
//! and waits until the disk has them (one wait; on macOS with `fullfsync`); only then it is acknowledged. What a kill cuts
//! off has no valid end mark, and the next opening does not see it. Taking the log back into the file can be cut off
//! anywhere too: the log is emptied only after the file is on the disk. A rollback journal would promise the same for two or
//! three waits. This trusts that a disk has written what it says it has, and that the file system is local.
//!
//! # Whose file
//!
//! - *Owner.* The file, its log (`-wal`) and SQLite's other companions (`-shm`, `-journal`) have mode 0600 from the moment they
//!   are made, whatever the umask. A file that others may open is refused and not narrowed: what others may have read or
//!   changed is for a person to judge.
//! - *One process.* From the opening until the close no other process can read or write the file: it would act on records that
//!   this one changes. It gets [`InUse`](super::StoreError::InUse) after two seconds, in which a predecessor may end. The
//!   lock dies with its process.
//! - *One life.* Each opening of a store is counted in the file. Should this process have to open the file once more (it was
//!   moved away, or a disk stalled), it goes on only if it is the last that opened it and finds what it wrote; else every
//!   further call is [`Replaced`](super::StoreError::Replaced).
//! - *One program.* The `application_id` is `fair`, in ASCII. Another application's database, a file that is no database or
//!   fails SQLite's `quick_check`, and one with a newer schema are refused before anything is written.
//!
//! A request waits 30 seconds for its turn; a commit that has begun is not cut short. Copies of an open file are no backup
//! without its log: take a snapshot of both, or close the store first.
//!
//! Deleted records are overwritten with zeros in the file; the log keeps them until it is taken back.

mod failure;
mod opener;
mod place;
mod rows;
mod schema;
mod store;

#[cfg(test)]
mod tests;

pub use store::SqliteStore;
