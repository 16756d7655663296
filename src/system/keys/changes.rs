//! What befalls the house: places end, backends fail, time passes, and an operator changes the rules.

use super::house::{Errand, Failure, House, Link, Outbox, Rules, Stage, Work};
use super::member::{Key, Member};
use crate::observe::CloseReason;
use crate::pool::clock::nanos;
use crate::pool::error::ConnectFailure;
use crate::pool::manager::Manager;
use crate::sync::line::Phase;
use std::sync::Arc;

/// What the keeper is to begin.
pub(super) enum Start<K: Key, M: Manager> {
    /// A connect, with its number in the sequence.
    Open(Arc<Member<K, M>>, u64),
    Errand(Errand<K, M>),
}

impl<K: Key, M: Manager> House<K, M> {
    // Places end:

    /// A connection comes out of a place: to whom it was promised, onto the shelf, or away.
    pub(super) fn put_back(&mut self, link: Link<K, M>, from: Work, out: &mut Outbox<K, M>) {
        let room = link.member.room;
        self.end(room, from);
        if self.keeps(&link) {
            if let Some(link) = self.hand(link, out) {
                self.shelve(link);
            }
        } else {
            let old = link.expires <= self.now();
            let reason = if old {
                CloseReason::Lifetime
            } else {
                CloseReason::Retired
            };
            self.dismiss(link, reason);
        }
        self.settle(room, out);
    }

    /// A connection in a place is to be closed, or reset, by the keeper.
    pub(super) fn pass_on(&mut self, link: Link<K, M>, (from, to): (Work, Work), out: &mut Outbox<K, M>) {
        let room = link.member.room;
        self.end(room, from);
        let reason = match to {
            Work::Resetting => CloseReason::Unclean,
            _ => CloseReason::Broken,
        };
        self.errand(link, to, None, reason);
        self.settle(room, out);
    }

    /// The same, where the connection is in a task's hands and stays there.
    pub(super) fn turn(&mut self, room: u64, (from, to): (Work, Work), out: &mut Outbox<K, M>) {
        self.end(room, from);
        self.begin(room, to);
        self.settle(room, out);
    }

    /// A place ends without a connection. `then`: the room that it was closed for, which gets the place.
    pub(super) fn vacate(&mut self, room: u64, from: Work, then: Option<Arc<Member<K, M>>>, out: &mut Outbox<K, M>) {
        self.end(room, from);
        if let Some(member) = then {
            self.making -= 1;
            let next = member.room;
            self.room(next).work[Work::Connecting as usize] -= 1;
            self.promise(member);
            self.balance(next, out);
            self.advance(next, out);
        }
        self.settle(room, out);
    }

    pub(super) fn opened(&mut self, link: Link<K, M>, out: &mut Outbox<K, M>) {
        let number = link.member.room;
        self.tally.opened += 1;
        let room = self.room(number);
        room.under_way -= 1;
        room.until = 0;
        out.members.extend(self.recovering.remove(&number));
        self.recall(number);
        self.put_back(link, Work::Connecting, out);
    }

    /// A connect failed, and no other begins before `until`. A permanent failure ends the oldest request that it could be for.
    pub(super) fn refused(
        &mut self,
        member: &Arc<Member<K, M>>,
        until: u64,
        fatal: Option<&ConnectFailure<M::Error>>,
        out: &mut Outbox<K, M>,
    ) {
        let room = member.room;
        self.tally.connect_failures += 1;
        self.room(room).until = until;
        if self.phase != Phase::Closed {
            out.members.extend(self.recovering.insert(room, member.clone()));
            self.rests = self.rests.min(until);
        }
        if let Some(failure) = fatal {
            let oldest = self.room(room).admitted.first_key_value().map(|(_, &id)| id);
            oldest
                .into_iter()
                .for_each(|id| self.fail(id, Failure::Refused(failure.clone()), out));
        }
        self.unbegin(room, out);
    }

