//! Hazards of time: expiry against a grant, alarms, ticks that sift idle slots, dozing.

use super::explore;
use super::rig::{End, Request, Rig, kept};
use crate::sync::line::{Given, Served};
use crate::sync::queue::{Failure, NEVER};
use crate::sync::upkeep::Sift;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[test]
fn a_request_is_served_or_expires_and_the_slot_outlives_both() {
    explore(None, &["served", "expired"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let (request, _) = rig.request_until(0, 10);
        let releaser = rig.spawn(move |rig| kept(rig.give_at(slot, 5)));
        let expired = rig.line.expire(10);
        assert!(releaser.join().unwrap());
        match rig.end(request) {
            End::Unit(_slot) => {
                assert_eq!(expired, 0);
                reached.note("served");
                rig.at_rest(1);
            }
            End::Failed(Failure::Expired) => {
                assert_eq!(expired, 1);
                reached.note("expired");
                rig.at_rest(0);
                assert_eq!(rig.line.counts().idle, 1);
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_request_that_gives_up_by_its_own_clock_is_served_or_expires() {
    explore(None, &["served", "expired", "expired by the tender"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let (Request::Waits(ticket, _), _) = rig.request_until(0, 10) else {
            panic!("nothing is idle")
        };
        let releaser = rig.spawn(move |rig| kept(rig.give_at(slot, 5)));
        let tender = rig.spawn(|rig| rig.line.expire(10));
        let served = rig.line.give_up(ticket);
        assert!(releaser.join().unwrap());
        let hands = match (served, tender.join().unwrap()) {
            (Served::Unit(mut slot), 0) => {
                rig.touch(&mut slot);
                reached.note("served");
                1
            }
            (Served::Failed(Failure::Expired), by_tender) => {
                reached.note(if by_tender == 1 {
                    "expired by the tender"
                } else {
                    "expired"
                });
                0
            }
            other => panic!("{other:?}: the grant or the deadline, not both"),
        };
        rig.at_rest(hands);
        assert_eq!(rig.line.counts().idle + hands, 1);
    });
}

#[test]
fn a_late_release_passes_over_the_expired_to_the_next_in_line() {
    explore(None, &["expired by the release", "expired by the tender"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let (late, _) = rig.request_until(0, 10);
        let next = rig.request(0);
        let tender = rig.spawn(|rig| rig.line.expire(10));
        assert!(kept(rig.give_at(slot, 10)));
        let by_tender = tender.join().unwrap();
        reached.note(if by_tender == 1 {
            "expired by the tender"
        } else {
            "expired by the release"
        });
        assert!(
            matches!(rig.end(late), End::Failed(Failure::Expired)),
            "served after its deadline"
        );
        let _slot = rig.unit(next);
        rig.at_rest(1);
    });
}

#[test]
fn whoever_tends_the_line_knows_the_earliest_deadline_or_is_told_of_it() {
    let outcomes = ["it knew", "it knew of the later only", "it knew of none"];
    explore(None, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let early = rig.spawn(|rig| rig.request_until(0, 20));
        let late = rig.spawn(|rig| rig.request_until(0, 30));
        let alarm = rig.line.set_alarm(0);
        let ((early, told), (late, _)) = (early.join().unwrap(), late.join().unwrap());
        assert!(
            told || alarm <= 20,
            "it means to sleep until {alarm}, and somebody expires at 20"
        );
        reached.note(match alarm {
            20 => "it knew",
            30 => "it knew of the later only",
            _ => "it knew of none",
        });
        // Whoever is told looks again.
        assert_eq!(rig.line.set_alarm(0), 20);
        assert_eq!([19, 20, 29, 30].map(|now| rig.line.expire(now)), [0, 1, 0, 1]);
        let ends = (rig.end(early), rig.end(late));
        assert!(matches!(ends, (End::Failed(_), End::Failed(_))));
        // Now it means to sleep for good, so even a later deadline is news.
        assert_eq!(rig.line.set_alarm(0), NEVER);
        let (last, told) = rig.request_until(0, 40);
        assert!(told, "somebody expires at 40, and nobody was told");
        assert!(kept(rig.give(slot)));
        let _slot = rig.unit(last);
        rig.at_rest(1);
    });
}

#[test]
fn a_tick_shelves_only_what_was_not_used_since_the_last_one() {
    let outcomes = [
        "shelved",
        "in use",
        "used before the tick",
        "used between judgement and theft",
    ];
    explore(None, &outcomes, |reached| {
        let rig = Rig::idle(1, 1);
        let uses = Arc::new(AtomicU32::new(0));
        let counter = uses.clone();
        let user = rig.spawn(move |rig| {
            let number = rig.line.stock.take_from(0)?;
            counter.fetch_add(1, Relaxed);
            let slot = rig.received(number);
            kept(rig.give(slot)).then_some(())
        });
        let mut verdicts = Vec::new();
        let gone = rig.sift(|_| {
            let verdict = if uses.load(Relaxed) == 0 {
                Sift::Stale(7)
            } else {
                Sift::Stay
            };
            verdicts.push(verdict);
            verdict
        });
        assert!(gone.is_empty());
        let used = user.join().unwrap().is_some();
        let stale = rig.line.counts().stale;
        assert!(stale == 0 || !used, "a slot was shelved that had just been used");
        assert!(stale == 1 || used, "a slot was spared that nobody had used");
        reached.note(match verdicts[..] {
            [Sift::Stale(_), Sift::Stale(_)] => "shelved",
            [Sift::Stale(_), Sift::Stay] => "used between judgement and theft",
            [Sift::Stay] => "used before the tick",
            _ => "in use",
        });
        rig.at_rest(0);
    });
}

#[test]
fn a_tick_that_meets_a_request_and_a_release_loses_no_slot_and_nobody() {
    let outcomes = ["retired by the tick", "spared by the tick"];
    explore(3, &outcomes, |reached| {
        let (rig, [a, b]) = Rig::held(1);
        assert!(kept(rig.give(a)));
        let number = b.number();
        let releaser = rig.spawn(move |rig| kept(rig.give(b)));
        let comer = rig.spawn(|rig| rig.request(0));
        let gone = rig
            .line
            .sift(|slot| if slot == number { Sift::Leave } else { Sift::Stay });
        assert!(releaser.join().unwrap());
        let request = comer.join().unwrap();
        reached.note(if gone.is_empty() {
            "spared by the tick"
        } else {
            "retired by the tick"
        });
        let _slot = rig.unit(request);
        rig.at_rest(1);
        gone.into_iter().for_each(|slot| _ = rig.vacate(slot));
        rig.at_rest(1);
    });
}

#[test]
fn a_doze_that_meets_a_release_and_a_request_loses_nobody_and_is_ended_once() {
    let outcomes = ["ended by the release", "ended later", "never dozed off"];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| matches!(rig.give(slot), Given::Stirred));
        let comer = rig.spawn(|rig| rig.request_until(0, NEVER));
        let dozed = rig.line.doze();
        let by_release = releaser.join().unwrap();
        let (request, told) = comer.join().unwrap();
        let by_request = told && matches!(request, Request::Has(_));
        let later = matches!(rig.give(rig.unit(request)), Given::Stirred);
        let ended = [by_release, by_request, later]
            .into_iter()
            .filter(|ended| *ended)
            .count();
        assert_eq!(ended, usize::from(dozed), "a doze is ended once, and nothing else is");
        reached.note(match (by_release, later) {
            (true, _) => "ended by the release",
            (_, true) => "ended later",
            _ => "never dozed off",
        });
        assert!(!rig.line.counts().dozing);
        assert!(rig.take(0).is_some(), "the gates stayed shut after the doze");
    });
}

#[test]
fn whoever_waits_while_slots_are_looked_after_gets_one_if_the_tender_was_told() {
    let outcomes = ["told by the release", "told by the request"];
    explore(None, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.set_guarded(|| true);
        let releaser = rig.spawn(move |rig| rig.give(slot));
        let (request, told) = rig.request_until(0, NEVER);
        let by_release = matches!(releaser.join().unwrap(), Given::Stirred);
        assert!(
            by_release || told,
            "a slot to be looked after, somebody who waits, and nobody was told"
        );
        reached.note(if by_release {
            "told by the release"
        } else {
            "told by the request"
        });
        let (mut slot, _) = rig.line.take_stale().expect("it was held back");
        rig.touch(&mut slot);
        assert!(kept(rig.line.deliver(slot, 0, || 0)));
        let _slot = rig.unit(request);
        rig.at_rest(1);
    });
}

