//! Hazards around whatever holds or ends the line: pause, resume, clear, close, drain, orphan.

use super::explore;
use super::rig::{Bell, Clock, End, Request, Rig, kept};
use crate::sync::line::{Given, Served};
use crate::sync::queue::Failure;
use std::sync::Arc;
use std::task::Waker;

#[test]
fn nothing_is_taken_after_pause_has_returned() {
    explore(None, &["taken before", "refused"], |reached| {
        let rig = Rig::idle(2, 2);
        let clock = Arc::new(Clock::default());
        let taker_clock = clock.clone();
        let taker = rig.spawn(move |rig| {
            let number = rig.line.stock.take_from(1);
            (number, taker_clock.stamp())
        });
        rig.line.pause();
        let paused = clock.stamp();
        let later = rig.request(0);
        assert!(matches!(later, Request::Waits(..)), "a grant during a pause");
        let (number, ended) = taker.join().unwrap();
        assert!(number.is_none() || ended < paused, "a grant after pause() had returned");
        reached.note(if number.is_some() { "taken before" } else { "refused" });
        let taken = number.map(|number| rig.received(number));
        rig.line.resume(|| 0);
        let _slots = (rig.unit(later), &taken);
        rig.at_rest(1 + taken.iter().len() as u32);
    });
}

#[test]
fn nothing_is_handed_on_after_pause_has_returned() {
    explore(None, &["handed on before", "kept for later"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let waiting = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        rig.line.pause();
        let at_pause = rig.line.pending();
        assert!(releaser.join().unwrap());
        assert_eq!(rig.line.pending(), at_pause, "a grant after pause() had returned");
        assert!(rig.take(0).is_none(), "a release opened the gate during a pause");
        reached.note(if at_pause == 0 {
            "handed on before"
        } else {
            "kept for later"
        });
        rig.line.resume(|| 0);
        let _slot = rig.unit(waiting);
        rig.at_rest(1);
    });
}

#[test]
fn whoever_comes_or_releases_during_a_pause_is_seen_to_by_resume() {
    explore(3, &["at once", "in line"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.pause();
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let comer = rig.spawn(|rig| rig.request(0));
        rig.line.resume(|| 0);
        let request = comer.join().unwrap();
        assert!(releaser.join().unwrap());
        reached.note(if matches!(request, Request::Has(_)) {
            "at once"
        } else {
            "in line"
        });
        let _slot = rig.unit(request);
        rig.at_rest(1);
    });
}

#[test]
fn a_pause_and_a_resume_around_a_hand_off_lose_nobody() {
    explore(2, &["at once", "in line"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let operator = rig.spawn(|rig| {
            rig.line.pause();
            rig.line.resume(|| 0);
        });
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let request = rig.request(0);
        reached.note(if matches!(request, Request::Has(_)) {
            "at once"
        } else {
            "in line"
        });
        operator.join().unwrap();
        assert!(releaser.join().unwrap());
        let _slot = rig.unit(request);
        rig.at_rest(1);
    });
}

#[test]
fn whoever_comes_after_a_clear_is_served_and_whoever_was_cleared_never_is() {
    explore(None, &["cleared", "served before the cut"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let early = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let cleared = rig.line.fail_all(Failure::Cleared);
        let later = rig.request(0);
        assert!(releaser.join().unwrap());
        match rig.end(early) {
            End::Failed(Failure::Cleared) => {
                assert_eq!(cleared, 1);
                reached.note("cleared");
            }
            End::Unit(slot) => {
                assert_eq!(cleared, 0);
                reached.note("served before the cut");
                assert!(kept(rig.give(slot)));
            }
            other => panic!("{other:?}"),
        }
        let _slot = rig.unit(later);
        rig.at_rest(1);
    });
}

#[test]
fn clear_counts_exactly_those_it_failed() {
    let outcomes = [
        "the arrival was cleared",
        "the arrival waited",
        "the arrival was served at once",
    ];
    explore(3, &outcomes, move |reached| {
        let (rig, [slot]) = Rig::held(1);
        let early = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let comer = rig.spawn(|rig| rig.request(0));
        let cleared = rig.line.fail_all(Failure::Cleared);
        assert!(releaser.join().unwrap());
        let arrival = comer.join().unwrap();
        let mut failed = 0;
        let mut chain = |request, last: [&'static str; 3]| {
            let at_once = matches!(request, Request::Has(_));
            match rig.end(request) {
                End::Failed(Failure::Cleared) => {
                    failed += 1;
                    last[0]
                }
                End::Unit(slot) => {
                    assert!(kept(rig.give(slot)));
                    if at_once { last[2] } else { last[1] }
                }
                other => panic!("{other:?}: a lost wake-up"),
            }
        };
        if matches!(arrival, Request::Has(_)) {
            // Nothing was left to wait for, so the older one had been cleared.
            reached.note(chain(arrival, outcomes));
            chain(early, outcomes);
        } else {
            chain(early, outcomes);
            reached.note(chain(arrival, outcomes));
        }
        assert_eq!(failed, cleared, "clear() miscounted");
        rig.at_rest(0);
    });
}

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
fn a_drain_that_meets_a_resume_and_a_release_still_serves_the_line() {
    explore(3, &["released before the drain", "released into it"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.pause();
        let waiting = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let operator = rig.spawn(|rig| rig.line.resume(|| 0));
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

#[test]
fn an_orphaned_line_wakes_everybody_in_it_and_tells_the_next() {
    explore(3, &["polled before", "polled after"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let (first, _) = rig.request_until(0, 50);
        let (Request::Waits(second, old), _) = rig.request_until(0, 60) else {
            panic!("nothing is idle")
        };
        let Request::Waits(first, woken) = first else {
            panic!("nothing is idle")
        };
        // Whoever tends the line has seen both deadlines, and then goes.
        assert_eq!(rig.line.set_alarm(0), 50);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let new = Arc::new(Bell::default());
        let bell = new.clone();
        let poller = rig.spawn(move |rig| {
            let mut second = Some(second);
            let served = rig.line.poll(&mut second, &Waker::from(bell));
            assert!(matches!(served, Served::NotYet), "one slot, and the first has it");
            second.expect("it waits")
        });
        rig.line.orphan();
        let (_, told) = rig.join(70, u32::MAX);
        assert!(told, "nobody tends the line, and the newcomer was not told");
        assert!(releaser.join().unwrap());
        let second = poller.join().unwrap();
        assert!(woken.rung() >= 1, "the first in line sleeps on");
        assert!(old.rung() + new.rung() >= 1, "the second in line sleeps on");
        reached.note(if new.rung() == 1 {
            "polled before"
        } else {
            "polled after"
        });
        let bell = Arc::new(Bell::default());
        let _slot = match rig.line.poll(&mut Some(first), &Waker::from(bell)) {
            Served::Unit(slot) => slot,
            other => panic!("{other:?}: a lost wake-up"),
        };
        assert!(rig.line.leave(second).is_none());
    });
}
