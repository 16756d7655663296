//! The named future of one request: fast path, place in the line, outcome.
//!
//! It knows no clock: the floor above says what the deadline is and when it has come. Dropped while it waits it leaves the
//! line at once; dropped with a unit already assigned it gives that unit to the next in line.

use super::line::{Ask, Given, Joined, Line, Served};
use super::queue::{Failure, Ticket};
use super::stock::Stock;
use std::fmt;
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

/// A request over a [`Line`].
pub(crate) struct Wait<'a, S: Stock> {
    line: &'a Line<S>,
    ticket: Option<Ticket>,
}

impl<S: Stock> fmt::Debug for Wait<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

impl<'a, S: Stock> Wait<'a, S> {
    pub(crate) fn new(line: &'a Line<S>) -> Self {
        Wait { line, ticket: None }
    }

    /// Whether it stands in the line (or has been served there without knowing yet).
    pub(crate) fn queued(&self) -> bool {
        self.ticket.is_some()
    }

    /// This request's ticket, while it has one.
    pub(crate) fn ticket(&self) -> Option<u64> {
        self.ticket.as_ref().map(Ticket::number)
    }

    /// One poll after the fast path has failed: joins the line at first, then asks what has become of the ticket.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, ask: impl FnOnce() -> (u64, u64, u32)) -> Step<S::Unit> {
        let step = |poll, tell, joined| Step { poll, tell, joined };
        if self.ticket.is_some() {
            return step(ready(self.line.poll(&mut self.ticket, cx.waker())), false, false);
        }
        let (now, deadline, queue_limit) = ask();
        match self.line.join(Ask { waker: cx.waker().clone(), now, deadline, queue_limit }) {
            Joined::Unit { unit, stirred } => step(Poll::Ready(Ok(unit)), stirred, false),
            Joined::Queued { ticket, alarm } => {
                self.ticket = Some(ticket);
                step(Poll::Pending, alarm, true)
            }
            Joined::Full => step(Poll::Ready(Err(Ended::Full)), false, false),
            Joined::Closed => step(Poll::Ready(Err(Ended::Closed)), false, false),
        }
    }

    /// The deadline has come: leaves the line, unless a unit was assigned before.
    pub(crate) fn expire(&mut self) -> Poll<Result<S::Unit, Ended>> {
        let ticket = self.ticket.take().expect("bug: only a request in line can expire");
        ready(self.line.give_up(ticket))
    }

    /// Leaves the line. A unit assigned meanwhile is the caller's to give back.
    pub(crate) fn abandon(&mut self) -> Option<S::Unit> {
        self.ticket.take().and_then(|ticket| self.line.leave(ticket))
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

impl<S: Stock> Drop for Wait<'_, S> {
    fn drop(&mut self) {
        // Only a plain permit comes back here; a pool takes its slot out first, because a connection may have to be closed.
        if let Some(unit) = self.abandon() {
            match self.line.give(unit, 0, || 0) {
                Given::Kept | Given::Stirred | Given::Leaves(_) => {}
            }
        }
    }
}
