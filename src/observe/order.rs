//! The checker of promise P1: did a grant overtake an older ticket?
//!
//! A request with ticket *t* may be granted only when no ticket before *t* still waits; one that never had a ticket, only
//! when every ticket drawn before it was first polled has left the line. Both are judged from [`Order`], which the pool
//! gathers under the line's lock after the grant, so a ticket that is seen waiting has certainly not been served before.

use super::event::{Event, Order};
use super::observer::{Interest, Observer};
use crate::sync::primitives::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

/// Counts grants, how many of them happened while others waited, and how many overtook one of those.
///
/// ```
/// use fairpool::OrderChecker;
///
/// let checker = OrderChecker::new();
/// // … Pool::builder(manager).observer(checker.clone()) …
/// assert_eq!(checker.overtakings(), 0);
/// ```
#[derive(Debug)]
pub struct OrderChecker {
    grants: AtomicU64,
    overlaps: AtomicU64,
    overtakings: AtomicU64,
}

impl OrderChecker {
    /// A checker that has seen nothing yet.
    #[allow(clippy::new_ret_no_self)]
    pub fn new() -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        Arc::new(OrderChecker {
            grants: zero(),
            overlaps: zero(),
            overtakings: zero(),
        })
    }

    /// Grants seen.
    pub fn grants(&self) -> u64 {
        self.grants.load(Relaxed)
    }

    /// Grants that met others in the line: without a good number of them, no overtaking proves nothing.
    pub fn overlaps(&self) -> u64 {
        self.overlaps.load(Relaxed)
    }

    /// Grants that overtook an older ticket. P1 says: none, ever.
    pub fn overtakings(&self) -> u64 {
        self.overtakings.load(Relaxed)
    }

    fn judge(&self, order: &Order) {
        self.grants.fetch_add(1, Relaxed);
        if order.ticket.is_some() || order.still_waiting.is_some() {
            self.overlaps.fetch_add(1, Relaxed);
        }
        let bound = order.ticket.unwrap_or(order.drawn_before + 1);
        if order.still_waiting.is_some_and(|waiting| waiting < bound) {
            self.overtakings.fetch_add(1, Relaxed);
        }
    }
}

impl Observer for OrderChecker {
    fn on(&self, event: &Event) {
        if let Event::Acquired { order: Some(order), .. } = event {
            self.judge(order);
        }
    }

    fn interest(&self) -> Interest {
        Interest::RARE.with_order()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(drawn_before: u64, ticket: Option<u64>, still_waiting: Option<u64>) -> (u64, u64) {
        let checker = OrderChecker::new();
        let order = Some(Order {
            drawn_before,
            ticket,
            still_waiting,
        });
        checker.on(&Event::Acquired {
            waited: Default::default(),
            order,
        });
        (checker.overlaps(), checker.overtakings())
    }

    #[test]
    fn a_ticket_served_before_an_older_one_is_an_overtaking() {
        assert_eq!(verdict(0, Some(3), Some(2)), (1, 1));
        assert_eq!(verdict(0, Some(3), Some(4)), (1, 0));
    }

    #[test]
    fn a_newcomer_served_before_a_ticket_that_was_there_first_is_an_overtaking() {
        assert_eq!(verdict(5, None, Some(5)), (1, 1));
        assert_eq!(
            verdict(5, None, Some(6)),
            (1, 0),
            "ticket 6 was drawn after the newcomer asked"
        );
        assert_eq!(verdict(5, None, None), (0, 0));
    }
}
