//! The backend's own count of what is open, against the pool's.

use super::probe::Probe;
use super::stage::{Breach, Stage, Verdict, breach};
use super::time::{pass, within};
use crate::{Manager, Pool};
use std::time::Duration;

impl<M: Manager> Stage<M> {
    /// The backend's sessions now, when those of the check before have ended, if they ever do. What somebody else still had open when
    /// the kit began may end meanwhile: the lowest count is the measure, and the first one has to hold still for a while.
    pub(super) async fn quiet(&self) -> Option<u64> {
        let still = match *self.known.quiet.lock() {
            None => self.grace().as_millis() / 4,
            Some(_) => 0,
        };
        let settled = async {
            let (mut last, mut beats) = (self.sessions_now().await?, 0_u128);
            loop {
                let before = *self.known.quiet.lock();
                let lowest = before.map_or(last, |before| before.min(last));
                *self.known.quiet.lock() = Some(lowest);
                if last == lowest && beats >= still {
                    return Some(last);
                }
                pass(Duration::from_millis(1)).await;
                let now = self.sessions_now().await?;
                beats = if now == last { beats + 1 } else { 0 };
                last = now;
            }
        };
        match within(self.grace(), settled).await {
            Some(settled) => settled,
            None => self.sessions_now().await,
        }
    }

    async fn sessions_now(&self) -> Option<u64> {
        self.count_sessions().await.ok().flatten()
    }

    /// Neither the pool nor the backend has a connection of this check's any more.
    pub(super) async fn gone(&self, after: &str) -> Verdict {
        let alive = self.watch.alive();
        if alive > 0 {
            return breach(format!("{alive} connections were alive after {after}"));
        }
        self.sessions_become(0, after).await
    }

    /// The backend counts as many sessions as the pool has connections.
    pub(super) async fn sessions_match(&self, pool: &Pool<Probe<M>>, after: &str) -> Verdict {
        self.rest(pool).await;
        let open = pool.status().open();
        self.sessions_become(u64::from(open), &format!("{} {after}", open_ones(open)))
            .await
    }

    /// The backend counts so many sessions of this check's, sooner or later; yes, if nobody can tell.
    pub(super) async fn sessions_become(&self, wanted: u64, after: &str) -> Verdict {
        let mut count = None;
        let reached = async {
            loop {
                let now = self.count_sessions().await?;
                count = now.map(|now| now.saturating_sub(self.before.unwrap_or(0)));
                if count.is_none_or(|count| count == wanted) {
                    return Ok(());
                }
                pass(Duration::from_millis(1)).await;
            }
        };
        match within(self.grace() * 2, reached).await {
            Some(outcome) => outcome,
            None => breach(format!(
                "the backend counted {} sessions where there should be {wanted}: {after}",
                count.unwrap_or(0)
            )),
        }
    }

    async fn count_sessions(&self) -> Verdict<Option<u64>> {
        let Some(sessions) = &self.known.sessions else {
            return Ok(None);
        };
        let counted = self.ask("sessions", sessions(&self.manager)).await;
        let counted = counted.map_err(|error| Breach(format!("the closure `sessions` failed: {error}")));
        counted.map(Some)
    }
}

pub(super) fn open_ones(count: u32) -> String {
    match count {
        1 => "one connection is open".to_owned(),
        count => format!("{count} connections are open"),
    }
}
