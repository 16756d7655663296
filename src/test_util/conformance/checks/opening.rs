//! Checks about connect: it works, its connections share nothing, and its errors say whether to try again.

use super::super::probe::Probe;
use super::super::stage::{Breach, Stage, Verdict, breach};
use super::super::time::{pass, within};
use crate::{AcquireError, Manager, Pool};
use futures::future::{Either, join_all, select, try_join_all};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// So many failed attempts show that the pool goes on trying.
const FAILURES: u64 = 3;

pub(super) async fn connect<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let limit = stage.known.limit;
    let pool = stage.pool(limit);
    let leases = try_join_all((0..limit).map(|_| stage.lend(&pool)));
    let mut leases = leases.await?;
    let uses = leases.iter_mut().map(|lease| stage.useful(lease, "a new connection"));
    join_all(uses).await.into_iter().collect::<Verdict>()?;
    drop(leases);
    stage.keep(pool);
    Ok(())
}

/// How a connection ends is a check of its own, as all others close some.
pub(super) async fn farewell<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    for _ in 0..2 {
        let mut lease = stage.lend(&pool).await?;
        stage.useful(&mut lease, "a new connection").await?;
        lease.mark_broken();
        drop(lease);
        let closed = async {
            while pool.status().closing > 0 {
                pass(Duration::from_millis(1)).await;
            }
        };
        stage.watch.doing("waiting for close");
        if within(stage.grace(), closed).await.is_none() {
            return breach(format!("close had not ended after {:?}", stage.grace()));
        }
    }
    stage.end(pool).await
}

pub(super) async fn independent<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(stage.known.limit);
    let mut leases = stage.lend_all(&pool).await?;
    let mut severed = leases.pop().expect("bug: a pool without connections");
    stage.sever(&mut severed).await?;
    for lease in &mut leases {
        stage.useful(lease, "a connection beside one that was severed").await?;
    }
    severed.mark_broken();
    drop((severed, leases));
    stage.rest(&pool).await;
    stage.whole(&pool, "one was severed").await?;
    stage.end(pool).await
}

pub(super) async fn defaults<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let options = stage.manager.defaults();
    let said = |error| Breach(format!("`Builder::build` refuses the options of `defaults`: {error}"));
    options.validate().map_err(said)
}

pub(super) async fn permanent<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let Some(manager) = stage.known.permanent.clone() else {
        return Ok(());
    };
    let pool = stage.pool_over(manager, 1);
    match within(stage.grace(), pool.acquire_owned()).await {
        Some(Err(AcquireError::Connect(_))) => stage.end(pool).await,
        Some(Ok(_)) => breach("the manager given to `permanent` connected"),
        Some(Err(error)) => breach(format!(
            "the acquire did not fail with the manager's error, but so: {error}"
        )),
        None if failures(&pool) > 0 => {
            breach("connect failed, and is_transient said that it may succeed when it is tried again")
        }
        None => breach(format!(
            "connect neither failed nor succeeded within {:?}",
            stage.grace()
        )),
    }
}

pub(super) async fn transient<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let Some(manager) = stage.known.transient.clone() else {
        return Ok(());
    };
    let pool = stage.pool_over(manager, 1);
    let outcome = {
        let tried = within(stage.grace(), async {
            while failures(&pool) < FAILURES {
                pass(Duration::from_millis(1)).await;
            }
        });
        match select(pin!(pool.acquire()), pin!(tried)).await {
            Either::Left((outcome, _)) => Some(outcome.map(drop)),
            Either::Right(_) => None,
        }
    };
    match outcome {
        Some(Ok(())) => return breach("the manager given to `transient` connected"),
        Some(Err(AcquireError::Connect(error))) => {
            return breach(format!(
                "is_transient said that no retry would help against this: {error}"
            ));
        }
        Some(Err(error)) => return breach(format!("the acquire should have waited, and failed so: {error}")),
        None if failures(&pool) == 0 => {
            stage.warn(format!(
                "connect neither failed nor succeeded within {:?}",
                stage.grace()
            ));
        }
        None => {}
    }
    stage.rest(&pool).await;
    stage.end(pool).await
}

fn failures<M: Manager>(pool: &Pool<Probe<M>>) -> u64 {
    pool.status().totals.connect_failures
}
