//! All connection pools in every order that a list may ask for, so that a page is cut out and not searched.
//!
//! Each order is a sorted vector, replaced copy-on-write: a reader takes it whole and needs no lock while it filters.

use super::super::models::{ConnectionPool, ListQuery, Page, PoolId, PoolName, SortKey};
use super::super::store::Version;
use super::names::Names;
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
    orders: Vec<Order>,
}

struct Order {
    query: ListQuery,
    shelf: Shelf,
    /// The names on the shelf, from the first filter after a change on.
    names: Option<Arc<Names>>,
}

/// What is needed to answer a query.
pub(super) struct Found {
    shelf: Shelf,
    /// Whether it is in the order that was asked for.
    is_sorted: bool,
    /// If there is a filter.
    names: Option<Arc<Names>>,
}

const KEYS: [SortKey; 3] = [SortKey::Name, SortKey::Limit, SortKey::CreatedAt];

/// From so many on, sorting once is cheaper than to make room for each.
const MANY: usize = 64;

impl Default for Pools {
    fn default() -> Self {
        let by_key = KEYS.into_iter().flat_map(|key| [(key, false), (key, true)]);
        let sorts = std::iter::once(None).chain(by_key.map(Some));
        let orders = sorts.map(|sort| ListQuery::default().sorted_by(sort));
        let order = |query| Order {
            query,
            shelf: Shelf::default(),
            names: None,
        };
        Pools {
            orders: orders.map(order).collect(),
        }
    }
}

impl Pools {
    pub(super) fn all(&self) -> &Shelf {
        &self.orders[0].shelf
    }

    pub(super) fn by_id(&self, id: PoolId) -> Option<&Arc<PoolEntry>> {
        let all = self.all();
        let at = all.binary_search_by_key(&id, |entry| entry.model.id());
        at.ok().map(|at| &all[at])
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<PoolEntry>> {
        let named = &self.orders[1].shelf;
        let at = named.binary_search_by(|entry| entry.model.name().as_str().cmp(name));
        at.ok().map(|at| &named[at])
    }

    pub(super) fn is_taken(&self, name: &PoolName, except: Option<PoolId>) -> bool {
        let other = self.by_name(name.as_str()).map(|entry| entry.model.id());
        other.is_some() && other != except
    }

    /// Takes these in, none of which is there yet.
    pub(super) fn insert(&mut self, entries: Vec<Arc<PoolEntry>>) {
        for order in &mut self.orders {
            let (query, shelf) = (&order.query, Arc::make_mut(&mut order.shelf));
            order.names = None;
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
        for order in &mut self.orders {
            let at = place(&order.query, &order.shelf, &entry.model);
            let at = at.expect("bug: a pool is in every order");
            Arc::make_mut(&mut order.shelf).remove(at);
            order.names = None;
        }
        Some(entry)
    }

    /// What is needed to answer a query; the work itself is done by [`page`], without the lock.
    pub(super) fn find(&mut self, query: &ListQuery) -> Found {
        // Names are unique, so that nothing after one makes a difference.
        let wanted = match query.sort() {
            [first @ (SortKey::Name, _), ..] => std::slice::from_ref(first),
            keys => keys,
        };
        let sorted = self.orders.iter().position(|order| order.query.sort() == wanted);
        let order = &mut self.orders[sorted.unwrap_or(0)];
        let shelf = order.shelf.clone();
        let names = (!query.lowercase_names().is_empty()).then(|| {
            let names = || shelf.iter().map(|entry| entry.model.name().as_str()).collect();
            order.names.get_or_insert_with(|| Arc::new(names())).clone()
        });
        Found {
            shelf,
            is_sorted: sorted.is_some(),
            names,
        }
    }
}

fn place(query: &ListQuery, shelf: &[Arc<PoolEntry>], model: &ConnectionPool) -> Result<usize, usize> {
    shelf.binary_search_by(|entry| query.compare(&entry.model, model))
}

/// The page of a query.
pub(super) fn page(query: &ListQuery, found: &Found) -> Page<ConnectionPool> {
    let shelf = &found.shelf;
    let chosen = found
        .names
        .as_ref()
        .map(|names| names.containing(query.lowercase_names()));
    let total = chosen.as_ref().map_or(shelf.len(), Vec::len);
    let from = query.skipped().min(total);
    let to = from.saturating_add(query.size()).min(total);
    let models: Vec<_> = match (chosen, found.is_sorted) {
        (None, true) => shelf[from..to].iter().map(|entry| entry.model.clone()).collect(),
        (Some(chosen), true) => chosen[from..to].iter().map(|at| shelf[*at].model.clone()).collect(),
        (chosen, false) => {
            let mut models: Vec<_> = match chosen {
                Some(chosen) => chosen.into_iter().map(|at| &shelf[at].model).collect(),
                None => shelf.iter().map(|entry| &entry.model).collect(),
            };
            let page = cut(&mut models, from, to, |one, other| query.compare(one, other));
            page.iter().map(|model| (*model).clone()).collect()
        }
    };
    query.of(total as u64, models)
}

/// What would be between two places if all were sorted. Only that part is.
fn cut<T>(all: &mut [T], from: usize, to: usize, compare: impl Fn(&T, &T) -> Ordering) -> &[T] {
    let mut rest = all;
    if to < rest.len() {
        rest = rest.select_nth_unstable_by(to, &compare).0;
    }
    if from > 0 && from < rest.len() {
        rest.select_nth_unstable_by(from, &compare);
    }
    let page = &mut rest[from..to];
    page.sort_unstable_by(compare);
    page
}
