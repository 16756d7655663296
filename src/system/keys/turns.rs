//! Whose turn it is.
//!
//! A request passes its key's line first, if there is a maximum for each key, and draws its ticket for the shared one at that
//! moment. Its turn in the shared line comes strictly by tickets, with two exceptions that `serve` argues.

use super::house::{House, Link, Outbox, Work};
use super::member::Key;
use crate::observe::CloseReason;
use crate::pool::manager::Manager;

impl<K: Key, M: Manager> House<K, M> {
    /// Everything that may follow from a change in this room.
    pub(super) fn settle(&mut self, room: u64, out: &mut Outbox<K, M>) {
        if self.room(room).until <= self.now() {
            self.recall(room);
        }
        self.balance(room, out);
        // What a caller left behind is for the first of its key, also if that one rests.
        if self.room(room).attempts() > self.room(room).admitted.len() {
            self.recall(room);
        }
        self.advance(room, out);
        self.serve(out);
        self.wind_up();
    }

    /// Has attempts follow demand: what has not begun is given up if nobody needs it, or while the backend rests; whom no
    /// attempt serves waits again.
    pub(super) fn balance(&mut self, number: u64, out: &mut Outbox<K, M>) {
        let rests = self.room(number).until > self.now();
        while rests || self.room(number).attempts() > self.room(number).admitted.len() {
            let Some(member) = self.room(number).openings.pop() else {
                break;
            };
            self.end(number, Work::Connecting);
            out.members.push(member);
        }
        if self.room(number).openings.is_empty() {
            self.unopened.remove(&number);
        }
        while self.room(number).attempts() < self.room(number).admitted.len() {
            let latest = self
                .room(number)
                .admitted
                .last_key_value()
                .map(|(&ticket, &id)| (ticket, id));
            let (ticket, id) = latest.expect("bug: more requests than none, and no last one");
            self.enqueue(ticket, id);
        }
    }

    /// From the key's line to the shared one, as far as the key's maximum allows.
    pub(super) fn advance(&mut self, number: u64, out: &mut Outbox<K, M>) {
        let per_key = self.rules.per_key.unwrap_or(u32::MAX);
        while self.room(number).claims() < per_key {
            let Some(&id) = self.room(number).at_key.first() else {
                return;
            };
            if !self.expire(id, out) {
                let ticket = self.next();
                self.enqueue(ticket, id);
            }
        }
    }

    /// Gives the first of those whose turn has come in this room a connection that is in no place, unless it is nobody's.
    pub(super) fn hand(&mut self, link: Link<K, M>, out: &mut Outbox<K, M>) -> Option<Link<K, M>> {
        while self.flows() {
            let first = self.room(link.member.room).admitted.first_key_value();
            let Some((_, &id)) = first else { break };
            if !self.expire(id, out) {
                self.assign(id, link, out);
                return None;
            }
        }
        Some(link)
    }

    /// Serves the shared line from its head, as far as the limit allows.
    ///
    /// Nobody is served before an older ticket in the line, except:
    /// - a request whose own backend holds it up stands aside, so that it holds up nobody else: while the backend rests after a
    ///   failed connect, or the key has its maximum because of a connection that is being closed. It keeps its ticket, and
    ///   stands where it stood when that is over;
    /// - with a `preference` of n, where room would have to be made for the head, a later request whose own key has an idle
    ///   connection is served first. `passers` are the tickets that were: those greater than a request's own are the ones that
    ///   passed it. Whoever stands behind the head has been passed by no more than the head, so looking at the head is enough
    ///   for the bound of n to hold for all; and as nothing above n matters, the n greatest tickets are all that is kept.
    pub(super) fn serve(&mut self, out: &mut Outbox<K, M>) {
        self.rouse(out);
        while let Some((&ticket, &id)) = self.line.first_key_value().filter(|_| self.flows()) {
            let room = self.requests[&id].member.room;
            if self.expire(id, out) {
                self.advance(room, out);
                continue;
            }
            if self.lend(ticket, id, out) {
                continue;
            }
            // An attempt that its request has left behind is as good as a new one.
            if self.room(room).attempts() > self.room(room).admitted.len() {
                self.admit(ticket, id);
                self.advance(room, out);
                continue;
            }
            let occupied = self.busy + self.shelf.len() as u32;
            if self.busy >= self.limit() || occupied > self.limit() {
                return;
            }
            let (now, per_key) = (self.now(), self.rules.per_key.unwrap_or(u32::MAX));
            if self.room(room).until > now || self.room(room).occupied() >= per_key {
                self.step_aside(ticket, id);
                continue;
            }
            let member = self.requests[&id].member.clone();
            if occupied < self.limit() {
                self.admit(ticket, id);
                self.promise(member);
                continue;
            }
            if let Some((later, other)) = self.preferred(ticket) {
                out.members.push(member);
                let room = self.requests[&other].member.room;
                if self.expire(other, out) {
                    self.advance(room, out);
                } else if self.lend(later, other, out) {
                    self.passers.insert(later);
                    self.tally.passed += 1;
                    self.forget_passers();
                }
                continue;
            }
            self.admit(ticket, id);
            self.make_room(member);
        }
    }

    /// Backends that have rested enough: whoever stands aside for them stands in line again.
    fn rouse(&mut self, out: &mut Outbox<K, M>) {
        let now = self.now();
        if now < self.rests {
            return;
        }
        let over = self.recovering.keys().filter(|room| self.rooms[room].until <= now);
        for room in over.copied().collect::<Vec<_>>() {
            out.members.extend(self.recovering.remove(&room));
            self.recall(room);
        }
        let ends = self.recovering.keys().map(|room| self.rooms[room].until);
        self.rests = ends.min().unwrap_or(u64::MAX);
    }

    /// Serves a request in line by an idle connection of its own key: at once, or by way of a validation.
    fn lend(&mut self, ticket: u64, id: u64, out: &mut Outbox<K, M>) -> bool {
        let room = self.requests[&id].member.room;
        let Some(link) = self.take_idle(room) else { return false };
        if self.is_stale(&link) {
            self.admit(ticket, id);
            self.errand(link, Work::Validating, None, CloseReason::Invalid);
        } else {
            self.assign(id, link, out);
        }
        true
    }

    /// The first request behind the head that could do with an idle connection of its own, if the head may still be passed.
    fn preferred(&self, head: u64) -> Option<(u64, u64)> {
        let passed = self.passers.range(head..).count();
        if passed >= self.rules.preference as usize {
            return None;
        }
        let rooms = self.shelf.values().map(|link| &self.rooms[&link.member.room]);
        let firsts = rooms.filter_map(|room| room.queued.first_key_value());
        firsts.map(|(&ticket, &id)| (ticket, id)).min()
    }

    /// Drops what no longer counts: all but the `preference` greatest, and now and then what is older than everybody who has
    /// not been served. Whoever stands aside or has his turn may stand in line again.
    pub(super) fn forget_passers(&mut self) {
        while self.passers.len() > self.rules.preference as usize {
            self.passers.pop_first();
        }
        // Looking at all rooms is worth it when there are many.
        if self.passers.len() >= 64 && self.passers.len().is_power_of_two() {
            let apart = self
                .rooms
                .values()
                .flat_map(|room| [room.aside.keys().next(), room.admitted.keys().next()]);
            let oldest = apart.flatten().chain(self.line.keys().next()).min();
            self.passers = oldest.map_or_else(Default::default, |oldest| self.passers.split_off(oldest));
        }
    }
}
