//! Hazards around hands that take work by themselves, and the tender who takes what no hand was called for.

use super::explore;
use super::rig::Bell;
use crate::sync::hands::Hands;
use crate::sync::primitives::Mutex;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Where work lies: its pieces, and how many were taken.
struct Place(Mutex<(u32, u32)>);

impl Place {
    fn new() -> Arc<Self> {
        Arc::new(Place(Mutex::new((0, 0))))
    }

    fn put(&self) {
        self.0.lock().0 += 1;
    }

    fn take(&self) -> Option<()> {
        let mut place = self.0.lock();
        let taken = place.0.checked_sub(1)?;
        *place = (taken, place.1 + 1);
        Some(())
    }
}

/// A hand's look; true if it has work.
fn look(hands: &Hands, place: &Place, bell: &Arc<Bell>) -> Poll<bool> {
    let waker = Waker::from(bell.clone());
    let cx = Context::from_waker(&waker);
    let polled = hands.poll_take(1, 0, &cx, || place.take(), || place.0.lock().0 > 0);
    polled.map(|work| work.is_some())
}

#[test]
fn work_is_taken_by_the_hand_that_is_called_or_left_to_the_tender() {
    explore(None, &["seen at once", "woken", "nobody called"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let (theirs, there) = (hands.clone(), place.clone());
        let caller = loom::thread::spawn(move || {
            there.put();
            theirs.call()
        });
        let bell = Arc::new(Bell::default());
        let first = look(&hands, &place, &bell);
        let called = caller.join().unwrap();
        match first {
            Poll::Ready(work) => {
                assert!(work, "sent away without a reason");
                reached.note("seen at once");
            }
            Poll::Pending if called => {
                assert_eq!(bell.rung(), 1, "a hand sleeps beside its work");
                assert_eq!(look(&hands, &place, &bell), Poll::Ready(true));
                reached.note("woken");
            }
            Poll::Pending => panic!("a hand sleeps beside its work, and nobody called it"),
        }
        if !called {
            reached.note("nobody called");
        }
        assert_eq!(*place.0.lock(), (0, 1));
    });
}

#[test]
fn two_pieces_of_work_find_a_hand_and_the_tender() {
    explore(2, &["both by the hand", "tender"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let bell = Arc::new(Bell::default());
        assert_eq!(look(&hands, &place, &bell), Poll::Pending);
        let callers = [(); 2].map(|()| {
            let (theirs, there) = (hands.clone(), place.clone());
            loom::thread::spawn(move || {
                there.put();
                // The tender's turn, where nobody was called.
                !theirs.call() && there.take().is_some()
            })
        });
        // Awake for another reason, and again after its work.
        if look(&hands, &place, &bell) == Poll::Ready(true) {
            let _ = look(&hands, &place, &bell);
        }
        let by_tender = callers.map(|caller| caller.join().unwrap()).contains(&true);
        reached.note(if by_tender { "tender" } else { "both by the hand" });
        while bell.rung() > 0 && look(&hands, &place, &bell) == Poll::Ready(true) {}
        assert_eq!(*place.0.lock(), (0, 2), "work was left lying");
    });
}

#[test]
fn nobody_calls_a_hand_that_has_work_already() {
    explore(None, &["called", "tender"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let callers = [(); 2].map(|()| {
            let (theirs, there) = (hands.clone(), place.clone());
            loom::thread::spawn(move || {
                there.put();
                // The tender's turn, where nobody was called.
                let called = theirs.call();
                if !called {
                    there.take();
                }
                called
            })
        });
        // A hand whose work never ends: it does not look again.
        let bell = Arc::new(Bell::default());
        let works = look(&hands, &place, &bell) == Poll::Ready(true);
        let called = callers.map(|caller| caller.join().unwrap()).contains(&true);
        reached.note(if called { "called" } else { "tender" });
        if called && !works {
            assert_eq!(bell.rung(), 1);
            while look(&hands, &place, &bell) == Poll::Ready(true) {}
        }
        assert_eq!(place.0.lock().0, 0, "work was left lying");
    });
}

#[test]
fn who_ends_a_term_finds_what_its_hands_were_called_for() {
    explore(None, &["called", "not called"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        let staffed = Arc::new(Mutex::new(true));
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let bell = Arc::new(Bell::default());
        assert_eq!(look(&hands, &place, &bell), Poll::Pending);
        let (theirs, there, home) = (hands.clone(), place.clone(), staffed.clone());
        let caller = loom::thread::spawn(move || {
            there.put();
            let called = theirs.call();
            if !called && !*home.lock() {
                there.take();
            }
            called
        });
        *staffed.lock() = false;
        hands.end(1);
        while place.take().is_some() {}
        let called = caller.join().unwrap();
        reached.note(if called { "called" } else { "not called" });
        assert_eq!(look(&hands, &place, &bell), Poll::Ready(false));
        assert_eq!(*place.0.lock(), (0, 1), "work was left lying");
    });
}

#[test]
fn nobody_calls_a_hand_whose_term_is_over() {
    explore(None, &["waited", "went"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let (theirs, there) = (hands.clone(), place.clone());
        let old = loom::thread::spawn(move || look(&theirs, &there, &Arc::new(Bell::default())));
        hands.begin(2);
        let called = hands.call();
        reached.note(match old.join().unwrap() {
            Poll::Pending => "waited",
            Poll::Ready(_) => "went",
        });
        assert!(!called && !hands.call(), "called somebody whose runtime nobody drives");
    });
}

#[test]
fn a_hand_that_is_spared_takes_the_work_it_meets() {
    explore(None, &["called", "went"], |reached| {
        let (hands, place) = (Arc::new(Hands::new()), Place::new());
        hands.begin(1);
        assert_eq!(hands.hire(), Some(0));
        let bell = Arc::new(Bell::default());
        assert_eq!(look(&hands, &place, &bell), Poll::Pending);
        hands.thin(false);
        let (theirs, there) = (hands.clone(), place.clone());
        let caller = loom::thread::spawn(move || {
            there.put();
            let called = theirs.call();
            if !called {
                there.take();
            }
            called
        });
        hands.thin(false);
        let called = caller.join().unwrap();
        if called {
            assert_eq!(bell.rung(), 1);
            assert_eq!(look(&hands, &place, &bell), Poll::Ready(true));
            reached.note("called");
        } else {
            assert_eq!(look(&hands, &place, &bell), Poll::Ready(false), "spared, and it stayed");
            reached.note("went");
        }
        assert_eq!(*place.0.lock(), (0, 1), "work was left lying");
    });
}
