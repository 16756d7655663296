//! Checks about ends: of connections, of their time in a pool, of threads and of runtimes.

use super::super::stage::{Breach, Lease, Stage, Verdict, breach};
use super::super::time::World;
use crate::Manager;
use std::sync::Arc;
use std::time::Duration;

/// So long that nothing is validated for its age.
const LONG: Duration = Duration::from_secs(3600);

pub(super) async fn sessions_end<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(stage.known.limit);
    let open = u64::from(stage.known.limit);
    for reason in ["they were marked as broken", "they were invalidated"] {
        let mut leases = stage.lend_all(&pool).await?;
        stage.sessions_become(open, "all connections are lent").await?;
        if reason.contains("invalidated") {
            pool.invalidate();
        } else {
            leases.iter_mut().for_each(Lease::<M>::mark_broken);
        }
        drop(leases);
        stage.rest(&pool).await;
        stage.gone(&format!("connections were closed since {reason}")).await?;
    }
    drop(stage.lend_all(&pool).await?);
    stage.sessions_match(&pool, "after a lease of each").await?;
    stage.end(pool).await?;

    let pool = stage.pool(1);
    drop(stage.lend(&pool).await?);
    stage.rest(&pool).await;
    drop(pool);
    // The supervisor's task lets go when it runs next.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stage
        .gone("the pool was dropped without a drain, and its connection without a farewell")
        .await
}

pub(super) async fn detached<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    let lease = stage.lend(&pool).await?;
    let mut kept = lease.detach();
    stage.useful(&mut kept, "a detached connection").await?;
    let mut lease = stage.lend(&pool).await?;
    stage
        .useful(&mut lease, "the connection that took a detached one's place")
        .await?;
    drop(lease);
    stage.rest(&pool).await;
    let report = pool.drain(stage.known.patience * 2).await;
    if !report.completed {
        return breach(format!("the pool could not be drained: {report}"));
    }
    drop(pool);
    stage
        .useful(&mut kept, "a detached connection whose pool is gone")
        .await?;
    drop(kept);
    stage.gone("a detached connection was dropped").await
}

pub(super) async fn plain_thread<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(1);
    for dirtied in [false, true] {
        let mut lease = stage.lend(&pool).await?;
        stage.useful(&mut lease, "a connection").await?;
        if dirtied {
            stage.dirty(&mut lease).await?;
        }
        stage.watch.doing("dropping a lease on a plain thread");
        elsewhere(move || drop(lease)).await?;
        let mut lease = stage.lend(&pool).await?;
        stage
            .useful(&mut lease, "a connection that was given back on a plain thread")
            .await?;
        drop(lease);
        stage.rest(&pool).await;
    }
    stage.end(pool).await
}

pub(super) async fn runtime_gone<M: Manager>(stage: Arc<Stage<M>>) -> Verdict {
    let pool = stage.pool(stage.known.limit);
    let trusting = pool.set_validate_after_idle(LONG);
    trusting.expect("bug: the kit's options are out of range");
    let (there, theirs) = (stage.clone(), pool.clone());
    // Some connections are idle when the runtime ends that opened them; one is lent, and comes back to a pool without any.
    let opened = elsewhere(move || {
        let world = World::new().map_err(|error| Breach(format!("no runtime: {error}")))?;
        let kept = world.block_on(async {
            let mut leases = there.lend_all(&theirs).await?;
            for lease in &mut leases {
                there.useful(lease, "a connection").await?;
            }
            let kept = leases.pop();
            drop(leases);
            there.rest(&theirs).await;
            Ok(kept)
        })?;
        drop(world);
        drop(kept);
        Ok(())
    });
    opened.await??;
    stage
        .whole(&pool, "the runtime that opened connections has ended")
        .await?;
    stage.end(pool).await?;

    let pool = stage.pool(1);
    let there = stage.clone();
    let dropped = elsewhere(move || {
        let world = World::new().map_err(|error| Breach(format!("no runtime: {error}")))?;
        world.block_on(async { there.lend(&pool).await.map(drop) })?;
        drop(world);
        drop(pool);
        Ok(())
    });
    dropped.await??;
    stage.gone("the pool was dropped on a thread without a runtime").await
}

/// Runs something on a thread without a runtime.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Verdict<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = tell.send(work());
    });
    told.await
        .map_err(|_| Breach("a panic ended a thread that dropped connections".to_owned()))
}
