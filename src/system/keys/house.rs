//! The house: every connection and every request of a keyed pool, counted under one lock.
//!
//! A *place* is a connection that is in somebody's hands: lent, or being opened, validated, reset or closed. Places are the
//! permits of the pool. A connection that lies idle on the shelf is nobody's, and holds none.
//!
//! **Invariants**, at every unlock:
//! - `busy`, the number of places, is the sum of `work`; `busy + shelf` connections exist or are on their way.
//! - *Limit.* `busy + shelf <= limit`, except by a shrink's debt. While a debt is owed nothing is promised.
//! - *Room can always be made.* A connection is promised only while `busy < limit`. Then either `busy + shelf < limit`, and
//!   there is room; or the shelf is not empty, since `busy + shelf >= limit > busy`, and the connection longest idle gives its
//!   own way: it is closed under the place of its successor, whose connect begins when the farewell has ended. Connections of
//!   other keys that are being opened, reset or closed are places, so they can delay a request but never leave it with a
//!   place and no room. `serve` says `bug:` where that would fail.
//! - *What is idle may be lent.* The shelf is emptied before a debt is owed, so while something lies there the places that will
//!   not be closed are fewer than the limit.
//! - *Nothing lost.* A place is in one hand at a time: a guard, a `Held` token of a task, an errand or an opening that waits
//!   for the keeper.
//! - *Attempts follow demand.* In each room, requests whose turn has come are as many as there are places being opened or
//!   validated for it, or fewer; an opening that has not begun is given up as soon as there are fewer.
//! - *Key maximum.* No more than `per_key` connections of a key exist or are on their way, except by a debt. Its requests in the
//!   shared line and its places, but for those being closed, are no more than that either: the others wait in the key's own
//!   line. Lowering the maximum sends the latest back there.
//!
//! Under the lock no waker is called or dropped, no connection, key or manager is dropped, and no user code runs: what leaves
//! the house is put into the [`Outbox`]. The lock is taken with no other one held, and none is taken under it.

use super::error::KeyedStage;
use super::member::{Key, Member};
use crate::observe::CloseReason;
use crate::pool::clock::Clock;
use crate::pool::error::ConnectFailure;
use crate::pool::manager::Manager;
use crate::pool::options::Options;
use crate::sync::line::Phase;
use crate::sync::wakes::Wakes;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::task::Waker;

/// An open connection, and what the house knows of it.
pub(super) struct Link<K: Key, M: Manager> {
    pub(super) conn: M::Connection,
    pub(super) member: Arc<Member<K, M>>,
    /// Its place in the house's one sequence when its connect began: what `invalidate` compares.
    pub(super) begun: u64,
    pub(super) born: u64,
    pub(super) expires: u64,
    /// When it was last lent, and when it was last known to be sound.
    pub(super) used: u64,
    pub(super) seen: u64,
    pub(super) uses: u64,
}

/// What somebody does with a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    InUse,
    Connecting,
    Validating,
    Resetting,
    Closing,
}

/// Work for the keeper: validate, reset or close. `then`: the room that a close makes way for.
pub(super) struct Errand<K: Key, M: Manager> {
    pub(super) link: Link<K, M>,
    pub(super) work: Work,
    pub(super) then: Option<Arc<Member<K, M>>>,
    /// Why it closes: for certain, or if the validation or the reset does not end well.
    pub(super) reason: CloseReason,
}

/// Why a request failed.
pub(super) enum Failure<E> {
    Expired(KeyedStage),
    Cleared,
    Closed,
    Refused(ConnectFailure<E>),
}

