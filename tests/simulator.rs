//! The pool under any sequence of operations: the simulator's seeded runs, its shrinking ones, and the replay of a seed.
//!
//! `FAIRPOOL_SIM_SEEDS` says how many seeds to run and `FAIRPOOL_SIM_STEPS` how far; a violation prints what led to it and the
//! command that replays it. What has to hold is in `sim/`, beside the operations.

mod sim;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sim::{Failure, Seen};

/// Situations that a run must reach, and how often at least in 100,000 steps: about a third of what it does.
const RARE: [(&str, u64); 47] = [
    ("cancelled after it was served", 90),
    ("census", 220),
    ("clear of several", 60),
    ("close that hangs", 12),
    ("closed with everything else under way", 40),
    ("connect that fails", 300),
    ("connect that fails for good", 150),
    ("connect that hangs", 100),
    ("detached", 60),
    ("drain dropped with its runtime", 2),
    ("drained", 60),
    ("dropped by a panic", 100),
    ("dropped by a panic on a plain thread", 50),
    ("dropped in thread-local teardown", 60),
    ("dropped on a plain thread", 150),
    ("expired while nobody drove the supervisor", 3),
    ("failed fast", 40),
    ("gave up draining", 35),
    ("grants that the order checker saw", 4_000),
    ("grown while requests wait", 100),
    ("handed on by a plain thread", 15),
    ("handed on by a release", 70),
    ("hook that fails", 60),
    ("in debt", 700),
    ("invalidated in mid-connect", 80),
    ("invalidated in mid-reset", 8),
    ("invalidated in mid-validation", 10),
    ("killed a runtime without the supervisor", 120),
    ("killed the supervisor's runtime", 220),
    ("lent over age, within a tick", 8),
    ("of those, while others waited", 800),
    ("one attempt more, since all others have hung", 10),
    ("panic in close", 8),
    ("panic in connect", 60),
    ("panic in drop", 30),
    ("panic in is_broken", 30),
    ("panic in reset", 8),
    ("panic in reset, asked", 20),
    ("panic in validate", 10),
    ("queue full", 600),
    ("reset that fails", 15),
    ("runtime killed in mid-connect", 40),
    ("runtime killed with leases out", 80),
    ("served in time, polled too late", 100),
    ("shrunk under lease", 40),
    ("the line failed with a permanent error", 40),
    ("took over from a supervisor that nobody drove", 3),
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn steps() -> usize {
    number("FAIRPOOL_SIM_STEPS").unwrap_or(10_000) as usize
}

#[track_caller]
fn violated(seed: u64, steps: usize, failure: &Failure) -> ! {
    panic!(
        "\n{failure}replay: FAIRPOOL_SIM_SEED={seed} FAIRPOOL_SIM_STEPS={steps} \
         cargo test --test simulator a_seed_replays -- --nocapture\n"
    )
}

#[test]
fn every_promise_holds_after_every_step_of_many_seeds() {
    let seeds = number("FAIRPOOL_SIM_SEEDS").unwrap_or(30);
    let mut seen = Seen::default();
    for seed in 0..seeds {
        match sim::run_seed(seed, steps()) {
            Ok(of_seed) => seen.add(&of_seed),
            Err(failure) => violated(seed, steps(), &failure),
        }
    }
    let all = seeds * steps() as u64;
    let missed: Vec<_> = RARE
        .iter()
        .filter(|(what, least)| seen.times(what) < least * all / 100_000)
        .collect();
    assert!(
        missed.is_empty(),
        "in {all} steps these were too rare, so they prove too little: {missed:?}\n{seen}"
    );
}

#[test]
fn every_promise_holds_in_sequences_that_shrink() {
    let cases = number("FAIRPOOL_SIM_SEEDS").map_or(150, |seeds| 5 * seeds as u32);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    // The same cases in every run; more seeds are more cases.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let raw = || any::<[u8; 6]>();
    let sequences = (raw(), raw(), vec(raw(), 1..300));
    let outcome = TestRunner::new_with_rng(config, rng).run(&sequences, |(a, b, ops)| {
        let bytes: Vec<u8> = [a, b].into_iter().chain(ops).flatten().collect();
        let played = sim::read_bytes(&bytes);
        played
            .map(drop)
            .map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(failure, _)) => panic!("\nthe shortest sequence that was found:\n{failure}"),
        Err(aborted) => panic!("{aborted}"),
    }
}

/// Runs the seed in `FAIRPOOL_SIM_SEED`; without one, a little of the first.
#[test]
fn a_seed_replays() {
    let seed = number("FAIRPOOL_SIM_SEED");
    let steps = seed.map_or(300, |_| steps());
    if let Err(failure) = sim::run_seed(seed.unwrap_or(0), steps) {
        violated(seed.unwrap_or(0), steps, &failure);
    }
}

#[test]
fn a_seed_does_the_same_twice() {
    for seed in 7..10 {
        let runs = [0; 2].map(|_| sim::run_seed(seed, 1_000).map(|seen| seen.to_string()));
        let [first, second] = runs.map(|run| run.unwrap_or_else(|failure| violated(seed, 1_000, &failure)));
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn any_bytes_are_a_simulation() {
    sim::run_bytes(b"");
    sim::run_bytes(b"neither a seed nor a sequence of operations, and yet something happens");
}
