//! The backend's own book-keeping: every connection there is, every call under way, and what must never happen to them.
//!
//! It believes nothing that the pool says. What it sees going wrong it writes down; the world reads that after each step.

use super::check::GRAIN;
use super::ops::{CALLS, Call, Outcome, Setup};
use super::seen::Seen;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// What is known of a connection that exists.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Generation when its connect was called.
    pub(crate) generation: u64,
    pub(crate) opened: u64,
    /// Its `after_connect`, if there is one, is over: it is the pool's.
    pub(crate) joined: bool,
    /// When it was last lent, or else opened.
    pub(crate) last_use: u64,
    pub(crate) lent: bool,
    /// Given back since it was looked after last.
    pub(crate) used: bool,
    pub(crate) last_check: u64,
    /// Given back since `before_acquire` ran last.
    pub(crate) unhooked: bool,
    pub(crate) dirty: bool,
    /// Why nobody may get it any more.
    pub(crate) doomed: Option<&'static str>,
    pub(crate) drop_panics: bool,
    pub(crate) detached: bool,
    /// Its close has begun.
    pub(crate) leaving: bool,
}

/// Calls under way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Under {
    pub(crate) connecting: u32,
    /// In `after_connect`: there is a connection already.
    pub(crate) hooking: u32,
    pub(crate) validating: u32,
    pub(crate) resetting: u32,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) conns: BTreeMap<u64, Record>,
    pub(crate) under: Under,
    /// An attempt goes on after its connect, in `after_connect`.
    pub(crate) hooks: bool,
    pub(crate) limit: u32,
    pub(crate) max_connecting: u32,
    /// Attempts of a supervisor that was replaced, at most.
    pub(crate) stranded: u32,
    /// When each connect under way began.
    pub(crate) attempts: Vec<u64>,
    /// When the last one began since an attempt succeeded, be it in its hook by now.
    pub(crate) newest: Option<u64>,
    /// For how long at least an attempt is counted on, as far as those who wait are concerned.
    pub(crate) patience: u64,
    /// The longest that anybody may wait who joined the line since it was last seen empty.
    pub(crate) longest: u64,
    /// Attempts since one succeeded, and those that were under way then.
    pub(crate) tries: u32,
    pub(crate) generation: u64,
    pub(crate) paused: bool,
    pub(crate) shadow_now: u64,
    /// The latest beginning of a failed attempt and the moment of the last failure, until one succeeds.
    pub(crate) last_failure: Option<(u64, u64)>,
    pub(crate) permanent_failures: u64,
    pub(crate) gone: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) seen: Seen,
    next: u64,
    scripts: [VecDeque<Outcome>; CALLS.len()],
}

#[derive(Debug)]
pub(crate) struct Books {
    base: Instant,
    ledger: Mutex<Ledger>,
}

