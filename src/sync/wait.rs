//! One request's place in the line, as the floors above poll it.
//!
//! It knows no clock: the floor above says what the deadline is and when it has come. Whoever drops a request that waits
//! leaves the line at once; if a unit had been assigned to it, that unit goes to the next in line.

use super::line::{Ask, Joined, Line, Served};
use super::queue::{Failure, Ticket};
use super::stock::Stock;
use std::task::{Context, Poll};

/// Why a wait ended without a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The line was full, and this request never joined it.
    Full,
    Closed,
    Expired,
    Cleared,
    Fault,
}

/// What one poll came to, and whether whoever tends the line must be told of a new earliest deadline or a stirred stock.
pub(crate) struct Step<U> {
    pub(crate) poll: Poll<Result<U, Ended>>,
    pub(crate) tell: bool,
    /// This poll joined the line.
    pub(crate) joined: bool,
}

/// A request's place in a line, while it has one. Its owner ends it with `abandon` or by polling it to the end.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<Ticket>);

impl Place {
    /// Whether it stands in the line (or has been served there without knowing yet).
    pub(crate) fn queued(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn ticket(&self) -> Option<u64> {
        self.0.as_ref().map(Ticket::number)
    }

    /// One poll after the fast path has failed: joins the line at first (`ask`: now, deadline, queue limit), then asks what
    /// has become of the ticket.
    #[inline]
    pub(crate) fn poll<S: Stock>(
        &mut self,
        line: &Line<S>,
        cx: &mut Context<'_>,
        ask: impl FnOnce() -> (u64, u64, u32),
    ) -> Step<S::Unit> {
        let step = |poll, tell, joined| Step { poll, tell, joined };
        if self.0.is_some() {
            return step(ready(line.poll(&mut self.0, cx.waker())), false, false);
        }
        let (now, deadline, queue_limit) = ask();
        match line.join(Ask {
            waker: cx.waker().clone(),
            now,
            deadline,
            queue_limit,
        }) {
            Joined::Unit { unit, stirred } => step(Poll::Ready(Ok(unit)), stirred, false),
            Joined::Queued { ticket, tell } => {
                self.0 = Some(ticket);
                step(Poll::Pending, tell, true)
            }
            Joined::Full => step(Poll::Ready(Err(Ended::Full)), false, false),
            Joined::Closed => step(Poll::Ready(Err(Ended::Closed)), false, false),
        }
    }

    /// The deadline has come: leaves the line, unless a unit was assigned before.
    pub(crate) fn expire<S: Stock>(&mut self, line: &Line<S>) -> Poll<Result<S::Unit, Ended>> {
        let ticket = self.0.take().expect("bug: only a request in line can expire");
        ready(line.give_up(ticket))
    }

    /// Leaves the line. A unit assigned meanwhile is the caller's to give back.
    pub(crate) fn abandon<S: Stock>(&mut self, line: &Line<S>) -> Option<S::Unit> {
        self.0.take().and_then(|ticket| line.leave(ticket))
    }
}

fn ready<U>(served: Served<U>) -> Poll<Result<U, Ended>> {
    match served {
        Served::NotYet => Poll::Pending,
        Served::Unit(unit) => Poll::Ready(Ok(unit)),
        Served::Failed(Failure::Expired) => Poll::Ready(Err(Ended::Expired)),
        Served::Failed(Failure::Cleared) => Poll::Ready(Err(Ended::Cleared)),
        Served::Failed(Failure::Closed) => Poll::Ready(Err(Ended::Closed)),
        Served::Failed(Failure::Fault) => Poll::Ready(Err(Ended::Fault)),
    }
}