#[test]
fn a_slot_looked_after_goes_to_whoever_came_meanwhile() {
    let outcomes = ["delivered to the line", "delivered to the stock", "culled first"];
    explore(None, &outcomes, |reached| {
        let rig = Rig::idle(1, 1);
        assert!(rig.sift(|_| Sift::Stale(3)).is_empty());
        let tender = rig.spawn(|rig| {
            rig.line.take_stale().map(|(mut slot, since)| {
                assert_eq!(since, 3);
                rig.touch(&mut slot);
                kept(rig.line.deliver(slot, 0, || 0))
            })
        });
        let culler = rig.spawn(|rig| rig.line.cull_stale(|_, since| since < 5));
        let request = rig.request(0);
        let gone = culler.join().unwrap();
        let delivered = tender.join().unwrap();
        assert_eq!(
            gone.len() + usize::from(delivered.is_some()),
            1,
            "one slot, culled or delivered"
        );
        if gone.is_empty() {
            reached.note(if matches!(request, Request::Has(_)) {
                "delivered to the stock"
            } else {
                "delivered to the line"
            });
            let _slot = rig.unit(request);
            rig.at_rest(1);
        } else {
            reached.note("culled first");
            assert!(matches!(rig.end(request), End::Waits));
            gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 0));
            rig.at_rest(0);
        }
    });
}

