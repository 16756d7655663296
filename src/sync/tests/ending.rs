//! Hazards of the end: close and drain, against whoever comes, releases or pauses.

use super::explore;
use super::rig::{End, Request, Rig, kept};
use crate::sync::line::Given;
use crate::sync::queue::Failure;

#[test]
fn close_fails_the_line_and_every_slot_leaves_exactly_once() {
    let outcomes = [
        "served before",
        "failed in line",
        "refused",
        "left idle",
        "left on release",
    ];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| rig.give(slot));
        let comer = rig.spawn(|rig| rig.request(0));
        let (idle, failed) = rig.close();
        if !idle.is_empty() {
            reached.note("left idle");
        }
        let mut gone = idle;
        let request = comer.join().unwrap();
        if let Given::Leaves(slot) = releaser.join().unwrap() {
            reached.note("left on release");
            gone.push(slot);
        }
        match rig.end(request) {
            End::Unit(slot) => {
                reached.note("served before");
                let Given::Leaves(slot) = rig.give(slot) else {
                    panic!("kept by a closed line")
                };
                gone.push(slot);
                assert_eq!(failed, 0);
            }
            End::Failed(Failure::Closed) => {
                reached.note("failed in line");
                assert_eq!(failed, 1);
            }
            End::Refused => {
                reached.note("refused");
                assert_eq!(failed, 0);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(gone.len(), 1, "the one slot left that often");
        assert!(rig.take(0).is_none() && rig.line.occupy().is_none());
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 0));
    });
}

#[test]
fn drain_serves_those_in_line_and_the_last_slot_leaves_exactly_once() {
    let outcomes = [
        "served in line",
        "served at once",
        "refused",
        "left idle",
        "left on release",
    ];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| rig.give(slot));
        let comer = rig.spawn(|rig| rig.request(0));
        let mut gone = rig.drain();
        if !gone.is_empty() {
            reached.note("left idle");
        }
        let request = comer.join().unwrap();
        if let Given::Leaves(slot) = releaser.join().unwrap() {
            reached.note("left on release");
            gone.push(slot);
        }
        let at_once = matches!(request, Request::Has(_));
        match rig.end(request) {
            End::Unit(slot) => {
                reached.note(if at_once { "served at once" } else { "served in line" });
                let Given::Leaves(slot) = rig.give(slot) else {
                    panic!("kept by a drained line")
                };
                gone.push(slot);
            }
            End::Refused => reached.note("refused"),
            other => panic!("{other:?}: drain forgot the line"),
        }
        assert_eq!(gone.len(), 1, "the one slot left that often");
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 0));
        assert!(rig.line.unwanted_idle().is_empty() && rig.line.occupy().is_none());
    });
}

#[test]
fn two_last_releases_that_meet_a_drain_leave_once_each() {
    explore(3, &["both left idle", "both left on release", "one each"], |reached| {
        let (rig, [a, b]) = Rig::held(2);
        let one = rig.spawn(move |rig| rig.give(a));
        let two = rig.spawn(move |rig| rig.give(b));
        let mut gone = rig.drain();
        reached.note(["both left on release", "one each", "both left idle"][gone.len()]);
        for given in [one.join().unwrap(), two.join().unwrap()] {
            if let Given::Leaves(slot) = given {
                gone.push(slot);
            }
        }
        assert_eq!(gone.len(), 2, "two slots left that often");
        gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
        assert_eq!(rig.line.counts().occupied, 0);
    });
}

#[test]
fn a_drain_that_meets_a_pause_and_a_release_still_serves_the_line() {
    let outcomes = ["released before the drain", "released into it"];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let waiting = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let operator = rig.spawn(|rig| rig.line.pause());
        assert!(rig.drain().is_empty(), "a slot left that somebody waits for");
        reached.note(if rig.line.pending() == 0 {
            "released before the drain"
        } else {
            "released into it"
        });
        assert!(releaser.join().unwrap());
        operator.join().unwrap();
        let slot = rig.unit(waiting);
        let Given::Leaves(slot) = rig.give(slot) else {
            panic!("kept by a drained line")
        };
        assert_eq!(rig.vacate(slot), 0);
    });
}
