//! The figures of a run, as they become known; the same for the report and for JSON.
//!
//! In JSON a name ends with its unit, and what an interrupted run did not come to is `null`.

use super::Options;
use super::database::{Database, ROWS};
use fairpool::DrainReport;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// All of them.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) setup: Option<Setup>,
    pub(super) load: Option<LoadFigures>,
    pub(super) resizes: Vec<ResizeFigures>,
    pub(super) clear: Option<ClearFigures>,
    pub(super) drain: Option<DrainFigures>,
    pub(super) whole: Option<WholeFigures>,
    /// The exit code that an interrupt asks for.
    pub(super) interrupted: Option<u8>,
}

/// What is put under load.
pub(super) struct Setup {
    pub(super) tasks: u32,
    pub(super) limit: u32,
    pub(super) seconds: Duration,
    pub(super) path: PathBuf,
    pub(super) is_kept: bool,
    pub(super) bytes: u64,
    pub(super) made: Option<Duration>,
}

/// The measurement.
#[derive(Default)]
pub(super) struct LoadFigures {
    pub(super) elapsed: Duration,
    pub(super) operations: u64,
    pub(super) wait: Spread,
    /// All kinds of operations together.
    pub(super) database: Spread,
    /// In the order of [`Kind`](super::workload::Kind): how many, and how long each took in the database.
    pub(super) kinds: [(u64, Spread); 3],
    pub(super) share: Share,
    pub(super) grants: u64,
    pub(super) overlaps: u64,
    pub(super) overtakings: u64,
    pub(super) opened: u64,
    pub(super) connect_failures: u64,
}

/// How times are distributed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) p999: Duration,
    pub(super) max: Duration,
}

/// Operations of the tasks that had the fewest and the most.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) smallest: u64,
    pub(super) largest: u64,
}

/// One change of the limit.
pub(super) struct ResizeFigures {
    pub(super) from: u32,
    pub(super) to: u32,
    /// How long it took until so many connections were open; `None` if the load did not need them.
    pub(super) settled: Option<Duration>,
    pub(super) throughput: f64,
}

/// One clear of the line.
pub(super) struct ClearFigures {
    pub(super) removed: u64,
    /// Tasks that learned of it.
    pub(super) told: u64,
    pub(super) took: Duration,
}

/// The end of the pool.
pub(super) struct DrainFigures {
    pub(super) report: DrainReport,
    /// Operations that succeeded while it drained.
    pub(super) served: u64,
}

/// The run from the first request to the last.
pub(super) struct WholeFigures {
    pub(super) operations: u64,
    pub(super) writes: u64,
    pub(super) failures: u64,
    pub(super) first_failure: Option<String>,
    pub(super) grants: u64,
    pub(super) overlaps: u64,
    pub(super) overtakings: u64,
    pub(super) balances: i64,
    pub(super) expected: i64,
}

impl Figures {
    /// What should not have happened, a sentence each.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &dyn Fn() -> String| {
            if !fine {
                faults.push(fault());
            }
        };
        if let Some(WholeFigures {
            overtakings,
            failures,
            first_failure,
            balances,
            expected,
            ..
        }) = &self.whole
        {
            check(*overtakings == 0, &|| format!("{overtakings} requests were overtaken"));
            check(*failures == 0, &|| {
                let first = first_failure.as_deref().unwrap_or("nothing");
                format!("{failures} operations failed, the first one with: {first}")
            });
            check(balances == expected, &|| {
                format!("the balances sum up to {balances}, not to {expected}")
            });
        }
        if let Some(ClearFigures { removed, told, .. }) = self.clear {
            check(removed == told, &|| {
                format!("{removed} requests were cleared, but {told} tasks told")
            });
        }
        if let Some(DrainFigures { report, .. }) = &self.drain {
            check(report.completed, &|| report.to_string());
        }
        faults
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "setup": self.setup.as_ref().map(Setup::json),
            "load": self.load.as_ref().map(LoadFigures::json),
            "resizes": self.resizes.iter().map(ResizeFigures::json).collect::<Vec<_>>(),
            "clear": self.clear.as_ref().map(ClearFigures::json),
            "drain": self.drain.as_ref().map(DrainFigures::json),
            "whole_run": self.whole.as_ref().map(WholeFigures::json),
            "interrupted": self.interrupted.is_some(),
        })
    }
}

