//! The core hazards once more, over the counter: the same line, another stock.

use super::explore;
use super::rig::{Bell, Clock};
use crate::sync::counter::{Counter, Permit};
use crate::sync::line::{Given, Line};
use crate::sync::queue::{Failure, NEVER};
use crate::sync::wait::{Ended, Place};
use loom::cell::UnsafeCell;
use loom::thread::{self, JoinHandle};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A counter, and a value that only a holder of its only permit may touch.
struct Door {
    line: Line<Counter>,
    value: UnsafeCell<()>,
}

impl Door {
    fn new(limit: u32) -> Arc<Door> {
        Arc::new(Door {
            line: Line::counter(limit),
            value: UnsafeCell::new(()),
        })
    }

    /// With every permit in the caller's hands.
    fn held<const N: usize>() -> (Arc<Door>, [Permit; N]) {
        let door = Door::new(N as u32);
        let permits = std::array::from_fn(|_| door.line.take().expect("all are free"));
        (door, permits)
    }

    fn spawn<R: 'static>(self: &Arc<Self>, run: impl FnOnce(&Door) -> R + 'static) -> JoinHandle<R> {
        let door = self.clone();
        thread::spawn(move || run(&door))
    }

    fn touch(&self) {
        // Loom counts this as a write, whatever is done with the pointer.
        self.value.with_mut(|_| ());
    }

    /// Whether the permit stays in use.
    fn give(&self, permit: Permit) -> bool {
        match self.line.give(permit, 0, || 0) {
            Given::Kept => true,
            Given::Stirred => panic!("a counter does not doze"),
            Given::Leaves(_) => false,
        }
    }

    /// Limit, held, pending.
    fn counts(&self) -> (u32, u32, u32) {
        let census = self.line.census();
        (census.limit, census.held, census.pending)
    }

    fn ask(&self) -> Asked<'_> {
        let mut asked = Asked {
            door: self,
            wait: Box::pin(Wait::new(&self.line)),
            bell: Arc::default(),
            at_once: None,
        };
        asked.at_once = asked.poll();
        asked
    }
}

/// A request for a permit. Dropped while it waits, it leaves the line; dropped when it has been served, it passes the permit
/// on. `Limit`'s request is this one with a deadline and a timer.
#[derive(Debug)]
struct Wait<'a> {
    line: &'a Line<Counter>,
    place: Place,
}

impl<'a> Wait<'a> {
    fn new(line: &'a Line<Counter>) -> Self {
        Wait {
            line,
            place: Place::default(),
        }
    }
}

impl Future for Wait<'_> {
    type Output = Result<Permit, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if !this.place.queued() {
            if let Some(permit) = this.line.take() {
                return Poll::Ready(Ok(permit));
            }
        }
        this.place.poll(this.line, cx, || (0, NEVER, u32::MAX)).poll
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.place.abandon(self.line) {
            // A permit that leaves pays a debt, and is nothing to take apart.
            let (Given::Kept | Given::Stirred | Given::Leaves(_)) = self.line.give(permit, 0, || 0);
        }
    }
}

/// A request polled once.
struct Asked<'a> {
    door: &'a Door,
    wait: Pin<Box<Wait<'a>>>,
    bell: Arc<Bell>,
    at_once: Option<Result<Permit, Ended>>,
}

