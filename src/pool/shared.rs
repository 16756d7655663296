//! What all handles, guards, requests and tasks of one pool share, and the small steps that every floor-mate needs.
//!
//! **Lock order**: the locks of the line, the desk, the hands, the faults and the options are each taken alone.

use super::clock::{Clock, between, nanos};
use super::desk::Desk;
use super::entry::{Entry, Meta};
use super::faults::Faults;
use super::hooks::Hooks;
use super::lane::{Errand, Lane};
use super::manager::Manager;
use super::name::Name;
use super::options::Options;
use super::tally::{Tally, Work, count};
use super::watch::Watch;
use super::whereabouts::current_runtime;
use crate::observe::{CloseReason, Event};
use crate::sync::cells::{Cells, Open, Slot};
use crate::sync::line::{Given, Line};
use crate::sync::primitives::{AtomicBool, AtomicU32, AtomicU64, Mutex, Ordering::*};
use crate::sync::slots::Slots;
use crate::sync::wakes::contained;
use tokio::sync::Notify;

/// A slot of a pool of this manager's.
pub(crate) type SlotOf<M> = Slot<Entry<<M as Manager>::Connection>>;

/// Such a slot with its cell.
pub(crate) type OpenOf<'a, M> = Open<'a, Entry<<M as Manager>::Connection>, Meta>;

pub(crate) struct Shared<M: Manager> {
    pub(crate) line: Line<Slots<Entry<M::Connection>>>,
    pub(crate) cells: Cells<Entry<M::Connection>, Meta>,
    pub(crate) lane: Lane<M::Connection>,
    pub(crate) manager: M,
    pub(crate) hooks: Hooks<M>,
    pub(crate) clock: Clock,
    pub(crate) live: Live,
    pub(crate) desk: Desk,
    pub(crate) faults: Faults<M::Error>,
    pub(crate) tally: Tally,
    pub(crate) watch: Watch,
    pub(crate) name: Name,
    /// Every connection is for one lease only (`loose`); such a pool is guarded too, so a release looks here.
    pub(crate) loose: bool,
    /// Told when a connection was opened or a slot became vacant: for those who warm up or drain.
    pub(crate) changed: Notify,
    /// Told when the pool goes on, drains or is closed: for requests that stand in no line (`loose`).
    pub(crate) turned: Notify,
}

/// The options, and what of them a request reads without the lock.
pub(crate) struct Live {
    pub(crate) options: Mutex<Options>,
    pub(crate) acquire_timeout: AtomicU64,
    pub(crate) queue_limit: AtomicU32,
    /// What a release must look at: `GUARDED`, `TIMED`. One word, so that it costs no more than one of them.
    pub(crate) care: AtomicU32,
    /// What the options and hooks ask for: `GUARDED` is that, or that nobody attends (`desk`).
    pub(crate) wary: AtomicBool,
    /// Connections that `warm_up` calls ask for.
    pub(crate) warm: AtomicU32,
    /// A `try_acquire` found nothing.
    pub(crate) asked: AtomicU32,
    /// What was in use last before this moment is validated before it is lent: a connection was found dead just then. 0 while
    /// none was.
    pub(crate) suspect_before: AtomicU64,
    /// When a drain turns into a close; `u64::MAX` while none goes on.
    pub(crate) drain_until: AtomicU64,
}

/// In `Live::care`: every connection is looked after before it is lent, since `before_acquire` is set, `validate_after_idle`
/// is zero, or no supervisor ticks.
pub(crate) const GUARDED: u32 = 1;
/// In `Live::care`, for good: some leases are timed.
pub(crate) const TIMED: u32 = 2;

impl Live {
    pub(crate) fn new(options: Options) -> Self {
        let live = Live {
            acquire_timeout: AtomicU64::new(0),
            queue_limit: AtomicU32::new(0),
            care: AtomicU32::new(0),
            wary: AtomicBool::new(false),
            warm: AtomicU32::new(0),
            asked: AtomicU32::new(0),
            suspect_before: AtomicU64::new(0),
            drain_until: AtomicU64::new(u64::MAX),
            options: Mutex::new(options),
        };
        live.publish(&live.options.lock());
        live
    }

