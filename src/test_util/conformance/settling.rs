//! The moments at which a check waits for the pool: until it rests, until a future is cut off, until everything is closed.

use super::probe::Probe;
use super::sessions::open_ones;
use super::stage::{Stage, Verdict, breach};
use super::time::{leap, pass, within};
use super::watch::Step;
use crate::{Manager, Pool};
use std::time::Duration;

impl<M: Manager> Stage<M> {
    /// Every place of the pool can be lent at once, and what is lent works: nothing was lost.
    pub(super) async fn whole(&self, pool: &Pool<Probe<M>>, after: &str) -> Verdict {
        let limit = pool.status().limit;
        let mut leases = self.lend_all(pool).await?;
        for lease in &mut leases {
            self.useful(lease, &format!("a connection that was lent after {after}"))
                .await?;
        }
        self.sessions_become(u64::from(limit), &format!("{} after {after}", open_ones(limit)))
            .await?;
        drop(leases);
        self.rest(pool).await;
        Ok(())
    }

    /// Waits until the pool does nothing in the background. What does not end by itself is ended by its timeout.
    pub(super) async fn rest(&self, pool: &Pool<Probe<M>>) {
        self.watch.doing("waiting for the pool's background work");
        let work = || {
            let now = pool.status();
            let work = [
                (now.connecting, Step::Connect),
                (now.validating, Step::Validate),
                (now.resetting, Step::Reset),
                (now.closing, Step::Close),
            ];
            work.into_iter().find(|(count, _)| *count > 0).map(|(_, step)| step)
        };
        let done = async {
            while work().is_some() {
                pass(Duration::from_millis(1)).await;
            }
        };
        if within(self.grace(), done).await.is_none() {
            if let Some(step) = work() {
                let grace = self.grace();
                self.warn(format!(
                    "{step} did not end by itself within {grace:?}; its timeout had to end it"
                ));
            }
            self.time_out().await;
            while work().is_some() {
                pass(Duration::from_millis(1)).await;
            }
        }
    }

    /// How long something may take before the kit stops waiting for it to end by itself.
    pub(super) fn grace(&self) -> Duration {
        self.known.patience / 5
    }

    /// Waits until a future of this step's has come to its planned end, and lets its timeout drop it: at once, or `late`, when
    /// what it asked for may have come. False if it ended by itself before.
    pub(super) async fn cut(&self, step: Step, ended_before: u64, late: bool) -> bool {
        self.watch.doing(format!("waiting for {step}, to cut it off"));
        match self.watch.reaches_cut(step, ended_before, self.known.patience).await {
            Some(true) => {
                if late {
                    pass(Duration::from_millis(5)).await;
                }
                self.time_out().await;
                true
            }
            Some(false) => false,
            None => {
                self.watch.unplan(step);
                self.warn(format!("{step} never ran where it was to be cut off"));
                false
            }
        }
    }

    /// Lets every timeout of the pool's that runs now end, and no acquire.
    pub(super) async fn time_out(&self) {
        leap(self.known.patience + Duration::from_millis(2)).await;
    }

    /// Closes the pool; afterwards nobody has a connection of this check's. Sessions are `sessions-end`'s.
    pub(super) async fn end(&self, pool: Pool<Probe<M>>) -> Verdict {
        self.watch.doing("draining the pool");
        let report = pool.drain(self.known.patience * 2).await;
        if !report.completed {
            return breach(format!("the pool could not be drained: {report}"));
        }
        drop(pool);
        match self.watch.alive() {
            0 => Ok(()),
            alive => breach(format!("{alive} connections were alive after the pool was drained")),
        }
    }
}
