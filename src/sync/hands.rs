//! Hands that wait for work: tasks beside the tender that take it by themselves, so that it costs neither a turn of the tender's
//! nor a task of its own.
//!
//! Work lies in a place of its caller's until somebody takes it. Who puts some there calls a hand *afterwards*, or else the tender;
//! a hand looks there, puts itself on the list, and before it sleeps asks *again* whether something lies there.
//!
//! | a hand is | left by |
//! |---|---|
//! | at work | the end of its work: it looks for more, then waits |
//! | waiting: its waker is on the list | a `call`, which takes it off; the end of its term |
//! | called | its next look, which may find that another one has taken the work |
//!
//! **Promise**: a hand that is called looks for work after that call, or it is dropped and says so, or its term has ended; who ends
//! it looks for work after `end`. So a hand never takes work off its place while it stands on the list: a call that met it there
//! would then be followed by no look.

use super::primitives::{Mutex, mutant};
use super::wakes::{discard, wake};
use std::task::{Context, Poll, Waker};

/// In `List::places`: that hand does not wait.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Default)]
struct List {
    /// Whose hands these are; 0 is nobody.
    term: u64,
    /// The last in is called first: it is still warm.
    waiting: Vec<(Number, Waker)>,
    /// Where each hand stands in `waiting`, by its number.
    places: Vec<u32>,
    /// Numbers of hands that have gone.
    free: Vec<Number>,
    /// So many more may go.
    spare: usize,
    /// The fewest that waited since somebody looked.
    fewest: usize,
}

/// A hand's number, drawn anew when it has gone.
pub(crate) type Number = u32;

impl List {
    fn push(&mut self, hand: Number, waker: Waker) {
        self.places[hand as usize] = self.waiting.len() as u32;
        self.waiting.push((hand, waker));
    }

    fn pop(&mut self) -> Option<Waker> {
        let (hand, waker) = self.waiting.pop()?;
        self.places[hand as usize] = NOWHERE;
        self.fewest = self.fewest.min(self.waiting.len());
        Some(waker)
    }

    fn remove(&mut self, hand: Number) -> Option<Waker> {
        let place = std::mem::replace(&mut self.places[hand as usize], NOWHERE);
        if place == NOWHERE {
            return None;
        }
        let (_, waker) = self.waiting.swap_remove(place as usize);
        if let Some((moved, _)) = self.waiting.get(place as usize) {
            self.places[*moved as usize] = place;
        }
        self.fewest = self.fewest.min(self.waiting.len());
        Some(waker)
    }

    /// Takes so many off the list, the rest stays.
    fn take(&mut self, count: usize) -> Vec<Waker> {
        let taken = (0..count).map_while(|_| self.pop()).collect();
        self.fewest = self.waiting.len();
        taken
    }
}

/// The lock is held for a few loads and stores, with no other.
#[derive(Debug)]
pub(crate) struct Hands(Mutex<List>);

impl Hands {
    pub(crate) fn new() -> Self {
        Hands(Mutex::new(List::default()))
    }

    /// A term begins: hands of an earlier one go.
    pub(crate) fn begin(&self, term: u64) {
        self.turn_over(|now| term > now, term);
    }

    /// A term ends: its hands go, and nobody is called until another one begins.
    pub(crate) fn end(&self, term: u64) {
        self.turn_over(|now| term == now, 0);
    }

    fn turn_over(&self, is_due: impl Fn(u64) -> bool, next: u64) {
        let gone = {
            let mut list = self.0.lock();
            if !is_due(list.term) {
                return;
            }
            (list.term, list.spare) = (next, 0);
            let all = if mutant!("ended_term_leaves_its_hands") {
                0
            } else {
                usize::MAX
            };
            list.take(all)
        };
        gone.into_iter().for_each(wake);
    }

    /// A new hand, if nobody waits.
    pub(crate) fn hire(&self) -> Option<Number> {
        let mut list = self.0.lock();
        if !list.waiting.is_empty() {
            return None;
        }
        Some(list.free.pop().unwrap_or_else(|| {
            list.places.push(NOWHERE);
            list.places.len() as Number - 1
        }))
    }

    /// Calls one that waits. False if there is none.
    pub(crate) fn call(&self) -> bool {
        let called = self.0.lock().pop();
        called.map(wake).is_some()
    }

    /// The next work for this hand, which `look` takes if there is some; `is_more` tells without taking it. `None` when it shall go:
    /// its term is over, or it can be spared.
    pub(crate) fn poll_take<T>(
        &self,
        term: u64,
        hand: Number,
        cx: &Context<'_>,
        mut look: impl FnMut() -> Option<T>,
        is_more: impl Fn() -> bool,
    ) -> Poll<Option<T>> {
        loop {
            if !self.rise(term, hand) {
                return Poll::Ready(None);
            }
            if let Some(work) = look() {
                return Poll::Ready(Some(work));
            }
            if !self.wait(term, hand, cx) {
                return Poll::Ready(None);
            }
            // Whoever put work there before that found nobody to call.
            if mutant!("hand_sleeps_at_once") || !is_more() {
                return Poll::Pending;
            }
            if mutant!("hand_works_on_the_list") {
                return look().map_or(Poll::Pending, |work| Poll::Ready(Some(work)));
            }
        }
    }

    /// Takes the hand off the list, if it was woken by something else than a call. False if its term is over.
    fn rise(&self, term: u64, hand: Number) -> bool {
        let (waker, is_due) = {
            let mut list = self.0.lock();
            (list.remove(hand), list.term == term)
        };
        discard(waker);
        is_due
    }

    /// Puts the hand on the list. False if it shall go.
    fn wait(&self, term: u64, hand: Number, cx: &Context<'_>) -> bool {
        let waker = cx.waker().clone();
        let mut list = self.0.lock();
        if list.term == term || mutant!("hand_outstays_its_term") {
            match list.spare.checked_sub(1) {
                None => {
                    list.push(hand, waker);
                    return true;
                }
                Some(spare) => list.spare = spare,
            }
        }
        drop(list);
        discard(Some(waker));
        false
    }

    /// This hand is gone for good. If nobody told it to go, somebody has to look: it may have been called.
    pub(crate) fn leave(&self, hand: Number) {
        let waker = {
            let mut list = self.0.lock();
            let waker = list.remove(hand);
            list.free.push(hand);
            waker
        };
        discard(waker);
    }

    /// Lets those go that were never needed since the last time; at `rest`, when no work is expected, all that wait.
    pub(crate) fn thin(&self, rest: bool) {
        let idle = {
            let mut list = self.0.lock();
            let idle = if rest {
                list.waiting.len()
            } else {
                list.fewest.min(list.waiting.len())
            };
            if !mutant!("spared_hand_stays") {
                list.spare += idle;
            }
            list.take(idle)
        };
        idle.into_iter().for_each(wake);
    }
}
