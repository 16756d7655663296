//! Bytes of heap per pool, per slot and per waiter, as the allocator was asked for them.

use super::counting::bytes;
use super::finding::Finding;
use super::rig::{Rig, Seat, bare_runtime_bytes};

const SLOTS: u32 = 10_000;
const WAITERS: usize = 10_000;

pub(crate) fn weigh() -> Vec<Finding> {
    // The first of its kind also fills what belongs to the thread or the process.
    drop(Rig::open(1));

    // Every rig has a runtime, which is not the pool's weight.
    let only = bare_runtime_bytes();
    let (vacant_one, rig) = bytes(|| Rig::vacant(1));
    let (warm_one, ()) = bytes(|| rig.warm_up(1));
    drop(rig);
    let (vacant_many, rig) = bytes(|| Rig::vacant(SLOTS));
    let (warm_many, ()) = bytes(|| rig.warm_up(SLOTS));
    drop(rig);

    let more = f64::from(SLOTS - 1);
    vec![
        Finding::new(
            "a pool of limit 1 with nothing open",
            (vacant_one - only) as f64,
            "bytes",
        ),
        Finding::new(
            "what its first connection and its supervisor add",
            warm_one as f64,
            "bytes",
        ),
        Finding::new(
            format!("a further vacant slot, at limit {SLOTS}"),
            (vacant_many - vacant_one) as f64 / more,
            "bytes",
        ),
        Finding::new(
            format!("a further slot with a connection of 8 bytes, at limit {SLOTS}"),
            (vacant_many + warm_many - vacant_one - warm_one) as f64 / more,
            "bytes",
        ),
        Finding::new(format!("a waiter in the line, at {WAITERS}"), per_waiter(), "bytes"),
        Finding::new(
            "a request in its caller's frame",
            Seat::size(&Rig::vacant(1)) as f64,
            "bytes",
        ),
    ]
}

fn per_waiter() -> f64 {
    let rig = Rig::open(1);
    let _context = rig.enter();
    let _lease = rig.take();
    let mut seats: Vec<Seat<'_>> = (0..WAITERS).map(|_| Seat::empty()).collect();
    let (line, ()) = bytes(|| seats.iter_mut().for_each(|seat| seat.wait(&rig)));
    line as f64 / WAITERS as f64
}
