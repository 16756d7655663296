//! Family 2: managed databases. A file declares them; the store keeps what was changed of them, and their pools.

use super::super::models::{Database, DatabaseDefinition, DatabaseId, DatabaseRecord};
use super::super::store::Version;
use super::error::{RegistryError, ResourceKind};
use super::root::Registry;
use super::state::Inner;
use crate::Limit;
use std::sync::Arc;

/// A managed database as it is now.
pub(super) struct DatabaseEntry {
    pub(super) model: Database,
    /// One permit, without a line: whoever moves it to another server holds it, and takes the writers' one after it.
    pub(super) turn: Limit,
}

/// # Family 2: managed databases
impl Registry {
    /// All managed databases, by id.
    ///
    /// ```
    /// # use fairpool::{doc::block_on, resource::registry::Registry};
    /// use fairpool::resource::models::{DatabaseDefinition, DatabaseId, DatabaseUrl, Engine};
    /// use fairpool::resource::registry::Declared;
    ///
    /// # block_on(async {
    /// let url = DatabaseUrl::new("redis://cache.example:6379")?;
    /// let cache = DatabaseDefinition::new(DatabaseId::new("cache")?, Engine::Redis, url)?;
    /// let registry = Registry::builder().fixed(Declared::new().database(cache)).open().await?;
    /// assert_eq!(registry.databases().len(), 1);
    /// assert_eq!(registry.database("cache")?.engine(), Engine::Redis);
    /// # Ok(()) });
    /// ```
    pub fn databases(&self) -> Vec<Database> {
        let state = self.inner.state.lock();
        state.databases.values().map(|entry| entry.model.clone()).collect()
    }

    /// A managed database.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub fn database(&self, id: &str) -> Result<Database, RegistryError> {
        Ok(self.inner.known_database(id)?.model.clone())
    }
}

impl Inner {
    pub(super) fn known_database(&self, id: &str) -> Result<Arc<DatabaseEntry>, RegistryError> {
        let entry = self.state.lock().databases.get(id).cloned();
        entry.ok_or_else(|| RegistryError::not_found(ResourceKind::Database, id))
    }

    /// Declares a database, or declares it anew. Nothing is opened.
    pub(super) fn place_database(&self, definition: DatabaseDefinition) {
        let id = definition.id().clone();
        self.seat_database(definition);
        self.seat_database_pools(id.as_str());
    }

    /// It is declared no longer. What the store keeps of it stays there.
    pub(super) fn remove_database(&self, id: &DatabaseId) {
        let old = self.state.lock().databases.remove(id);
        drop(old);
        self.seat_database_pools(id.as_str());
    }

    /// The same, of the database alone.
    fn seat_database(&self, definition: DatabaseDefinition) {
        let id = definition.id().clone();
        let old = {
            let mut state = self.state.lock();
            let turn = state.databases.get(&id).map(|entry| entry.turn.clone());
            let record = state.database_records.get(id.as_str());
            let record = record.map(|(record, _)| record.clone()).unwrap_or_default();
            let entry = DatabaseEntry {
                model: Database::with(definition, &record),
                turn: turn.unwrap_or_else(|| Limit::new(1).expect("bug: 1 is a limit")),
            };
            state.databases.insert(id, Arc::new(entry))
        };
        drop(old);
    }

    /// What the store keeps of a database, whether or not it is declared; `None`: nothing any more. Its pools do not follow yet.
    pub(super) fn place_database_record(&self, id: &str, record: Option<(DatabaseRecord, Version)>) {
        let entry = {
            let mut state = self.state.lock();
            match record {
                Some(record) => state.database_records.insert(id.to_owned(), record),
                None => state.database_records.remove(id),
            };
            state.databases.get(id).cloned()
        };
        if let Some(entry) = entry {
            self.seat_database(entry.model.definition().clone());
        }
    }

    /// The record and its version; an empty one that is not stored yet.
    pub(super) fn database_record(&self, id: &DatabaseId) -> (DatabaseRecord, Option<Version>) {
        let state = self.state.lock();
        match state.database_records.get(id.as_str()) {
            Some((record, version)) => (record.clone(), Some(*version)),
            None => (DatabaseRecord::default(), None),
        }
    }
}
