//! Hazards around one hand-off: release, join, cancel, a second waiter, a newcomer, a new waker.

use super::explore;
use super::rig::{Bell, Clock, End, Request, Rig, kept};
use crate::sync::line::{Refused, Served};
use crate::sync::queue::NEVER;
use std::sync::Arc;
use std::task::Waker;

#[test]
fn a_request_that_meets_a_release_never_waits_beside_an_idle_slot() {
    explore(None, &["served at once", "served in line"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let request = rig.request(0);
        reached.note(if matches!(request, Request::Has(_)) {
            "served at once"
        } else {
            "served in line"
        });
        assert!(releaser.join().unwrap());
        let _slot = rig.unit(request);
        rig.at_rest(1);
    });
}

#[test]
fn a_request_that_may_not_wait_is_refused_only_when_nothing_is_idle() {
    explore(None, &["served", "full"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let clock = Arc::new(Clock::default());
        let given = clock.clone();
        let releaser = rig.spawn(move |rig| {
            assert!(kept(rig.give(slot)));
            given.stamp();
        });
        let released_before = clock.stamp() > 0;
        let hands = match rig.join(NEVER, 0).0 {
            Request::Full => {
                assert!(!released_before, "refused beside an idle slot");
                reached.note("full");
                0
            }
            Request::Has(_) => {
                reached.note("served");
                1
            }
            _ => panic!("it may not wait"),
        };
        releaser.join().unwrap();
        rig.at_rest(hands);
    });
}

#[test]
fn two_releases_into_two_words_serve_two_requests_in_their_order() {
    let outcomes = [
        "both at once",
        "both in line",
        "the second at once, the first in line",
        "the second in line",
    ];
    explore(3, &outcomes, |reached| {
        let (rig, [a, b]) = Rig::held(2);
        let first = rig.spawn(move |rig| kept(rig.give(a)));
        let second = rig.spawn(move |rig| kept(rig.give(b)));
        let mut one = rig.request(0);
        let waited = matches!(one, Request::Waits(..));
        let two = rig.request(1);
        match (waited, matches!(two, Request::Has(_))) {
            (false, true) => reached.note("both at once"),
            (false, false) => reached.note("the second in line"),
            (true, false) => reached.note("both in line"),
            (true, true) => {
                reached.note("the second at once, the first in line");
                // Allowed only when the first had been served by then.
                one = match rig.look(one) {
                    Ok(End::Unit(slot)) => Request::Has(slot),
                    _ => panic!("the second overtook the first"),
                };
            }
        }
        assert!(first.join().unwrap() && second.join().unwrap());
        let _slots = (rig.unit(one), rig.unit(two));
        rig.at_rest(2);
    });
}

#[test]
fn two_requests_that_race_for_two_releases_are_both_served() {
    explore(2, &["both at once", "one in line", "both in line"], |reached| {
        let (rig, [a, b]) = Rig::held(2);
        let first = rig.spawn(move |rig| kept(rig.give(a)));
        let second = rig.spawn(move |rig| kept(rig.give(b)));
        let rival = rig.spawn(|rig| rig.request(1));
        let one = rig.request(0);
        let two = rival.join().unwrap();
        assert!(first.join().unwrap() && second.join().unwrap());
        let waited = [&one, &two]
            .iter()
            .filter(|request| matches!(request, Request::Waits(..)))
            .count();
        reached.note(["both at once", "one in line", "both in line"][waited]);
        let _slots = (rig.unit(one), rig.unit(two));
        rig.at_rest(2);
    });
}