impl Books {
    pub(crate) fn new(base: Instant, setup: &Setup) -> Books {
        let ledger = Ledger {
            conns: BTreeMap::new(),
            under: Under::default(),
            hooks: setup.hooks,
            limit: setup.limit,
            max_connecting: setup.max_connecting,
            stranded: 0,
            attempts: Vec::new(),
            newest: None,
            patience: 0,
            longest: 0,
            tries: 0,
            generation: 0,
            paused: false,
            shadow_now: 0,
            last_failure: None,
            permanent_failures: 0,
            gone: 0,
            violations: Vec::new(),
            seen: Seen::default(),
            next: 0,
            scripts: Default::default(),
        };
        Books {
            base,
            ledger: Mutex::new(ledger),
        }
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Ledger) -> R) -> R {
        f(&mut self.ledger.lock().unwrap_or_else(|poison| poison.into_inner()))
    }

    /// The simulated time; on a plain thread, which has no paused clock, that of the last step.
    pub(crate) fn now(&self) -> u64 {
        if Handle::try_current().is_ok() {
            (Instant::now() - self.base).as_millis() as u64
        } else {
            self.with(|ledger| ledger.shadow_now)
        }
    }

    pub(crate) fn seen(&self, what: &'static str) {
        self.with(|ledger| ledger.seen.note(what));
    }

    /// What the next call of this kind comes to.
    pub(crate) fn outcome(&self, call: Call) -> Outcome {
        self.with(|ledger| ledger.scripts[call as usize].pop_front())
            .unwrap_or(Outcome::FINE)
    }

    pub(crate) fn script(&self, call: Call, outcome: Outcome, times: u8) {
        self.with(|ledger| {
            let script = &mut ledger.scripts[call as usize];
            script.extend((0..times).map(|_| outcome));
            script.truncate(16);
        });
    }

    pub(crate) fn forget_scripts(&self) {
        self.with(|ledger| ledger.scripts = Default::default());
    }

    pub(crate) fn connect_begins(&self, now: u64) {
        self.with(|ledger| {
            let relied_on = |begun: &&u64| **begun + ledger.patience > now + GRAIN;
            let relied_on = ledger.attempts.iter().filter(relied_on).count() as u32;
            ledger.attempts.push(now);
            ledger.newest = Some(now);
            ledger.tries += 1;
            ledger.stranded = ledger.stranded.min(ledger.under.connecting);
            ledger.under.connecting += 1;
            let (live, limit) = (ledger.pooled(), ledger.limit);
            if live + ledger.under.connecting > limit {
                ledger.blame(format!(
                    "P2: a connect began with {live} connections and {} attempts at limit {limit}",
                    ledger.under.connecting
                ));
            }
            if ledger.under.connecting <= ledger.max_connecting + ledger.stranded {
                return;
            }
            ledger.seen.note("one attempt more, since all others have hung");
            if relied_on > ledger.stranded {
                ledger.blame(format!(
                    "P3: {} attempts at once, of which {relied_on} have not hung; {} allowed",
                    ledger.under.connecting, ledger.max_connecting
                ));
            }
        });
    }

    pub(crate) fn opened(&self, generation: u64, drop_panics: bool) -> u64 {
        let now = self.now();
        self.with(|ledger| {
            ledger.next += 1;
            if !ledger.hooks {
                ledger.healed();
            }
            let record = Record {
                generation,
                opened: now,
                joined: !ledger.hooks,
                last_use: now,
                lent: false,
                used: false,
                last_check: now,
                unhooked: false,
                dirty: false,
                doomed: None,
                drop_panics,
                detached: false,
                leaving: false,
            };
            ledger.conns.insert(ledger.next, record);
            ledger.next
        })
    }

    pub(crate) fn change(&self, id: u64, f: impl FnOnce(&mut Record)) {
        self.with(|ledger| match ledger.conns.get_mut(&id) {
            Some(record) => f(record),
            None => ledger.blame(format!("P9: connection {id} was used after it was gone")),
        });
    }

    pub(crate) fn doom(&self, id: u64, why: &'static str) {
        self.change(id, |record| record.doomed = Some(why));
    }

    /// Its farewell begins.
    pub(crate) fn leaves(&self, id: u64) {
        self.with(|ledger| {
            ledger.gone += 1;
            let Some(record) = ledger.conns.get_mut(&id) else {
                return ledger.blame(format!("P9: connection {id} was closed after it was gone"));
            };
            record.leaving = true;
            if record.lent {
                ledger.blame(format!("P9: connection {id} was closed while it was lent"));
            }
        });
    }

    /// Its drop. True if that shall panic.
    pub(crate) fn dropped(&self, id: u64) -> bool {
        self.with(|ledger| {
            let Some(record) = ledger.conns.remove(&id) else {
                ledger.blame(format!("P9: connection {id} was dropped twice"));
                return false;
            };
            ledger.gone += u64::from(record.joined && !record.leaving && !record.detached);
            if record.lent {
                ledger.blame(format!("P9: connection {id} was dropped while it was lent"));
            }
            record.drop_panics && !record.detached
        })
    }
}

impl Ledger {
    /// Connections that count against the limit.
    pub(crate) fn pooled(&self) -> u32 {
        self.conns.values().filter(|record| !record.detached).count() as u32
    }

    pub(crate) fn leaving(&self) -> u32 {
        self.conns
            .values()
            .filter(|record| record.leaving && !record.detached)
            .count() as u32
    }

    /// An attempt succeeded.
    pub(crate) fn healed(&mut self) {
        (self.last_failure, self.newest) = (None, None);
        self.tries = self.attempts.len() as u32 + self.under.hooking;
    }

    pub(crate) fn blame(&mut self, violation: String) {
        self.violations.push(violation);
    }
}
