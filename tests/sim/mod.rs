//! The simulator: a pool, its backend and its users under any sequence of operations, with the promises checked after each.
//!
//! Time is paused and moves by operation; randomness comes from the seed; threads take turns. So bytes decide everything,
//! and what went wrong once goes wrong again. (Which of two idle connections is lent depends on the machine's number of
//! cores too.)
//!
//! | file | what |
//! |---|---|
//! | `ops` | the operations, and how bytes become one |
//! | `world`, `requests`, `leases`, `ends`, `forsake` | the interpreter, and what it judges on the way |
//! | `check` | the invariants after each step |
//! | `backend`, `books` | a scripted manager, and its own book-keeping |
//! | `shadow` | the line as its wakers tell it |
//! | `runtimes` | paused clocks, stepped by hand |
//! | `seen` | how often each rare situation was reached |

mod backend;
mod books;
mod check;
mod ends;
mod forsake;
mod leases;
mod ops;
mod requests;
mod runtimes;
mod seen;
mod shadow;
mod world;

use ops::{Op, Raw, Setup};
pub(crate) use seen::Seen;
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError, mpsc};
use std::time::Duration;
use world::World;

/// In thread-local teardown a clock that can be paused cannot be asked any more, and says so by a panic.
const PAUSED_CLOCK_GONE: &str = "thread-local variable has been destroyed";

/// The most bytes that are read.
const LONGEST: usize = 24_000;

/// How many lines a report shows.
const SHOWN: usize = 80;

/// The thread on which a simulation runs; its panics are reported elsewhere.
const STAGE: &str = "simulated world";

/// How long a step may take by the wall clock.
const PATIENCE: Duration = Duration::from_secs(20);

/// What went wrong, and what led there.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) violation: String,
    pub(crate) step: usize,
    pub(crate) last: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.last {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "violated in step {}: {}", self.step, self.violation)
    }
}

/// Runs operations read from any bytes: for fuzzing. Panics on a violation.
#[allow(dead_code, reason = "the fuzzer's way in")]
pub(crate) fn run_bytes(data: &[u8]) {
    if let Err(failure) = read_bytes(data) {
        panic!("\n{failure}");
    }
}

/// The first twelve bytes say how the world begins, each further six are an operation.
#[allow(dead_code, reason = "the fuzzer has its own way in")]
pub(crate) fn read_bytes(data: &[u8]) -> Result<Seen, Failure> {
    let data = data[..data.len().min(LONGEST)].to_vec();
    let ops: Vec<Raw> = data
        .chunks(6)
        .map(|chunk| {
            let mut raw = Raw::default();
            raw[..chunk.len()].copy_from_slice(chunk);
            raw
        })
        .collect();
    run(0, ops.into_iter())
}

/// Runs so many steps of a seed.
#[allow(dead_code, reason = "the fuzzer has its own way in")]
pub(crate) fn run_seed(seed: u64, steps: usize) -> Result<Seen, Failure> {
    let mut random = fastrand::Rng::with_seed(seed);
    run(
        seed,
        (0..steps).map(move |_| {
            let mut raw = Raw::default();
            random.fill(&mut raw);
            raw
        }),
    )
}

/// Runs operations on a thread of their own: the pool's home words go by thread, and a fresh one is always the first.
pub(crate) fn run(seed: u64, ops: impl Iterator<Item = Raw> + Send + 'static) -> Result<Seen, Failure> {
    let _turn = turn();
    hear_panics();
    unmeant_panic();
    let trace = Arc::new(Trace::default());
    let (told, end) = mpsc::channel();
    let stage = std::thread::Builder::new().name(STAGE.to_owned());
    let theirs = trace.clone();
    let play = move || {
        fastrand::seed(seed);
        let played = catch_unwind(AssertUnwindSafe(|| play(ops, &theirs)));
        // Nobody listens any more if this took too long.
        let _ = told.send(played.map_err(said));
    };
    let stage = stage.spawn(play).expect("a thread");
    let mut before = 0;
    let violation = loop {
        match end.recv_timeout(PATIENCE) {
            Ok(outcome) => {
                // Its number is free again when it has ended.
                let _ = stage.join();
                match outcome {
                    Ok(seen) => return Ok(seen),
                    Err(violation) => break violation,
                }
            }
            Err(_) if trace.lock().step == before => break "P6: it never came to rest again".to_owned(),
            Err(_) => before = trace.lock().step,
        }
    };
    let mut tracks = trace.lock();
    let mut last: Vec<String> = std::mem::take(&mut tracks.last).into();
    last.insert(0, tracks.setup.clone());
    Err(Failure {
        violation,
        step: tracks.step,
        last,
    })
}

fn said(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or_default().to_owned(),
    }
}

#[derive(Default)]
struct Tracks {
    step: usize,
    /// How the present world began, and the last that happened in it.
    setup: String,
    last: VecDeque<String>,
}

#[derive(Default)]
struct Trace(Mutex<Tracks>);

impl Trace {
    fn lock(&self) -> MutexGuard<'_, Tracks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn play(mut ops: impl Iterator<Item = Raw>, trace: &Trace) -> Seen {
    let mut seen = Seen::default();
    let mut step = 0;
    let mut more = true;
    while more {
        let (Some(a), Some(b)) = (ops.next(), ops.next()) else {
            break;
        };
        let setup = Setup::read(a, b);
        note(trace, step, format!("{setup:?}"));
        trace.lock().setup = format!("{setup:?}");
        let mut world = World::new(setup);
        loop {
            let Some(raw) = ops.next() else {
                more = false;
                break;
            };
            step += 1;
            let op = Op::read(raw);
            note(trace, step, format!("{step} at {}: {op:?}", world.now()));
            world.step(op, Op::hasty(raw));
            let haste = if Op::hasty(raw) { " (in haste)" } else { "" };
            note(trace, step, format!("    {}{haste}", world.pool.status()));
            if let Some(left) = &mut world.ending {
                *left -= 1;
                if *left == 0 {
                    break;
                }
            }
        }
        note(trace, step, "the end of this pool".to_owned());
        seen.add(&world.finish());
    }
    seen
}

fn note(trace: &Trace, step: usize, line: String) {
    let mut trace = trace.lock();
    trace.step = step;
    if trace.last.len() == SHOWN {
        trace.last.pop_front();
    }
    trace.last.push_back(line);
}

/// One simulation at a time: thread numbers and the panic hook are the process's.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unmeant() -> &'static Mutex<Option<String>> {
    static UNMEANT: OnceLock<Mutex<Option<String>>> = OnceLock::new();
    UNMEANT.get_or_init(Mutex::default)
}

/// A panic that nobody scripted, wherever it was caught.
fn unmeant_panic() -> Option<String> {
    unmeant().lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.to_string();
            if std::thread::current().name().is_some_and(|name| name != STAGE) {
                usual(info);
            } else if !text.contains(backend::SCRIPTED) && !text.contains(PAUSED_CLOCK_GONE) {
                unmeant()
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(text);
            }
        }));
    });
}
