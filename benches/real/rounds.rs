//! Everybody in turns, round by round: in each, every subject opens its pool on a runtime of its own, and then cell by cell
//! each is measured once.

use super::entry::{Entry, Running};
use super::load::Sample;
use super::plan::Plan;
use super::work::Work;

/// What one subject did in one cell, a sample a round.
pub(crate) struct Record {
    pub(crate) backend: &'static str,
    pub(crate) work: Work,
    pub(crate) tasks: usize,
    pub(crate) subject: &'static str,
    pub(crate) reset: &'static str,
    pub(crate) samples: Vec<Sample>,
}

/// All rounds over one backend, whose server runs.
pub(crate) fn run(plan: &Plan, backend: &'static str, subjects: &[Entry]) -> Vec<Record> {
    let cells: Vec<(Work, usize)> = plan
        .works
        .iter()
        .flat_map(|&work| plan.tasks.iter().map(move |&tasks| (work, tasks)))
        .collect();
    let mut records: Vec<Record> = cells
        .iter()
        .flat_map(|&(work, tasks)| {
            subjects.iter().map(move |entry| Record {
                backend,
                work,
                tasks,
                subject: entry.name,
                reset: entry.reset,
                samples: Vec::new(),
            })
        })
        .collect();
    for round in 0..plan.rounds {
        let pools: Vec<Running> = subjects.iter().map(Entry::open).collect();
        for (cell, &(work, tasks)) in cells.iter().enumerate() {
            println!(
                "{backend}: round {} of {}: {} by {tasks}",
                round + 1,
                plan.rounds,
                work.name()
            );
            let load = plan.load(work, tasks);
            for turn in Plan::order(subjects.len(), round + cell) {
                let sample = pools[turn].measure(&load);
                records[cell * subjects.len() + turn].samples.push(sample);
            }
        }
    }
    records
}
