//! What stands in a slot, handed over by every way there is: loom's cell check and the count in the cell watch each.

use super::explore;
use super::rig::{End, Request, Rig, kept};
use crate::sync::line::Given;
use crate::sync::upkeep::Sift;

#[test]
fn a_value_is_handed_over_through_a_word() {
    explore(3, &["both used it", "one used it", "nobody did"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let user = |rig: &Rig| rig.take(0).is_some_and(|slot| kept(rig.give(slot)));
        let users = [rig.spawn(user), rig.spawn(user)];
        assert!(kept(rig.give(slot)));
        let used = users
            .map(|user| user.join().unwrap())
            .into_iter()
            .filter(|used| *used)
            .count();
        reached.note(["nobody did", "one used it", "both used it"][used]);
        assert!(rig.take(0).is_some(), "the slot is lost");
        rig.at_rest(1);
    });
}

#[test]
fn a_value_that_was_only_read_is_not_written_before_the_reader_is_done() {
    explore(None, &["read by both", "read by one"], |reached| {
        let rig = Rig::idle(1, 1);
        let reader = rig.spawn(|rig| {
            let slot = rig.received(rig.line.stock.take_from(0)?);
            let read = *rig.cells.value(&slot).expect("its holder wrote it");
            kept(rig.line.give(slot, 0, || 0)).then_some(read)
        });
        let read = rig.take(0).map(|slot| {
            let read = *rig.cells.value(&slot).expect("its holder wrote it");
            assert!(kept(rig.line.give(slot, 0, || 0)));
            read
        });
        let other = reader.join().unwrap();
        reached.note(if read.is_some() && other.is_some() {
            "read by both"
        } else {
            "read by one"
        });
        assert!(read.is_some() || other.is_some());
        assert_ne!(read, other, "both read the same write");
        let _slot = rig.take(0).expect("the slot is lost");
        rig.at_rest(1);
    });
}

#[test]
fn a_value_is_handed_over_through_the_line() {
    explore(None, &["in line", "at once"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let waiting = rig.request(0);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let passer = rig.spawn(move |rig| match rig.look(waiting) {
            Ok(End::Unit(slot)) => kept(rig.give(slot)),
            Err(Request::Waits(ticket, _)) => rig.line.leave(ticket).is_none_or(|slot| kept(rig.give(slot))),
            _ => false,
        });
        let last = rig.request(0);
        reached.note(if matches!(last, Request::Has(_)) {
            "at once"
        } else {
            "in line"
        });
        assert!(releaser.join().unwrap() && passer.join().unwrap());
        let _slot = rig.unit(last);
        rig.at_rest(1);
    });
}

#[test]
fn a_value_is_handed_over_through_the_further_word() {
    explore(3, &["at once", "in line"], |reached| {
        let (rig, slot) = Rig::with_number(32);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let user = rig.spawn(|rig| rig.take(0).is_none_or(|slot| kept(rig.give(slot))));
        let request = rig.request(0);
        reached.note(if matches!(request, Request::Has(_)) {
            "at once"
        } else {
            "in line"
        });
        assert!(releaser.join().unwrap() && user.join().unwrap());
        assert_eq!(rig.unit(request).number(), 32);
        rig.at_rest(1);
    });
}

#[test]
fn a_value_is_handed_over_through_the_shelf_of_slots_without_a_word() {
    explore(3, &["at once", "in line", "tried with success"], |reached| {
        let (rig, slot) = Rig::with_number(64);
        let releaser = rig.spawn(move |rig| kept(rig.give(slot)));
        let user = rig.spawn(|rig| match rig.line.try_take() {
            Ok((slot, _)) => kept(rig.give(slot)),
            Err(_) => false,
        });
        let request = rig.request(0);
        reached.note(if matches!(request, Request::Has(_)) {
            "at once"
        } else {
            "in line"
        });
        assert!(releaser.join().unwrap());
        if user.join().unwrap() {
            reached.note("tried with success");
        }
        assert_eq!(rig.unit(request).number(), 64);
        rig.at_rest(1);
    });
}

#[test]
fn a_value_is_handed_over_through_the_shelf_of_stale_slots() {
    explore(None, &["found on the shelf", "found too early"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.set_guarded(|| true);
        let holder = rig.spawn(move |rig| kept(rig.give(slot)));
        let taken = rig.line.take_stale().map(|(mut slot, _)| {
            rig.touch(&mut slot);
            kept(rig.line.deliver(slot, 0, || 0))
        });
        assert!(holder.join().unwrap() && taken != Some(false));
        reached.note(if taken.is_some() {
            "found on the shelf"
        } else {
            "found too early"
        });
        assert_eq!(rig.line.counts().idle, 1);
        rig.at_rest(0);
    });
}

#[test]
fn a_value_is_handed_over_from_a_word_to_the_shelf_by_a_tick() {
    explore(None, &["shelved", "in use"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        let holder = rig.spawn(move |rig| kept(rig.give(slot)));
        assert!(rig.sift(|_| Sift::Stale(9)).is_empty());
        let stale = rig.line.take_stale();
        assert!(holder.join().unwrap());
        reached.note(if stale.is_some() { "shelved" } else { "in use" });
        let (mut slot, _) = stale.or_else(|| Some((rig.take(0)?, 0))).expect("the slot is lost");
        rig.touch(&mut slot);
        rig.at_rest(1);
    });
}

#[test]
fn a_vacant_cell_is_handed_over_through_the_vacancies() {
    explore(None, &["occupied again at once", "occupied later"], |reached| {
        let (rig, [slot]) = Rig::held(1);
        rig.line.part();
        let leaver = rig.spawn(move |rig| rig.vacate(slot));
        let occupied = rig.occupy();
        reached.note(if occupied.is_some() {
            "occupied again at once"
        } else {
            "occupied later"
        });
        assert_eq!(leaver.join().unwrap(), 0);
        let slot = occupied.or_else(|| rig.occupy()).expect("the slot is vacant by now");
        assert_eq!(slot.number(), 0, "the lowest vacant number comes first");
        rig.at_rest(1);
    });
}

#[test]
fn a_value_that_leaves_is_seen_by_whoever_takes_it_apart() {
    let outcomes = ["swept unused", "swept after a use", "handed back by its holder"];
    explore(None, &outcomes, |reached| {
        let rig = Rig::idle(1, 1);
        let user = rig.spawn(|rig| rig.take(0).map(|slot| rig.give(slot)));
        let (mut gone, _) = rig.close();
        match user.join().unwrap() {
            Some(Given::Leaves(slot)) => {
                reached.note("handed back by its holder");
                gone.push(slot);
            }
            Some(_) => reached.note("swept after a use"),
            None => reached.note("swept unused"),
        }
        assert_eq!(gone.len(), 1, "the one slot left that often");
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 0));
    });
}

#[test]
fn a_value_that_a_tick_takes_out_is_seen_by_whoever_takes_it_apart() {
    let outcomes = ["taken out unused", "taken out after a use", "in use"];
    explore(None, &outcomes, |reached| {
        let rig = Rig::idle(1, 1);
        let user = rig.spawn(|rig| rig.take(0).map(|slot| kept(rig.give(slot))));
        let gone = rig.sift(|_| Sift::Leave);
        let used = user.join().unwrap().is_some();
        reached.note(match (gone.is_empty(), used) {
            (false, false) => "taken out unused",
            (false, true) => "taken out after a use",
            (true, _) => "in use",
        });
        gone.into_iter().for_each(|slot| assert_eq!(rig.vacate(slot), 0));
        rig.at_rest(0);
    });
}
