//! Hands run the resets that guards leave in the lane.
//!
//! A hand is a task that the supervisor begins when a reset lies there and no hand waits. Then it takes further ones by itself: a
//! guard's drop wakes it, and so costs neither a turn of the supervisor nor a new task for each lease. There are hardly more than
//! were at work at once; they go when a tick finds them idle, and while they wait they keep no pool alive.

use super::super::held::Held;
use super::super::manager::Manager;
use super::super::shared::Shared;
use super::super::tally::Work;
use super::alarm::Alarm;
use super::tend::{close, reset};
use crate::sync::hands::{Hands, Number};
use std::future::poll_fn;
use std::sync::{Arc, Weak};

/// A hand's place among the others.
struct Hand<M: Manager> {
    shared: Weak<Shared<M>>,
    hands: Arc<Hands>,
    term: u64,
    number: Number,
    /// It was told to go.
    goes: bool,
}

impl<M: Manager> Drop for Hand<M> {
    fn drop(&mut self) {
        self.hands.leave(self.number);
        if self.goes {
            return;
        }
        // It may have been called for something that it will not do now.
        if let Some(shared) = self.shared.upgrade() {
            shared.poke();
        }
    }
}

impl<M: Manager> Shared<M> {
    /// Takes what a guard left to be done.
    pub(super) fn next_errand(self: &Arc<Self>) -> Option<Held<M>> {
        let errand = self.lane.pop()?;
        Some(Held::adopt(self.clone(), errand.slot, errand.work, errand.reason))
    }

    /// Has this reset, by a new hand that will take others, or where some wait already by a task that ends with it.
    pub(super) fn hire(self: &Arc<Self>, first: Held<M>, term: u64) {
        let hands = &self.desk.hands;
        let Some(number) = hands.hire() else {
            drop(tokio::spawn(async move { reset(first, &mut Alarm::default()).await }));
            return;
        };
        let hand = Hand {
            shared: Arc::downgrade(self),
            hands: hands.clone(),
            term,
            number,
            goes: false,
        };
        drop(tokio::spawn(hand.work(first)));
    }
}

impl<M: Manager> Hand<M> {
    async fn work(mut self, first: Held<M>) {
        let (mut next, mut alarm) = (Some(first), Alarm::default());
        while let Some(held) = next {
            match held.work() {
                Work::Resetting => reset(held, &mut alarm).await,
                // Left for the supervisor, which has been called for it, but a hand came first.
                _ => close(held).await,
            }
            // Resets that are ready at once must not keep the thread.
            tokio::task::coop::consume_budget().await;
            let look = || self.shared.upgrade()?.next_errand();
            let is_more = || self.shared.upgrade().is_some_and(|shared| !shared.lane.is_empty());
            next = poll_fn(|cx| self.hands.poll_take(self.term, self.number, cx, look, is_more)).await;
        }
        self.goes = true;
    }
}