impl Asked<'_> {
    fn poll(&mut self) -> Option<Result<Permit, Ended>> {
        match self
            .wait
            .as_mut()
            .poll(&mut Context::from_waker(&Waker::from(self.bell.clone())))
        {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// What it has come to when every other thread has ended.
    fn end(mut self) -> Option<Result<Permit, Ended>> {
        if let Some(result) = self.at_once.take() {
            return Some(result);
        }
        let result = self.poll();
        assert_eq!(
            self.bell.rung(),
            u64::from(result.is_some()),
            "{result:?}: a lost wake-up"
        );
        result
    }

    fn permit(self) -> Permit {
        let counts = self.door.counts();
        match self.end() {
            Some(Ok(permit)) => permit,
            other => panic!("{other:?} with (limit, held, pending) = {counts:?}: a lost wake-up"),
        }
    }
}

#[test]
fn a_request_for_a_permit_that_meets_a_release_is_served() {
    explore(None, &["at once", "in line"], |reached| {
        let (door, [permit]) = Door::held();
        door.touch();
        let releaser = door.spawn(|door| door.give(permit));
        let asked = door.ask();
        reached.note(if asked.at_once.is_some() { "at once" } else { "in line" });
        assert!(releaser.join().unwrap());
        let _permit = asked.permit();
        door.touch();
        assert_eq!(door.counts(), (1, 1, 0));
    });
}

#[test]
fn a_dropped_request_passes_its_permit_to_the_second_in_line() {
    explore(None, &["dropped in time", "dropped after the grant"], |reached| {
        let (door, [permit]) = Door::held();
        let (first, second) = (door.ask(), door.ask());
        let bell = first.bell.clone();
        let releaser = door.spawn(|door| {
            door.touch();
            door.give(permit)
        });
        drop(first);
        assert!(releaser.join().unwrap());
        reached.note(if bell.rung() == 0 {
            "dropped in time"
        } else {
            "dropped after the grant"
        });
        let _permit = second.permit();
        door.touch();
        assert_eq!(door.counts(), (1, 1, 0));
    });
}

#[test]
fn a_newcomer_is_never_given_a_permit_while_an_older_request_waits() {
    let outcomes = [
        "newcomer first",
        "newcomer refused while the older waited",
        "older at once",
    ];
    explore(3, &outcomes, |reached| {
        let (door, [permit]) = Door::held();
        let clock = Arc::new(Clock::default());
        let arrived = clock.clone();
        let releaser = door.spawn(|door| door.give(permit));
        let newcomer = door.spawn(move |door| (arrived.stamp(), door.line.take(), arrived.stamp()));
        let older = door.ask();
        let pending = clock.stamp();
        assert!(releaser.join().unwrap());
        let (begun, taken, ended) = newcomer.join().unwrap();
        match (older.at_once.is_some(), taken) {
            (true, None) => reached.note("older at once"),
            (true, Some(_)) => panic!("one permit in two hands"),
            (false, Some(permit)) => {
                assert!(
                    ended < pending,
                    "a newcomer was served after an older request was Pending"
                );
                reached.note("newcomer first");
                assert!(door.give(permit));
            }
            (false, None) if begun < pending && pending < ended => {
                reached.note("newcomer refused while the older waited");
            }
            (false, None) => {}
        }
        let _permit = older.permit();
        assert_eq!(door.counts(), (1, 1, 0));
    });
}

#[test]
fn a_holder_of_the_only_permit_sees_what_the_last_one_wrote() {
    explore(3, &["both came in", "one came in"], |reached| {
        let door = Door::new(1);
        let user = |door: &Door| {
            let Some(permit) = door.line.take() else { return false };
            door.touch();
            door.give(permit)
        };
        let users = [door.spawn(user), door.spawn(user)];
        let came = users
            .map(|user| user.join().unwrap())
            .into_iter()
            .filter(|came| *came)
            .count();
        reached.note(if came == 2 { "both came in" } else { "one came in" });
        assert!(came >= 1);
        assert_eq!(door.counts(), (1, 0, 0));
    });
}

#[test]
fn a_permit_kept_under_the_lock_carries_what_its_holder_wrote() {
    explore(None, &["came in", "found nothing"], |reached| {
        let (door, [permit]) = Door::held();
        // The gate is shut for a request, and stays so when that is gone.
        drop(door.ask());
        let releaser = door.spawn(|door| {
            door.touch();
            door.give(permit)
        });
        let taken = door.line.take();
        reached.note(if taken.is_some() { "came in" } else { "found nothing" });
        if taken.is_some() {
            door.touch();
        }
        assert!(releaser.join().unwrap());
    });
}

#[test]
fn a_shrink_that_meets_two_releases_is_paid_once_and_growing_is_exact() {
    explore(3, &["paid by a free permit", "paid by a release"], |reached| {
        let (door, [a, b]) = Door::held();
        let one = door.spawn(|door| door.give(a));
        let two = door.spawn(|door| door.give(b));
        door.line.set_permits(1, || 0);
        let (one, two) = (one.join().unwrap(), two.join().unwrap());
        assert!(one || two, "a debt of one was paid twice");
        reached.note(if one && two {
            "paid by a free permit"
        } else {
            "paid by a release"
        });
        assert_eq!(door.counts(), (1, 0, 0));
        door.line.set_permits(3, || 0);
        let three: Vec<_> = std::iter::from_fn(|| door.ask().end()).collect();
        assert_eq!(three.len(), 3);
        assert!(three.iter().all(Result::is_ok));
    });
}

#[test]
fn a_growth_that_meets_a_request_and_a_release_serves_the_line() {
    explore(3, &["at once", "in line"], |reached| {
        let (door, [permit]) = Door::held();
        let grower = door.spawn(|door| door.line.set_permits(2, || 0));
        let releaser = door.spawn(|door| door.give(permit));
        let (first, second) = (door.ask(), door.ask());
        reached.note(if second.at_once.is_some() { "at once" } else { "in line" });
        grower.join().unwrap();
        assert!(releaser.join().unwrap());
        let _permits = (first.permit(), second.permit());
        assert_eq!(door.counts(), (2, 2, 0));
    });
}

#[test]
fn no_permit_is_taken_after_pause_has_returned_and_resume_serves_whoever_came() {
    explore(3, &["taken before", "refused"], |reached| {
        let door = Door::new(1);
        let clock = Arc::new(Clock::default());
        let taker_clock = clock.clone();
        let taker = door.spawn(move |door| {
            let taken = door.line.take();
            let ended = taker_clock.stamp();
            (taken.map(|permit| door.give(permit)), ended)
        });
        door.line.pause();
        let paused = clock.stamp();
        let asked = door.ask();
        assert!(asked.at_once.is_none(), "a grant after pause() had returned");
        let (taken, ended) = taker.join().unwrap();
        assert!(taken.is_none() || ended < paused, "a grant after pause() had returned");
        reached.note(if taken.is_some() { "taken before" } else { "refused" });
        door.line.resume(|| 0);
        let _permit = asked.permit();
    });
}

#[test]
fn close_fails_the_requests_and_no_permit_comes_back() {
    explore(3, &["at once", "in line", "refused", "failed"], |reached| {
        let (door, [permit]) = Door::held();
        let releaser = door.spawn(|door| door.give(permit));
        let closer = door.spawn(|door| door.line.close().1);
        let asked = door.ask();
        let at_once = asked.at_once.is_some();
        let _ = releaser.join().unwrap();
        let failed = closer.join().unwrap();
        match asked.end() {
            Some(Ok(permit)) => {
                reached.note(if at_once { "at once" } else { "in line" });
                assert!(!door.give(permit), "a closed line kept a permit");
            }
            Some(Err(Ended::Closed)) => reached.note(if at_once { "refused" } else { "failed" }),
            other => panic!("{other:?}"),
        }
        assert!(failed <= 1 && door.line.fail_all(Failure::Cleared) == 0);
        assert_eq!(door.counts(), (1, 0, 0));
        assert!(door.line.take().is_none());
    });
}

#[test]
fn a_drain_that_is_called_off_counts_the_permit_that_comes_back_meanwhile() {
    explore(3, &["at once", "in line"], |reached| {
        let (door, [permit]) = Door::held();
        door.line.drain(|| 0);
        let releaser = door.spawn(|door| {
            door.touch();
            door.give(permit)
        });
        let closer = door.spawn(|door| door.line.close_opening(0));
        door.line.reopen(|| 0);
        let asked = door.ask();
        reached.note(if asked.at_once.is_some() { "at once" } else { "in line" });
        closer.join().unwrap();
        releaser.join().unwrap();
        let _permit = asked.permit();
        door.touch();
        assert_eq!(door.counts(), (1, 1, 0));
        assert!(door.line.take().is_none(), "one permit in two hands");
    });
}

#[test]
fn the_end_of_a_drain_that_was_called_off_fails_nobody_of_the_next_line() {
    explore(None, &["closed before", "called off"], |reached| {
        let (door, [permit]) = Door::held();
        door.line.drain(|| 0);
        let closer = door.spawn(|door| door.line.close_opening(0).is_some());
        door.line.reopen(|| 0);
        let asked = door.ask();
        let closed = closer.join().unwrap();
        reached.note(if closed { "closed before" } else { "called off" });
        assert!(door.give(permit), "a reopened line has use for its permit");
        let _permit = asked.permit();
        assert_eq!(door.counts(), (1, 1, 0));
    });
}
