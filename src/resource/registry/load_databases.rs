//! What a store holds of managed databases; and how what is live comes to agree with it.

use super::super::models::{DatabasePool, DatabaseRecord};
use super::super::store::Version;
use super::database_pools::key;
use super::error::OpenError;
use super::state::{Inner, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Records = BTreeMap<String, (DatabaseRecord, Version)>;
type Pools = BTreeMap<(String, String), (DatabasePool, Version)>;

impl Inner {
    pub(super) async fn load_databases(self: &Arc<Self>, records: Records, pools: Pools) -> Result<(), OpenError> {
        let moved = self.follow_records(records);
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let all = state.database_pools.iter();
            all.flat_map(|(id, pools)| pools.values().map(move |entry| (id, entry)))
                .map(|(id, entry)| ((id.clone(), entry.model.name().to_string()), entry.clone()))
                .collect()
        };
        for (key, entry) in known.iter().filter(|(key, _)| !pools.contains_key(*key)) {
            self.remove_database_pool(&key.0, entry.model.name());
        }
        let is_same = |(id, name): &(String, String), version: Version| {
            let entry = known.get(&(id.clone(), name.clone()));
            !moved.contains(id) && entry.is_some_and(|entry| entry.version == version)
        };
        let differing: Vec<_> = pools
            .into_iter()
            .filter(|(key, (_, version))| !is_same(key, *version))
            .collect();
        let ways = self.apart(move |inner| {
            let ways = differing.into_iter().map(|((id, _), (model, version))| {
                let way = inner.database_pool_way(&id, &model);
                (id, model, version, way)
            });
            ways.collect::<Vec<_>>()
        });
        for (id, model, version, way) in ways.await.map_err(OpenError::BrokenOff)? {
            self.place_database_pool(&id, model, version, way);
        }
        Ok(())
    }

    /// Returns those that differ.
    fn follow_records(&self, records: Records) -> BTreeSet<String> {
        let known: BTreeMap<_, _> = {
            let state = self.state.lock();
            let records = state.database_records.iter();
            records.map(|(id, (_, version))| (id.clone(), *version)).collect()
        };
        let mut moved = BTreeSet::new();
        for id in known.keys().filter(|id| !records.contains_key(*id)) {
            self.place_database_record(id, None);
            moved.insert(id.clone());
        }
        for (id, (record, version)) in records {
            if known.get(&id) != Some(&version) {
                self.place_database_record(&id, Some((record, version)));
                moved.insert(id);
            }
        }
        moved
    }
}

/// Pools of declared databases that are not live, each with the reason.
pub(super) fn problems(state: &State) -> Vec<String> {
    let declared = |id: &str| state.databases.contains_key(id);
    let pools = state.database_pools.iter().filter(|(id, _)| declared(id));
    let pools = pools.flat_map(|(id, pools)| pools.values().map(move |entry| (id, entry)));
    let reasons = pools.filter_map(|(id, entry)| {
        let reason = entry.live.as_ref().err()?;
        Some(format!("database pool {:?}: {reason}", key(id, entry.model.name())))
    });
    reasons.collect()
}
