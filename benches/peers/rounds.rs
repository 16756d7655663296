//! Many short rounds in which the subjects take turns.
//!
//! Where the scheduler puts the tasks of a contended group flips its figure between two modes a factor of two apart, and the
//! machine itself has faster and slower minutes. So no subject is measured at length: each is measured briefly, with a new
//! runtime and a new pool, once in every round, in an order that turns from round to round.

use super::load::{Alone, Load};
use crate::subjects::subject::Subject;
use criterion::{Criterion, SamplingMode};
use std::path::Path;
use std::time::Duration;

/// Criterion's smallest sample, of which each round takes one.
const SAMPLES: usize = 10;

/// The leases of a task, on average, over which shares are compared.
const SHARE_LEASES: u64 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Uncontended,
    TwoThreads,
    Contended { tasks: usize, limit: u32 },
}

impl Group {
    pub(crate) fn name(self) -> String {
        match self {
            Group::Uncontended => "uncontended".into(),
            Group::TwoThreads => "two-threads".into(),
            Group::Contended { tasks, limit } => format!("contended/{tasks}x{limit}"),
        }
    }
}

/// A subject by name, with its type forgotten.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Whether it opens and checks connections by itself.
    pub(crate) managed: bool,
    open: fn(Group) -> Running,
}

/// A subject being measured.
enum Running {
    Alone(Box<dyn FnMut(u64) -> Duration>),
    Load(Load),
}

impl Running {
    fn time(&mut self, leases: u64) -> Duration {
        match self {
            Running::Alone(time) => time(leases),
            Running::Load(load) => load.time(leases),
        }
    }
}

impl Entry {
    pub(crate) fn new<S: Subject>(name: &'static str, managed: bool) -> Self {
        let open = |group| match group {
            Group::Uncontended => {
                let mut alone = Alone::<S>::new();
                Running::Alone(Box::new(move |leases| alone.time(leases)))
            }
            Group::TwoThreads => Running::Load(Load::pair::<S>()),
            Group::Contended { tasks, limit } => Running::Load(Load::crowd::<S>(tasks, limit)),
        };
        Entry { name, managed, open }
    }
}

/// What the rounds found for one subject in one group.
pub(crate) struct Record {
    pub(crate) group: Group,
    pub(crate) subject: &'static str,
    pub(crate) managed: bool,
    /// Nanoseconds of wall time per lease, all tasks together; one figure a round.
    pub(crate) rounds: Vec<f64>,
    /// The smallest share of a task as a part of the largest; one figure for each round that looked.
    pub(crate) shares: Vec<f64>,
}

/// Every subject in every group, once a round. Criterion's own arguments choose among them.
pub(crate) fn run(groups: &[Group], subjects: &[Entry], rounds: usize) -> Vec<Record> {
    let mut records: Vec<Record> = groups
        .iter()
        .flat_map(|&group| subjects.iter().map(move |entry| (group, entry)))
        .map(|(group, entry)| Record {
            group,
            subject: entry.name,
            managed: entry.managed,
            rounds: Vec::new(),
            shares: Vec::new(),
        })
        .collect();
    for round in 0..rounds {
        let mut criterion = criterion();
        // Shares need long runs: three times in all.
        let look_at_shares = round % rounds.div_ceil(3) == 0;
        for (index, &group) in groups.iter().enumerate() {
            let of_group = &mut records[index * subjects.len()..][..subjects.len()];
            one_round(&mut criterion, round, look_at_shares, subjects, of_group, group);
        }
    }
    records.retain(|record| !record.rounds.is_empty());
    records
}

fn one_round(
    criterion: &mut Criterion,
    round: usize,
    look_at_shares: bool,
    subjects: &[Entry],
    records: &mut [Record],
    group: Group,
) {
    let mut bench = criterion.benchmark_group(group.name());
    bench
        .sample_size(SAMPLES)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(40))
        .measurement_time(Duration::from_millis(100))
        .nresamples(2000);
    for turn in order(subjects.len(), round) {
        let mut running = None;
        let mut samples = Vec::new();
        bench.bench_function(subjects[turn].name, |bencher| {
            let running = running.get_or_insert_with(|| (subjects[turn].open)(group));
            bencher.iter_custom(|leases| {
                let took = running.time(leases);
                samples.push((leases, took));
                took
            });
        });
        // Criterion warms up with the same closure: the last samples are the measurement.
        let measured = &samples[samples.len().saturating_sub(SAMPLES)..];
        let leases: u64 = measured.iter().map(|(leases, _)| leases).sum();
        let took: Duration = measured.iter().map(|(_, took)| took).sum();
        if leases > 0 {
            records[turn].rounds.push(took.as_nanos() as f64 / leases as f64);
        }
        // A test run takes one sample, and looks at nothing else.
        let look = look_at_shares && samples.len() > 1;
        if let (Some(Running::Load(mut load)), Group::Contended { .. }, true) = (running, group, look) {
            let shares = load.shares(SHARE_LEASES);
            let smallest = shares.iter().min().copied().unwrap_or_default();
            let largest = shares.iter().max().copied().unwrap_or_default();
            records[turn].shares.push(smallest as f64 / largest as f64);
        }
    }
    bench.finish();
}

/// Everybody once: begun one further each time, and backwards every other time, so that nobody always follows the same.
fn order(subjects: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..subjects).collect();
    order.rotate_left(round % subjects);
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// A new one a round, with an empty folder: a round is no progress or regress against the round before.
fn criterion() -> Criterion {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    // Absent at first, and a leftover only adds lines to what criterion prints.
    let _ = std::fs::remove_dir_all(&folder);
    Criterion::default()
        .configure_from_args()
        .without_plots()
        .output_directory(&folder)
}
