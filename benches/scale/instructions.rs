//! Instructions per lease and per hand-off, counted by callgrind where it is installed.
//!
//! The bench runs itself under callgrind with a few and with many repetitions of one piece of work; the difference has
//! nothing of start-up in it. `--once <work> <number>` is that mode, and good for any profiler.

use super::finding::Finding;
use super::rig::{Rig, Ring};
use std::process::Command;

const FEW: u64 = 10_000;
const MANY: u64 = 60_000;

/// Runs one piece of work so many times, and nothing else.
pub(crate) fn once(arguments: &[String]) {
    let number = arguments.get(1).and_then(|number| number.parse().ok()).unwrap_or(MANY);
    match arguments.first().map(String::as_str) {
        Some("lease") => Rig::open(10).leases(number),
        Some("handoff") => {
            let rig = Rig::open(1);
            let _context = rig.enter();
            Ring::of(&rig, 8).turn(number);
        }
        _ => panic!("usage: --once lease|handoff <number>"),
    }
}

pub(crate) fn count() -> Vec<Finding> {
    let finding = |measure: &str, work: &str| {
        let more = collected(work, MANY)? - collected(work, FEW)?;
        Some(Finding::new(measure, more / (MANY - FEW) as f64, "instructions"))
    };
    let findings = [
        finding("a lease without waiting", "lease"),
        finding("release, hand-off and a new request, 8 in line", "handoff"),
    ];
    findings.into_iter().flatten().collect()
}

/// What callgrind says; `None` where there is no callgrind.
fn collected(work: &str, number: u64) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--once", work, &number.to_string()])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, rest) = report.split_once("Collected : ")?;
    rest.split_whitespace().next()?.parse().ok()
}
