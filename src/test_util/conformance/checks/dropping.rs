//! Checks about futures that are dropped before their end: after n polls for each n, at once, when what they asked for is
//! still under way, and late, when it has come and nobody has looked.

use super::super::probe::Probe;
use super::super::stage::{Stage, Verdict, breach};
use super::super::time::within;
use super::super::watch::{Plan, Step};
use crate::{Manager, Pool};
use futures::FutureExt;
use futures::future::join;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::task::Poll;

/// A future with more awaits than this is dropped at the first of them only.
const AWAITS: u32 = 16;

pub(super) async fn connect<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    for (polls, late) in cuts() {
        let pool = stage.pool(1);
        let ended = plan(&stage, Step::Connect, polls);
        let (lease, cut) = join(stage.lend(&pool), stage.cut(Step::Connect, ended, late)).await;
        let after = after(Step::Connect, polls);
        stage.useful(&mut *lease?, &format!("the connection {after}")).await?;
        stage.sessions_match(&pool, &after).await?;
        stage.end(pool).await?;
        if !cut && late {
            break;
        }
    }
    Ok(())
}

pub(super) async fn validate<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    for (polls, late) in cuts() {
        let pool = stage.validating_pool(1);
        drop(stage.lend(&pool).await?);
        stage.rest(&pool).await;
        let ended = plan(&stage, Step::Validate, polls);
        let (lease, cut) = join(stage.lend(&pool), stage.cut(Step::Validate, ended, late)).await;
        let after = after(Step::Validate, polls);
        stage.useful(&mut *lease?, &format!("the connection {after}")).await?;
        stage.sessions_match(&pool, &after).await?;
        stage.end(pool).await?;
        if !cut && late {
            break;
        }
    }
    Ok(())
}

pub(super) async fn reset<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    for (polls, late) in cuts() {
        let pool = stage.pool(1);
        let mut lease = stage.lend(&pool).await?;
        stage.dirty(&mut lease).await?;
        let ended = plan(&stage, Step::Reset, polls);
        drop(lease);
        if !returned(&stage, &pool, Step::Reset, (polls, late), ended).await? && late {
            break;
        }
    }
    Ok(())
}

pub(super) async fn close<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    for (polls, late) in cuts() {
        let pool = stage.pool(1);
        let mut lease = stage.lend(&pool).await?;
        lease.mark_broken();
        let ended = plan(&stage, Step::Close, polls);
        drop(lease);
        if !returned(&stage, &pool, Step::Close, (polls, late), ended).await? && late {
            break;
        }
    }
    Ok(())
}

/// A connection came back, and this step of its way is cut off; whether it was.
async fn returned<M: Manager>(
    stage: &Stage<M>,
    pool: &Pool<Probe<M>>,
    step: Step,
    (polls, late): (u32, bool),
    ended: u64,
) -> Verdict<bool> {
    let cut = stage.cut(step, ended, late).await;
    let after = after(step, polls);
    let mut lease = stage.lend(pool).await?;
    stage.useful(&mut lease, &format!("the connection {after}")).await?;
    drop(lease);
    stage.sessions_match(pool, &after).await?;
    stage.end(pool.clone()).await?;
    Ok(cut)
}

pub(super) async fn in_use<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    for dirtying in [false, true] {
        for (polls, late) in cuts() {
            let known = if dirtying {
                &stage.known.dirty
            } else {
                &stage.known.exercise
            };
            let Some(usage) = known else { break };
            let name = if dirtying { "dirty" } else { "exercise" };
            let pool = stage.pool(1);
            let mut lease = stage.lend(&pool).await?;
            stage
                .watch
                .doing(format!("waiting for the closure `{name}`, to cut it off"));
            let cut = within(stage.known.patience, cut_off(usage(&mut lease), polls, late)).await;
            let ended = match cut {
                None => return breach(format!("`{name}` was not called again after {polls} polls")),
                Some(ended) => ended.is_some(),
            };
            drop(lease);
            let mut lease = stage.lend(&pool).await?;
            let which = format!(
                "the connection that was lent after `{name}` was dropped {}",
                times(polls)
            );
            stage.useful(&mut lease, &which).await?;
            drop(lease);
            stage.rest(&pool).await;
            stage.end(pool).await?;
            if ended && late {
                break;
            }
        }
    }
    Ok(())
}

pub(super) async fn panicking<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    let lease = stage.lend(&pool).await?;
    let number = lease.number();
    let known = stage.known.clone();
    // The use under way and the lease are dropped by the same panic.
    let usage = async move {
        let mut lease = lease;
        let mut usage = known.exercise.as_ref().map(|exercise| exercise(&mut lease));
        poll_fn(|cx| -> Poll<()> {
            if let Some(usage) = &mut usage {
                let _ = usage.as_mut().poll(cx);
            }
            resume_unwind(Box::new("planned by the kit"))
        })
        .await;
    };
    let _ = AssertUnwindSafe(usage).catch_unwind().await;
    let mut lease = stage.lend(&pool).await?;
    if lease.number() == number {
        return breach("the connection was lent again");
    }
    stage
        .useful(&mut lease, "the connection that was lent after a use had panicked")
        .await?;
    drop(lease);
    stage.sessions_match(&pool, "after a use had panicked").await?;
    stage.end(pool).await
}

/// Every way to drop a future before its end.
fn cuts() -> impl Iterator<Item = (u32, bool)> {
    (0..=AWAITS).flat_map(|polls| [(polls, false), (polls, true)])
}

/// Has the next future of this step cut off; how many had ended by then.
fn plan<M: Manager>(stage: &Stage<M>, step: Step, polls: u32) -> u64 {
    stage.watch.plan(step, Plan::CutAfter(polls));
    stage.watch.ended(step)
}

fn after(step: Step, polls: u32) -> String {
    format!("after {step} was dropped {}", times(polls))
}

fn times(polls: u32) -> String {
    match polls {
        0 => "without being polled".to_owned(),
        1 => "after one poll".to_owned(),
        polls => format!("after {polls} polls"),
    }
}

/// Polls a future so often and drops it: at once, or `late`, when it is called again. Its output if it ended before.
pub(super) async fn cut_off<T>(future: impl Future<Output = T>, polls: u32, late: bool) -> Option<T> {
    let mut future = Box::pin(future);
    let mut polled = 0;
    let cut = poll_fn(move |cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled == polls && !late => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    cut.await
}
