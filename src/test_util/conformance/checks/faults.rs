//! Checks with a step of the manager's that fails after it has done its work, panics in the middle of it, or is late.

use super::super::probe::Probe;
use super::super::stage::{Stage, Verdict};
use super::super::time::{leap, pass};
use super::super::watch::{Plan, Step};
use crate::{Manager, Pool};
use futures::future::join;
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn all<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let late = Plan::Delay(stage.known.patience / 2);
    for step in [Step::Connect, Step::Validate, Step::Reset, Step::Close] {
        for plan in [Plan::Fail, Plan::Panic, late] {
            one(&stage, step, plan).await?;
        }
    }
    Ok(())
}

async fn one<M: Manager>(stage: &Stage<M>, step: Step, plan: Plan) -> Verdict {
    let pool = stage.validating_pool(2);
    let mut lease = None;
    if step != Step::Connect {
        drop(stage.lend(&pool).await?);
        stage.rest(&pool).await;
    }
    if matches!(step, Step::Reset | Step::Close) {
        let held = lease.insert(stage.lend(&pool).await?);
        stage.dirty(held).await?;
        if step == Step::Close {
            held.mark_broken();
        }
    }
    stage.watch.plan(step, plan);
    drop(lease);
    let next = stage.lend(&pool);
    let (lease, ()) = join(next, catch_up(stage, &pool, step, plan)).await;
    drop(lease?);
    stage.rest(&pool).await;
    stage.watch.unplan(step);
    let what = match plan {
        Plan::Fail => "failed",
        Plan::Panic => "panicked",
        _ => "was late",
    };
    stage.whole(&pool, &format!("{step} {what}")).await?;
    stage.end(pool).await
}

/// Lets the time of a delay pass once it has begun.
async fn catch_up<M: Manager>(stage: &Stage<M>, pool: &Pool<Probe<M>>, step: Step, plan: Plan) {
    let Plan::Delay(time) = plan else { return };
    for _ in 0..100 {
        pass(Duration::from_millis(1)).await;
        if !stage.watch.is_planned(step) {
            return leap(time + Duration::from_millis(2)).await;
        }
        if pool.status().in_use > 0 {
            return;
        }
    }
}
