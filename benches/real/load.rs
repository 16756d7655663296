//! Tasks that lease, work, give back and lease again at once; how long each lease took from the question to its end, and
//! who got how much.
//!
//! The window opens when there have been as many leases as there are tasks, so that the line has formed, and stays open
//! until there were some turns more. A lease counts when it ends within it. Those that are unfinished when it closes count
//! with what they have waited by the time they are served, so that nobody is forgotten; throughput and shares leave them out.

use super::cpu;
use super::work::{Job, Subject, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) tasks: usize,
    /// The keys that they choose from.
    pub(crate) rows: u32,
    /// At least and at most.
    pub(crate) warm_up: [Duration; 2],
    pub(crate) window: [Duration; 2],
}

/// In how many turns of the line the window may close.
const TURNS: u64 = 4;

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(4);

/// What was seen in one window.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Leases a second.
    pub(crate) rate: f64,
    /// Milliseconds of the quantiles in [`QUANTILES`].
    pub(crate) took: [f64; QUANTILES.len()],
    /// What the least-served task had, as a part of the mean.
    pub(crate) least: f64,
    /// This process's time on a processor, microseconds a lease; the server's is not in it.
    pub(crate) cpu: f64,
}

pub(crate) const QUANTILES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];

#[derive(Default)]
struct Board {
    measuring: AtomicBool,
    over: AtomicBool,
    leases: AtomicU64,
}

impl Board {
    /// Sleeps for the shorter time, and then until there are so many leases or the longer time is over.
    fn wait(&self, times: [Duration; 2], leases: u64) {
        let began = Instant::now();
        std::thread::sleep(times[0]);
        while self.leases.load(Relaxed) < leases && began.elapsed() < times[1] {
            std::thread::sleep(LOOK);
        }
    }
}

pub(super) fn measure<S: Subject>(runtime: &Runtime, pool: &Arc<S>, load: &Load) -> Sample {
    let board = Arc::new(Board::default());
    let tasks: Vec<_> = (0..load.tasks)
        .map(|_| runtime.spawn(keep_leasing(pool.clone(), board.clone(), load.work, load.rows)))
        .collect();
    let turn = load.tasks as u64;
    board.wait(load.warm_up, turn);
    let (began, before, spent) = (Instant::now(), board.leases.load(Relaxed), cpu::spent());
    board.measuring.store(true, Relaxed);
    board.wait(load.window, before + TURNS * turn);
    board.over.store(true, Relaxed);
    let (lasted, spent) = (began.elapsed(), cpu::spent().zip(spent));

    let (mut took, mut shares) = (Vec::new(), Vec::new());
    for task in tasks {
        let (of_task, leases) = runtime.block_on(task).expect("a measured task panicked");
        took.extend(of_task);
        shares.push(leases);
    }
    took.sort_unstable();
    let leases = shares.iter().sum::<u64>() as f64;
    let least = shares.iter().min().copied().unwrap_or_default() as f64;
    let spent = spent.map_or(f64::NAN, |(after, before)| after.saturating_sub(before).as_secs_f64());
    Sample {
        rate: leases / lasted.as_secs_f64(),
        took: QUANTILES.map(|quantile| at(&took, quantile).as_secs_f64() * 1e3),
        least: least / (leases / shares.len() as f64).max(f64::MIN_POSITIVE),
        cpu: spent * 1e6 / leases.max(1.0),
    }
}

/// How long each lease took, and how many ended within the window.
async fn keep_leasing<S: Subject>(pool: Arc<S>, board: Arc<Board>, work: Work, rows: u32) -> (Vec<Duration>, u64) {
    let (mut took, mut leases, mut rng) = (Vec::new(), 0, fastrand::Rng::new());
    while !board.over.load(Relaxed) {
        let asked = Instant::now();
        let key = rng.u32(1..=rows);
        let over = &board.over;
        pool.lease(Job { work, key, over }).await;
        board.leases.fetch_add(1, Relaxed);
        if board.measuring.load(Relaxed) {
            took.push(asked.elapsed());
            leases += u64::from(!over.load(Relaxed));
        }
    }
    (took, leases)
}

/// Of sorted figures, the one at a quantile.
fn at(sorted: &[Duration], quantile: f64) -> Duration {
    let place = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}
