//! One outage of one pool: at work, struck, healed, at work again, at rest, closed.

use super::attempts::of_the_machine;
use super::fault::Fault;
use super::subject::{End, LIMIT, PATIENCE, Subject};
use crate::cpu;
use crate::proxy::Proxy;
use crate::servers::keeper::Keeper;
use crate::servers::postgres::Postgres;
use crate::servers::redis::Redis;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

/// Twice as many as there are connections, so that some always wait.
const TASKS: usize = 2 * LIMIT as usize;
/// Between two requests of a task.
const PAUSE: Duration = Duration::from_millis(2);
/// That is looked at after it healed.
const AFTERMATH: Duration = Duration::from_secs(1);
/// What a pool may need to be at rest.
const REST: Duration = Duration::from_millis(600);

pub(crate) enum Server {
    Postgres(Postgres),
    Redis(Redis),
}

/// How long everything takes.
pub(crate) struct Plan {
    pub(crate) work: Duration,
    pub(crate) outage: Duration,
}

/// One run.
pub(crate) struct Figures {
    /// By how much the latest request of the outage exceeded its time.
    pub(crate) late: Duration,
    pub(crate) served: usize,
    pub(crate) failed: usize,
    /// What requests were told during the outage, without regard to its digits; an example and how often.
    pub(crate) told: Vec<(String, usize)>,
    /// A second, during the outage.
    pub(crate) attempts: f64,
    /// Whether the attempts are those of the whole machine.
    pub(crate) guessed: bool,
    /// Processor time of this process a second, during the outage.
    pub(crate) cpu: Duration,
    /// From the healing to the end of the first question whose request came back after it.
    pub(crate) success: Option<Duration>,
    /// Connections opened in the first second after it healed.
    pub(crate) opened: usize,
    /// Of the waits that ended in that second.
    pub(crate) p99: Duration,
    /// Requests that the pool refused in that second, and questions that failed.
    pub(crate) refused_after: usize,
    pub(crate) failed_after: usize,
    /// Whether all its connections could be held and used at once afterwards.
    pub(crate) whole: bool,
    /// Sessions that the server counted when the pool was at rest, and when it was gone.
    pub(crate) sessions: u64,
    pub(crate) leaked: u64,
}

struct Record {
    asked: Instant,
    back: Instant,
    done: Instant,
    end: End,
}

pub(crate) fn run<S: Subject>(server: &mut Server, fault: &Fault, plan: &Plan) -> Figures {
    let runtime = workers();
    let proxy = Proxy::before(server.port());
    let pool = Arc::new(runtime.block_on(S::build(&server.url(proxy.port()))));
    let load = Load::begin(&runtime, &pool);
    std::thread::sleep(plan.work);

    fault.strike(server.keeper(), &proxy);
    let struck = Instant::now();
    let before = (
        pool.attempts(),
        proxy.counts().accepted(),
        of_the_machine(),
        cpu::spent(),
    );
    std::thread::sleep(plan.outage);
    let after = (
        pool.attempts(),
        proxy.counts().accepted(),
        of_the_machine(),
        cpu::spent(),
    );
    let lasted = struck.elapsed();
    fault.heal(server.keeper(), &proxy);
    let healed = Instant::now();
    std::thread::sleep(AFTERMATH);
    let opened = proxy.counts().accepted_since(healed);
    let records = load.end(&runtime);

    let whole = (0..3).any(|_| runtime.block_on(is_whole(&*pool)));
    std::thread::sleep(REST);
    let sessions = server.sessions();
    runtime.block_on(Arc::into_inner(pool).expect("its tasks have ended").close());
    std::thread::sleep(REST);
    let leaked = server.sessions();
    runtime.shutdown_timeout(Duration::from_secs(1));

    let (attempts, guessed) = match (before.0, after.0) {
        (Some(before), Some(after)) => (after - before, false),
        _ if fault.is_blind() => (after.2 - before.2, true),
        _ => ((after.1 - before.1) as u64, false),
    };
    let aftermath = healed..healed + AFTERMATH;
    let outage = struck..healed;
    let during = || records.iter().filter(|record| outage.contains(&record.asked));
    let later = || records.iter().filter(|record| aftermath.contains(&record.back));
    let mut waits: Vec<_> = later().map(|record| record.back - record.asked).collect();
    waits.sort();
    let first = later()
        .filter(|record| record.is_served())
        .map(|record| record.done)
        .min();
    Figures {
        late: during()
            .map(|record| (record.back - record.asked).saturating_sub(PATIENCE))
            .max()
            .unwrap_or_default(),
        served: during().filter(|record| record.is_served()).count(),
        failed: during().filter(|record| matches!(record.end, End::Failed)).count(),
        told: told(during()),
        attempts: attempts as f64 / lasted.as_secs_f64(),
        guessed,
        cpu: match (before.3, after.3) {
            (Some(before), Some(after)) => (after - before).div_f64(lasted.as_secs_f64()),
            _ => Duration::ZERO,
        },
        success: first.map(|done| done - healed),
        opened,
        p99: waits.get(waits.len() * 99 / 100).copied().unwrap_or_default(),
        refused_after: later().filter(|record| matches!(record.end, End::Refused(_))).count(),
        failed_after: later().filter(|record| matches!(record.end, End::Failed)).count(),
        whole,
        sessions,
        leaked,
    }
}

