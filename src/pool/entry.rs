//! What stands in a slot: the connection, and what everybody may read about it.

use crate::sync::primitives::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// For the slot's holder alone.
#[derive(Debug)]
pub(crate) struct Entry<C> {
    pub(crate) conn: C,
    /// Generation at the moment its connect began.
    pub(crate) epoch: u32,
    /// The runtime on which it was opened or last validated (`here`): its socket may be no use without.
    pub(crate) home: u32,
    pub(crate) born: u64,
    /// The slot's use count when this connection came.
    pub(crate) first_use: u64,
}

/// Beside the entry, readable without holding the slot. Written by the holder (`uses`, `sample`) or by the tick (the rest), so a plain
/// load and store is enough; a reader that comes a little late decides a little late.
#[derive(Debug)]
pub(crate) struct Meta {
    uses: AtomicU64,
    /// `uses` at the last tick that saw it change, and when that was.
    seen: AtomicU64,
    seen_at: AtomicU64,
    /// When the connection was opened; `u64::MAX` where none stands.
    born: AtomicU64,
    /// When it is over age.
    expires: AtomicU64,
    /// It is over age: close it when it comes back.
    retire: AtomicBool,
    /// Below `TIMED`: the first use whose time is to be taken. From there on: the lease that is out is timed, and began at the
    /// moment beneath that bit. Written by the holder.
    sample: AtomicU64,
}

const TIMED: u64 = 1 << 63;

impl Default for Meta {
    fn default() -> Self {
        Meta {
            uses: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            seen_at: AtomicU64::new(0),
            born: AtomicU64::new(u64::MAX),
            expires: AtomicU64::new(u64::MAX),
            retire: AtomicBool::new(false),
            sample: AtomicU64::new(0),
        }
    }
}

impl Meta {
    /// One lease has ended. Only the holder of the slot writes this, so it needs no read-modify-write.
    #[inline(always)]
    pub(crate) fn used(&self) {
        self.uses.store(self.uses.load(Relaxed) + 1, Relaxed);
    }

    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    /// Whether the time of the lease that begins now is to be taken.
    #[inline(always)]
    pub(crate) fn is_sample(&self) -> bool {
        self.sample.load(Relaxed) <= self.uses.load(Relaxed)
    }

    /// The lease whose time is taken begins.
    pub(crate) fn start_timing(&self, now: u64) {
        self.sample.store(now | TIMED, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn is_timed(&self) -> bool {
        self.sample.load(Relaxed) >= TIMED
    }

    /// A timed lease has ended, and was counted: returns when it began. `skip` uses pass untimed.
    pub(crate) fn stop_timing(&self, skip: u64) -> u64 {
        let began = self.sample.load(Relaxed) & !TIMED;
        self.sample.store(self.uses() + skip, Relaxed);
        began
    }

    #[inline(always)]
    pub(crate) fn retires(&self) -> bool {
        self.retire.load(Relaxed)
    }

    /// A new connection stands here, from now on.
    pub(crate) fn filled(&self, now: u64, born: u64, expires: u64) {
        self.seen.store(self.uses(), Relaxed);
        self.seen_at.store(now, Relaxed);
        self.born.store(born, Relaxed);
        self.expires.store(expires, Relaxed);
        self.retire.store(false, Relaxed);
    }

    /// No connection stands here.
    pub(crate) fn emptied(&self) {
        self.born.store(u64::MAX, Relaxed);
        self.expires.store(u64::MAX, Relaxed);
    }

    pub(crate) fn born(&self) -> Option<u64> {
        Some(self.born.load(Relaxed)).filter(|&born| born != u64::MAX)
    }

    pub(crate) fn expires(&self) -> u64 {
        self.expires.load(Relaxed)
    }

    /// Judges the age anew; the next look at the clock marks it again if it must.
    pub(crate) fn set_expires(&self, at: u64) {
        self.expires.store(at, Relaxed);
        self.retire.store(false, Relaxed);
    }

    /// Marks an over-age connection; true if it is one.
    pub(crate) fn expire(&self, now: u64) -> bool {
        let over = self.expires() <= now;
        if over {
            self.retire.store(true, Relaxed);
        }
        over
    }

    /// The last moment at which it may have been in use: as the tick knows it, or `shelved` if that is later.
    pub(crate) fn last_use(&self, shelved: u64) -> u64 {
        self.seen_at.load(Relaxed).max(shelved)
    }

    /// It comes back to where ticks look: uses that none of them saw are no news to the next one.
    pub(crate) fn known(&self) {
        self.seen.store(self.uses(), Relaxed);
    }

    /// A lease has ended now: for connections that no tick watches.
    pub(crate) fn touch(&self, now: u64) {
        self.seen_at.store(now, Relaxed);
    }

    /// For the tick: since when it has not been used, or `None` if it was used since the last tick.
    pub(crate) fn unused_since(&self, now: u64) -> Option<u64> {
        let uses = self.uses();
        if uses == self.seen.load(Relaxed) {
            return Some(self.seen_at.load(Relaxed));
        }
        self.seen.store(uses, Relaxed);
        self.seen_at.store(now, Relaxed);
        None
    }
}