#[test]
fn guarding_a_line_while_it_is_used_leaves_nothing_public() {
    explore(None, &["held back", "given before"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        rig.line.set_guarded(|| true);
        let at_once = rig.line.counts().stale == 1;
        assert!(releaser.join().unwrap());
        assert!(rig.take(0).is_none() && rig.line.try_take().is_err(), "lent unseen");
        reached.note(if at_once { "given before" } else { "held back" });
        assert_eq!(rig.line.counts().stale, 1);
        rig.line.set_guarded(|| false);
        rig.at_rest(0);
    });
}

#[test]
fn a_tick_that_meets_a_shrink_retires_no_more_than_the_debt() {
    explore(None, &["retired by the tick", "retired by the shrink"], |reached| {
        let rig = Rig::idle(2, 1);
        let operator = rig.spawn(|rig| rig.set_limit(1));
        let by_tick = rig.sift(|slot| if slot == 0 { Sift::Leave } else { Sift::Stay });
        let by_shrink = operator.join().unwrap();
        reached.note(if by_shrink.is_empty() {
            "retired by the tick"
        } else {
            "retired by the shrink"
        });
        assert_eq!(by_tick.len() + by_shrink.len(), 1, "a debt of one was paid that often");
        for slot in by_tick.into_iter().chain(by_shrink) {
            assert_eq!(rig.vacate(slot), 1);
        }
        rig.at_rest(0);
    });
}

#[test]
fn a_request_that_meets_a_tick_is_served_or_the_tender_is_told_of_it() {
    explore(None, &["served", "told"], |reached| {
        let rig = Rig::idle(1, 1);
        let tender = rig.spawn(|rig| rig.sift(|_| Sift::Stale(1)).is_empty());
        let (request, told) = rig.request_until(0, NEVER);
        assert!(tender.join().unwrap());
        if matches!(request, Request::Waits(..)) {
            assert!(told, "it waits for a slot that was shelved, and nobody was told");
            let (mut slot, _) = rig.line.take_stale().expect("it was shelved");
            rig.touch(&mut slot);
            assert!(kept(rig.line.deliver(slot, 0, || 0)));
            reached.note("told");
        } else {
            reached.note("served");
        }
        let _slot = rig.unit(request);
        rig.at_rest(1);
    });
}

#[test]
fn once_a_deadline_is_near_every_grant_looks_at_the_clock() {
    explore(None, &["the later one was told", "its margin was known"], |reached| {
        let (rig, [slot]) = Rig::held_with_margin(1, 5);
        let (early, _) = rig.request_until(0, 18);
        assert_eq!(
            rig.line.set_alarm(0),
            13,
            "whoever tends the line is called when the margin begins"
        );
        let comer = rig.spawn(|rig| rig.request_until(0, 20));
        assert_eq!(rig.line.set_alarm(14), 18);
        let (late, told) = comer.join().unwrap();
        reached.note(if told {
            "the later one was told"
        } else {
            "its margin was known"
        });
        assert!(kept(rig.give_at(slot, 20)));
        for request in [early, late] {
            assert!(matches!(rig.end(request), End::Failed(Failure::Expired)), "served late");
        }
        rig.at_rest(0);
    });
}

#[test]
fn a_line_that_nobody_tends_looks_at_the_clock_for_every_grant() {
    explore(None, &["served while it was tended", "not served"], |reached| {
        let (rig, [slot]) = Rig::held_with_margin(1, 5);
        let (request, _) = rig.request_until(0, 20);
        assert_eq!(rig.line.set_alarm(0), 15);
        let releaser = rig.spawn(move |rig| kept(rig.give_at(slot, 20)));
        rig.line.orphan();
        let waited = rig.line.pending() == 1;
        assert!(releaser.join().unwrap());
        match rig.look(request) {
            Ok(End::Unit(_slot)) => {
                assert!(!waited, "served late, and nobody tended the line");
                reached.note("served while it was tended");
            }
            Ok(End::Failed(Failure::Expired)) => reached.note("not served"),
            _ => panic!("neither served nor expired"),
        }
    });
}
