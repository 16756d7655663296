//! Hazards of slips: what has become of a request is read without the lock, and a slip read is soon somebody else's.

use super::explore;
use super::rig::{Bell, End, Request, Rig, kept};
use crate::sync::line::Served;
use crate::sync::queue::{Failure, Ticket};
use std::sync::Arc;
use std::task::Waker;

/// Four requests in line: as many nodes as the line makes at once under loom.
fn four(rig: &Rig) -> [(Ticket, Arc<Bell>); 4] {
    std::array::from_fn(|_| match rig.request(0) {
        Request::Waits(ticket, bell) => (ticket, bell),
        _ => panic!("nothing is idle"),
    })
}

#[test]
fn a_slip_is_used_again_only_when_its_request_has_read_it() {
    let outcomes = ["used again", "not read yet, so another was made"];
    explore(None, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let [(first, bell), others @ ..] = four(&rig);
        let index = first.index();
        assert!(kept(rig.give(slot)));
        let reader = rig.spawn(move |rig| match rig.look(Request::Waits(first, bell)) {
            Ok(End::Unit(slot)) => slot.number(),
            _ => panic!("it was served before"),
        });
        let Request::Waits(fifth, bell) = rig.request(0) else {
            panic!("nothing is idle")
        };
        reached.note(if fifth.index() == index {
            "used again"
        } else {
            "not read yet, so another was made"
        });
        assert!(others.iter().all(|(ticket, _)| ticket.index() != fifth.index()));
        assert_eq!(bell.rung(), 0);
        assert!(
            rig.look(Request::Waits(fifth, bell)).is_err(),
            "it read another's outcome"
        );
        assert_eq!(reader.join().unwrap(), 0);
        assert_eq!(rig.line.pending(), 4);
        others
            .into_iter()
            .for_each(|(ticket, _)| assert!(rig.line.leave(ticket).is_none()));
    });
}

#[test]
fn a_slip_read_while_it_is_written_loses_neither_slot_nor_failure() {
    let outcomes = ["served", "cleared", "read too early"];
    explore(None, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let waiting = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let operator = rig.spawn(|rig| rig.line.fail_all(Failure::Cleared));
        let early = rig.look(waiting);
        assert!(releaser.join().unwrap());
        let cleared = operator.join().unwrap();
        let end = early.unwrap_or_else(|waiting| {
            reached.note("read too early");
            rig.end(waiting)
        });
        match end {
            End::Unit(_slot) => {
                assert_eq!(cleared, 0);
                reached.note("served");
                rig.at_rest(1);
            }
            End::Failed(Failure::Cleared) => {
                assert_eq!(cleared, 1);
                reached.note("cleared");
                rig.at_rest(0);
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_request_that_leaves_another_waker_is_woken_by_it_or_reads_its_outcome_at_once() {
    let outcomes = ["read at once", "woken"];
    explore(3, &outcomes, |reached| {
        let (rig, [slot]) = Rig::held(1);
        let [(first, _), (second, old), ..] = four(&rig);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let canceller = rig.spawn(move |rig| rig.line.leave(first).is_none_or(|slot| kept(rig.give(slot))));
        let new = Arc::new(Bell::default());
        let mut second = Some(second);
        let served = rig.line.poll(&mut second, &Waker::from(new.clone()));
        assert!(releaser.join().unwrap() && canceller.join().unwrap());
        let _slot = match (served, second) {
            (Served::Unit(mut slot), None) => {
                assert_eq!(old.rung() + new.rung(), 1);
                reached.note("read at once");
                rig.touch(&mut slot);
                slot
            }
            (Served::NotYet, Some(second)) => {
                assert_eq!(
                    (old.rung(), new.rung()),
                    (0, 1),
                    "the task that polled last was not woken"
                );
                reached.note("woken");
                rig.unit(Request::Waits(second, new))
            }
            other => panic!("{other:?}"),
        };
    });
}
