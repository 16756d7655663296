//! Which connection pools a list shows, in what order, and which page of them.
//!
//! Pure functions of the query and the pools: nothing here knows a URL or a registry.

use super::connection_pool::ConnectionPool;
use super::invalid::{Invalid, Violation};
use super::number::Bounded;
use std::cmp::Ordering;

/// A filter looks at every pool for each of so many names at most; further ones are ignored.
const MOST_NAMES: usize = 100;

/// What a list of connection pools is asked for. The default shows the first 15 by id.
///
/// ```
/// use fairpool::resource::models::{ListQuery, SortKey};
///
/// let query = ListQuery::from_pairs([("filter[name]", "orders,mail"), ("sort", "-limit,name"), ("per_page", "20")])?;
/// assert_eq!(query.sort(), [(SortKey::Limit, true), (SortKey::Name, false)]);
///
/// let refused = ListQuery::from_pairs([("page", "0"), ("per_page", "101")]).unwrap_err();
/// assert_eq!(refused.summary(), "The page field must be at least 1. (and 1 more error)");
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// In lower case; empty to match all.
    names: Vec<String>,
    /// The key, and whether it descends.
    sort: Vec<(SortKey, bool)>,
    connectors: bool,
    systems: bool,
    page: PageNumber,
    per_page: PerPage,
}

type PageNumber = Bounded<1, { u32::MAX }>;
type PerPage = Bounded<1, 100>;

/// By what a list can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SortKey {
    /// `name`, by its characters' code points.
    Name,
    /// `limit`
    Limit,
    /// `created_at`
    CreatedAt,
}

/// A page, and where it stands in the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What the page shows.
    pub items: Vec<T>,
    /// `current_page`: as asked for, even beyond the last.
    pub current: u32,
    /// `last_page`: at least 1.
    pub last: u64,
    /// `per_page`
    pub per_page: u32,
    /// `total`, over all pages.
    pub total: u64,
}

impl Default for ListQuery {
    fn default() -> Self {
        ListQuery {
            names: Vec::new(),
            sort: Vec::new(),
            connectors: false,
            systems: false,
            page: Bounded::known::<1>(),
            per_page: Bounded::known::<15>(),
        }
    }
}

impl ListQuery {
    /// From the decoded parameters of a query; the last of a name counts, unknown ones are ignored, and so are unknown keys
    /// to sort by and things to include.
    ///
    /// # Errors
    ///
    /// `page` or `per_page` is no integer or out of range.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, Invalid> {
        let mut query = ListQuery::default();
        let (mut page, mut per_page) = (Ok(query.page), Ok(query.per_page));
        for (name, value) in pairs {
            let value = value.as_ref();
            match name.as_ref() {
                "filter[name]" => query.names = parts(value).take(MOST_NAMES).map(str::to_lowercase).collect(),
                "sort" => query.sort = distinct(parts(value).filter_map(sort_key)),
                "include" => {
                    query.systems = parts(value).any(|part| part == "connectors.system");
                    query.connectors = query.systems || parts(value).any(|part| part == "connectors");
                }
                "page" => page = number(value, Bounded::known::<1>()),
                "per_page" => per_page = number(value, Bounded::known::<15>()),
                _ => {}
            }
        }
        match (page, per_page) {
            (Ok(page), Ok(per_page)) => Ok(ListQuery {
                page,
                per_page,
                ..query
            }),
            (page, per_page) => {
                let faults = [
                    page.err().map(|fault| ("page", fault)),
                    per_page.err().map(|fault| ("per_page", fault)),
                ];
                let faults = faults.into_iter().flatten().map(|(field, fault)| (field.into(), fault));
                Err(Invalid::of(faults.collect()).expect("bug: one of two failed"))
            }
        }
    }

    /// Another page.
    #[must_use]
    pub fn page(self, page: PageNumber) -> Self {
        ListQuery { page, ..self }
    }

    /// Another size of the page: 1 to 100.
    #[must_use]
    pub fn per_page(self, per_page: PerPage) -> Self {
        ListQuery { per_page, ..self }
    }

    /// Only pools whose name contains one of these, ignoring case.
    #[must_use]
    pub fn names<S: AsRef<str>>(self, names: impl IntoIterator<Item = S>) -> Self {
        let names = names.into_iter().map(|name| name.as_ref().to_lowercase()).collect();
        ListQuery { names, ..self }
    }

    /// Sorted by these, the first one first, each with whether it descends; ties are sorted by id.
    #[must_use]
    pub fn sorted_by(self, sort: impl IntoIterator<Item = (SortKey, bool)>) -> Self {
        let sort = sort.into_iter().collect();
        ListQuery { sort, ..self }
    }

    /// Each pool with its connectors, and each of these with its system if `systems`.
    #[must_use]
    pub fn with_connectors(self, systems: bool) -> Self {
        ListQuery {
            connectors: true,
            systems,
            ..self
        }
    }

    /// By what the list is sorted, before the id; `true` for descending.
    pub fn sort(&self) -> &[(SortKey, bool)] {
        &self.sort
    }

    /// Whether each pool lists its connectors.
    pub fn includes_connectors(&self) -> bool {
        self.connectors
    }

    /// Whether each of these tells its system.
    pub fn includes_systems(&self) -> bool {
        self.systems
    }

    /// Whether the list is of all pools by id, so that a page can be cut out of them without looking at the others.
    pub fn is_plain(&self) -> bool {
        self.names.is_empty() && self.sort.is_empty()
    }

    /// What the filter looks for, in lower case; empty to match all.
    pub(crate) fn lowercase_names(&self) -> &[String] {
        &self.names
    }

    /// Whether the filter lets a pool pass.
    pub fn matches(&self, pool: &ConnectionPool) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let name = pool.name().as_str().to_lowercase();
        self.names.iter().any(|part| name.contains(part))
    }

    /// Which of two pools comes first.
    pub fn compare(&self, one: &ConnectionPool, other: &ConnectionPool) -> Ordering {
        let by_key = |&(key, descends): &(SortKey, bool)| {
            let order = match key {
                SortKey::Name => one.name().cmp(other.name()),
                SortKey::Limit => one.limit().cmp(&other.limit()),
                SortKey::CreatedAt => one.created_at().cmp(&other.created_at()),
            };
            if descends { order.reverse() } else { order }
        };
        let mut keys = self.sort.iter().map(by_key);
        let order = keys.find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        order.then_with(|| one.id().cmp(&other.id()))
    }

    /// The page out of all pools, which may come in any order.
    pub fn apply<'a>(&self, pools: impl IntoIterator<Item = &'a ConnectionPool>) -> Page<&'a ConnectionPool> {
        let mut chosen: Vec<_> = pools.into_iter().filter(|pool| self.matches(pool)).collect();
        chosen.sort_by(|one, other| self.compare(one, other));
        let total = chosen.len() as u64;
        let items = chosen.into_iter().skip(self.skipped()).take(self.size());
        self.of(total, items.collect())
    }

    /// How many pools come before the page.
    pub fn skipped(&self) -> usize {
        let before = u64::from(self.page.value() - 1) * u64::from(self.per_page.value());
        usize::try_from(before).unwrap_or(usize::MAX)
    }

    /// How many pools a page has at most.
    pub(crate) fn size(&self) -> usize {
        self.per_page.value() as usize
    }

    /// The page with these items, of so many in all. For whoever cuts it out himself: at most `per_page` items, after
    /// [`skipped`](Self::skipped) others.
    pub fn of<T>(&self, total: u64, items: Vec<T>) -> Page<T> {
        let per_page = self.per_page.value();
        Page {
            items,
            current: self.page.value(),
            last: total.div_ceil(per_page.into()).max(1),
            per_page,
            total,
        }
    }
}

