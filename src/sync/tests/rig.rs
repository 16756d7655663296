//! A line over slots with cells behind them, and requests whose wake-ups are counted.
//!
//! Every slot that passes through a [`Rig`] has its cell written as it comes and as it goes, so loom's cell check and the
//! count beside the value watch each hand-over of every test.

use crate::sync::cells::{Cells, Slot};
use crate::sync::line::{Ask, Given, Joined, Line, Phase, Served};
use crate::sync::queue::{Failure, NEVER, Ticket};
use crate::sync::slots::Slots;
use crate::sync::upkeep::Sift;
use loom::thread::{self, JoinHandle};
use std::cmp::Reverse;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Wake, Waker};

/// Counts its calls.
#[derive(Default)]
pub(super) struct Bell(AtomicU64);

impl Bell {
    pub(super) fn rung(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Moments in the order in which this execution came to them.
#[derive(Default)]
pub(super) struct Clock(AtomicU64);

impl Clock {
    pub(super) fn stamp(&self) -> u64 {
        self.0.fetch_add(1, Relaxed)
    }
}

/// What everybody may read of a slot.
#[derive(Default)]
pub(super) struct Meta {
    /// How often its cell was written.
    pub(super) writes: AtomicU64,
    pub(super) epoch: AtomicU64,
}

pub(super) struct Line1 {
    pub(super) line: Line<Slots<u64>>,
    pub(super) cells: Cells<u64, Meta>,
}

#[derive(Clone)]
pub(super) struct Rig(Arc<Line1>);

impl Deref for Rig {
    type Target = Line1;

    fn deref(&self) -> &Line1 {
        &self.0
    }
}

/// What a request has come to.
pub(super) enum Request {
    /// Served without waiting.
    Has(Slot<u64>),
    Waits(Ticket, Arc<Bell>),
    Full,
    Refused,
}

/// What became of it in the end.
#[derive(Debug)]
pub(super) enum End {
    Unit(Slot<u64>),
    Waits,
    Failed(Failure),
    Refused,
}

impl Rig {
    /// A line of vacant slots.
    pub(super) fn new(limit: u32, homes: usize) -> Rig {
        Rig::with_margin(limit, homes, NEVER)
    }

    /// A line that looks at the clock only so long before a deadline; the others always look.
    pub(super) fn with_margin(limit: u32, homes: usize, margin: u64) -> Rig {
        let rig = Rig(Arc::new(Line1 {
            line: Line::slots(limit, homes, false, margin),
            cells: Cells::new(),
        }));
        rig.cells.reach(limit);
        rig
    }

    /// A line whose slots are all occupied, and in the caller's hands.
    pub(super) fn held<const N: usize>(homes: usize) -> (Rig, [Slot<u64>; N]) {
        Rig::held_with_margin(homes, NEVER)
    }

    pub(super) fn held_with_margin<const N: usize>(homes: usize, margin: u64) -> (Rig, [Slot<u64>; N]) {
        let rig = Rig::with_margin(N as u32, homes, margin);
        let slots = std::array::from_fn(|_| rig.occupy().expect("all are vacant"));
        (rig, slots)
    }

    /// A line whose slots are all idle.
    pub(super) fn idle(slots: u32, homes: usize) -> Rig {
        let rig = Rig::new(slots, homes);
        for _ in 0..slots {
            let slot = rig.occupy().expect("all are vacant");
            assert!(kept(rig.give(slot)));
        }
        rig
    }

    /// A line with one slot occupied, of this number, and in the caller's hands.
    pub(super) fn with_number(number: u32) -> (Rig, Slot<u64>) {
        let rig = Rig::new(1, 1);
        rig.cells.reach(number + 1);
        rig.line.core.lock().back.made = number;
        rig.set_limit(number + 1);
        let slot = rig.occupy().expect("one is vacant");
        (rig, slot)
    }

    /// Occupies this number, as if it had become vacant.
    pub(super) fn occupy_again(&self, number: u32) -> Slot<u64> {
        self.line.core.lock().back.spare.push(Reverse(number));
        let slot = self.occupy().expect("the limit allows it");
        assert_eq!(slot.number(), number);
        slot
    }

    pub(super) fn spawn<R: 'static>(&self, run: impl FnOnce(&Rig) -> R + 'static) -> JoinHandle<R> {
        let rig = self.clone();
        thread::spawn(move || run(&rig))
    }
}

impl Line1 {
    pub(super) fn occupy(&self) -> Option<Slot<u64>> {
        let (mut slot, epoch) = self.line.occupy()?;
        self.cells.meta(slot.number()).epoch.store(u64::from(epoch), Relaxed);
        self.touch(&mut slot);
        Some(slot)
    }

