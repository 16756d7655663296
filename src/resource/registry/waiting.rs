//! Those who wait: through one connector at whichever stage, counted and failed together; and before one pool, in their order.
//!
//! **Locks**: each taken alone; nobody is told anything under it. Whoever takes an entry out decides what becomes of the request.

use crate::sync::primitives::Mutex;
use futures::channel::oneshot;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

#[derive(Default)]
pub(super) struct Waiting(Mutex<Line>);

#[derive(Default)]
struct Line {
    next: u64,
    /// How often the connector's gate was reopened.
    opening: u32,
    /// By number.
    cuts: BTreeMap<u64, Cut>,
}

struct Cut {
    /// Not before this opening of the gate did the request begin to wait.
    opening: u32,
    sender: oneshot::Sender<()>,
}

/// One who waits.
pub(super) struct Place<'a> {
    waiting: &'a Waiting,
    number: u64,
    cut: oneshot::Receiver<()>,
}

impl Waiting {
    pub(super) fn join(&self) -> Place<'_> {
        let (sender, cut) = oneshot::channel();
        let mut line = self.0.lock();
        let number = line.next;
        line.next += 1;
        let opening = line.opening;
        line.cuts.insert(number, Cut { opening, sender });
        Place {
            waiting: self,
            number,
            cut,
        }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.lock().cuts.len()).unwrap_or(u32::MAX)
    }

    /// Whoever comes in from now on has come since.
    pub(super) fn reopen(&self) {
        self.0.lock().opening += 1;
    }

    pub(super) fn opening(&self) -> u32 {
        self.0.lock().opening
    }

    /// Fails all. Returns how many.
    pub(super) fn clear(&self) -> usize {
        self.clear_until(u32::MAX)
    }

    /// Fails those that began to wait at this opening of the gate, or at an earlier one. Returns how many.
    pub(super) fn clear_until(&self, opening: u32) -> usize {
        let cuts: BTreeMap<u64, Cut> = {
            let mut line = self.0.lock();
            let all = std::mem::take(&mut line.cuts).into_iter();
            let (cuts, later) = all.partition(|(_, cut)| cut.opening <= opening);
            line.cuts = later;
            cuts
        };
        let cleared = cuts.len();
        for cut in cuts.into_values() {
            // Whoever is gone has left the line by itself.
            let _ = cut.sender.send(());
        }
        cleared
    }
}

impl Place<'_> {
    /// Ready when the request has been failed.
    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.cut).poll(cx).map(drop)
    }

    /// Whether nobody has decided yet what becomes of the request.
    pub(super) fn leave(&self) -> bool {
        let cut = self.waiting.0.lock().cuts.remove(&self.number);
        cut.is_some()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Those who wait for a connection of one pool, through whichever connectors.
#[derive(Default)]
pub(super) struct Queue(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    next: u64,
    waiting: BTreeSet<u64>,
}

/// A place among them.
pub(super) struct Turn {
    queue: Arc<Queue>,
    number: u64,
}

impl Queue {
    pub(super) fn join(self: &Arc<Self>) -> Turn {
        let mut numbers = self.0.lock();
        let number = numbers.next;
        numbers.next += 1;
        numbers.waiting.insert(number);
        let queue = self.clone();
        Turn { queue, number }
    }
}

impl Turn {
    /// Whether fewer than so many came earlier and wait still.
    pub(super) fn is_among_first(&self, count: u32) -> bool {
        let numbers = self.queue.0.lock();
        let earlier = numbers.waiting.range(..self.number).take(count as usize);
        earlier.count() < count as usize
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.0.lock().waiting.remove(&self.number);
    }
}