#[test]
fn a_newcomer_is_never_served_while_an_older_request_waits() {
    let outcomes = [
        "newcomer first",
        "newcomer refused while the older waited",
        "older at once",
    ];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let clock = Arc::new(Clock::default());
        let arrived = clock.clone();
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let newcomer = rig.spawn(move |rig| {
            let begun = arrived.stamp();
            let number = rig.line.stock.take_from(0);
            // Drawn before loom can switch again: the true moment of the grant.
            let ended = arrived.stamp();
            (begun, number.map(|number| rig.received(number)), ended)
        });
        let older = rig.request(0);
        let pending = clock.stamp();
        assert!(releaser.join().unwrap());
        let (begun, taken, ended) = newcomer.join().unwrap();
        match (older, taken) {
            (Request::Has(_), None) => reached.note("older at once"),
            (Request::Has(_), Some(_)) => panic!("one slot in two places"),
            (older, Some(slot)) => {
                assert!(
                    ended < pending,
                    "a newcomer was served after an older request was Pending"
                );
                reached.note("newcomer first");
                assert!(kept(rig.give(slot)));
                let _slot = rig.unit(older);
            }
            (older, None) => {
                if begun < pending && pending < ended {
                    reached.note("newcomer refused while the older waited");
                }
                let _slot = rig.unit(older);
            }
        }
        rig.at_rest(1);
    });
}

#[test]
fn a_try_acquire_never_takes_what_an_older_request_waits_for() {
    explore(None, &["empty", "waiting"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let older = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        match rig.line.try_take() {
            Err(Refused::Waiting) => reached.note("waiting"),
            Err(Refused::Empty) => reached.note("empty"),
            Err(why) => panic!("{why:?} of an open line"),
            Ok(_) => panic!("it overtook the older request"),
        }
        assert!(releaser.join().unwrap());
        let _slot = rig.unit(older);
        rig.at_rest(1);
    });
}

#[test]
fn a_cancel_that_meets_a_hand_off_passes_the_slot_to_the_second_in_line() {
    let outcomes = ["cancelled in time", "cancelled after the grant", "the second at once"];
    explore(None, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let Request::Waits(ticket, _) = rig.request(0) else {
            panic!("nothing is idle")
        };
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let canceller = rig.spawn(move |rig| match rig.line.leave(ticket) {
            Some(mut slot) => {
                rig.touch(&mut slot);
                assert!(kept(rig.give(slot)));
                "cancelled after the grant"
            }
            None => "cancelled in time",
        });
        let second = rig.request(0);
        if matches!(second, Request::Has(_)) {
            reached.note("the second at once");
        }
        assert!(releaser.join().unwrap());
        reached.note(canceller.join().unwrap());
        let _slot = rig.unit(second);
        rig.at_rest(1);
    });
}

#[test]
fn a_cancel_in_mid_line_leaves_the_others_their_turn() {
    explore(3, &["the middle was served", "the middle left"], |reached| {
        let (rig, [a, b]) = Rig::held(1);
        let first = rig.request(0);
        let Request::Waits(ticket, _) = rig.request(0) else {
            panic!("nothing is idle")
        };
        let third = rig.request(0);
        let one = rig.spawn(move |rig| kept(rig.give(a)));
        let two = rig.spawn(move |rig| kept(rig.give(b)));
        match rig.line.leave(ticket) {
            Some(mut slot) => {
                rig.touch(&mut slot);
                assert!(kept(rig.give(slot)));
                reached.note("the middle was served");
            }
            None => reached.note("the middle left"),
        }
        assert!(one.join().unwrap() && two.join().unwrap());
        let _slots = (rig.unit(first), rig.unit(third));
        rig.at_rest(2);
    });
}

#[test]
fn a_grant_that_meets_a_new_waker_wakes_the_one_left_last() {
    explore(None, &["served in the poll", "served later"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let Request::Waits(ticket, old) = rig.request(0) else {
            panic!("nothing is idle")
        };
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let bell = Arc::new(Bell::default());
        let mut ticket = Some(ticket);
        let hands = match rig.line.poll(&mut ticket, &Waker::from(bell.clone())) {
            Served::Unit(mut slot) => {
                rig.touch(&mut slot);
                reached.note("served in the poll");
                assert!(releaser.join().unwrap());
                assert_eq!((old.rung(), bell.rung()), (1, 0));
                1
            }
            Served::NotYet => {
                assert!(releaser.join().unwrap());
                reached.note("served later");
                assert_eq!(
                    (old.rung(), bell.rung()),
                    (0, 1),
                    "the task that polled last was not woken"
                );
                let _slot = rig.unit(Request::Waits(ticket.expect("it waits"), bell));
                1
            }
            Served::Failed(why) => panic!("nobody fails this line: {why:?}"),
        };
        rig.at_rest(hands);
    });
}
