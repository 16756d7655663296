//! A lease at limit 10,000 against one at limit 1: with all connections idle, and with only one.

use super::finding::Finding;
use super::rig::Rig;
use crate::report::median;
use std::time::Instant;

const MANY: u32 = 10_000;
const LEASES: u64 = 20_000;

pub(crate) fn compare(rounds: usize) -> Vec<Finding> {
    let (one, idle, busy) = (Rig::open(1), Rig::open(MANY), Rig::open(MANY));
    let mut out: Vec<_> = (0..MANY).map(|_| busy.take()).collect();
    let [mut at_one, mut mostly_idle, mut nearly_empty] = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        at_one.push(time(&one));
        mostly_idle.push(time(&idle));
        // Where the one idle connection stands decides how long the search is: anywhere.
        drop(out.swap_remove(fastrand::usize(..out.len())));
        nearly_empty.push(time(&busy));
        out.push(busy.take());
    }
    let worst = nearly_empty.iter().copied().fold(0.0, f64::max);
    let [at_one, mostly_idle, nearly_empty] = [at_one, mostly_idle, nearly_empty].map(median);
    vec![
        Finding::new("a lease at limit 1", at_one, "ns"),
        Finding::new("a lease at limit 10000, all idle", mostly_idle, "ns"),
        Finding::new("against limit 1", mostly_idle / at_one, "×").at_most(1.2),
        Finding::new("a lease at limit 10000, one idle", nearly_empty, "ns"),
        Finding::new("against limit 1", nearly_empty / at_one, "×"),
        Finding::new("the slowest place of that one", worst, "ns"),
    ]
}

/// The best of three: what else the machine does must not look like a long search.
fn time(rig: &Rig) -> f64 {
    let once = || {
        let begin = Instant::now();
        rig.leases(LEASES);
        begin.elapsed().as_nanos() as f64 / LEASES as f64
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}
