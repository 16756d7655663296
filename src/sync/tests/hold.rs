//! Hazards around whatever holds the line or empties it: pause, resume, clear, orphan.

use super::explore;
use super::rig::{Bell, Clock, End, Request, Rig, kept};
use crate::sync::line::Served;
use crate::sync::queue::Failure;
use crate::sync::upkeep::Sift;
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
fn nothing_stale_is_taken_after_pause_has_returned() {
    explore(None, &["taken before", "refused"], |reached| {
        let rig = Rig::idle(1, 1);
        assert!(rig.sift(|_| Sift::Stale(0)).is_empty());
        let tender = rig.spawn(|rig| rig.line.take_stale());
        rig.line.pause();
        let at_pause = rig.line.counts().stale;
        let taken = tender.join().unwrap();
        assert_eq!(rig.line.counts().stale, at_pause, "taken after pause() had returned");
        reached.note(if taken.is_some() { "taken before" } else { "refused" });
        rig.at_rest(taken.iter().len() as u32);
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
fn a_resume_that_comes_too_late_for_the_one_in_line_keeps_the_slot() {
    explore(None, &["released before it", "released after it"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.pause();
        let (waiting, _) = rig.request_until(0, 10);
        let releaser = rig.spawn(move |rig| kept(rig.give_at(slot, 10)));
        rig.line.resume(|| 10);
        let waits = rig.line.pending() == 1;
        assert!(releaser.join().unwrap());
        reached.note(if waits {
            "released after it"
        } else {
            "released before it"
        });
        assert!(
            matches!(rig.end(waiting), End::Failed(Failure::Expired)),
            "served after its deadline"
        );
        assert_eq!(rig.line.counts().idle, 1);
        rig.at_rest(0);
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