    /// Writes the copies that are read without the lock.
    pub(crate) fn publish(&self, options: &Options) {
        self.acquire_timeout
            .store(options.acquire_timeout.map_or(u64::MAX, nanos), Relaxed);
        self.queue_limit.store(options.queue_limit.unwrap_or(u32::MAX), Relaxed);
    }
}

impl<M: Manager> Shared<M> {
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn options(&self) -> Options {
        self.live.options.lock().clone()
    }

    pub(crate) fn poke(&self) {
        self.desk.signal.poke();
    }

    /// Somebody left the line unserved: a drain may have waited for nobody else, and who is first now may have less time to wait for
    /// an attempt that hangs.
    pub(crate) fn line_shrank(&self) {
        let draining = self.live.drain_until.load(Relaxed) != u64::MAX;
        if draining || self.tally.at(Work::Connecting) + self.tally.at(Work::Validating) > 0 {
            self.poke();
        }
    }

    /// Calls those who warm up or drain; their wakers are somebody else's code.
    pub(crate) fn announce(&self) {
        contained(|| self.changed.notify_waiters());
    }

    /// Calls the requests that stand in no line.
    pub(crate) fn tell_the_lineless(&self) {
        contained(|| self.turned.notify_waiters());
    }

    /// Puts a connection into its slot that was opened at `born`, and made ready since.
    pub(crate) fn fill(&self, slot: &mut SlotOf<M>, conn: M::Connection, epoch: u32, born: u64) {
        let options = self.options();
        let meta = self.cells.meta(slot.number());
        meta.filled(self.now(), born, lifetime_end(&options, born));
        // A change of the age meanwhile has not met this connection.
        let later = self.options();
        if !later.same_ages(&options) {
            meta.set_expires(lifetime_end(&later, born));
        }
        let first_use = meta.uses();
        *self.cells.value_mut(slot) = Some(Entry {
            conn,
            epoch,
            home: here(),
            born,
            first_use,
        });
        count(&self.tally.opened);
    }

    /// Whether the runtime is another one now than that on which the connection was opened or last validated.
    pub(crate) fn is_from_elsewhere(&self, slot: &SlotOf<M>) -> bool {
        self.cells
            .value(slot)
            .as_ref()
            .is_some_and(|entry| entry.home != here())
    }

    /// Takes the connection out of its slot.
    pub(crate) fn empty(&self, slot: &mut SlotOf<M>) -> Option<M::Connection> {
        self.cells.meta(slot.number()).emptied();
        self.cells.value_mut(slot).take().map(|entry| entry.conn)
    }

    /// Drops whatever stands in the slot and makes it vacant. A panic in the connection's drop stays here.
    pub(crate) fn vacate(&self, mut slot: SlotOf<M>, leaving: bool, reason: CloseReason) -> u32 {
        if let Some(conn) = self.empty(&mut slot) {
            contained(|| drop(conn));
            self.gone(reason);
        }
        self.make_vacant(slot, leaving)
    }

    /// A connection has left the pool.
    pub(crate) fn gone(&self, reason: CloseReason) {
        count(&self.tally.closed);
        self.tell(|| Event::Closed { reason });
    }

    /// Makes an empty slot vacant, and tells whoever could use it. Returns how many are occupied still.
    pub(crate) fn make_vacant(&self, slot: SlotOf<M>, leaving: bool) -> u32 {
        let occupied = self.line.vacate(slot, leaving);
        self.announce();
        self.poke();
        occupied
    }

    /// Gives a slot back that nobody has used since it was lent or looked after. `checked`: it was just looked after.
    pub(crate) fn hand_back(&self, slot: SlotOf<M>, checked: bool) {
        // It may have grown old while it was worked on, or assigned to a request that never took it.
        if self.cells.meta(slot.number()).retires() {
            self.line.part();
            return self.send(slot, Work::Closing, CloseReason::Lifetime);
        }
        let epoch = self.cells.value(&slot).map_or(0, |entry| entry.epoch);
        let now = || self.now();
        let given = if checked {
            self.line.deliver(slot, epoch, now)
        } else {
            self.line.give(slot, epoch, now)
        };
        match given {
            Given::Kept => {}
            Given::Stirred => self.poke(),
            Given::Leaves(slot) => self.send(slot, Work::Closing, CloseReason::Retired),
        }
        if self.loose {
            // Whoever asked for it has gone, and here nothing is kept for the next one.
            self.dismiss(self.line.cull_stale(|_, _| true), CloseReason::Unpooled);
        }
    }