    /// An attempt that had begun is over, and its place is vacant.
    pub(super) fn unbegin(&mut self, room: u64, out: &mut Outbox<K, M>) {
        self.room(room).under_way -= 1;
        self.vacate(room, Work::Connecting, None, out);
    }

    // The keeper:

    /// Everything that can begin now.
    pub(super) fn start(&mut self, out: &mut Outbox<K, M>) -> Vec<Start<K, M>> {
        let mut starts: Vec<_> = self.errands.drain(..).map(Start::Errand).collect();
        for number in self.unopened.iter().copied().collect::<Vec<_>>() {
            // A debt is paid by what has not begun yet.
            while self.staying() > self.limit() && !self.room(number).openings.is_empty() {
                out.members.extend(self.room(number).openings.pop());
                self.end(number, Work::Connecting);
            }
            self.settle(number, out);
            let most = self.rules.options.max_connecting;
            // Over the limit by what is still being closed: that end calls us again.
            let may_open = self.busy + self.shelf.len() as u32 <= self.limit();
            while may_open && self.room(number).under_way < most {
                let Some(member) = self.room(number).openings.pop() else {
                    break;
                };
                self.room(number).under_way += 1;
                let begun = self.next();
                starts.push(Start::Open(member, begun));
            }
            self.balance(number, out);
        }
        starts.extend(self.errands.drain(..).map(Start::Errand));
        starts
    }

    /// Does what time asks for; returns when to look again.
    pub(super) fn tick(&mut self, out: &mut Outbox<K, M>) -> u64 {
        let now = self.now();
        if now >= self.next_look {
            self.look_at_shelf(now, out);
        }
        if now >= self.rests {
            self.serve(out);
        }
        if now >= self.alarm {
            let late = self.requests.iter().filter(|(_, request)| request.deadline <= now);
            let late: Vec<u64> = late.map(|(&id, _)| id).collect();
            late.into_iter().for_each(|id| self.fail_late(id, out));
            let deadlines = self.requests.values().map(|request| request.deadline);
            self.alarm = deadlines.filter(|&at| at > now).min().unwrap_or(u64::MAX);
        }
        let ended = self.busy == 0 && self.pending == 0 && self.shelf.is_empty();
        if self.phase == Phase::Draining && (ended || now >= self.drain_until) {
            self.close(out);
        }
        let drained = if self.phase == Phase::Draining {
            self.drain_until
        } else {
            u64::MAX
        };
        self.plan = self.next_look.min(self.rests).min(self.alarm).min(drained);
        self.plan
    }

    /// Whether the keeper has something to do, or must look again sooner than it means to.
    pub(super) fn calls(&self) -> bool {
        let next = self.next_look.min(self.rests).min(self.alarm);
        !self.errands.is_empty() || !self.unopened.is_empty() || next < self.plan || self.phase != Phase::Open
    }

    /// The deadline of a request has come that has no timer.
    fn fail_late(&mut self, id: u64, out: &mut Outbox<K, M>) {
        let request = &self.requests[&id];
        let room = request.member.room;
        if !matches!(request.stage, Stage::Served(_) | Stage::Failed(_)) {
            self.fail(id, Failure::Expired(self.stage(id)), out);
            self.settle(room, out);
        }
    }

    fn look_at_shelf(&mut self, now: u64, out: &mut Outbox<K, M>) {
        let idle_for = self.rules.options.idle_timeout.map_or(u64::MAX, nanos);
        let due = |link: &Link<K, M>| link.expires.min(link.used.saturating_add(idle_for));
        let over: Vec<u64> = self
            .shelf
            .iter()
            .filter(|(_, link)| due(link) <= now)
            .map(|(&at, _)| at)
            .collect();
        for at in over {
            let link = self.unshelve(at);
            let old = link.expires <= now;
            self.dismiss(link, if old { CloseReason::Lifetime } else { CloseReason::Idle });
        }
        self.next_look = self.shelf.values().map(due).min().unwrap_or(u64::MAX);
        self.serve(out);
    }

    /// Of connections that are idle, but not too old: there is no place for them any more.
    fn discard(&mut self, numbers: Vec<u64>) {
        for at in numbers {
            let link = self.unshelve(at);
            self.dismiss(link, CloseReason::Retired);
        }
    }

