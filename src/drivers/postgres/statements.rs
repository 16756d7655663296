//! The prepared statements that one connection keeps, least recently used out first.

use super::link::{Link, STALE};
use crate::sync::primitives::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient, Statement};

/// A bounded cache. It survives resets, and ends with its connection.
pub(super) struct Statements {
    link: Arc<Link>,
    capacity: usize,
    /// Held for look-ups only: no statement is prepared or dropped under it.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    statements: HashMap<Key, Entry>,
    /// Counts uses, so that the least recent one is known.
    uses: u64,
}

type Key = (Box<str>, Box<[Type]>);

struct Entry {
    statement: Statement,
    last_use: u64,
}

impl Statements {
    pub(super) fn new(link: Arc<Link>, capacity: usize) -> Self {
        Statements {
            link,
            capacity,
            kept: Mutex::new(Kept::default()),
        }
    }

    /// The statement of this text, prepared now unless it is kept.
    pub(super) async fn prepare(
        &self,
        client: &(impl GenericClient + Sync),
        sql: &str,
        types: &[Type],
    ) -> Result<Statement, Error> {
        if self.link.now().has(STALE) {
            self.link.clear(STALE);
            self.forget();
        }
        let key: Key = (sql.into(), types.into());
        if let Some(statement) = self.kept.lock().find(&key) {
            return Ok(statement);
        }
        let statement = client.prepare_typed(sql, types).await?;
        let surplus = self.kept.lock().keep(key, statement.clone(), self.capacity);
        drop(surplus);
        Ok(statement)
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.lock().statements.len()
    }

    /// Drops them all; the server is told.
    pub(super) fn forget(&self) {
        let kept = std::mem::take(&mut *self.kept.lock());
        drop(kept);
    }
}

impl Kept {
    fn find(&mut self, key: &Key) -> Option<Statement> {
        self.uses += 1;
        let entry = self.statements.get_mut(key)?;
        entry.last_use = self.uses;
        Some(entry.statement.clone())
    }

    /// What has to go for it. Looking for the oldest takes a walk, which is little beside the round trip just made.
    #[must_use]
    fn keep(&mut self, key: Key, statement: Statement, capacity: usize) -> Vec<Entry> {
        let mut surplus = Vec::new();
        let last_use = self.uses;
        surplus.extend(self.statements.insert(key, Entry { statement, last_use }));
        while self.statements.len() > capacity {
            let oldest = self.statements.iter().min_by_key(|(_, entry)| entry.last_use);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            surplus.extend(self.statements.remove(&key));
        }
        surplus
    }
}

impl fmt::Debug for Statements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statements")
            .field("kept", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
