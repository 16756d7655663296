//! A look at a keyed pool in numbers: all taken under one lock, so they add up.

use super::house::{House, Room, Stage, Work};
use super::member::{Key, Member};
use super::shared::Shared;
use crate::observe::State;
use crate::pool::clock::between;
use crate::pool::manager::Manager;
use crate::sync::line::Phase;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A [`Keyed`](crate::Keyed) pool's counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedStatus<K> {
    /// The most connections of all keys together.
    pub limit: u32,
    /// The most connections of one key.
    pub per_key: Option<u32>,
    /// How often a request may be passed by one that needs no new connection.
    pub preference: u32,
    /// The counts of all keys together.
    pub all: KeyedCounts,
    /// The counts of each key in use, in no order.
    pub keys: Vec<(K, KeyedCounts)>,
    /// How long the request has waited that came first.
    pub oldest_wait: Option<Duration>,
    /// Whether the pool lends.
    pub state: State,
    /// How often all keys were [invalidated](crate::Keyed::invalidate).
    pub generation: u32,
    /// What has happened so far.
    pub totals: KeyedTotals,
}

/// Connections and requests, of one key or of all.
///
/// A connection that is closed to make room for one of another key is *closing* for its own key and for all, and
/// *connecting* for the key that it makes room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeyedCounts {
    /// Open and waiting to be lent.
    pub idle: u32,
    /// Lent.
    pub in_use: u32,
    /// Being opened, or about to be.
    pub connecting: u32,
    /// Being validated before they are lent.
    pub validating: u32,
    /// Being cleaned after they came back.
    pub resetting: u32,
    /// On their way out; they still count against the limit.
    pub closing: u32,
    /// Requests in the lines of their keys, because of the maximum for each key.
    pub pending_at_key: u32,
    /// Requests in the shared line; also those that step aside while their backend rests after a failed connect.
    pub pending: u32,
    /// Requests whose turn has come, and for which a connection is being opened or validated.
    pub admitted: u32,
}

/// What has happened in a keyed pool since it was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeyedTotals {
    /// Connections lent and given back.
    pub leases: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections closed, dropped or detached.
    pub closed: u64,
    /// Of these, those closed to make room for another key.
    pub evicted: u64,
    /// Requests served before an older one because of the preference.
    pub passed: u64,
    /// Attempts to connect that failed.
    pub connect_failures: u64,
    /// Requests that had to wait: in a line, or for a connection to be opened or validated.
    pub queued: u64,
    /// Requests whose time ran out.
    pub timeouts: u64,
    /// Requests that `clear` and `clear_key` removed.
    pub cleared: u64,
    /// Requests dropped while they waited.
    pub cancelled: u64,
}

impl KeyedCounts {
    /// Connections that exist or are on their way.
    pub fn occupied(&self) -> u32 {
        self.idle + self.in_use + self.connecting + self.validating + self.resetting + self.closing
    }

    fn of(idle: usize, work: [u32; 5]) -> Self {
        KeyedCounts {
            idle: idle as u32,
            in_use: work[Work::InUse as usize],
            connecting: work[Work::Connecting as usize],
            validating: work[Work::Validating as usize],
            resetting: work[Work::Resetting as usize],
            closing: work[Work::Closing as usize],
            ..KeyedCounts::default()
        }
    }
}

impl<K: Key, M: Manager> Room<K, M> {
    pub(super) fn counts(&self) -> KeyedCounts {
        KeyedCounts {
            pending_at_key: self.at_key.len() as u32,
            pending: (self.queued.len() + self.aside.len()) as u32,
            admitted: self.admitted.len() as u32,
            ..KeyedCounts::of(self.shelf.len(), self.work)
        }
    }
}

impl<K: Key, M: Manager> House<K, M> {
    pub(super) fn counts(&self) -> KeyedCounts {
        let mut all = KeyedCounts::of(self.shelf.len(), self.work);
        for room in self.rooms.values().map(Room::counts) {
            all.pending_at_key += room.pending_at_key;
            all.pending += room.pending;
            all.admitted += room.admitted;
        }
        all
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Open if self.paused => State::Paused,
            Phase::Open => State::Open,
            Phase::Draining => State::Draining,
            Phase::Closed => State::Closed,
        }
    }

    fn totals(&self) -> KeyedTotals {
        let tally = self.tally;
        KeyedTotals {
            leases: tally.leases,
            opened: tally.opened,
            closed: tally.closed,
            evicted: tally.evicted,
            passed: tally.passed,
            connect_failures: tally.connect_failures,
            queued: tally.queued,
            timeouts: tally.timeouts,
            cleared: tally.cleared,
            cancelled: tally.cancelled,
        }
    }

    /// Everything but the keys themselves, whose clones are their own code.
    fn survey(&self) -> (KeyedStatus<Weak<Member<K, M>>>, Option<u64>) {
        let waiting = self.requests.values();
        let waiting = waiting.filter(|request| !matches!(request.stage, Stage::Served(_) | Stage::Failed(_)));
        let status = KeyedStatus {
            limit: self.limit(),
            per_key: self.rules.per_key,
            preference: self.rules.preference,
            all: self.counts(),
            keys: self
                .rooms
                .values()
                .map(|room| (room.member.clone(), room.counts()))
                .collect(),
            oldest_wait: None,
            state: self.state(),
            generation: self.tally.generation,
            totals: self.totals(),
        };
        (status, waiting.map(|request| request.asked).min())
    }
}

impl<K: Key, M: Manager> Shared<K, M> {
    pub(super) fn status(&self) -> KeyedStatus<K> {
        let (survey, oldest) = self.house.lock().survey();
        let key = |member: Weak<Member<K, M>>| {
            let member: Arc<Member<K, M>> = member.upgrade()?;
            Some(K::clone(&member.key))
        };
        let keys = survey.keys.into_iter();
        KeyedStatus {
            limit: survey.limit,
            per_key: survey.per_key,
            preference: survey.preference,
            all: survey.all,
            keys: keys
                .filter_map(|(member, counts)| Some((key(member)?, counts)))
                .collect(),
            oldest_wait: oldest.map(|asked| between(asked, self.now())),
            state: survey.state,
            generation: survey.generation,
            totals: survey.totals,
        }
    }
}

impl fmt::Display for KeyedCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyedCounts {
            idle,
            in_use,
            connecting,
            validating,
            resetting,
            closing,
            pending_at_key,
            pending,
            admitted,
        } = self;
        write!(f, "in use {in_use}, idle {idle}, connecting {connecting}")?;
        for (count, what) in [
            (validating, "validating"),
            (resetting, "resetting"),
            (closing, "closing"),
            (pending_at_key, "pending at the key"),
            (admitted, "admitted"),
        ] {
            if *count > 0 {
                write!(f, ", {what} {count}")?;
            }
        }
        write!(f, ", pending {pending}")
    }
}

impl<K> fmt::Display for KeyedStatus<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {}, {}, {} keys", self.limit, self.all, self.keys.len())?;
        match self.state {
            State::Open => Ok(()),
            State::Paused => f.write_str(", paused"),
            State::Draining => f.write_str(", draining"),
            State::Closed => f.write_str(", closed"),
        }
    }
}
