//! Random operations on connection pools, in flight and over restarts, against a plain model: after each step the registry shows,
//! lists, admits and keeps what the model does.
#![cfg(feature = "resource")]

use fairpool::OwnedPermit;
use fairpool::resource::models::{
    Bounded, ConnectionPool, ConnectionPoolChange, ListQuery, NewConnectionPool, PoolId, PoolName,
};
use fairpool::resource::registry::{Registry, RegistryError};
use fairpool::resource::store::MemoryStore;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::collections::BTreeMap;

/// Few names, so that they meet; with cases and signs that sort in their own way.
const NAMES: [&str; 6] = ["orders", "Orders", "mail", "müll", "a,b", "Zed"];
const SORTS: [&str; 8] = [
    "",
    "name",
    "-name",
    "limit",
    "-limit,name",
    "-created_at",
    "created_at,-limit",
    "-limit",
];
const FILTERS: [&str; 5] = ["", "or", "ORD,zed", "ü", ","];

#[derive(Debug, Clone)]
enum Step {
    Create {
        name: usize,
        limit: u64,
        timeout: Option<u64>,
    },
    Change {
        which: usize,
        fields: (Option<usize>, Option<u64>, Option<Option<u64>>),
    },
    Delete {
        which: usize,
    },
    Take {
        which: usize,
    },
    GiveBack {
        which: usize,
    },
    List {
        sort: usize,
        filter: usize,
        page: u64,
        per_page: u64,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (limit, timeout) = (1..4_u64, prop::option::of(1..5_u64));
    let fields = (
        prop::option::of(0..NAMES.len()),
        prop::option::of(limit.clone()),
        prop::option::of(timeout.clone()),
    );
    let step = prop_oneof![
        4 => (0..NAMES.len(), limit, timeout).prop_map(|(name, limit, timeout)| Step::Create { name, limit, timeout }),
        4 => (0..8_usize, fields).prop_map(|(which, fields)| Step::Change { which, fields }),
        1 => (0..8_usize).prop_map(|which| Step::Delete { which }),
        4 => (0..8_usize).prop_map(|which| Step::Take { which }),
        3 => (0..8_usize).prop_map(|which| Step::GiveBack { which }),
        4 => (0..SORTS.len(), 0..FILTERS.len(), 1..4_u64, 1..5_u64)
            .prop_map(|(sort, filter, page, per_page)| Step::List { sort, filter, page, per_page }),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..60)
}

#[derive(Debug)]
struct Plain {
    name: &'static str,
    limit: u64,
    timeout: Option<u64>,
    held: Vec<OwnedPermit>,
}

/// The model, beside what it is a model of.
struct World {
    store: MemoryStore,
    registry: Registry,
    plain: BTreeMap<PoolId, Plain>,
    last_id: u64,
}

impl World {
    async fn new() -> World {
        let store = MemoryStore::new();
        let registry = Registry::builder().store(store.clone()).open().await.expect("it opens");
        World {
            store,
            registry,
            plain: BTreeMap::new(),
            last_id: 0,
        }
    }

    fn id(&self, which: usize) -> Option<PoolId> {
        let count = self.plain.len();
        self.plain.keys().nth(which.checked_rem(count)?).copied()
    }

    fn is_taken(&self, name: &str, by_other_than: Option<PoolId>) -> bool {
        let mut others = self.plain.iter();
        others.any(|(id, plain)| plain.name == name && Some(*id) != by_other_than)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Create { name, limit, timeout } => self.create(NAMES[name], limit, timeout).await,
            Step::Change { which, fields } => {
                if let Some(id) = self.id(which) {
                    self.change(id, fields).await;
                }
            }
            Step::Delete { which } => {
                let Some(id) = self.id(which) else { return };
                let limit = self.registry.limit(id).expect("it is there");
                self.registry.delete_connection_pool(id).await.expect("it is deleted");
                self.plain.remove(&id);
                assert!(limit.try_acquire().is_err());
                assert!(self.registry.delete_connection_pool(id).await.is_err());
            }
            Step::Take { which } => {
                let Some(id) = self.id(which) else { return };
                let plain = self.plain.get_mut(&id).expect("a pool of the model");
                let permit = self.registry.limit(id).expect("it is there").try_acquire_owned();
                assert_eq!(permit.is_ok(), (plain.held.len() as u64) < plain.limit, "{plain:?}");
                plain.held.extend(permit);
            }
            Step::GiveBack { which } => {
                let Some(id) = self.id(which) else { return };
                self.plain.get_mut(&id).expect("a pool of the model").held.pop();
            }
            Step::List {
                sort,
                filter,
                page,
                per_page,
            } => {
                self.list(SORTS[sort], FILTERS[filter], page, per_page);
            }
            Step::Restart => {
                let store = self.store.clone();
                self.registry = Registry::builder().store(store).open().await.expect("it opens");
                // Those in flight were so in another process.
                self.plain.values_mut().for_each(|plain| plain.held.clear());
            }
        }
    }