    // An operator:

    /// Fails all who wait, or those of one key; returns how many.
    pub(super) fn fail_all(
        &mut self,
        of: Option<u64>,
        why: impl Fn() -> Failure<M::Error>,
        out: &mut Outbox<K, M>,
    ) -> usize {
        let before = self.pending;
        let ours = |&number: &u64| of.is_none_or(|of| of == number);
        let numbers: Vec<u64> = self.rooms.keys().copied().filter(ours).collect();
        for &number in &numbers {
            let room = self.room(number);
            let late = room
                .queued
                .values()
                .chain(room.aside.values())
                .chain(room.admitted.values());
            let ids: Vec<u64> = room.at_key.iter().chain(late).copied().collect();
            ids.into_iter().for_each(|id| self.fail(id, why(), out));
        }
        let failed = before - self.pending;
        numbers.into_iter().for_each(|number| self.balance(number, out));
        self.serve(out);
        self.wind_up();
        failed as usize
    }

    /// Nothing opened before is lent again: of this key, or of all.
    pub(super) fn invalidate(&mut self, of: Option<u64>, out: &mut Outbox<K, M>) {
        let now = self.next();
        match of {
            None => {
                self.valid_from = now;
                self.tally.generation = self.tally.generation.wrapping_add(1);
            }
            Some(number) => self.room(number).valid_from = now,
        }
        let ours = |link: &Link<K, M>| of.is_none_or(|of| of == link.member.room);
        let old: Vec<u64> = self
            .shelf
            .iter()
            .filter(|(_, link)| ours(link))
            .map(|(&at, _)| at)
            .collect();
        self.discard(old);
        self.serve(out);
    }

    /// Goes by other rules from now on.
    pub(super) fn change(&mut self, rules: Rules, out: &mut Outbox<K, M>) -> Rules {
        let old = std::mem::replace(&mut self.rules, rules);
        while self.staying() > self.limit() {
            let Some(&at) = self.shelf.keys().next() else { break };
            self.discard(vec![at]);
        }
        for number in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.send_back(number);
            while self
                .rules
                .per_key
                .is_some_and(|most| self.room(number).staying() > most)
            {
                let Some(&at) = self.room(number).shelf.front() else {
                    break;
                };
                self.discard(vec![at]);
            }
            self.advance(number, out);
        }
        // Idle times may be shorter now.
        self.next_look = 0;
        self.forget_passers();
        self.serve(out);
        old
    }

    pub(super) fn resume(&mut self, out: &mut Outbox<K, M>) {
        self.paused = false;
        for number in self.rooms.keys().copied().collect::<Vec<_>>() {
            // What came back during the pause belongs to those whose turn had come before it.
            while !self.room(number).admitted.is_empty() {
                let Some(link) = self.take_idle(number) else { break };
                if self.is_stale(&link) {
                    self.shelve(link);
                    break;
                }
                if let Some(link) = self.hand(link, out) {
                    self.shelve(link);
                }
            }
            self.balance(number, out);
            self.advance(number, out);
        }
        self.serve(out);
    }

    pub(super) fn drain(&mut self, out: &mut Outbox<K, M>) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.resume(out);
        }
        self.wind_up();
    }

    /// Fails all who wait, and admits nobody again; returns how many closes have failed so far.
    pub(super) fn close(&mut self, out: &mut Outbox<K, M>) -> u64 {
        self.phase = Phase::Closed;
        self.paused = false;
        let failed = self.fail_all(None, || Failure::Closed, out);
        self.tally.cut_off += failed as u64;
        out.members.extend(std::mem::take(&mut self.recovering).into_values());
        self.wind_up();
        self.tally.cut_off
    }

    /// Closes what is idle, once nobody is left to use it.
    pub(super) fn wind_up(&mut self) {
        if self.phase != Phase::Open && self.pending == 0 {
            let all = self.shelf.keys().copied().collect();
            self.discard(all);
        }
    }
}
