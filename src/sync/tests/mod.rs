//! Loom over the shipped floor: one hazard a test, every interleaving of it within a bound on preemptions.
//!
//! | file | hazards |
//! |---|---|
//! | `handoff` | release, join, cancel and newcomers around one hand-off |
//! | `slips` | outcomes read without the lock, nodes used again |
//! | `hold` | pause, resume, clear, orphan |
//! | `ending` | close, drain |
//! | `time` | deadlines, expiry, alarms, ticks, dozing |
//! | `limits` | shrink and grow, vacancies, generations |
//! | `signal` | calls to whoever tends the line, while one succeeds another |
//! | `hands` | work that hands take by themselves, calls to them, ends of their terms |
//! | `cells` | what stands in a slot, handed over by every way there is |
//! | `permits` | the same line over a counter |
//! | `openings` | its ends and beginnings anew |
//! | `rig` | what they share: a line with cells, and requests whose wake-ups are counted |
//!
//! A request is polled once and never again before the end: a lost wake-up shows as one that waits beside something idle, or
//! that was served without its waker having been called. Every test names the outcomes it must have met, and fails if the
//! exploration never came to one of them, so none passes by missing its hazard. `tests/loom.sh` runs the suite, then breaks
//! the code at each `mutant!` and demands that the suite notices.
//!
//! Wakers, clocks and counters of the tests are plain `std`: loom runs one thread at a time and switches only at its own
//! operations, so a stamp drawn right after an operation tells the true order of that execution.

#![allow(
    clippy::arc_with_non_send_sync,
    clippy::print_stdout,
    reason = "loom's threads are one thread; what was explored is worth reading"
)]

mod cells;
mod ending;
mod handoff;
mod hands;
mod hold;
mod limits;
mod openings;
mod permits;
mod rig;
mod signal;
mod slips;
mod time;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// The outcomes one exploration has met, by name.
#[derive(Clone)]
struct Reached(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Reached {
    fn note(&self, outcome: &'static str) {
        let mut met = self.0.lock().expect("no test panics while it counts");
        *met.get_mut(outcome)
            .unwrap_or_else(|| panic!("`{outcome}` is not in the test's list")) += 1;
    }
}

/// Runs `model` in every interleaving with at most `bound` preemptions (`None`: in every one), then demands that each of
/// `outcomes` was met. `LOOM_MAX_PREEMPTIONS` lowers the bound for a quick look, and waives that demand; with
/// `LOOM_FIRST_FAILURE` the first failure ends the whole run.
fn explore(
    bound: impl Into<Option<usize>>,
    outcomes: &[&'static str],
    model: impl Fn(&Reached) + Sync + Send + 'static,
) {
    let mut loom = loom::model::Builder::new();
    let quick = loom.preemption_bound;
    loom.preemption_bound = match (quick, bound.into()) {
        (Some(quick), Some(bound)) => Some(quick.min(bound)),
        (quick, bound) => quick.or(bound),
    };
    loom.max_branches = 10_000;
    let reached = Reached(Arc::new(Mutex::new(
        outcomes.iter().map(|&outcome| (outcome, 0)).collect(),
    )));
    let executions = Arc::new(AtomicU64::new(0));
    let (noted, counted) = (reached.clone(), executions.clone());
    let begun = std::time::Instant::now();
    let explored = catch_unwind(AssertUnwindSafe(|| {
        loom.check(move || {
            counted.fetch_add(1, Relaxed);
            model(&noted);
        });
    }));
    if let Err(failure) = explored {
        if std::env::var_os("LOOM_FIRST_FAILURE").is_some() {
            println!("red: {}", std::thread::current().name().unwrap_or("a test"));
            std::process::exit(101);
        }
        resume_unwind(failure);
    }
    let met = reached.0.lock().expect("the exploration has ended").clone();
    println!(
        "{:>8} executions, {:.1?}: {met:?}",
        executions.load(Relaxed),
        begun.elapsed()
    );
    let missed: Vec<_> = met.iter().filter(|(_, times)| **times == 0).collect();
    assert!(
        quick.is_some() || missed.is_empty(),
        "the exploration never came to {missed:?}"
    );
}