/// Where a request is.
///
/// | stage | in | left by |
/// |---|---|---|
/// | `AtKey` | its key's line | a place of its key: `InLine` |
/// | `InLine` | the shared line, by its ticket | its turn: `Admitted`, `Served`, or `Aside` while its own backend holds it up |
/// | `Aside` | apart, with its ticket | the end of the backoff, or of a place of its key: `InLine` |
/// | `Admitted` | its room, while a connection is opened or validated | that connection or another: `Served`; a failed attempt: `InLine` |
/// | `Served`, `Failed` | nowhere | its own request, which reads it |
///
/// From each of the first four a request can be failed, or leave.
pub(super) enum Stage<K: Key, M: Manager> {
    AtKey,
    InLine(u64),
    Aside(u64),
    Admitted(u64),
    Served(Box<Link<K, M>>),
    Failed(Failure<M::Error>),
}

pub(super) struct Waiting<K: Key, M: Manager> {
    pub(super) member: Arc<Member<K, M>>,
    pub(super) waker: Option<Waker>,
    pub(super) asked: u64,
    pub(super) deadline: u64,
    pub(super) stage: Stage<K, M>,
}

/// What belongs to one key. Tickets and arrivals are keys of the maps, requests their values.
pub(super) struct Room<K: Key, M: Manager> {
    pub(super) member: Weak<Member<K, M>>,
    pub(super) at_key: BTreeSet<u64>,
    pub(super) queued: BTreeMap<u64, u64>,
    pub(super) aside: BTreeMap<u64, u64>,
    pub(super) admitted: BTreeMap<u64, u64>,
    /// Numbers on the house's shelf, the last used at the back.
    pub(super) shelf: VecDeque<u64>,
    pub(super) work: [u32; 5],
    /// Places promised to this room whose connect has not begun, and how many have begun.
    pub(super) openings: Vec<Arc<Member<K, M>>>,
    pub(super) under_way: u32,
    /// No connect begins before this.
    pub(super) until: u64,
    /// Connections begun before this are not lent again.
    pub(super) valid_from: u64,
}

/// What the house goes by.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) options: Options,
    pub(super) per_key: Option<u32>,
    pub(super) preference: u32,
}

/// What has happened so far.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) leases: u64,
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) evicted: u64,
    pub(super) passed: u64,
    pub(super) connect_failures: u64,
    pub(super) queued: u64,
    pub(super) timeouts: u64,
    pub(super) cleared: u64,
    pub(super) cancelled: u64,
    /// Requests that ends of the pool have failed.
    pub(super) cut_off: u64,
    /// Invalidations of all keys.
    pub(super) generation: u32,
}

pub(super) struct House<K: Key, M: Manager> {
    pub(super) clock: Clock,
    pub(super) rules: Rules,
    pub(super) phase: Phase,
    pub(super) paused: bool,
    pub(super) busy: u32,
    pub(super) work: [u32; 5],
    /// Closing places whose successor is promised.
    pub(super) making: u32,
    pub(super) rooms: HashMap<u64, Room<K, M>>,
    /// Idle connections, the longest idle first.
    pub(super) shelf: BTreeMap<u64, Link<K, M>>,
    pub(super) requests: HashMap<u64, Waiting<K, M>>,
    /// The shared line: requests by ticket.
    pub(super) line: BTreeMap<u64, u64>,
    /// Requests that wait in any line or for their connection.
    pub(super) pending: u32,
    /// Of these, those whose turn has come.
    pub(super) admitted: u32,
    /// Tickets that were served before an older one, as far as anybody older waits: see `serve`.
    pub(super) passers: BTreeSet<u64>,
    /// Rooms with openings, and rooms with requests aside.
    pub(super) unopened: BTreeSet<u64>,
    pub(super) resting: BTreeSet<u64>,
    /// Rooms whose backend rests. Their members are kept, so that who asks next meets the backoff and not a fresh start.
    pub(super) recovering: BTreeMap<u64, Arc<Member<K, M>>>,
    pub(super) errands: VecDeque<Errand<K, M>>,
    /// One sequence for arrivals, tickets, numbers on the shelf, connects and invalidations.
    sequence: u64,
    pub(super) valid_from: u64,
    /// Nothing on the shelf is over age or idle for too long before this.
    pub(super) next_look: u64,
    /// The earliest deadline among requests that have no timer of their own.
    pub(super) alarm: u64,
    /// No backend has rested enough before this, and until when the keeper means to sleep.
    pub(super) rests: u64,
    pub(super) plan: u64,
    pub(super) drain_until: u64,
    pub(super) tally: Tally,
}

