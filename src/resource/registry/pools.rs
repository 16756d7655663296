//! All connection pools in every order that a list may ask for, so that a page is cut out and not searched.
//!
//! Each order is a sorted vector, replaced copy-on-write: a reader takes it whole and needs no lock while it filters.

use super::super::models::{ConnectionPool, ListQuery, Page, PoolId, PoolName, SortKey};
use super::super::store::Version;
use crate::Limit;
use std::cmp::Ordering;
use std::sync::Arc;

/// A connection pool as it is now.
pub(super) struct PoolEntry {
    pub(super) model: ConnectionPool,
    pub(super) version: Version,
    pub(super) limit: Limit,
}

pub(super) type Shelf = Arc<Vec<Arc<PoolEntry>>>;

pub(super) struct Pools {
    /// By id first, then each key in both directions.
    orders: Vec<(ListQuery, Shelf)>,
}

const KEYS: [SortKey; 3] = [SortKey::Name, SortKey::Limit, SortKey::CreatedAt];

/// From so many on, sorting once is cheaper than to make room for each.
const MANY: usize = 64;

impl Default for Pools {
    fn default() -> Self {
        let by_key = KEYS.into_iter().flat_map(|key| [(key, false), (key, true)]);
        let sorts = std::iter::once(None).chain(by_key.map(Some));
        let orders = sorts.map(|sort| (ListQuery::default().sorted_by(sort), Shelf::default()));
        Pools {
            orders: orders.collect(),
        }
    }
}

impl Pools {
    pub(super) fn all(&self) -> &Shelf {
        &self.orders[0].1
    }

    pub(super) fn by_id(&self, id: PoolId) -> Option<&Arc<PoolEntry>> {
        let all = self.all();
        let at = all.binary_search_by_key(&id, |entry| entry.model.id());
        at.ok().map(|at| &all[at])
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<PoolEntry>> {
        let named = &self.orders[1].1;
        let at = named.binary_search_by(|entry| entry.model.name().as_str().cmp(name));
        at.ok().map(|at| &named[at])
    }

    pub(super) fn is_taken(&self, name: &PoolName, except: Option<PoolId>) -> bool {
        let other = self.by_name(name.as_str()).map(|entry| entry.model.id());
        other.is_some() && other != except
    }

    /// Takes these in, none of which is there yet.
    pub(super) fn insert(&mut self, entries: Vec<Arc<PoolEntry>>) {
        for (query, shelf) in &mut self.orders {
            let shelf = Arc::make_mut(shelf);
            if entries.len() >= MANY {
                shelf.extend(entries.iter().cloned());
                shelf.sort_unstable_by(|one, other| query.compare(&one.model, &other.model));
                continue;
            }
            for entry in &entries {
                let at = place(query, shelf, &entry.model).unwrap_or_else(|at| at);
                shelf.insert(at, entry.clone());
            }
        }
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, id: PoolId) -> Option<Arc<PoolEntry>> {
        let entry = self.by_id(id)?.clone();
        for (query, shelf) in &mut self.orders {
            let at = place(query, shelf, &entry.model);
            let at = at.expect("bug: a pool is in every order");
            Arc::make_mut(shelf).remove(at);
        }
        Some(entry)
    }

    /// What is needed to answer a query; the work itself is done by [`page`], without the lock.
    pub(super) fn shelf(&self, query: &ListQuery) -> (Shelf, IsSorted) {
        // Names are unique, so that nothing after one makes a difference.
        let wanted = match query.sort() {
            [first @ (SortKey::Name, _), ..] => std::slice::from_ref(first),
            keys => keys,
        };
        let sorted = self.orders.iter().find(|(order, _)| order.sort() == wanted);
        match sorted {
            Some((_, shelf)) => (shelf.clone(), true),
            None => (self.all().clone(), false),
        }
    }
}

/// Whether a shelf is in the order that was asked for.
type IsSorted = bool;

fn place(query: &ListQuery, shelf: &[Arc<PoolEntry>], model: &ConnectionPool) -> Result<usize, usize> {
    shelf.binary_search_by(|entry| query.compare(&entry.model, model))
}

/// The page of a query.
pub(super) fn page(query: &ListQuery, (shelf, is_sorted): (Shelf, IsSorted)) -> Page<ConnectionPool> {
    let per_page = query.of::<()>(0, Vec::new()).per_page as usize;
    let has_filter = !query.clone().sorted_by([]).is_plain();
    let cut = |entries: &[&Arc<PoolEntry>]| {
        let models = entries.iter().skip(query.skipped()).take(per_page);
        query.of(entries.len() as u64, models.map(|entry| entry.model.clone()).collect())
    };
    if is_sorted && !has_filter {
        let from = query.skipped().min(shelf.len());
        let to = from.saturating_add(per_page).min(shelf.len());
        let models = shelf[from..to].iter().map(|entry| entry.model.clone());
        return query.of(shelf.len() as u64, models.collect());
    }
    let mut chosen: Vec<_> = shelf.iter().filter(|entry| query.matches(&entry.model)).collect();
    if !is_sorted {
        chosen.sort_unstable_by(|one, other| -> Ordering { query.compare(&one.model, &other.model) });
    }
    cut(&chosen)
}
