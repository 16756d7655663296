//! Places begin and end, and connections go to the shelf and come from it: each step keeps the counts of the house.

use super::house::{Errand, House, Link, Work};
use super::member::{Key, Member};
use crate::observe::CloseReason;
use crate::pool::clock::nanos;
use crate::pool::manager::Manager;
use crate::sync::line::Phase;
use std::sync::Arc;

impl<K: Key, M: Manager> House<K, M> {
    pub(super) fn begin(&mut self, room: u64, work: Work) {
        self.busy += 1;
        self.work[work as usize] += 1;
        self.room(room).work[work as usize] += 1;
    }

    pub(super) fn end(&mut self, room: u64, work: Work) {
        self.busy -= 1;
        self.work[work as usize] -= 1;
        self.room(room).work[work as usize] -= 1;
    }

    /// A place for a new connection; the keeper begins it.
    pub(super) fn promise(&mut self, member: Arc<Member<K, M>>) {
        let room = member.room;
        self.begin(room, Work::Connecting);
        self.room(room).openings.push(member);
        self.unopened.insert(room);
    }

    /// Closes the connection longest idle, to make room for `then`; of those whose key nobody waits for, if there is one.
    pub(super) fn make_room(&mut self, then: Arc<Member<K, M>>) {
        let unwanted = |link: &Link<K, M>| self.rooms[&link.member.room].queued.is_empty();
        let oldest = || self.shelf.keys().next().copied();
        let victim = self.shelf.iter().find(|(_, link)| unwanted(link)).map(|(&at, _)| at);
        let at = victim
            .or_else(oldest)
            .expect("bug: fewer are busy than the limit, nothing is vacant, and nothing is idle");
        let link = self.unshelve(at);
        self.tally.evicted += 1;
        self.making += 1;
        self.room(then.room).work[Work::Connecting as usize] += 1;
        // Nothing is wrong with it: there is no place for it any more.
        self.errand(link, Work::Closing, Some(then), CloseReason::Retired);
    }

    /// Sends a connection that is on no shelf and in no place to be closed.
    pub(super) fn dismiss(&mut self, link: Link<K, M>, reason: CloseReason) {
        self.errand(link, Work::Closing, None, reason);
    }

    pub(super) fn errand(
        &mut self,
        link: Link<K, M>,
        work: Work,
        then: Option<Arc<Member<K, M>>>,
        reason: CloseReason,
    ) {
        self.begin(link.member.room, work);
        self.errands.push_back(Errand {
            link,
            work,
            then,
            reason,
        });
    }

    // The shelf:

    pub(super) fn shelve(&mut self, link: Link<K, M>) {
        let idle_for = self.rules.options.idle_timeout.map_or(u64::MAX, nanos);
        let due = link.expires.min(link.used.saturating_add(idle_for));
        self.next_look = self.next_look.min(due);
        let (room, at) = (link.member.room, self.next());
        self.room(room).shelf.push_back(at);
        self.shelf.insert(at, link);
        self.recall(room);
    }

    pub(super) fn unshelve(&mut self, at: u64) -> Link<K, M> {
        let link = self
            .shelf
            .remove(&at)
            .expect("bug: an idle connection that is not on the shelf");
        self.room(link.member.room).shelf.retain(|&known| known != at);
        link
    }

    /// The connection of a room that was used last, if one is idle; those over age are sent away.
    pub(super) fn take_idle(&mut self, room: u64) -> Option<Link<K, M>> {
        let now = self.now();
        while let Some(at) = self.rooms.get_mut(&room).and_then(|room| room.shelf.pop_back()) {
            let link = self
                .shelf
                .remove(&at)
                .expect("bug: an idle connection that is not on the shelf");
            if link.expires > now {
                return Some(link);
            }
            self.dismiss(link, CloseReason::Lifetime);
        }
        None
    }

    /// Whether a connection must be validated before it is lent.
    pub(super) fn is_stale(&self, link: &Link<K, M>) -> bool {
        let after = self.rules.options.validate_after_idle;
        after.is_some_and(|after| self.now().saturating_sub(link.seen) >= nanos(after))
    }

    /// Whether a connection in nobody's hands may be used again.
    pub(super) fn keeps(&mut self, link: &Link<K, M>) -> bool {
        let (now, per_key) = (self.now(), self.rules.per_key);
        let solvent = self.staying() < self.limit() && self.phase != Phase::Closed;
        let (since, valid_from) = (link.begun, self.valid_from);
        let room = self.room(link.member.room);
        let room_valid = since > valid_from.max(room.valid_from);
        solvent && room_valid && link.expires > now && per_key.is_none_or(|most| room.staying() < most)
    }
}
