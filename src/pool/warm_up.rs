//! Opening connections before anybody asks for one.

use super::clock::nanos;
use super::error::{ConnectFailure, WarmUpError};
use super::handle::Pool;
use super::lookout::Lookout;
use super::manager::Manager;
use super::shared::Shared;
use crate::sync::line::Phase;
use crate::sync::primitives::Ordering::Relaxed;
use futures::future::select;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// While it lives, the supervisor keeps that many connections open.
struct Wish<M: Manager> {
    shared: Arc<Shared<M>>,
}

impl<M: Manager> Drop for Wish<M> {
    fn drop(&mut self) {
        self.shared.live.warm.store(0, Relaxed);
        // Another call may still wish for its own.
        self.shared.announce();
    }
}

impl<M: Manager> Pool<M> {
    /// Opens connections until so many are open, `max_connecting` at a time. Retries transient errors until the time of one
    /// acquire is over. Of several calls at once the greatest counts.
    ///
    /// # Errors
    ///
    /// See [`WarmUpError`]: the time ran out, the backend refuses for good, or the limit is lower than that.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any time: what was opened stays open, attempts under way end by themselves, no further one begins.
    ///
    /// ```
    /// # use fairpool::doc::{pool, block_on};
    /// # block_on(async {
    /// let pool = pool();
    /// pool.warm_up(3).await?;
    /// assert_eq!(pool.status().idle, 3);
    /// # Ok(()) });
    /// ```
    pub async fn warm_up(&self, connections: u32) -> Result<(), WarmUpError<M::Error>> {
        let shared = &self.shared;
        // Without a pool nothing can be open for nobody.
        let limit = if shared.loose { 0 } else { shared.line.limit() };
        if connections > limit {
            return Err(WarmUpError::OverLimit { limit });
        }
        let failures_before = shared.tally.connect_failures.load(Relaxed);
        let patience = shared.options().acquire_timeout.map_or(u64::MAX, nanos);
        // tokio's timers do not reach centuries.
        let until = shared
            .now()
            .saturating_add(patience)
            .min(shared.now().saturating_add(nanos(Duration::from_secs(1 << 30))));
        let _wish = Wish { shared: shared.clone() };
        let mut lookout = Lookout::default();
        let mut look_at = lookout.next(shared.now());
        loop {
            let mut changed = pin!(shared.changed.notified());
            changed.as_mut().enable();
            if shared.line.counts().phase != Phase::Open {
                return Err(WarmUpError::Closed);
            }
            let status = shared.status();
            // The counts may not add up for a moment: what has no connection in it is not open, whatever they say.
            let open = (status.open() - status.closing).min(shared.filled());
            if open >= connections {
                return Ok(());
            }
            let last_connect = shared.faults.last();
            let failed = shared.tally.connect_failures.load(Relaxed) > failures_before;
            match &last_connect {
                Some(ConnectFailure::Error(error)) if failed && !shared.may_help(error) => {
                    return Err(WarmUpError::Connect(ConnectFailure::Error(error.clone())));
                }
                _ if shared.now() >= until => return Err(WarmUpError::Timeout { open, last_connect }),
                _ => {}
            }
            if !shared.staff() {
                return Err(WarmUpError::NoRuntime);
            }
            shared.live.warm.fetch_max(connections, Relaxed);
            shared.poke();
            let now = shared.now();
            if now >= look_at {
                lookout.look(shared);
                look_at = lookout.next(now);
            }
            // Dropped here, only the wish is withdrawn.
            let _ = select(
                changed,
                pin!(shared.desk.sleep_until(shared.clock.instant(until.min(look_at)))),
            )
            .await;
        }
    }
}