impl<T> Page<T> {
    /// `from`: which of all is the first on the page, counted from 1; `None` on an empty page.
    pub fn from(&self) -> Option<u64> {
        let before = u64::from(self.current - 1) * u64::from(self.per_page);
        (!self.items.is_empty()).then(|| before + 1)
    }

    /// `to`: which of all is the last on the page; `None` on an empty page.
    pub fn to(&self) -> Option<u64> {
        self.from().map(|from| from + self.items.len() as u64 - 1)
    }

    /// The page before this one, if there is one.
    pub fn previous(&self) -> Option<u32> {
        (self.current > 1).then(|| self.current - 1)
    }

    /// The page after this one, if there is one.
    pub fn next(&self) -> Option<u32> {
        (u64::from(self.current) < self.last).then(|| self.current + 1)
    }

    /// The same page with something else for each item.
    pub fn map<U>(self, with: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(with).collect(),
            current: self.current,
            last: self.last,
            per_page: self.per_page,
            total: self.total,
        }
    }
}

/// The parts of a list with commas, without those that are empty.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Once a pool was compared by a key, the same key again changes nothing.
fn distinct(keys: impl Iterator<Item = (SortKey, bool)>) -> Vec<(SortKey, bool)> {
    let mut distinct: Vec<(SortKey, bool)> = Vec::new();
    for key in keys {
        if distinct.iter().all(|(other, _)| *other != key.0) {
            distinct.push(key);
        }
    }
    distinct
}

fn sort_key(text: &str) -> Option<(SortKey, bool)> {
    let (text, descends) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let key = match text {
        "name" => SortKey::Name,
        "limit" => SortKey::Limit,
        "created_at" => SortKey::CreatedAt,
        _ => return None,
    };
    Some((key, descends))
}

/// An empty parameter is as good as none.
fn number<const LEAST: u32, const MOST: u32>(
    text: &str,
    default: Bounded<LEAST, MOST>,
) -> Result<Bounded<LEAST, MOST>, Violation> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if text.is_empty() {
        return Ok(default);
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Violation::NotAnInteger);
    }
    if text.starts_with('-') {
        return Err(Violation::AtLeast(LEAST.into()));
    }
    Bounded::new(digits.parse().unwrap_or(u64::MAX))
}
