//! The two lines of the house: a request joins, moves on, is given its connection, fails or leaves. It knows nothing of turns.
//!
//! Each step here moves one request from one stage to another; `house::Stage` has the table.

use super::error::KeyedStage;
use super::house::{Failure, House, Link, Outbox, Room, Stage, Waiting, Work};
use super::member::{Key, Member, trim};
use crate::pool::manager::Manager;
use crate::sync::line::{Phase, Refused};
use std::sync::Arc;
use std::task::Waker;

/// What became of an arrival.
pub(super) enum Joined<K: Key, M: Manager> {
    Served(Link<K, M>),
    Waits(u64),
    Full(u32),
    Closed,
}

/// What has become of a request.
pub(super) enum Seen<K: Key, M: Manager> {
    Served(Link<K, M>),
    Failed(Failure<M::Error>),
    Waits,
    /// It waits, and no or another waker is known: to be asked again with a clone of this one.
    Moved,
}

impl<K: Key, M: Manager> House<K, M> {
    /// Takes a connection or a place in line. The waker comes later, with `rewake`: who is served at once needs none.
    pub(super) fn join(
        &mut self,
        member: &Arc<Member<K, M>>,
        (asked, deadline): (u64, u64),
        out: &mut Outbox<K, M>,
    ) -> Joined<K, M> {
        if self.phase != Phase::Open {
            return Joined::Closed;
        }
        self.enter(member);
        if let Ok(link) = self.take_now(member, out) {
            return Joined::Served(link);
        }
        let id = self.next();
        let request = Waiting {
            member: member.clone(),
            waker: None,
            asked,
            deadline,
            stage: Stage::AtKey,
        };
        self.requests.insert(id, request);
        self.pending += 1;
        self.room(member.room).at_key.insert(id);
        self.settle(member.room, out);
        match &self.requests[&id].stage {
            Stage::Served(_) => match self.leave(id, out) {
                Stage::Served(link) => Joined::Served(*link),
                _ => unreachable!("bug: a request that was served is not"),
            },
            Stage::AtKey | Stage::InLine(_) => {
                let most = self.rules.options.queue_limit.unwrap_or(u32::MAX);
                // Whose turn has come does not stand in a line.
                if self.pending - self.admitted > most {
                    self.leave(id, out);
                    self.settle(member.room, out);
                    return Joined::Full(most);
                }
                Joined::Waits(id)
            }
            _ => Joined::Waits(id),
        }
    }

    /// Makes the room of a key in use.
    pub(super) fn enter(&mut self, member: &Arc<Member<K, M>>) {
        let room = self.rooms.entry(member.room);
        room.or_insert_with(|| Room::new(Arc::downgrade(member)));
    }

    /// A sound idle connection of this key, if nobody waits.
    pub(super) fn take_now(
        &mut self,
        member: &Arc<Member<K, M>>,
        out: &mut Outbox<K, M>,
    ) -> Result<Link<K, M>, Refused> {
        if self.rests <= self.now() {
            self.serve(out);
        }
        if self.phase != Phase::Open {
            return Err(Refused::Closed);
        }
        if self.paused {
            return Err(Refused::Paused);
        }
        let per_key = self.rules.per_key.unwrap_or(u32::MAX);
        let room = self.room(member.room);
        let waits = !room.at_key.is_empty() || !room.admitted.is_empty() || !room.aside.is_empty();
        let full = room.claims() >= per_key;
        if waits || !self.line.is_empty() {
            return Err(Refused::Waiting);
        }
        if full {
            return Err(Refused::Empty);
        }
        let link = self.take_idle(member.room).ok_or(Refused::Empty)?;
        if self.is_stale(&link) {
            self.shelve(link);
            return Err(Refused::Empty);
        }
        self.begin(member.room, Work::InUse);
        Ok(link)
    }

    /// What has become of a request; reading its end ends it. `fresh`, a clone of the waker, stays with a request that waits.
    pub(super) fn look(&mut self, id: u64, waker: &Waker, fresh: Option<Waker>, out: &mut Outbox<K, M>) -> Seen<K, M> {
        let request = self.requests.get_mut(&id).expect("bug: a request polled after its end");
        if matches!(request.stage, Stage::Served(_) | Stage::Failed(_)) {
            out.waker = fresh;
            return match self.leave(id, out) {
                Stage::Served(link) => Seen::Served(*link),
                Stage::Failed(why) => Seen::Failed(why),
                _ => unreachable!("bug: a settled request is not settled"),
            };
        }
        let known = request.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        match fresh {
            Some(fresh) => out.waker = request.waker.replace(fresh),
            None if !known => return Seen::Moved,
            None => {}
        }
        Seen::Waits
    }

    /// Ends a request wherever it is. A connection in what remains is the caller's.
    pub(super) fn leave(&mut self, id: u64, out: &mut Outbox<K, M>) -> Stage<K, M> {
        self.unlist(id);
        let request = self.requests.remove(&id).expect("bug: a request ended twice");
        trim(&mut self.requests);
        out.members.push(request.member);
        out.waker = out.waker.take().or(request.waker);
        request.stage
    }

