//! The check of everything at once: a crowd of tasks on a few connections, each doing at random what users do. The seed is
//! fixed; the order of events is the backend's.

use super::super::probe::Probe;
use super::super::stage::{Stage, Verdict, breach};
use super::dropping::cut_off;
use crate::{Manager, Pool};
use fastrand::Rng;
use futures::future::join_all;
use std::sync::Arc;

const TASKS_A_CONNECTION: u32 = 2;
const LEASES: u32 = 12;

pub(super) async fn storm<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(stage.known.limit);
    let tasks = (0..stage.known.limit * TASKS_A_CONNECTION).map(|seed| task(&stage, &pool, u64::from(seed)));
    join_all(tasks).await.into_iter().collect::<Verdict>()?;
    stage.rest(&pool).await;
    stage.whole(&pool, "the storm").await?;
    stage.end(pool).await
}

async fn task<M: Manager>(stage: &Stage<M>, pool: &Pool<Probe<M>>, seed: u64) -> Verdict {
    let mut random = Rng::with_seed(seed);
    for _ in 0..LEASES {
        let mut lease = stage.lend(pool).await?;
        stage
            .useful(&mut lease, "a connection in the middle of the storm")
            .await?;
        match random.u32(0..6) {
            0 => stage.dirty(&mut lease).await?,
            1 => {
                if let Some(exercise) = &stage.known.exercise {
                    let _ = cut_off(exercise(&mut lease), random.u32(0..4), false).await;
                }
            }
            2 => {
                if let Some(dirty) = &stage.known.dirty {
                    let _ = cut_off(dirty(&mut lease), random.u32(0..4), false).await;
                }
            }
            3 => lease.mark_broken(),
            4 if stage.known.sever.is_some() => {
                stage.sever(&mut lease).await?;
                if stage.exercise(&mut lease).await.is_ok() {
                    return breach("`exercise` succeeded on a severed connection");
                }
            }
            5 => {
                let mut kept = lease.detach();
                stage
                    .useful(&mut kept, "a connection that was detached in the storm")
                    .await?;
            }
            _ => {}
        }
    }
    Ok(())
}
