//! Hazards around calling whoever tends the line, while one tender succeeds another.

use super::explore;
use super::rig::Bell;
use crate::sync::primitives::Mutex;
use crate::sync::signal::{Heard, Signal};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn listen(signal: &Signal, term: u64, bell: &Arc<Bell>) -> Poll<Heard> {
    signal.listen(term, &mut Context::from_waker(&Waker::from(bell.clone())))
}

#[test]
fn a_call_reaches_the_tender_before_or_after_it_listens() {
    explore(None, &["seen", "called", "woken"], |reached| {
        let (signal, work) = (Arc::new(Signal::new()), Arc::new(Mutex::new(false)));
        signal.begin(1);
        let (theirs, done) = (signal.clone(), work.clone());
        let caller = loom::thread::spawn(move || {
            *done.lock() = true;
            theirs.poke();
        });
        let bell = Arc::new(Bell::default());
        let seen = *work.lock();
        let heard = listen(&signal, 1, &bell);
        caller.join().unwrap();
        reached.note(match (seen, heard) {
            (true, _) => "seen",
            (_, Poll::Ready(heard)) => {
                assert_eq!(heard, Heard::Call);
                "called"
            }
            _ => {
                assert_eq!(bell.rung(), 1, "a call was lost");
                "woken"
            }
        });
    });
}

#[test]
fn a_call_reaches_the_successor_although_its_predecessor_listens_too() {
    explore(None, &["seen", "called", "woken", "deposed"], |reached| {
        let (signal, work) = (Arc::new(Signal::new()), Arc::new(Mutex::new(false)));
        signal.begin(1);
        let theirs = signal.clone();
        let predecessor = loom::thread::spawn(move || {
            let bell = Arc::new(Bell::default());
            listen(&theirs, 1, &bell) == Poll::Ready(Heard::Deposed)
        });
        let (theirs, done) = (signal.clone(), work.clone());
        let caller = loom::thread::spawn(move || {
            *done.lock() = true;
            theirs.poke();
        });
        let bell = Arc::new(Bell::default());
        signal.begin(2);
        let seen = *work.lock();
        let heard = listen(&signal, 2, &bell);
        caller.join().unwrap();
        if predecessor.join().unwrap() {
            reached.note("deposed");
        }
        reached.note(match (seen, heard) {
            (true, _) => "seen",
            (_, Poll::Ready(heard)) => {
                assert_eq!(heard, Heard::Call);
                "called"
            }
            _ => {
                assert_eq!(bell.rung(), 1, "a call was lost");
                "woken"
            }
        });
    });
}
