//! One cancel with 100,000 requests in line against one with 100, and a hand-off in a line of a thousand.
//!
//! Two places are cancelled: requests that have just come, and requests anywhere in the line. A cancel anywhere does the same
//! work, but on memory that no cache has kept.

use super::finding::Finding;
use super::rig::{Lease, Rig, Ring, Seat};
use crate::report::median;
use std::time::Instant;

const FEW: usize = 100;
const MANY: usize = 100_000;
const CANCELS: usize = 64;
const HANDOFFS: u64 = 20_000;

pub(crate) fn compare(rounds: usize) -> Vec<Finding> {
    let (few, many) = (Rig::open(1), Rig::open(1));
    let (mut few, mut many) = (Line::of(&few, FEW), Line::of(&many, MANY));
    let [mut few_new, mut many_new, mut few_any, mut many_any] = [const { Vec::new() }; 4];
    for _ in 0..rounds * 4 {
        few_new.push(few.cancel_newcomers());
        many_new.push(many.cancel_newcomers());
        few_any.push(few.cancel_anywhere());
        many_any.push(many.cancel_anywhere());
    }
    let [few_new, many_new, few_any, many_any] = [few_new, many_new, few_any, many_any].map(median);

    let one = Rig::open(1);
    let _context = one.enter();
    let mut ring = Ring::of(&one, 1000);
    let handoff = median((0..rounds).map(|_| time(HANDOFFS, || ring.turn(HANDOFFS))).collect());
    vec![
        Finding::new("a cancel of a newcomer, 100 in line", few_new, "ns"),
        Finding::new("a cancel of a newcomer, 100000 in line", many_new, "ns"),
        Finding::new("against 100", many_new / few_new, "×").at_most(1.2),
        Finding::new("a cancel anywhere, 100 in line", few_any, "ns"),
        Finding::new("a cancel anywhere, 100000 in line (cold memory)", many_any, "ns"),
        Finding::new("against 100", many_any / few_any, "×"),
        Finding::new("release, hand-off and a new request, 1000 in line", handoff, "ns"),
    ]
}

/// Those who wait for the one connection of a pool, which is out.
struct Line<'a> {
    rig: &'a Rig,
    seats: Vec<Seat<'a>>,
    newcomers: Vec<Seat<'a>>,
    _lease: Lease<'a>,
}

impl<'a> Line<'a> {
    fn of(rig: &'a Rig, waiting: usize) -> Self {
        let lease = rig.take();
        let mut line = Line {
            rig,
            seats: seats(waiting),
            newcomers: seats(CANCELS),
            _lease: lease,
        };
        let _context = rig.enter();
        line.seats.iter_mut().for_each(|seat| seat.wait(rig));
        line
    }

    fn cancel_newcomers(&mut self) -> f64 {
        let _context = self.rig.enter();
        self.newcomers.iter_mut().for_each(|seat| seat.wait(self.rig));
        fastrand::shuffle(&mut self.newcomers);
        time(CANCELS as u64, || self.newcomers.iter_mut().for_each(Seat::cancel))
    }

    fn cancel_anywhere(&mut self) -> f64 {
        let _context = self.rig.enter();
        let chosen = fastrand::choose_multiple(0..self.seats.len(), CANCELS);
        let took = time(CANCELS as u64, || {
            chosen.iter().for_each(|&one| self.seats[one].cancel())
        });
        chosen.iter().for_each(|&one| self.seats[one].wait(self.rig));
        took
    }
}

fn seats<'a>(number: usize) -> Vec<Seat<'a>> {
    (0..number).map(|_| Seat::empty()).collect()
}

fn time(number: u64, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos() as f64 / number as f64
}
