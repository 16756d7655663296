//! Where a request reads what has become of it, without the line's lock: one word for each node of the queue.
//!
//! | state | meaning | left by |
//! |---|---|---|
//! | `FREE` | the node is nobody's | the line, under its lock: `QUEUED` |
//! | `QUEUED` | its request stands in line | the line, under its lock: granted or failed; a cancel, under the lock: `FREE` |
//! | granted, failed | settled, and not in line any more | its request, without the lock: `FREE` |
//!
//! A settled slip is written with Release and read with Acquire, which carries the unit to its new holder. A slip handed in is
//! freed by a plain store: only its request may do so, and the line looks for freed ones when it needs a node.

use super::primitives::{AtomicU64, Ordering::*, mutant};
use super::queue::{Failure, Outcome};
use super::segments::{ALL_SEGMENTS, Segments};

const FREE: u64 = 0;
const QUEUED: u64 = 1;
const GRANTED: u64 = 2;
const FAILED: u64 = 3;

#[derive(Debug)]
pub(crate) struct Slips(Segments<AtomicU64, ALL_SEGMENTS>);

impl Slips {
    pub(super) fn new() -> Self {
        Slips(Segments::new())
    }

    /// Makes the slips of the first `nodes` nodes.
    pub(super) fn reach(&self, nodes: u32) {
        self.0.reach(nodes, || AtomicU64::new(FREE));
    }

    /// Under the lock: writes what has become of a node.
    #[inline]
    pub(super) fn write(&self, index: u32, outcome: Outcome) {
        let word = match outcome {
            Outcome::Queued => QUEUED,
            Outcome::Granted(unit) => GRANTED | u64::from(unit) << 8,
            Outcome::Failed(why) => FAILED | (why as u64) << 8,
        };
        let order = if mutant!("relaxed_slip") { Relaxed } else { Release };
        self.0.at(index).store(word, order);
    }

    /// What has become of a node that is somebody's.
    #[inline]
    pub(super) fn read(&self, index: u32) -> Outcome {
        let word = self.0.at(index).load(Acquire);
        match word & 0xff {
            QUEUED => Outcome::Queued,
            GRANTED => Outcome::Granted((word >> 8) as u32),
            FAILED => Outcome::Failed(Failure::from_code(word >> 8)),
            _ => unreachable!("bug: a ticket outlived its node"),
        }
    }

    /// For the request: the slip has been read and is not needed any more.
    #[inline]
    pub(super) fn free(&self, index: u32) {
        self.0.at(index).store(FREE, Release);
    }

    #[inline]
    pub(super) fn is_free(&self, index: u32) -> bool {
        self.0.at(index).load(Acquire) == FREE
    }
}

impl Failure {
    fn from_code(code: u64) -> Self {
        let all = [Failure::Expired, Failure::Cleared, Failure::Closed, Failure::Fault];
        all.into_iter()
            .find(|&why| why as u64 == code)
            .expect("bug: a slip says what nobody wrote")
    }
}