/// What leaves the house, to be called or dropped when its lock is free.
pub(super) struct Outbox<K: Key, M: Manager> {
    pub(super) wakes: Wakes,
    pub(super) members: Vec<Arc<Member<K, M>>>,
    pub(super) waker: Option<Waker>,
}

impl<K: Key, M: Manager> Default for Outbox<K, M> {
    fn default() -> Self {
        Outbox {
            wakes: Wakes::default(),
            members: Vec::new(),
            waker: None,
        }
    }
}

impl<K: Key, M: Manager> Room<K, M> {
    pub(super) fn new(member: Weak<Member<K, M>>) -> Self {
        Room {
            member,
            at_key: BTreeSet::new(),
            queued: BTreeMap::new(),
            aside: BTreeMap::new(),
            admitted: BTreeMap::new(),
            shelf: VecDeque::new(),
            work: [0; 5],
            openings: Vec::new(),
            under_way: 0,
            until: 0,
            valid_from: 0,
        }
    }

    fn places(&self) -> u32 {
        self.work.iter().sum()
    }

    /// Requests that have passed the key's line, or their places: what the key's maximum admits.
    pub(super) fn claims(&self) -> u32 {
        (self.queued.len() + self.aside.len()) as u32 + self.places() - self.work[Work::Closing as usize]
    }

    /// Connections that exist or are on their way.
    pub(super) fn occupied(&self) -> u32 {
        self.places() + self.shelf.len() as u32
    }

    /// Connections that exist or are on their way, without those that are being closed.
    pub(super) fn staying(&self) -> u32 {
        self.places() - self.work[Work::Closing as usize] + self.shelf.len() as u32
    }

    /// Places that will become connections to lend.
    pub(super) fn attempts(&self) -> usize {
        (self.work[Work::Connecting as usize] + self.work[Work::Validating as usize]) as usize
    }
}

impl<K: Key, M: Manager> House<K, M> {
    pub(super) fn new(clock: Clock, rules: Rules) -> Self {
        House {
            clock,
            rules,
            phase: Phase::Open,
            paused: false,
            busy: 0,
            work: [0; 5],
            making: 0,
            rooms: HashMap::new(),
            shelf: BTreeMap::new(),
            requests: HashMap::new(),
            line: BTreeMap::new(),
            pending: 0,
            admitted: 0,
            passers: BTreeSet::new(),
            unopened: BTreeSet::new(),
            resting: BTreeSet::new(),
            recovering: BTreeMap::new(),
            errands: VecDeque::new(),
            sequence: 0,
            valid_from: 0,
            next_look: u64::MAX,
            alarm: u64::MAX,
            rests: u64::MAX,
            plan: u64::MAX,
            drain_until: u64::MAX,
            tally: Tally::default(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn limit(&self) -> u32 {
        self.rules.options.limit
    }

    /// Whether anybody may be served.
    pub(super) fn flows(&self) -> bool {
        !self.paused && self.phase != Phase::Closed
    }

    pub(super) fn room(&mut self, room: u64) -> &mut Room<K, M> {
        self.rooms.get_mut(&room).expect("bug: a key in use without a room")
    }

    /// Closing places that nobody succeeds.
    fn leaving(&self) -> u32 {
        self.work[Work::Closing as usize] - self.making
    }

    /// Connections that exist or are on their way, and will not be closed for all that is known.
    pub(super) fn staying(&self) -> u32 {
        self.busy - self.leaving() + self.shelf.len() as u32
    }
}