    /// Writes the slot's cell and finds there what the last holder wrote.
    pub(super) fn touch(&self, slot: &mut Slot<u64>) {
        let before = self.cells.meta(slot.number()).writes.fetch_add(1, Relaxed);
        let value = self.cells.value_mut(slot);
        assert_eq!(value.unwrap_or(0), before, "the last holder's write was not seen");
        *value = Some(before + 1);
    }

    /// The lock-free acquire, from a given home word.
    pub(super) fn take(&self, home: usize) -> Option<Slot<u64>> {
        self.line.stock.take_from(home).map(|number| self.received(number))
    }

    /// The slot of a number that has just left the stock.
    pub(super) fn received(&self, number: u32) -> Slot<u64> {
        let mut slot = Slot::of(number);
        self.touch(&mut slot);
        slot
    }

    /// As if the slot's connection had been made anew.
    pub(super) fn renew(&self, slot: &Slot<u64>) {
        let epoch = u64::from(self.line.counts().epoch);
        self.cells.meta(slot.number()).epoch.store(epoch, Relaxed);
    }

    pub(super) fn epoch(&self, slot: &Slot<u64>) -> u32 {
        self.cells.meta(slot.number()).epoch.load(Relaxed) as u32
    }

    pub(super) fn give(&self, slot: Slot<u64>) -> Given<Slot<u64>> {
        self.give_at(slot, 0)
    }

    /// `give` by somebody whose clock says `now`.
    pub(super) fn give_at(&self, mut slot: Slot<u64>, now: u64) -> Given<Slot<u64>> {
        self.touch(&mut slot);
        let epoch = self.epoch(&slot);
        let mut given = self.line.give(slot, epoch, || now);
        if let Given::Leaves(slot) = &mut given {
            self.touch(slot);
        }
        given
    }

    /// An acquire as the floor above makes it: the words first, then the line.
    pub(super) fn request(&self, home: usize) -> Request {
        self.request_until(home, NEVER).0
    }

    /// `request` with a deadline, and whether it must be told to whoever tends the line.
    pub(super) fn request_until(&self, home: usize, deadline: u64) -> (Request, bool) {
        match self.take(home) {
            Some(slot) => (Request::Has(slot), false),
            None => self.join(deadline, u32::MAX),
        }
    }

    /// The slow half of an acquire alone.
    pub(super) fn join(&self, deadline: u64, queue_limit: u32) -> (Request, bool) {
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(bell.clone());
        match self.line.join(Ask {
            waker,
            now: 0,
            deadline,
            queue_limit,
        }) {
            Joined::Unit { mut unit, stirred } => {
                self.touch(&mut unit);
                (Request::Has(unit), stirred)
            }
            Joined::Queued { ticket, tell } => (Request::Waits(ticket, bell), tell),
            Joined::Full => (Request::Full, false),
            Joined::Closed => (Request::Refused, false),
        }
    }

