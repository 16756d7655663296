//! Hazards of the limit, of vacancies and of generations, each against the traffic of units.

use super::explore;
use super::rig::{Clock, End, Request, Rig, kept};
use crate::sync::cells::Slot;
use crate::sync::line::Given;
use crate::sync::stock::Stock;
use crate::sync::upkeep::Sift;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The slot, if it leaves.
fn leaver(given: Given<Slot<u64>>) -> Option<Slot<u64>> {
    match given {
        Given::Leaves(slot) => Some(slot),
        Given::Kept | Given::Stirred => None,
    }
}

/// The limit is reached again, and not passed.
fn exact(rig: &Rig, vacant: u32) {
    let occupied: Vec<_> = std::iter::from_fn(|| rig.occupy()).collect();
    assert_eq!(occupied.len() as u32, vacant, "the limit is not met exactly");
    rig.at_rest(vacant);
}

#[test]
fn a_shrink_that_meets_two_releases_is_paid_once_and_a_growth_restores_the_limit() {
    explore(3, &["paid by an idle slot", "paid by a release"], |reached| {
        let (rig, [a, b]) = Rig::held(1);
        let one = rig.spawn(move |rig| leaver(rig.give(a)));
        let two = rig.spawn(move |rig| leaver(rig.give(b)));
        let mut gone = rig.set_limit(1);
        reached.note(if gone.is_empty() {
            "paid by a release"
        } else {
            "paid by an idle slot"
        });
        gone.extend(one.join().unwrap());
        gone.extend(two.join().unwrap());
        assert_eq!(gone.len(), 1, "a debt of one was paid that often");
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 1));
        assert_eq!(rig.line.counts().idle, 1);
        rig.at_rest(0);
        assert!(rig.occupy().is_none());
        rig.set_limit(3);
        exact(&rig, 2);
        assert!(
            matches!(rig.request(0), Request::Has(_)),
            "the gates stayed shut after the debt"
        );
    });
}

#[test]
fn a_shrink_that_meets_a_hand_off_serves_the_line_from_what_remains() {
    let outcomes = ["the first release was handed on", "the first release left"];
    explore(3, &outcomes, |reached| {
        let (rig, [a, b]) = Rig::held(1);
        let waiting = rig.request(0);
        let one = rig.spawn(move |rig| leaver(rig.give(a)));
        let two = rig.spawn(move |rig| leaver(rig.give(b)));
        let mut gone = rig.set_limit(1);
        let first = one.join().unwrap();
        reached.note(if first.is_some() {
            "the first release left"
        } else {
            "the first release was handed on"
        });
        gone.extend(first);
        gone.extend(two.join().unwrap());
        assert_eq!(gone.len(), 1, "a debt of one was paid that often");
        let _slot = rig.unit(waiting);
        rig.at_rest(1);
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 1));
    });
}

#[test]
fn nothing_is_taken_while_a_debt_is_owed() {
    explore(3, &["taken before", "refused", "the idle one left"], |reached| {
        let (rig, [_a, b]) = Rig::held(1);
        let clock = Arc::new(Clock::default());
        let taker_clock = clock.clone();
        assert!(kept(rig.give(b)));
        let taker = rig.spawn(move |rig| (rig.line.stock.take_from(0), taker_clock.stamp()));
        let gone = rig.set_limit(0);
        let shrunk = clock.stamp();
        let (taken, ended) = taker.join().unwrap();
        assert!(taken.is_none() || ended < shrunk, "a grant under a debt");
        assert_eq!(gone.len() + taken.iter().len(), 1, "one slot was idle");
        reached.note(if taken.is_some() { "taken before" } else { "refused" });
        if !gone.is_empty() {
            reached.note("the idle one left");
        }
        rig.at_rest(1 + taken.iter().len() as u32);
    });
}

#[test]
fn a_growth_that_meets_a_shrink_and_a_release_ends_at_the_last_limit_set() {
    explore(3, &["left", "kept"], |reached| {
        let (rig, [a, b]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| leaver(rig.give(a)));
        let operator = rig.spawn(move |rig| rig.set_limit(1));
        let mut gone = rig.set_limit(3);
        gone.extend(releaser.join().unwrap());
        gone.extend(operator.join().unwrap());
        assert!(gone.len() <= 1, "a debt of one was paid that often");
        reached.note(if gone.is_empty() { "kept" } else { "left" });
        gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
        let counts = rig.line.counts();
        let debt = counts.occupied > counts.limit;
        if let Some(slot) = leaver(rig.give(b)) {
            assert!(debt || counts.occupied == counts.limit, "left, and nothing was owed");
            rig.vacate(slot);
        }
        let counts = rig.line.counts();
        exact(&rig, counts.limit - counts.occupied);
    });
}

#[test]
fn a_growth_makes_further_words_under_traffic_and_nobody_waits_beside_them() {
    explore(2, &["through the first word", "through the further one"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.cells.reach(33);
        // The 33rd slot is the first without a home word.
        rig.line.core.lock().back.made = 32;
        // A word made late is of the generation that it is made in.
        assert!(rig.invalidate().is_empty());
        rig.renew(&slot);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let grower = rig.spawn(|rig| {
            rig.set_limit(33);
            let slot = rig.occupy().expect("the limit is 33");
            assert_eq!(slot.number(), 32);
            kept(rig.give(slot))
        });
        let first = rig.request(0);
        let second = rig.request(0);
        assert!(releaser.join().unwrap() && grower.join().unwrap());
        let (first, second) = (rig.unit(first), rig.unit(second));
        reached.note(if first.number() == 0 {
            "through the first word"
        } else {
            "through the further one"
        });
        assert_ne!(first.number(), second.number());
        rig.at_rest(2);
        let further = if first.number() == 0 { second } else { first };
        assert!(kept(rig.give(further)));
        let further = rig.unit(rig.request(0));
        // That has opened every gate, so the word itself must take it now.
        assert!(rig.line.stock.put(further.end(), 1), "the further word is of no use");
    });
}

