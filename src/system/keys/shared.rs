//! What all handles, guards, requests and tasks of one keyed pool share.
//!
//! **Lock order**: the locks of the house, the register, the desk and each key's faults are taken alone.

use super::house::{Errand, House, Outbox};
use super::member::{Key, Member, Register};
use crate::observe::Event;
use crate::pool::clock::Clock;
use crate::pool::desk::Desk;
use crate::pool::manager::Manager;
use crate::pool::name::Name;
use crate::pool::options::Options;
use crate::pool::watch::Watch;
use crate::sync::line::Phase;
use crate::sync::primitives::{AtomicU64, Mutex, Ordering::Relaxed};
use crate::sync::wakes::contained;
use std::sync::Arc;
use tokio::sync::Notify;

pub(super) type Make<K, M> = Box<dyn Fn(&K) -> M + Send + Sync>;

pub(super) struct Shared<K: Key, M: Manager> {
    pub(super) house: Mutex<House<K, M>>,
    pub(super) register: Register<K, M>,
    pub(super) make: Make<K, M>,
    pub(super) clock: Clock,
    pub(super) desk: Desk,
    /// Told of every change while the pool ends.
    pub(super) changed: Notify,
    pub(super) rooms_made: AtomicU64,
    pub(super) name: Name,
    pub(super) watch: Watch,
}

/// What a change of the house asks of others.
#[must_use = "the keeper must be told"]
pub(super) struct Calls {
    keeper: bool,
    ending: bool,
}

impl<K: Key, M: Manager> Shared<K, M> {
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn options(&self) -> Options {
        self.house.lock().rules.options.clone()
    }

    pub(super) fn next_room(&self) -> u64 {
        self.rooms_made.fetch_add(1, Relaxed)
    }

    /// Changes the house, then wakes and drops what left it.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut House<K, M>, &mut Outbox<K, M>) -> R) -> (R, Calls) {
        let mut out = Outbox::default();
        let (result, calls) = {
            let mut house = self.house.lock();
            let result = act(&mut house, &mut out);
            let ending = house.phase != Phase::Open;
            (
                result,
                Calls {
                    keeper: house.calls(),
                    ending,
                },
            )
        };
        let Outbox { wakes, members, waker } = out;
        wakes.call();
        contained(|| drop((members, waker)));
        (result, calls)
    }

    /// The same, from where nobody could start a keeper.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut House<K, M>, &mut Outbox<K, M>) -> R) -> R {
        let (result, calls) = self.act(act);
        self.tell(calls);
        result
    }

    /// Tells the keeper what there is to do; where there is none, its errands end here.
    pub(super) fn tell(&self, calls: Calls) {
        if calls.keeper {
            // The lane rule (`pool::desk`): look only after the errand lies in the house.
            if self.desk.staffed_for_sure() {
                self.desk.signal.poke();
            } else {
                self.sweep();
            }
        }
        if calls.ending {
            self.announce();
        }
    }

    /// Calls those who wait for the end of the pool; their wakers are somebody else's code.
    pub(super) fn announce(&self) {
        contained(|| self.changed.notify_waiters());
    }

    /// Ends errands where nobody awaits anything: connections are dropped, their places vacant.
    pub(super) fn sweep(&self) {
        loop {
            let errand = self.house.lock().errands.pop_front();
            let Some(Errand {
                link,
                work,
                then,
                reason,
            }) = errand
            else {
                return;
            };
            let member = link.member.clone();
            contained(|| drop(link));
            self.report(|| Event::Closed { reason });
            // Not by `with`, which would come back here; whoever waits is woken, and looks for a keeper.
            let ((), calls) = self.act(|house, out| {
                house.tally.closed += 1;
                house.vacate(member.room, work, then, out);
            });
            if calls.ending {
                self.announce();
            }
            contained(|| drop(member));
        }
    }
}

impl<K: Key, M: Manager> Drop for Shared<K, M> {
    /// The last handle, guard, request and task are gone. Each drop of a connection may panic, and none may stop the rest.
    fn drop(&mut self) {
        self.desk.signal.poke();
        // Whatever is users' code is dropped piece by piece: this may be a guard's drop.
        let (shelf, errands, recovering) = {
            let mut house = self.house.lock();
            (
                std::mem::take(&mut house.shelf),
                std::mem::take(&mut house.errands),
                std::mem::take(&mut house.recovering),
            )
        };
        shelf.into_values().for_each(bury);
        errands.into_iter().for_each(bury);
        recovering.into_values().for_each(bury);
        let keys = std::mem::take(&mut *self.register.0.lock());
        keys.into_keys().for_each(bury);
        bury(std::mem::replace(
            &mut self.make,
            Box::new(|_| unreachable!("bug: a manager made for no pool")),
        ));
    }
}

/// Drops it; a panic in that stays here.
fn bury<T>(last: T) {
    contained(|| drop(last));
}

impl<K: Key, M: Manager> Shared<K, M> {
    /// The member of a key, made if it is not in use.
    pub(super) fn member(self: &Arc<Self>, key: &K) -> Arc<Member<K, M>> {
        self.register.member(key, self)
    }
}
