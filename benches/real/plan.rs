//! What is measured, how long and in which order; the command line.

use super::load::Load;
use super::work::{ROWS, Work};
use std::time::Duration;

pub(crate) const TASKS: [usize; 4] = [1, 8, 64, 512];

/// Rounds of a full run.
const ROUNDS: usize = 5;

pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) works: Vec<Work>,
    pub(crate) tasks: Vec<usize>,
    /// Parts of a full run's windows.
    scale: f64,
    /// Words that are neither a work nor a number.
    others: Vec<String>,
    pub(crate) measuring: bool,
}

impl Plan {
    /// From the command line. Without `--bench` this is a test run: everything once, shortly.
    pub(crate) fn asked(backends: &[&str]) -> Plan {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
        let known = |word: &str| backends.contains(&word) || Work::ALL.iter().any(|work| work.name() == word);
        for word in &words {
            let fits = known(word) || word.parse().is_ok_and(|tasks| TASKS.contains(&tasks));
            assert!(fits, "{word} is no backend ({backends:?}), work or number of tasks");
        }
        let mut works = Work::ALL.to_vec();
        works.retain(|work| words.iter().any(|word| *word == work.name()));
        let mut tasks = TASKS.to_vec();
        tasks.retain(|tasks| words.iter().any(|word| **word == tasks.to_string()));
        let others = words.iter().filter(|word| backends.contains(&word.as_str()));
        let measuring = has("--bench");
        let (rounds, scale) = match (measuring, has("--quick")) {
            (false, _) => (1, 0.02),
            (true, true) => (2, 0.4),
            (true, false) => (ROUNDS, 1.0),
        };
        Plan {
            rounds: if measuring { crate::report::rounds(rounds) } else { 1 },
            others: others.map(|word| (*word).clone()).collect(),
            works: if works.is_empty() { Work::ALL.to_vec() } else { works },
            tasks: if tasks.is_empty() { TASKS.to_vec() } else { tasks },
            scale,
            measuring,
        }
    }

    pub(crate) fn wants(&self, backend: &str) -> bool {
        self.others.is_empty() || self.others.iter().any(|other| other == backend)
    }

    /// Whether the results are to be kept.
    pub(crate) fn is_full(&self) -> bool {
        let all = self.works.len() == Work::ALL.len() && self.tasks.len() == TASKS.len();
        all && self.others.is_empty() && self.scale >= 1.0 && self.rounds >= ROUNDS
    }

    /// A long line needs longer: it has to form first, and then to turn over some times.
    pub(crate) fn load(&self, work: Work, tasks: usize) -> Load {
        let (warm_up, window) = match tasks {
            0..=1 => ([6, 6], [60, 60]),
            2..=8 => ([8, 8], [80, 80]),
            9..=64 => ([15, 60], [140, 200]),
            _ => ([30, 200], [160, 480]),
        };
        let scaled = |times: [u64; 2]| times.map(|time| Duration::from_millis(time).mul_f64(self.scale));
        Load {
            work,
            tasks,
            rows: ROWS,
            warm_up: scaled(warm_up),
            window: scaled(window),
        }
    }

    /// The subjects' order: begun one further each time, and backwards every other time, so that nobody always follows the
    /// same.
    pub(crate) fn order(subjects: usize, time: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..subjects).collect();
        order.rotate_left(time % subjects.max(1));
        if time % 2 == 1 {
            order.reverse();
        }
        order
    }
}
