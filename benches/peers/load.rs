//! A steady load on one pool, measured through windows.
//!
//! The tasks run all the time; a measurement reads the counts of their leases before and after. So nothing of starting and
//! stopping is in a figure, and an unfair pool cannot look fast by letting most tasks finish early.

use crate::subjects::subject::Subject;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Leases between two looks at the stop flag where nothing is held across an await.
const BATCH: u64 = 128;

/// After so long without a lease a pool is said to hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// The shortest window over which shares are compared.
const SHARE_WINDOW: Duration = Duration::from_millis(500);

/// Tasks that use one pool until the load is dropped.
pub(crate) struct Load {
    runtime: Runtime,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    pace: f64,
}

struct Shared {
    stop: AtomicBool,
    leases: Vec<Count>,
}

/// One task's leases so far, on a cache line that only its own worker writes.
#[repr(align(128))]
#[derive(Default)]
struct Count(AtomicU64);

impl Load {
    /// Two tasks on two workers that never wait for each other.
    pub(crate) fn pair<S: Subject>() -> Load {
        let runtime = workers();
        let pool = Arc::new(runtime.block_on(S::open(2)));
        // Blocks a worker until the other has come as well: the tasks are on different threads.
        let both = Arc::new(Barrier::new(2));
        Load::start(runtime, 2, |shared, index| {
            let (pool, both) = (pool.clone(), both.clone());
            async move {
                both.wait();
                while !shared.stop.load(Ordering::Relaxed) {
                    pool.spin(BATCH).await;
                    shared.leases[index].add(BATCH);
                }
            }
        })
    }

    /// `tasks` tasks over `limit` connections, each held over one yield.
    pub(crate) fn crowd<S: Subject>(tasks: usize, limit: u32) -> Load {
        let runtime = workers();
        let pool = Arc::new(runtime.block_on(S::open(limit)));
        Load::start(runtime, tasks, |shared, index| {
            let pool = pool.clone();
            async move {
                while !shared.stop.load(Ordering::Relaxed) {
                    pool.hold().await;
                    shared.leases[index].add(1);
                }
            }
        })
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        runtime: Runtime,
        tasks: usize,
        task: impl Fn(Arc<Shared>, usize) -> F,
    ) -> Load {
        let leases = (0..tasks).map(|_| Count::default()).collect();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            leases,
        });
        let tasks = (0..tasks)
            .map(|index| runtime.spawn(task(shared.clone(), index)))
            .collect();
        Load {
            runtime,
            shared,
            tasks,
            pace: 1e6,
        }
    }

    /// How long the tasks together take for so many leases, by a window of about that many.
    pub(crate) fn time(&mut self, leases: u64) -> Duration {
        let (begin, before) = (Instant::now(), self.total());
        let mut done = 0;
        while done < leases {
            // The calling thread sleeps: the cores belong to the two workers. Their pace may change, so it looks up often.
            let rest = self.pace * (leases - done) as f64;
            sleep(Duration::from_nanos(rest as u64).clamp(Duration::from_micros(500), Duration::from_millis(10)));
            let more = self.total() - before;
            assert!(
                more > done || begin.elapsed() < PATIENCE,
                "no more leases: the pool hangs under this load"
            );
            done = more;
            self.pace = begin.elapsed().as_nanos() as f64 / done.max(1) as f64;
        }
        Duration::from_secs_f64(self.pace * leases as f64 / 1e9)
    }

    /// The leases of each task over a window in which they have at least so many on average, and which lasts long enough
    /// that a moment in which the system runs something else does not decide.
    pub(crate) fn shares(&mut self, average: u64) -> Vec<u64> {
        let (begin, before) = (Instant::now(), self.counts());
        self.time(average * before.len() as u64);
        while begin.elapsed() < SHARE_WINDOW {
            sleep(SHARE_WINDOW.saturating_sub(begin.elapsed()));
        }
        self.counts()
            .iter()
            .zip(before)
            .map(|(after, before)| after - before)
            .collect()
    }

    fn counts(&self) -> Vec<u64> {
        self.shared
            .leases
            .iter()
            .map(|count| count.0.load(Ordering::Relaxed))
            .collect()
    }

    fn total(&self) -> u64 {
        self.shared
            .leases
            .iter()
            .map(|count| count.0.load(Ordering::Relaxed))
            .sum()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if std::thread::panicking() {
            // A pool that hangs would hang here too.
            return;
        }
        for task in self.tasks.drain(..) {
            self.runtime.block_on(task).expect("a measured task panicked");
        }
    }
}

impl Count {
    fn add(&self, leases: u64) {
        // One writer: no read-modify-write needed.
        self.0.store(self.0.load(Ordering::Relaxed) + leases, Ordering::Relaxed);
    }
}

/// One task on a runtime of one thread: times so many leases.
pub(crate) struct Alone<S> {
    runtime: Runtime,
    pool: S,
}

impl<S: Subject> Alone<S> {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let pool = runtime.block_on(S::open(10));
        Alone { runtime, pool }
    }

    pub(crate) fn time(&mut self, leases: u64) -> Duration {
        self.runtime.block_on(async {
            let begin = Instant::now();
            self.pool.spin(leases).await;
            begin.elapsed()
        })
    }
}

fn workers() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}
