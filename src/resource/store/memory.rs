//! The store of tests and of services that keep nothing: the same rules, until the last handle goes.

use super::change::{Change, Committed, Version, judge};
use super::contents::{Contents, Record};
use super::document::Document;
use super::error::StoreError;
use super::kind::Kind;
use super::{Store, numbers};
use crate::sync::primitives::Mutex;
use futures::future::{BoxFuture, FutureExt, ready};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A store in memory. A clone is another handle to the same records, as a file opened again would be.
///
/// # Examples
///
/// ```
/// use fairpool::resource::store::{MemoryStore, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), fairpool::resource::store::StoreError> {
/// assert!(MemoryStore::new().load().await?.records.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    /// Held for the length of one commit or one copy; nothing waits or runs user code under it.
    state: Arc<Mutex<State>>,
}

type Place = (Kind, String);

#[derive(Default)]
struct State {
    version: u64,
    records: BTreeMap<Place, (Version, Document)>,
    drawn: BTreeMap<Kind, u64>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        MemoryStore::default()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Contents, StoreError>> {
        let contents = self.state.lock().contents();
        ready(Ok(contents)).boxed()
    }

    /// Done when it returns; the future has nothing to wait for.
    fn commit(&self, changes: Vec<Change>) -> BoxFuture<'_, Result<Committed, StoreError>> {
        let outcome = self.state.lock().commit(changes);
        ready(outcome).boxed()
    }

    /// There is nothing to give back: other handles, and this one, go on.
    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("MemoryStore")
            .field("version", &state.version)
            .field("records", &state.records.keys())
            .finish_non_exhaustive()
    }
}

/// How to take back what a commit did so far: the old records, the last one first, and the numbers.
struct Undo {
    records: Vec<(Place, Option<(Version, Document)>)>,
    drawn: BTreeMap<Kind, u64>,
}

impl State {
    fn contents(&self) -> Contents {
        let records = self.records.iter().map(|((kind, key), (version, body))| Record {
            kind: *kind,
            key: key.clone(),
            version: *version,
            body: body.clone(),
        });
        Contents {
            version: Version::new(self.version),
            records: records.collect(),
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<Committed, StoreError> {
        let mut undo = Undo {
            records: Vec::new(),
            drawn: self.drawn.clone(),
        };
        let mut committed = Committed {
            version: Version::new(self.version + 1),
            created: Vec::new(),
        };
        for change in changes {
            if let Err(error) = self.make(change, &mut committed, &mut undo) {
                self.take_back(undo);
                return Err(error);
            }
        }
        self.version += 1;
        Ok(committed)
    }

    fn make(&mut self, change: Change, committed: &mut Committed, undo: &mut Undo) -> Result<(), StoreError> {
        let version = committed.version;
        let (place, expected, now) = match change {
            Change::Create { kind, body } => {
                let key = numbers::next(kind, self.drawn.get(&kind).copied().unwrap_or(0))?.to_string();
                committed.created.push(key.clone());
                ((kind, key), None, Some((version, body)))
            }
            Change::Insert { kind, key, body } => ((kind, key), None, Some((version, body))),
            Change::Update { kind, key, from, body } => ((kind, key), Some(from), Some((version, body))),
            Change::Delete { kind, key, from } => ((kind, key), Some(from), None),
        };
        let found = self.records.get(&place).map(|(version, _)| *version);
        judge(place.0, &place.1, expected, found)?;
        if let (None, Some(number)) = (expected, numbers::spelled(&place.1)) {
            let last = self.drawn.entry(place.0).or_default();
            *last = number.max(*last);
        }
        let before = match now {
            Some(record) => self.records.insert(place.clone(), record),
            None => self.records.remove(&place),
        };
        undo.records.push((place, before));
        Ok(())
    }

    fn take_back(&mut self, undo: Undo) {
        for (place, before) in undo.records.into_iter().rev() {
            match before {
                Some(record) => self.records.insert(place, record),
                None => self.records.remove(&place),
            };
        }
        self.drawn = undo.drawn;
    }
}