/// The tasks, until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Record>>>,
}

impl Load {
    fn begin<S: Subject>(runtime: &Runtime, pool: &Arc<S>) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let task = |_| {
            let (stop, pool) = (stop.clone(), pool.clone());
            runtime.spawn(async move {
                let mut records = Vec::new();
                while !stop.load(Relaxed) {
                    records.push(request(&*pool).await);
                    tokio::time::sleep(PAUSE).await;
                }
                records
            })
        };
        let tasks = (0..TASKS).map(task).collect();
        Load { stop, tasks }
    }

    fn end(self, runtime: &Runtime) -> Vec<Record> {
        self.stop.store(true, Relaxed);
        let records = self
            .tasks
            .into_iter()
            .flat_map(|task| runtime.block_on(task).expect("no task panics"));
        records.collect()
    }
}

async fn request<S: Subject>(pool: &S) -> Record {
    let asked = Instant::now();
    let back = Mutex::new(asked);
    let end = pool.exchange(async { *back.lock().unwrap() = Instant::now() }).await;
    let back = *back.lock().unwrap();
    let done = Instant::now();
    Record { asked, back, done, end }
}

/// Whether all connections can be held at once, and answer.
async fn is_whole<S: Subject>(pool: &S) -> bool {
    let all = Barrier::new(LIMIT as usize);
    let each = (0..LIMIT).map(|_| pool.exchange(async { _ = all.wait().await }));
    let ends = tokio::time::timeout(2 * PATIENCE, futures::future::join_all(each)).await;
    ends.is_ok_and(|ends| ends.iter().all(|end| matches!(end, End::Served)))
}

/// The commonest first.
fn told<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<(String, usize)> {
    let mut kinds = HashMap::<String, (String, usize)>::new();
    for record in records {
        if let End::Refused(words) = &record.end {
            let kind = words.chars().filter(|c| c.is_alphabetic()).collect();
            kinds.entry(kind).or_insert_with(|| (words.clone(), 0)).1 += 1;
        }
    }
    let mut told: Vec<_> = kinds.into_values().collect();
    told.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    told
}

fn workers() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
}

impl Record {
    fn is_served(&self) -> bool {
        matches!(self.end, End::Served)
    }
}

impl Server {
    fn port(&self) -> u16 {
        match self {
            Server::Postgres(server) => server.port,
            Server::Redis(server) => server.port,
        }
    }

    fn keeper(&mut self) -> &mut Keeper {
        match self {
            Server::Postgres(server) => &mut server.keeper,
            Server::Redis(server) => &mut server.keeper,
        }
    }

    fn sessions(&self) -> u64 {
        match self {
            Server::Postgres(server) => server.sessions(),
            Server::Redis(server) => server.sessions(),
        }
    }

    fn url(&self, port: u16) -> String {
        match self {
            Server::Postgres(_) => format!("postgresql://postgres@127.0.0.1:{port}/app?sslmode=disable"),
            Server::Redis(_) => format!("redis://app:secret@127.0.0.1:{port}/0"),
        }
    }
}
