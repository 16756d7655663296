//! What the peers weigh, by the same allocator: a pool, a slot with its connection, a request that waits.

use super::counting::bytes;
use crate::report::{number, table};
use crate::subjects::managed::{Bb8, Deadpool, FastPool, Mobc};
use crate::subjects::ours::Fairpool;
use crate::subjects::plain::{DeadpoolUnmanaged, TokioSemaphore};
use crate::subjects::subject::Subject;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::runtime::{Builder, Runtime};

const SLOTS: u32 = 1_000;
const WAITERS: usize = 10_000;

/// In bytes.
pub(crate) struct Weight {
    name: &'static str,
    /// One with a limit of 1 and its connection: the value itself, and its heap.
    pool: f64,
    slot: f64,
    /// A request that waits: its future, and what the heap holds for it beside that.
    future: f64,
    line: f64,
}

pub(crate) fn weigh() -> Vec<Weight> {
    vec![
        of::<Fairpool>("fairpool"),
        of::<TokioSemaphore>("tokio-semaphore"),
        of::<DeadpoolUnmanaged>("deadpool-unmanaged"),
        of::<Deadpool>("deadpool"),
        of::<Bb8>("bb8"),
        of::<FastPool>("fast_pool"),
        of::<Mobc>("mobc"),
    ]
}

fn of<S: Subject>(name: &'static str) -> Weight {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    // The first of its kind also fills what belongs to the thread or the process.
    drop(open::<S>(&runtime, 1));
    let (one, _pool) = bytes(|| open::<S>(&runtime, 1));
    let (many, _pool) = bytes(|| open::<S>(&runtime, SLOTS));

    let pool = open::<S>(&runtime, 1);
    let lease = runtime.block_on(pool.request());
    let (future, line) = waiting(&runtime, || pool.request());
    runtime.block_on(async { drop(lease) });
    Weight {
        name,
        pool: (one + size_of::<S>() as i64) as f64,
        slot: (many - one) as f64 / f64::from(SLOTS - 1),
        future: future as f64,
        line: line as f64 / WAITERS as f64,
    }
}

fn open<S: Subject>(runtime: &Runtime, limit: u32) -> S {
    runtime.block_on(async {
        let pool = S::open(limit).await;
        // What was given back by tasks of its own is back then.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        pool
    })
}

/// The size of a request's future, and the bytes of heap that so many of them hold when they wait.
fn waiting<F: Future>(runtime: &Runtime, request: impl Fn() -> F) -> (usize, i64) {
    let mut seats: Vec<Pin<Box<Option<F>>>> = (0..WAITERS).map(|_| Box::pin(None)).collect();
    let _context = runtime.enter();
    let (line, ()) = bytes(|| {
        for seat in &mut seats {
            seat.set(Some(request()));
            let request = seat.as_mut().as_pin_mut().expect("it is seated");
            assert!(request.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
    });
    (size_of::<F>(), line)
}

impl Weight {
    pub(crate) fn json(&self) -> Value {
        json!({
            "subject": self.name, "pool": self.pool, "slot": self.slot, "future": self.future, "line": self.line,
        })
    }
}

pub(crate) fn weights_table(weights: &[Weight]) -> String {
    let rows = weights.iter().map(|weight| {
        let bytes = [
            weight.pool,
            weight.slot,
            weight.future + weight.line,
            weight.future,
            weight.line,
        ];
        let cells = bytes.map(number);
        std::iter::once(weight.name.to_owned()).chain(cells).collect()
    });
    let head = [
        "bytes",
        "a pool of one",
        "a further slot",
        "a waiter",
        "of it: its future",
        "of it: elsewhere",
    ];
    table(&head, rows.collect())
}