    /// Polls a ticket once more; whoever was served in line must have been woken for it.
    pub(super) fn look(&self, request: Request) -> Result<End, Request> {
        let (ticket, bell) = match request {
            Request::Has(slot) => return Ok(End::Unit(slot)),
            Request::Full | Request::Refused => return Ok(End::Refused),
            Request::Waits(ticket, bell) => (ticket, bell),
        };
        let mut ticket = Some(ticket);
        let served = self.line.poll(&mut ticket, &Waker::from(bell.clone()));
        match served {
            Served::NotYet => Err(Request::Waits(ticket.expect("it waits"), bell)),
            Served::Unit(mut unit) => {
                self.touch(&mut unit);
                Ok(End::Unit(unit))
            }
            Served::Failed(why) => Ok(End::Failed(why)),
        }
    }

    /// What a request has come to when every other thread has ended.
    pub(super) fn end(&self, request: Request) -> End {
        let bell = match &request {
            Request::Waits(_, bell) => Some(bell.clone()),
            _ => None,
        };
        match (self.look(request), bell) {
            (Ok(end), Some(bell)) => {
                assert_eq!(bell.rung(), 1, "{end:?} without its waker called once: a lost wake-up");
                end
            }
            (Ok(end), None) => end,
            (Err(Request::Waits(ticket, _)), _) => {
                let _ = self.line.leave(ticket);
                End::Waits
            }
            (Err(_), _) => unreachable!("only a waiting request can go on waiting"),
        }
    }

    /// The unit a request must have by now.
    pub(super) fn unit(&self, request: Request) -> Slot<u64> {
        let idle = self.line.counts().idle;
        match self.end(request) {
            End::Unit(slot) => slot,
            other => panic!("{other:?} with {idle} idle: a lost wake-up"),
        }
    }

    pub(super) fn set_limit(&self, limit: u32) -> Vec<Slot<u64>> {
        self.gone(self.line.set_limit(limit, || 0))
    }

    pub(super) fn invalidate(&self) -> Vec<Slot<u64>> {
        self.gone(self.line.invalidate())
    }

    pub(super) fn sift(&self, judge: impl FnMut(u32) -> Sift) -> Vec<Slot<u64>> {
        self.gone(self.line.sift(judge))
    }

    pub(super) fn drain(&self) -> Vec<Slot<u64>> {
        self.gone(self.line.drain(|| 0))
    }

    /// The slots that leave, and how many requests failed.
    pub(super) fn close(&self) -> (Vec<Slot<u64>>, usize) {
        let (gone, failed) = self.line.close();
        (self.gone(gone), failed)
    }

    /// Touches what leaves at once: a join of another thread would show everything anyhow.
    fn gone(&self, mut gone: Vec<Slot<u64>>) -> Vec<Slot<u64>> {
        gone.iter_mut().for_each(|slot| self.touch(slot));
        gone
    }

    /// Takes a leaving slot apart.
    pub(super) fn vacate(&self, mut slot: Slot<u64>) -> u32 {
        self.touch(&mut slot);
        *self.cells.value_mut(&mut slot) = None;
        self.cells.meta(slot.number()).writes.store(0, Relaxed);
        self.line.vacate(slot, true)
    }

    /// Every thread has ended, every request was looked at, and `hands` slots are held by the test.
    pub(super) fn at_rest(&self, hands: u32) {
        let counts = self.line.counts();
        let leaving = self.line.core.lock().back.leaving;
        assert!(
            counts.occupied <= counts.limit || leaving >= counts.occupied - counts.limit || hands > 0,
            "{counts:?}"
        );
        assert_eq!(
            counts.idle + hands + leaving,
            counts.occupied,
            "a slot is lost or in two places: {counts:?}"
        );
        let held = counts.paused || counts.phase == Phase::Closed;
        assert!(
            counts.pending == 0 || counts.idle == counts.stale || held,
            "waiting beside an idle slot: {counts:?}"
        );
    }
}

/// Whether a slot given back stays in use.
pub(super) fn kept(given: Given<Slot<u64>>) -> bool {
    match given {
        Given::Kept | Given::Stirred => true,
        Given::Leaves(_) => false,
    }
}