    /// What was idle, if it is fit to be lent as far as it knows itself: its end may have been noticed since it came back.
    #[inline(always)]
    pub(crate) fn vouched(&self, slot: SlotOf<M>) -> Option<OpenOf<'_, M>> {
        let mut open = self.cells.open(slot);
        let entry = open
            .value_mut()
            .as_mut()
            .expect("bug: an idle slot without a connection");
        if contained(|| self.manager.is_broken(&mut entry.conn)).unwrap_or(true) {
            self.bury(open.shut());
            return None;
        }
        Some(open)
    }

    #[cold]
    fn bury(&self, slot: SlotOf<M>) {
        self.suspect_idle();
        self.line.part();
        self.send(slot, Work::Closing, CloseReason::Broken);
    }

    /// A connection was found dead that nobody had ended: what is idle now may have died with it, and is validated before it is lent.
    /// Not again within `validate_after_idle`, so a pool whose connections often break validates each of the others at most twice in
    /// that time.
    #[cold]
    pub(crate) fn suspect_idle(&self) {
        let Some(after) = self.options().validate_after_idle else {
            return;
        };
        let (now, last) = (self.now(), self.live.suspect_before.load(Relaxed));
        if self.loose || last > 0 && now < last.saturating_add(nanos(after)) {
            return;
        }
        self.live.suspect_before.fetch_max(now + 1, Relaxed);
        self.line.shelve(now);
    }

    /// Sends a slot to a hand, or to the supervisor; where there is none, drops its connection. One to be closed was booked as leaving.
    pub(crate) fn send(&self, slot: SlotOf<M>, work: Work, reason: CloseReason) {
        self.tally.begin(work);
        self.lane.push(Errand { slot, work, reason });
        // The lane rule (`desk`): call, and look, only after the push.
        if work == Work::Resetting && self.desk.hands.call() {
            // The connection stays open, so the supervisor need not look whether somebody wants another one.
        } else if self.desk.staffed_for_sure() {
            self.poke()
        } else {
            self.sweep()
        }
    }

    /// Sends slots that leave, all for one reason.
    pub(crate) fn dismiss(&self, slots: Vec<SlotOf<M>>, reason: CloseReason) {
        for slot in slots {
            self.send(slot, Work::Closing, reason);
        }
    }

    /// Empties the lane where nobody awaits anything: connections are dropped, their slots vacant.
    pub(crate) fn sweep(&self) {
        while let Some(Errand { slot, work, reason }) = self.lane.pop() {
            self.vacate(slot, work == Work::Closing, reason);
            self.tally.end(work);
        }
    }

    /// Slots with a connection in them.
    pub(crate) fn filled(&self) -> u32 {
        (0..self.line.made())
            .filter(|&number| self.cells.meta(number).born().is_some())
            .count() as u32
    }

    /// Leases ended so far.
    pub(crate) fn leases(&self) -> u64 {
        (0..self.line.made()).map(|number| self.cells.meta(number).uses()).sum()
    }
}

impl<M: Manager> Drop for Shared<M> {
    /// The last handle, guard and task are gone. Idle connections are dropped; each may panic, and none may stop the rest.
    fn drop(&mut self) {
        self.desk.signal.poke();
        let (idle, _) = self.line.close();
        for slot in idle {
            self.vacate(slot, true, CloseReason::Retired);
        }
        self.sweep();
    }
}

/// When a connection born now is over age.
pub(crate) fn lifetime_end(options: &Options, born: u64) -> u64 {
    options.max_lifetime.map_or(u64::MAX, |lifetime| {
        let cut = lifetime.mul_f64(options.lifetime_jitter * fastrand::f64());
        born.saturating_add(nanos(lifetime.saturating_sub(cut))).max(1)
    })
}

/// A duration for an event: from then until now.
pub(crate) fn since<M: Manager>(shared: &Shared<M>, then: u64) -> std::time::Duration {
    between(then, shared.now())
}

/// The runtime of the current task; its number is a count, of which this many bits are enough.
pub(crate) fn here() -> u32 {
    current_runtime().unwrap_or(0) as u32
}
