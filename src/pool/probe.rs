//! How a [`Status`] is gathered.

use super::clock::between;
use super::manager::Manager;
use super::shared::Shared;
use super::tally::Work;
use crate::observe::{State, Status, Watched};
use crate::sync::line::Phase;
use crate::sync::slots::MAX_SLOTS;

impl<M: Manager> Shared<M> {
    pub(crate) fn status(&self) -> Status {
        let counts = self.line.counts();
        let work = |work| self.tally.at(work);
        let (connecting, validating) = (work(Work::Connecting), work(Work::Validating));
        let (resetting, closing) = (work(Work::Resetting), work(Work::Closing));
        let elsewhere = counts.idle + connecting + validating + resetting + closing;
        Status {
            // A loose pool makes room as it goes.
            limit: if self.loose { MAX_SLOTS } else { counts.limit },
            idle: counts.idle,
            in_use: counts.occupied.saturating_sub(elsewhere),
            connecting,
            validating,
            resetting,
            closing,
            pending: counts.pending,
            oldest_wait: counts.oldest.map(|asked| between(asked, self.now())),
            generation: counts.epoch,
            state: match counts.phase {
                Phase::Open if counts.paused => State::Paused,
                Phase::Open => State::Open,
                Phase::Draining => State::Draining,
                Phase::Closed => State::Closed,
            },
            totals: self.tally.totals(self.leases(), self.line.tickets().0),
        }
    }
}

impl<M: Manager> Watched for Shared<M> {
    fn status(&self) -> Status {
        Shared::status(self)
    }

    fn min_idle(&self) -> u32 {
        self.live.options.lock().min_idle
    }
}
