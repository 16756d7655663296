//! Where resources live between two runs of a program: records of JSON, by kind and key. A commit is kept whole or not at
//! all, and what was acknowledged is there after a restart. Knows neither the resources nor the pools.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | [`Store`], the trait |
//! | `kind.rs` | [`Kind`]: what a record is about |
//! | `document.rs` | [`Document`]: a record's JSON, as text that no `Debug` shows |
//! | `change.rs` | [`Change`], [`Committed`], [`Version`]: what writers ask for, and the rule by which none overwrites another |
//! | `contents.rs` | [`Record`], [`Contents`]: what a store holds |
//! | `numbers.rs` | the numbers that [`Change::Create`] draws, each once |
//! | `error.rs` | [`StoreError`] |
//! | `memory.rs` | [`MemoryStore`]: the same promises until the process ends |
#![cfg_attr(
    feature = "sqlite",
    doc = "| `sqlite` | [`SqliteStore`](sqlite::SqliteStore): a file (features `resource` and `sqlite`) |"
)]
//!
//! # Writers and versions
//!
//! Every commit has a [`Version`], a number that no other commit of this store has or ever had. A record bears that of the commit
//! that wrote it last. Who changes or deletes a record says which version it read; if the record has another one meanwhile, or
//! is gone, or was deleted and made anew, the commit fails with [`StoreError::Conflict`] and changes nothing. So of two
//! writers that change different fields of one record, the second one is told, reads again, and no field is lost.
//!
//! ```
//! use fairpool::resource::store::{Change, Document, Kind, MemoryStore, Store, StoreError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new();
//! let body = Document::new(&serde_json::json!({"name": "orders", "limit": 8}))?;
//! let made = store.commit(vec![Change::Create { kind: Kind::ConnectionPool, body }]).await?;
//! assert_eq!(made.created, ["1"]);
//!
//! let change = |limit: u32| -> Result<Vec<Change>, Box<dyn std::error::Error>> {
//!     let body = Document::new(&serde_json::json!({"name": "orders", "limit": limit}))?;
//!     Ok(vec![Change::Update { kind: Kind::ConnectionPool, key: "1".to_owned(), from: made.version, body }])
//! };
//! store.commit(change(16)?).await?;
//! let late = store.commit(change(4)?).await;
//! assert!(matches!(late, Err(StoreError::Conflict { .. })));
//! # Ok(())
//! # }
//! ```

mod change;
mod contents;
mod document;
mod error;
mod kind;
mod memory;
mod numbers;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub mod sqlite;

pub use change::{Change, Committed, Version};
pub use contents::{Contents, Record};
pub use document::{Document, DocumentError};
pub use error::StoreError;
pub use kind::Kind;
pub use memory::MemoryStore;

use futures::future::BoxFuture;
use std::fmt;

/// Keeps records over restarts. See the [page above](self).
///
/// A store is shared: every method takes `&self`, and concurrent commits take effect one after the other.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Everything in the store, as one commit left it.
    ///
    /// # Errors
    ///
    /// [`StoreError`], if the store cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only ends the reading.
    fn load(&self) -> BoxFuture<'_, Result<Contents, StoreError>>;

    /// Makes these changes in their order, all or none. When the future returns `Ok`, they are where a restart finds them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] for the first change that finds another version than it replaces; else why the store could not be
    /// written. After any error this store shows what it showed before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may come too late to stop the commit, but never leaves a part of it. Who has to know what became of
    /// it lets it finish, in a task of its own.
    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Committed, StoreError>>;

    /// Lets commits under way finish, refuses later ones and gives back what the store holds (a file and its lock).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the waiting.
    fn close(&self) -> BoxFuture<'_, ()>;
}
