//! The check that nobody keeps a thread of the runtime: a warning, since the time that something takes is the machine's too.

use super::super::stage::{Stage, Verdict};
use super::super::watch::Step;
use crate::Manager;
use std::sync::Arc;

/// Of so many calls of each step the quickest counts.
const ROUNDS: u32 = 3;

pub(super) async fn yields<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.validating_pool(1);
    for _ in 0..ROUNDS {
        let mut lease = stage.lend(&pool).await?;
        stage.dirty(&mut lease).await?;
        drop(lease);
        stage.rest(&pool).await;
        let mut lease = stage.lend(&pool).await?;
        lease.mark_broken();
        drop(lease);
        stage.rest(&pool).await;
    }
    stage.end(pool).await?;
    for _ in 0..ROUNDS {
        let pool = stage.pool(1);
        drop(stage.lend(&pool).await?.detach());
        stage.end(pool).await?;
    }
    let steps = [
        Step::Connect,
        Step::Validate,
        Step::Reset,
        Step::Close,
        Step::IsBroken,
        Step::Detached,
        Step::Drop,
    ];
    for step in steps {
        if let Some(longest) = stage
            .watch
            .quickest(step)
            .filter(|&time| time > stage.known.longest_poll)
        {
            stage.warn(format!(
                "{step} kept its thread for {longest:.1?} at a time, at each of {ROUNDS} calls"
            ));
        }
    }
    Ok(())
}