#[test]
fn slots_occupied_at_once_never_exceed_the_limit() {
    explore(3, &["one was refused", "both had their turn"], |reached| {
        let rig = Rig::new(1, 1);
        let live = Arc::new(AtomicI64::new(0));
        let tries = [live.clone(), live.clone()].map(|live| {
            rig.spawn(move |rig| {
                let slot = rig.occupy()?;
                assert!(live.fetch_add(1, Relaxed) < 1, "two slots under a limit of one");
                let given = rig.give(slot);
                assert!(kept(given));
                let slot = rig.take(0)?;
                rig.line.part();
                live.fetch_sub(1, Relaxed);
                Some(rig.vacate(slot))
            })
        });
        let had = tries.map(|thread| thread.join().unwrap()).into_iter().flatten().count();
        reached.note(if had == 2 {
            "both had their turn"
        } else {
            "one was refused"
        });
        assert!(had >= 1);
        exact(&rig, 1);
    });
}

#[test]
fn nothing_of_an_older_generation_is_taken_after_invalidate_has_returned() {
    let outcomes = [
        "an old one taken before",
        "the released one left",
        "the released one was swept",
        "a new one taken",
    ];
    explore(3, &outcomes, |reached| {
        let (rig, [held, idle]) = Rig::held(1);
        assert!(kept(rig.give(idle)));
        let clock = Arc::new(Clock::default());
        let taker_clock = clock.clone();
        let taker = rig.spawn(move |rig| (rig.line.stock.take_from(0), taker_clock.stamp()));
        let releaser = rig.spawn(move |rig| leaver(rig.give(held)));
        let mut gone = rig.invalidate();
        let invalidated = clock.stamp();
        // A connection of the new generation takes the place of one that left.
        if let Some(slot) = gone.pop() {
            rig.vacate(slot);
            assert!(kept(rig.give(rig.occupy().expect("one has just left"))));
        }
        let (taken, ended) = taker.join().unwrap();
        match releaser.join().unwrap() {
            Some(slot) => {
                reached.note("the released one left");
                gone.push(slot);
            }
            None => reached.note("the released one was swept"),
        }
        if let Some(number) = taken {
            let slot = rig.received(number);
            if rig.epoch(&slot) == 1 {
                reached.note("a new one taken");
                assert!(kept(rig.give(slot)));
            } else {
                assert!(ended < invalidated, "an old one taken after invalidate() had returned");
                reached.note("an old one taken before");
                gone.extend(leaver(rig.give(slot)));
            }
        }
        gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
        while let Some(slot) = rig.take(0) {
            assert_eq!(rig.epoch(&slot), 1, "an old one stayed idle");
            rig.line.part();
            rig.vacate(slot);
        }
        assert_eq!(rig.line.counts().occupied, 0, "an old one is lost");
    });
}

#[test]
fn an_old_release_that_meets_a_request_is_never_lent_again() {
    explore(2, &["left", "swept", "served before"], |reached| {
        let (rig, [held]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| leaver(rig.give(held)));
        let comer = rig.spawn(|rig| rig.request(0));
        let gone = rig.invalidate();
        let swept = gone.len();
        let left = releaser.join().unwrap();
        match rig.end(comer.join().unwrap()) {
            End::Unit(slot) => {
                assert!(swept == 0 && left.is_none());
                reached.note("served before");
                let slot = leaver(rig.give(slot)).expect("an old one was kept");
                assert_eq!(rig.vacate(slot), 0);
            }
            End::Waits => {
                assert_eq!(swept + left.iter().len(), 1);
                reached.note(if swept == 1 { "swept" } else { "left" });
                gone.into_iter()
                    .chain(left)
                    .for_each(|slot| assert_eq!(rig.vacate(slot), 0));
            }
            other => panic!("{other:?}"),
        }
        exact(&rig, 1);
    });
}

#[test]
fn whatever_is_idle_leaves_wherever_it_is() {
    explore(None, &["invalidated", "closed", "drained"], |reached| {
        for how in ["invalidated", "closed", "drained"] {
            let (rig, fresh) = Rig::with_number(64);
            let public = rig.occupy_again(0);
            let stale = rig.occupy_again(1);
            assert!(kept(rig.give(stale)));
            assert!(rig.sift(|_| Sift::Stale(0)).is_empty());
            assert!(kept(rig.give(public)) && kept(rig.give(fresh)));
            let gone = match how {
                "invalidated" => rig.invalidate(),
                "closed" => rig.close().0,
                _ => rig.drain(),
            };
            let mut numbers: Vec<_> = gone.iter().map(Slot::number).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [0, 1, 64]);
            reached.note(how);
            gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
            assert_eq!(rig.line.counts().occupied, 0);
        }
    });
}

#[test]
fn a_shrink_takes_the_longest_unused_first() {
    explore(None, &["as it should be"], |reached| {
        let (rig, [a, b, c]) = Rig::held(1);
        assert!(kept(rig.give(b)));
        assert!(rig.sift(|_| Sift::Stale(1)).is_empty());
        assert!(kept(rig.give(c)));
        assert!(rig.sift(|_| Sift::Stale(2)).is_empty());
        assert!(kept(rig.give(a)));
        let gone = rig.set_limit(1);
        assert_eq!(gone.iter().map(Slot::number).collect::<Vec<_>>(), [1, 2]);
        reached.note("as it should be");
        gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
        rig.at_rest(0);
    });
}
