//! Allocations per lease, without waiting and with.

use super::counting::allocations;
use super::finding::Finding;
use super::rig::{Rig, Ring};

const LEASES: u64 = 100_000;

pub(crate) fn count() -> Vec<Finding> {
    let idle = Rig::open(10);
    idle.leases(1000);
    let (without, ()) = allocations(|| idle.leases(LEASES));

    let one = Rig::open(1);
    let _context = one.enter();
    let mut ring = Ring::of(&one, 8);
    ring.turn(1000);
    let (waiting, ()) = allocations(|| ring.turn(LEASES));
    vec![
        Finding::new(
            format!("allocations in {LEASES} leases without waiting"),
            without as f64,
            "",
        )
        .at_most(0.0),
        Finding::new(
            format!("allocations in {LEASES} leases after waiting, once warm"),
            waiting as f64,
            "",
        )
        .at_most(0.0),
    ]
}
