//! Checks about judgement: a sound connection passes, a broken one is found out.

use super::super::probe::Probe;
use super::super::stage::{Lease, Stage, Verdict, breach};
use super::super::time::pass;
use crate::{Manager, Pool};
use futures::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;

const ROUNDS: u32 = 3;

pub(super) async fn lent_again<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    let mut lease = stage.lend(&pool).await?;
    for _ in 0..ROUNDS {
        stage.useful(&mut lease, "a connection").await?;
        let number = lease.number();
        drop(lease);
        stage.rest(&pool).await;
        lease = stage.lend(&pool).await?;
        if lease.number() != number {
            return breach("it was closed instead: is_broken said yes of it, or its reset failed");
        }
    }
    drop(lease);
    stage.rest(&pool).await;
    stage.end(pool).await
}

pub(super) async fn validate_sound<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.validating_pool(1);
    let mut lease = stage.lend(&pool).await?;
    for _ in 0..ROUNDS {
        let number = lease.number();
        drop(lease);
        stage.rest(&pool).await;
        lease = stage.lend(&pool).await?;
        if lease.number() != number {
            return breach("validate refused a connection that had just been opened or used");
        }
        stage
            .useful(&mut lease, "a connection that had just been validated")
            .await?;
    }
    drop(lease);
    stage.rest(&pool).await;
    stage.end(pool).await
}

pub(super) async fn severed_idle<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.validating_pool(1);
    let lease = stage.lend(&pool).await?;
    let number = lease.number();
    drop(lease);
    stage.rest(&pool).await;
    stage.sever_before_validation();
    let mut lease = replaced(&stage, &pool).await?;
    if stage.awaits_validation() {
        return breach("the connection was closed, not validated, so nothing could be found out");
    }
    if lease.number() == number {
        return breach("validate passed a connection that had been severed, and the pool lent it");
    }
    stage
        .useful(&mut lease, "the connection that replaced a severed one")
        .await?;
    drop(lease);
    stage.rest(&pool).await;
    stage.end(pool).await
}

/// The next lease, with the timeout of a validation that does not end by itself.
async fn replaced<M: Manager>(stage: &Stage<M>, pool: &Pool<Probe<M>>) -> Verdict<Lease<M>> {
    let next = pin!(stage.lend(pool));
    match select(next, pin!(pass(stage.grace()))).await {
        Either::Left((lease, _)) => lease,
        Either::Right(((), next)) => {
            let grace = stage.grace();
            stage.warn(format!(
                "validate did not notice by itself within {grace:?}; its timeout had to end it"
            ));
            stage.time_out().await;
            next.await
        }
    }
}

pub(super) async fn broken_in_use<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    let mut lease = stage.lend(&pool).await?;
    let number = lease.number();
    stage.sever(&mut lease).await?;
    let Err(error) = stage.exercise(&mut lease).await else {
        return breach(
            "`exercise` succeeded on a severed connection: it asks the backend nothing, or `sever` breaks nothing",
        );
    };
    drop(lease);
    stage.rest(&pool).await;
    let mut lease = stage.lend(&pool).await?;
    if lease.number() == number {
        return breach(format!(
            "a connection was lent again that had just failed with: {error}"
        ));
    }
    stage
        .useful(&mut lease, "the connection that replaced a broken one")
        .await?;
    drop(lease);
    stage.rest(&pool).await;
    stage.end(pool).await
}
