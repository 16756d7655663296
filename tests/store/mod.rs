//! What the tests of the stores share: changes in a word, and a home that opens its store again.
#![allow(dead_code)]

use fairpool::resource::store::sqlite::SqliteStore;
use fairpool::resource::store::{Change, Committed, Document, Kind, MemoryStore, Record, Store, StoreError, Version};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A place for one store, which is closed and opened again as a restart would do it.
pub(crate) enum Home {
    Memory(MemoryStore),
    File(tempfile::TempDir),
}

impl Home {
    pub(crate) fn both() -> [Home; 2] {
        [Home::memory(), Home::file()]
    }

    pub(crate) fn memory() -> Home {
        Home::Memory(MemoryStore::new())
    }

    pub(crate) fn file() -> Home {
        Home::File(tempfile::tempdir().expect("a temporary directory"))
    }

    /// Where the file is, or would be.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Home::Memory(_) => PathBuf::new(),
            Home::File(dir) => dir.path().join("fairpool.db"),
        }
    }

    pub(crate) async fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Home::Memory(store) => Box::new(store.clone()),
            Home::File(_) => Box::new(SqliteStore::open(self.path()).await?),
        })
    }
}

pub(crate) fn body(value: Value) -> Document {
    Document::new(&value).expect("JSON")
}

pub(crate) fn insert(kind: Kind, key: &str, value: Value) -> Change {
    Change::Insert {
        kind,
        key: key.to_owned(),
        body: body(value),
    }
}

pub(crate) fn create(kind: Kind, value: Value) -> Change {
    Change::Create {
        kind,
        body: body(value),
    }
}

pub(crate) fn update(kind: Kind, key: &str, from: Version, value: Value) -> Change {
    Change::Update {
        kind,
        key: key.to_owned(),
        from,
        body: body(value),
    }
}

pub(crate) fn delete(kind: Kind, key: &str, from: Version) -> Change {
    Change::Delete {
        kind,
        key: key.to_owned(),
        from,
    }
}

pub(crate) async fn one(store: &dyn Store, change: Change) -> Result<Committed, StoreError> {
    store.commit(vec![change]).await
}

/// The record of this kind and key.
pub(crate) async fn record(store: &dyn Store, kind: Kind, key: &str) -> Result<Option<Record>, StoreError> {
    let records = store.load().await?.records;
    Ok(records
        .into_iter()
        .find(|record| record.kind == kind && record.key == key))
}

/// Some JSON of about so many bytes.
pub(crate) fn filler(bytes: usize) -> Value {
    json!("x".repeat(bytes))
}