    async fn create(&mut self, name: &'static str, limit: u64, timeout: Option<u64>) {
        let new = NewConnectionPool::new(PoolName::new(name).unwrap(), Bounded::new(limit).unwrap());
        let new = match timeout {
            Some(timeout) => new.timeout(Bounded::new(timeout).unwrap()),
            None => new,
        };
        let made = self.registry.create_connection_pool(new).await;
        if self.is_taken(name, None) {
            assert!(matches!(made, Err(RegistryError::Taken { .. })));
            return;
        }
        let id = made.expect("it is made").id();
        assert!(id.value() > self.last_id, "an id is drawn once");
        self.last_id = id.value();
        let held = Vec::new();
        self.plain.insert(
            id,
            Plain {
                name,
                limit,
                timeout,
                held,
            },
        );
    }

    async fn change(&mut self, id: PoolId, fields: (Option<usize>, Option<u64>, Option<Option<u64>>)) {
        let (name, limit, timeout) = fields;
        let name = name.map(|name| NAMES[name]);
        let mut change = ConnectionPoolChange::default();
        if let Some(name) = name {
            change = change.name(PoolName::new(name).unwrap());
        }
        if let Some(limit) = limit {
            change = change.limit(Bounded::new(limit).unwrap());
        }
        if let Some(timeout) = timeout {
            change = change.timeout(timeout.map(|timeout| Bounded::new(timeout).unwrap()));
        }
        let changed = self.registry.change_connection_pool(id, change).await;
        if name.is_some_and(|name| self.is_taken(name, Some(id))) {
            assert!(matches!(changed, Err(RegistryError::Taken { .. })));
            return;
        }
        assert!(changed.is_ok());
        let plain = self.plain.get_mut(&id).expect("a pool of the model");
        plain.name = name.unwrap_or(plain.name);
        plain.limit = limit.unwrap_or(plain.limit);
        plain.timeout = timeout.unwrap_or(plain.timeout);
    }

    fn list(&self, sort: &str, filter: &str, page: u64, per_page: u64) {
        let pairs = [
            ("sort", sort.to_owned()),
            ("filter[name]", filter.to_owned()),
            ("page", page.to_string()),
            ("per_page", per_page.to_string()),
        ];
        let query = ListQuery::from_pairs(pairs).expect("a query");
        let all: Vec<ConnectionPool> = self
            .plain
            .keys()
            .map(|id| self.registry.connection_pool(*id).expect("it is there"))
            .collect();
        let expected = query.apply(&all).map(Clone::clone);
        assert_eq!(self.registry.connection_pools(&query), expected, "{query:?}");
    }

    /// What is shown, and what is live.
    fn agrees(&self) {
        let all = ListQuery::default().per_page(Bounded::new(100).unwrap());
        assert_eq!(self.registry.connection_pools(&all).total, self.plain.len() as u64);
        for (id, plain) in &self.plain {
            let shown = json!(self.registry.connection_pool(*id).expect("it is there"));
            assert_eq!(shown["name"], plain.name);
            assert_eq!(shown["limit"], plain.limit);
            assert_eq!(
                shown.get("timeout").cloned(),
                plain.timeout.map(|timeout| json!(timeout))
            );
            let live = self.registry.limit(*id).expect("it is live");
            let status = live.status();
            assert_eq!(
                (u64::from(status.limit), status.in_flight as usize),
                (plain.limit, plain.held.len())
            );
            assert_eq!(live.timeout().map(|timeout| timeout.as_secs()), plain.timeout);
            assert_eq!(&*live.name(), plain.name);
        }
    }
}

#[test]
fn whatever_is_done_to_pools_the_registry_shows_and_admits_what_a_plain_model_does() {
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"connection pools, live and kept.");
    let outcome = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
                world.agrees();
            }
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
