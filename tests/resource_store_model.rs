//! Random commits, conflicts and restarts against a plain model: after each step both stores hold what the model holds.
#![cfg(all(feature = "resource", feature = "sqlite"))]

mod store;

use fairpool::resource::store::{Change, Document, Kind, Store, StoreError, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::collections::BTreeMap;
use store::{Home, body};

/// Few keys, so that they meet; some are numbers.
const KEYS: [&str; 5] = ["1", "2", "4", "orders", "shop/orders"];
const KINDS: [Kind; 3] = [Kind::ConnectionPool, Kind::ConnectionSettings, Kind::Connection];

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Op>),
    Reopen,
}

/// A change of one of the records; `stale`: of a version that it had before, or never had.
#[derive(Debug, Clone)]
enum Op {
    Create { kind: usize },
    Insert { kind: usize, key: usize },
    Update { kind: usize, key: usize, stale: bool },
    Delete { kind: usize, key: usize, stale: bool },
}

fn ops() -> impl Strategy<Value = Op> {
    let stale = || prop::bool::weighted(0.1);
    let (kind, key) = (0..KINDS.len(), 0..KEYS.len());
    prop_oneof![
        2 => kind.clone().prop_map(|kind| Op::Create { kind }),
        4 => (kind.clone(), key.clone()).prop_map(|(kind, key)| Op::Insert { kind, key }),
        4 => (kind.clone(), key.clone(), stale()).prop_map(|(kind, key, stale)| Op::Update { kind, key, stale }),
        2 => (kind, key, stale()).prop_map(|(kind, key, stale)| Op::Delete { kind, key, stale }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        9 => vec(ops(), 0..4).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ];
    vec(step, 1..40)
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    version: u64,
    records: BTreeMap<(Kind, String), (Version, Document)>,
    drawn: BTreeMap<Kind, u64>,
}

impl Model {
    /// What an operation means now, and whether it has to be refused.
    fn plan(&self, op: &Op, mark: u64) -> (Change, bool) {
        let version = |kind: usize, key: usize| {
            let place = (KINDS[kind], KEYS[key].to_owned());
            self.records.get(&place).map(|(version, _)| *version)
        };
        let from = |kind, key, stale| match version(kind, key) {
            Some(version) if stale => (Version::new(version.number() - 1), true),
            Some(version) => (version, false),
            None => (Version::new(self.version), true),
        };
        let body = body(json!(mark));
        match *op {
            Op::Create { kind } => (
                Change::Create {
                    kind: KINDS[kind],
                    body,
                },
                false,
            ),
            Op::Insert { kind, key } => {
                let change = Change::Insert {
                    kind: KINDS[kind],
                    key: KEYS[key].to_owned(),
                    body,
                };
                (change, version(kind, key).is_some())
            }
            Op::Update { kind, key, stale } => {
                let (from, bad) = from(kind, key, stale);
                (
                    Change::Update {
                        kind: KINDS[kind],
                        key: KEYS[key].to_owned(),
                        from,
                        body,
                    },
                    bad,
                )
            }
            Op::Delete { kind, key, stale } => {
                let (from, bad) = from(kind, key, stale);
                (
                    Change::Delete {
                        kind: KINDS[kind],
                        key: KEYS[key].to_owned(),
                        from,
                    },
                    bad,
                )
            }
        }
    }

    fn apply(&mut self, change: &Change, version: Version, created: &mut Vec<String>) {
        match change.clone() {
            Change::Create { kind, body } => {
                let number = self.drawn.get(&kind).map_or(1, |last| last + 1);
                self.drawn.insert(kind, number);
                created.push(number.to_string());
                let before = self.records.insert((kind, number.to_string()), (version, body));
                assert!(before.is_none(), "number {number} was drawn before");
            }
            Change::Insert { kind, key, body } => {
                if let Ok(number) = key.parse::<u64>() {
                    let last = self.drawn.entry(kind).or_default();
                    *last = number.max(*last);
                }
                self.records.insert((kind, key), (version, body));
            }
            Change::Update { kind, key, body, .. } => drop(self.records.insert((kind, key), (version, body))),
            Change::Delete { kind, key, .. } => drop(self.records.remove(&(kind, key))),
            other => unreachable!("{other:?}"),
        }
    }
}

/// How many commits were made, and how many refused.
type Tally = (u32, u32);

async fn run(home: &Home, steps: &[Step]) -> Result<Tally, StoreError> {
    let (mut store, mut model, mut tally) = (home.open().await?, Model::default(), (0, 0));
    for (at, step) in steps.iter().enumerate() {
        let Step::Commit(ops) = step else {
            store.close().await;
            store = home.open().await?;
            continue;
        };
        let (mut next, mut changes, mut created, mut refused) = (model.clone(), Vec::new(), Vec::new(), false);
        let version = Version::new(model.version + 1);
        for op in ops {
            let (change, bad) = next.plan(op, at as u64);
            if !bad {
                next.apply(&change, version, &mut created);
            }
            changes.push(change);
            refused |= bad;
            if bad {
                break;
            }
        }
        let outcome = store.commit(changes).await;
        if refused {
            assert!(
                matches!(outcome, Err(StoreError::Conflict { .. })),
                "step {at}: {outcome:?}"
            );
            tally.1 += 1;
        } else {
            let committed = outcome?;
            assert_eq!((committed.version, committed.created), (version, created), "step {at}");
            next.version = version.number();
            model = next;
            tally.0 += 1;
        }
        check(&*store, &model).await?;
    }
    store.close().await;
    check(&*home.open().await?, &model).await?;
    Ok(tally)
}

async fn check(store: &dyn Store, model: &Model) -> Result<(), StoreError> {
    let contents = store.load().await?;
    assert_eq!(contents.version.number(), model.version);
    let records = contents.records.into_iter();
    let found: Vec<_> = records
        .map(|record| ((record.kind, record.key), (record.version, record.body)))
        .collect();
    let expected: Vec<_> = model.records.clone().into_iter().collect();
    assert_eq!(found, expected);
    Ok(())
}

/// The same cases at each run.
fn explore(cases: u32, home: fn() -> Home) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let total = std::cell::Cell::new((0, 0));
    let outcome = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| {
        let (made, refused) = runtime.block_on(run(&home(), &steps)).expect("no error but a conflict");
        total.set((total.get().0 + made, total.get().1 + refused));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (made, refused) = total.get();
    assert!(
        made > cases && refused > cases,
        "{made} made, {refused} refused: too few to mean anything"
    );
}

#[test]
fn any_sequence_leaves_the_memory_as_the_model_says() {
    explore(400, Home::memory);
}

#[test]
fn any_sequence_leaves_the_file_as_the_model_says() {
    explore(40, Home::file);
}
