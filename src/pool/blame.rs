//! What a request that failed is told: whether the pool or the backend is to blame, and the circumstances.

use super::clock::between;
use super::error::{AcquireError, ConnectFailure, Phase, Refusal, Timeout};
use super::manager::Manager;
use super::shared::Shared;
use crate::observe::{Event, State};
use std::time::Duration;

impl<M: Manager> Shared<M> {
    /// The backend failed for good, or the pool is closed.
    pub(super) fn refuse(&self, failure: Option<ConnectFailure<M::Error>>) -> AcquireError<M::Error> {
        let closed = failure.is_none();
        self.tell(|| Event::Refused { closed });
        match failure {
            None => AcquireError::Closed(self.refusal(None)),
            Some(ConnectFailure::Error(error)) => AcquireError::Connect(error),
            Some(_) => AcquireError::ConnectPanicked,
        }
    }

    pub(crate) fn refusal(&self, last_connect: Option<ConnectFailure<M::Error>>) -> Box<Refusal<M::Error>> {
        Box::new(Refusal {
            pool: self.name.if_given(),
            backend: self.name.backend.clone(),
            last_connect,
        })
    }

    /// The circumstances of a request whose time ran out.
    pub(super) fn timeout(&self, waited: Duration) -> Timeout<M::Error> {
        let status = self.status();
        let phase = if status.state == State::Paused {
            Phase::Queue
        } else if status.validating > 0 && status.connecting == 0 {
            // Even where the limit is reached: a backend that is silent must not look like a pool that is busy.
            Phase::Validate
        } else if status.open() >= status.limit {
            Phase::Queue
        } else {
            Phase::Connect
        };
        Timeout {
            phase,
            waited,
            status,
            last_connect: self.faults.last(),
            connecting_for: self.tally.oldest_connect().map(|begun| between(begun, self.now())),
            pool: self.name.if_given(),
            backend: self.name.backend.clone(),
        }
    }
}
