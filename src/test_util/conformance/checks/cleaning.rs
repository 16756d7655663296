//! Checks about reset: it cleans, and it answers consistently.

use super::super::stage::{Stage, Verdict, breach};
use crate::Manager;
use std::sync::Arc;

const ROUNDS: u32 = 3;

pub(super) async fn reset_cleans<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(2);
    for _ in 0..ROUNDS {
        let (mut one, mut other) = (stage.lend(&pool).await?, stage.lend(&pool).await?);
        stage.useful(&mut one, "a connection that nobody had dirtied").await?;
        stage.dirty(&mut one).await?;
        if stage.is_clean(&mut one).await? {
            return breach("`is_clean` said yes right after `dirty`: one of the two closures does not do its work");
        }
        if !stage.is_clean(&mut other).await? {
            return breach("what was done to one connection dirtied another");
        }
        let number = one.number();
        drop((one, other));
        stage.rest(&pool).await;
        let mut leases = stage.lend_all(&pool).await?;
        for lease in &mut leases {
            stage
                .useful(lease, "a connection that its last lease had left dirty")
                .await?;
        }
        if !leases.iter().any(|lease| lease.number() == number) {
            stage.warn("a dirty connection was closed rather than cleaned, so such a lease costs a connect");
        }
        drop(leases);
        stage.rest(&pool).await;
    }
    stage.end(pool).await
}

pub(super) async fn reset_unpolled<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    let mut lease = stage.lend(&pool).await?;
    stage.dirty(&mut lease).await?;
    // As the pool asks: once where the guard is dropped, once where it cleans.
    let [first, second] = [(); 2].map(|()| pool.manager().reset(&mut lease).is_some());
    let clean = stage.is_clean(&mut lease).await?;
    match (first, second, clean) {
        (true, false, false) => {
            return breach(
                "reset had something to await, and nothing any more when it was asked again, with nothing done",
            );
        }
        (false, true, _) => return breach("reset had nothing to await, and then something"),
        (false, false, false) => return breach("reset had nothing to await, and the connection was dirty"),
        (true, _, true) => return breach("the connection was clean although nobody had polled the reset"),
        _ => {}
    }
    drop(lease);
    stage.rest(&pool).await;
    let mut lease = stage.lend(&pool).await?;
    stage
        .useful(&mut lease, "a connection whose reset was built twice before")
        .await?;
    drop(lease);
    stage.rest(&pool).await;
    stage.end(pool).await
}
