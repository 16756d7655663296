//! What an operator does to a pool that is in use: resize, clear and drain it. The tasks go on meanwhile.

use super::figures::{ClearFigures, DrainFigures, ResizeFigures};
use super::interrupt::Interrupt;
use super::screen::Screen;
use super::workload::{Load, rate};
use anyhow::Result;
use std::time::{Duration, Instant};

/// How long the line and the leases may take to finish. They need milliseconds; a second interrupt ends it at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for a new limit, or the news of a clear, to arrive everywhere.
const SETTLING: Duration = Duration::from_secs(1);

/// How often to look.
const LOOK: Duration = Duration::from_micros(200);

/// The limit that the demo changes to and back: a quarter, or twice one.
pub(super) fn other_limit(limit: u32) -> u32 {
    if limit == 1 { 2 } else { (limit / 4).max(1) }
}

/// Changes the limit, and looks at the load for a moment.
pub(super) async fn resize(
    load: &Load,
    to: u32,
    moment: Duration,
    screen: &Screen,
    interrupt: &Interrupt,
) -> Result<ResizeFigures> {
    let from = load.pool.options().limit;
    let began = Instant::now();
    load.pool.set_limit(to)?;
    let settled = settles(|| {
        let occupied = load.pool.status().occupied();
        if to < from { occupied <= to } else { occupied >= to }
    })
    .await;
    let settled = settled.then(|| began.elapsed());
    let (since, done) = (Instant::now(), load.recorder.done());
    load.go_on("resized", moment, screen, interrupt).await;
    Ok(ResizeFigures {
        from,
        to,
        settled,
        throughput: rate(load.recorder.done() - done, since.elapsed()),
    })
}

/// Removes everybody from the line, and waits until they have heard of it.
pub(super) async fn clear(load: &Load) -> ClearFigures {
    let told = load.recorder.cleared();
    let began = Instant::now();
    let removed = load.pool.clear() as u64;
    let took = began.elapsed();
    settles(|| load.recorder.cleared() - told >= removed).await;
    ClearFigures {
        removed,
        told: load.recorder.cleared() - told,
        took,
    }
}

/// Drains the pool and waits for the tasks, which then end.
pub(super) async fn drain(load: &mut Load, screen: &Screen, interrupt: &Interrupt) -> Result<DrainFigures> {
    screen.status("drain");
    let done = load.recorder.done();
    let report = tokio::select! {
        report = load.pool.drain(PATIENCE) => report,
        () = interrupt.twice() => load.pool.drain(Duration::ZERO).await,
    };
    load.end(report.completed).await?;
    Ok(DrainFigures {
        report,
        served: load.recorder.done() - done,
    })
}

async fn settles(is_so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > SETTLING {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
    true
}
