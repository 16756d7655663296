//! Ends of a line of permits, and its beginnings anew: whose end is whose.

use super::explore;
use crate::sync::line::Line;
use loom::thread;
use std::sync::Arc;

#[test]
fn a_drain_does_not_take_the_next_one_for_itself() {
    explore(None, &["drained before", "called nothing off"], |reached| {
        let line = Arc::new(Line::counter(1));
        let other = line.clone();
        let drainer = thread::spawn(move || other.drain_opening(|| 0).0);
        line.reopen(|| 0);
        let (second, _) = line.drain_opening(|| 0);
        let first = drainer.join().unwrap();
        // What was reopened had been drained by nobody but the other.
        let was_reopened = second == 1;
        reached.note(if was_reopened {
            "drained before"
        } else {
            "called nothing off"
        });
        assert_eq!(first, 0, "the first drain ends what it found");
        assert_eq!(line.close_opening(first).is_none(), was_reopened);
    });
}