impl Setup {
    pub(super) fn new(options: &Options, database: &Database) -> Self {
        Setup {
            tasks: options.tasks,
            limit: options.limit,
            seconds: options.seconds,
            path: database.path.clone(),
            is_kept: options.file.is_some(),
            bytes: database.bytes,
            made: database.made,
        }
    }

    fn json(&self) -> Value {
        json!({
            "tasks": self.tasks,
            "limit": self.limit,
            "seconds": self.seconds.as_secs_f64(),
            "file": self.path.to_string_lossy(),
            "file_bytes": self.bytes,
            "rows": ROWS,
            "made_in_ms": self.made.map(millis),
        })
    }
}

impl LoadFigures {
    pub(super) fn throughput(&self) -> f64 {
        super::workload::rate(self.operations, self.elapsed)
    }

    fn json(&self) -> Value {
        let [point_read, range_read, write] = &self.kinds;
        json!({
            "seconds": self.elapsed.as_secs_f64(),
            "operations": self.operations,
            "point_reads": point_read.0,
            "range_reads": range_read.0,
            "writes": write.0,
            "throughput_per_s": rounded(self.throughput()),
            "wait_us": self.wait.json(),
            "database_us": self.database.json(),
            "point_read_us": point_read.1.json(),
            "range_read_us": range_read.1.json(),
            "write_us": write.1.json(),
            "share": {
                "smallest": self.share.smallest,
                "largest": self.share.largest,
                "ratio": rounded(self.share.ratio()),
            },
            "grants": self.grants,
            "overlaps": self.overlaps,
            "overtakings": self.overtakings,
            "connections_opened": self.opened,
            "connect_failures": self.connect_failures,
        })
    }
}

impl Spread {
    fn json(&self) -> Value {
        let Spread { p50, p99, p999, max } = *self;
        json!({ "p50": micros(p50), "p99": micros(p99), "p99_9": micros(p999), "max": micros(max) })
    }
}

impl Share {
    /// 1 is perfectly even.
    pub(super) fn ratio(&self) -> f64 {
        self.smallest as f64 / self.largest.max(1) as f64
    }
}

impl ResizeFigures {
    fn json(&self) -> Value {
        json!({
            "from": self.from,
            "to": self.to,
            "settled_in_ms": self.settled.map(millis),
            "throughput_per_s": rounded(self.throughput),
        })
    }
}

impl ClearFigures {
    fn json(&self) -> Value {
        json!({ "removed": self.removed, "told": self.told, "took_us": micros(self.took) })
    }
}

impl DrainFigures {
    fn json(&self) -> Value {
        let report = &self.report;
        json!({
            "completed": report.completed,
            "took_ms": millis(report.took),
            "served": self.served,
            "failed": report.failed,
            "closed": report.closed,
            "still_out": report.still_out,
            "unfinished": report.unfinished,
        })
    }
}

impl WholeFigures {
    fn json(&self) -> Value {
        json!({
            "operations": self.operations,
            "writes": self.writes,
            "failures": self.failures,
            "first_failure": self.first_failure,
            "grants": self.grants,
            "overlaps": self.overlaps,
            "overtakings": self.overtakings,
            "balances": self.balances,
            "balances_expected": self.expected,
        })
    }
}

fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// Digits beyond the fourth are noise.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(change: impl FnOnce(&mut WholeFigures, &mut ClearFigures)) -> Vec<String> {
        let mut whole = WholeFigures {
            operations: 10,
            writes: 1,
            failures: 0,
            first_failure: None,
            grants: 10,
            overlaps: 9,
            overtakings: 0,
            balances: 7,
            expected: 7,
        };
        let mut clear = ClearFigures {
            removed: 3,
            told: 3,
            took: Duration::ZERO,
        };
        change(&mut whole, &mut clear);
        Figures {
            whole: Some(whole),
            clear: Some(clear),
            ..Figures::default()
        }
        .faults()
    }

    #[test]
    fn a_run_that_broke_a_promise_is_at_fault() {
        assert!(faults(|_, _| {}).is_empty());
        assert_eq!(faults(|whole, _| whole.overtakings = 2), ["2 requests were overtaken"]);
        assert_eq!(
            faults(|whole, _| whole.balances = 6),
            ["the balances sum up to 6, not to 7"]
        );
        assert_eq!(
            faults(|_, clear| clear.told = 2),
            ["3 requests were cleared, but 2 tasks told"]
        );
        assert_eq!(
            faults(|whole, _| whole.failures = 1),
            ["1 operations failed, the first one with: nothing"]
        );
    }
}
