//! Whether the supervisor still listens, as whoever waits on another runtime sees it.
//!
//! A supervisor whose runtime ends leaves its desk. One whose runtime lives but is not driven (kept and never polled again, or
//! blocked) would stay there, and nothing would be opened for anybody. So whoever waits elsewhere calls it after a while, and
//! if it has not listened by the next look, replaces it. A short wait costs nothing for that; a long one calls ever more rarely.

use super::manager::Manager;
use super::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// From the beginning of a wait to the first look, and from there to the next.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often that doubles at most.
const DOUBLINGS: u32 = 4;

#[derive(Debug, Default)]
pub(crate) struct Lookout {
    looks: u32,
    /// How far the supervisor had listened at the last look.
    heard: u64,
}

impl Lookout {
    /// When to look next.
    pub(crate) fn next(&self, now: u64) -> u64 {
        let doublings = self.looks.saturating_sub(1).min(DOUBLINGS);
        now.saturating_add((PATIENCE.as_nanos() as u64) << doublings)
    }

    /// Calls the supervisor; replaces it by one on the runtime we are on, if it has not listened since the last look.
    pub(crate) fn look<M: Manager>(&mut self, shared: &Arc<Shared<M>>) {
        let heard = shared.desk.signal.call();
        let silent = self.looks > 0 && heard == self.heard;
        self.looks = self.looks.saturating_add(1);
        self.heard = heard;
        if silent {
            shared.take_over(heard);
        }
    }
}
