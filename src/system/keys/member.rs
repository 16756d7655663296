//! The keys that are in use, each with the manager that was made for it.
//!
//! A member lives as long as anybody holds it: a request, a connection wherever it is, a place promised to its key, or the
//! house while its backend rests. Its drop takes its room out of the house, its key out of the register, and the manager with it.
//!
//! The register's lock is the only one under which users' code runs: `Hash` and `Eq` of the key. It is taken with no other
//! one held, and a member is never dropped under it.

use super::shared::Shared;
use crate::pool::faults::Faults;
use crate::pool::manager::Manager;
use crate::sync::primitives::{Mutex, OnceLock};
use crate::sync::wakes::contained;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

/// What can be a key of a [`Keyed`](crate::Keyed) pool: a user, a host, a tenant. `Hash` and `Eq` must not use the pool.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + Send + Sync + 'static> Key for T {}

pub(super) struct Member<K: Key, M: Manager> {
    pub(super) key: Arc<K>,
    /// Its number in the house, never used again.
    pub(super) room: u64,
    /// Made before the first connect.
    manager: OnceLock<M>,
    pub(super) faults: Faults<M::Error>,
    shared: Weak<Shared<K, M>>,
}

/// Members by key. An entry whose member is gone is about to be taken out, or replaced.
pub(super) struct Register<K: Key, M: Manager>(pub(super) Mutex<Members<K, M>>);

type Members<K, M> = HashMap<Arc<K>, Weak<Member<K, M>>>;

impl<K: Key, M: Manager> Register<K, M> {
    pub(super) fn new() -> Self {
        Register(Mutex::new(HashMap::new()))
    }

    /// The member of a key that is in use.
    pub(super) fn find(&self, key: &K) -> Option<Arc<Member<K, M>>> {
        self.0.lock().get(key).and_then(Weak::upgrade)
    }

    /// The member of a key.
    pub(super) fn member(&self, key: &K, shared: &Arc<Shared<K, M>>) -> Arc<Member<K, M>> {
        if let Some(member) = self.find(key) {
            return member;
        }
        let fresh = Arc::new(Member {
            key: Arc::new(key.clone()),
            room: shared.next_room(),
            manager: OnceLock::new(),
            faults: Faults::new(),
            shared: Arc::downgrade(shared),
        });
        let mut members = self.0.lock();
        // Somebody else may have been quicker; ours is then dropped after the lock.
        let known = members.get(key).and_then(Weak::upgrade);
        if known.is_none() {
            members.insert(fresh.key.clone(), Arc::downgrade(&fresh));
        }
        drop(members);
        known.unwrap_or(fresh)
    }

    /// Takes the entry of a member that ends, unless it is another's by now.
    fn remove(&self, member: &Member<K, M>) {
        let mut members = self.0.lock();
        let ours = members
            .get(&*member.key)
            .is_some_and(|known| std::ptr::eq(known.as_ptr(), member));
        let gone = ours.then(|| members.remove_entry(&*member.key));
        trim(&mut members);
        drop(members);
        drop(gone);
    }
}

impl<K: Key, M: Manager> Member<K, M> {
    /// The manager, made if nobody has needed it yet. A panic of `make` is the caller's to contain.
    pub(super) fn manager_by(&self, make: impl FnOnce(&K) -> M) -> &M {
        self.manager.get_or_init(|| make(&self.key))
    }

    /// The manager of a key that has had a connection.
    pub(super) fn manager(&self) -> &M {
        self.manager.get().expect("bug: a connection without its manager")
    }
}

impl<K: Key, M: Manager> Drop for Member<K, M> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let room = {
                let mut house = shared.house.lock();
                let room = house.rooms.remove(&self.room);
                trim(&mut house.rooms);
                room
            };
            drop(room);
            // `Eq` of the key and the manager's drop are users' code, and this may be a guard's drop.
            contained(|| shared.register.remove(self));
        }
        contained(|| drop(self.manager.take()));
    }
}

/// Gives back the memory of a crowd that has gone. A map shrinks to twice its size, so that each entry pays for it once.
pub(super) fn trim<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 1_024 && map.len() < map.capacity() / 8 {
        map.shrink_to(2 * map.len());
    }
}
