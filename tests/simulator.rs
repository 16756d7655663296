//! The pool under any sequence of operations: the simulator's seeded runs, its shrinking ones, and the replay of a seed.
//!
//! `FAIRPOOL_SIM_SEEDS` and `FAIRPOOL_SIM_STEPS` say how many seeds to run and how far.

mod sim;

use proptest::prelude::*;
use sim::{Failure, Seen};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn steps() -> usize {
    number("FAIRPOOL_SIM_STEPS").unwrap_or(10_000) as usize
}

#[track_caller]
fn violated(seed: u64, steps: usize, failure: &Failure) -> ! {
    panic!(
        "\n{failure}replay: FAIRPOOL_SIM_SEED={seed} FAIRPOOL_SIM_STEPS={steps} cargo test --test simulator a_seed_replays -- --nocapture\n"
    )
}

#[test]
fn every_promise_holds_after_every_step_of_many_seeds() {
    let seeds = number("FAIRPOOL_SIM_SEEDS").unwrap_or(20);
    let mut seen = Seen::default();
    for seed in 0..seeds {
        match sim::run_seed(seed, steps()) {
            Ok(of_seed) => seen.add(&of_seed),
            Err(failure) => violated(seed, steps(), &failure),
        }
    }
    println!("{seen}");
}

/// Runs the seed in `FAIRPOOL_SIM_SEED`; without one, the first.
#[test]
fn a_seed_replays() {
    let seed = number("FAIRPOOL_SIM_SEED").unwrap_or(0);
    let steps = number("FAIRPOOL_SIM_SEED").map_or(300, |_| steps());
    if let Err(failure) = sim::run_seed(seed, steps) {
        violated(seed, steps, &failure);
    }
}