    /// What a request of this room would wait for.
    pub(super) fn would_wait(&mut self, room: u64) -> KeyedStage {
        let full = !self.line.is_empty() || self.busy >= self.limit();
        let per_key = self.rules.per_key.unwrap_or(u32::MAX);
        if self.room(room).claims() >= per_key {
            KeyedStage::KeyLine
        } else if full {
            KeyedStage::Line
        } else {
            KeyedStage::Connect
        }
    }

    /// What a request waits for.
    pub(super) fn stage(&self, id: u64) -> KeyedStage {
        let request = &self.requests[&id];
        let work = self.rooms[&request.member.room].work;
        match request.stage {
            Stage::AtKey => KeyedStage::KeyLine,
            Stage::InLine(_) => KeyedStage::Line,
            Stage::Admitted(_) if work[Work::Connecting as usize] == 0 => KeyedStage::Validate,
            _ => KeyedStage::Connect,
        }
    }

    /// Takes a request out of whatever it stands in.
    fn unlist(&mut self, id: u64) {
        let Some(request) = self.requests.get(&id) else { return };
        let number = request.member.room;
        let room = self.rooms.get_mut(&number).expect("bug: a key in use without a room");
        match request.stage {
            Stage::AtKey => drop(room.at_key.remove(&id)),
            Stage::InLine(ticket) => {
                room.queued.remove(&ticket);
                self.line.remove(&ticket);
            }
            Stage::Aside(ticket) => {
                room.aside.remove(&ticket);
                if room.aside.is_empty() {
                    self.resting.remove(&number);
                }
            }
            Stage::Admitted(ticket) => {
                room.admitted.remove(&ticket);
                self.admitted -= 1;
            }
            Stage::Served(_) | Stage::Failed(_) => return,
        }
        self.pending -= 1;
    }

    fn set_stage(&mut self, id: u64, stage: Stage<K, M>) {
        let request = self.requests.get_mut(&id);
        request.expect("bug: a number in a line without its request").stage = stage;
    }

    fn finish(&mut self, id: u64, stage: Stage<K, M>, out: &mut Outbox<K, M>) {
        self.unlist(id);
        self.set_stage(id, stage);
        let request = self.requests.get_mut(&id);
        out.wakes.push(request.and_then(|request| request.waker.take()));
    }

    pub(super) fn fail(&mut self, id: u64, why: Failure<M::Error>, out: &mut Outbox<K, M>) {
        self.finish(id, Stage::Failed(why), out);
    }

    /// Assigns a connection that is in no place to a request: from now on that is lent.
    pub(super) fn assign(&mut self, id: u64, link: Link<K, M>, out: &mut Outbox<K, M>) {
        self.begin(link.member.room, Work::InUse);
        self.finish(id, Stage::Served(Box::new(link)), out);
    }

    /// The turn of a request has come, and a place is at work for it.
    pub(super) fn admit(&mut self, ticket: u64, id: u64) {
        self.unlist(id);
        self.pending += 1;
        self.admitted += 1;
        self.set_stage(id, Stage::Admitted(ticket));
        let room = self.requests[&id].member.room;
        self.room(room).admitted.insert(ticket, id);
    }

    /// Back into the shared line, by the old ticket.
    pub(super) fn enqueue(&mut self, ticket: u64, id: u64) {
        self.unlist(id);
        self.pending += 1;
        self.set_stage(id, Stage::InLine(ticket));
        let room = self.requests[&id].member.room;
        self.room(room).queued.insert(ticket, id);
        self.line.insert(ticket, id);
    }

    pub(super) fn step_aside(&mut self, ticket: u64, id: u64) {
        self.unlist(id);
        self.pending += 1;
        self.set_stage(id, Stage::Aside(ticket));
        let room = self.requests[&id].member.room;
        self.room(room).aside.insert(ticket, id);
        self.resting.insert(room);
    }

    /// Those who stepped aside come back to where they stood.
    pub(super) fn recall(&mut self, room: u64) {
        while let Some((&ticket, &id)) = self.room(room).aside.first_key_value() {
            self.enqueue(ticket, id);
        }
    }

    /// Back to the key's line, if the key's maximum was lowered below those who had passed it; the latest first.
    pub(super) fn send_back(&mut self, room: u64) {
        self.recall(room);
        while self.rules.per_key.is_some_and(|most| self.room(room).claims() > most) {
            let Some((_, &id)) = self.room(room).queued.last_key_value() else {
                return;
            };
            self.unlist(id);
            self.pending += 1;
            self.set_stage(id, Stage::AtKey);
            self.room(room).at_key.insert(id);
        }
    }

    /// Whether a request's time is out, which fails it.
    pub(super) fn expire(&mut self, id: u64, out: &mut Outbox<K, M>) -> bool {
        let deadline = self.requests[&id].deadline;
        let expired = deadline != u64::MAX && deadline <= self.now();
        if expired {
            self.fail(id, Failure::Expired(self.stage(id)), out);
        }
        expired
    }
}
