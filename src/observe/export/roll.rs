//! The pools that an exporter watches, read as one for each name.
//!
//! A pool is told of here for as long as it has its member; it holds that, and nothing here holds the pool. What was counted
//! of a pool that is gone stays with its name for as long as another one bears it, so that no counter runs backwards.

use super::member::Member;
use super::reading::{Counts, Reading};
use crate::observe::Kind;
use crate::sync::primitives::PlainMutex as Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Roll(Mutex<Book>);

/// A pool and a limit may be called the same.
pub(crate) type Name = (Kind, Arc<str>);

/// Under the lock nothing is called that is not on this page: pools have locks of their own.
#[derive(Default)]
struct Book {
    members: Vec<Arc<Member>>,
    gone: BTreeMap<Name, Counts>,
}

impl Roll {
    pub(crate) fn enter(&self, member: Member) -> Arc<Member> {
        let member = Arc::new(member);
        let mut book = self.0.lock();
        // Nobody may ever look. Done when the list would have to grow, it costs little for each member.
        let struck = if book.members.len() == book.members.capacity() {
            book.strike()
        } else {
            Vec::new()
        };
        book.members.push(member.clone());
        drop(book);
        // With them go histograms of somebody else's recorder.
        drop(struck);
        member
    }

    /// What there is to see, by name. A name whose last pool is gone is there once more, as `ended`.
    pub(crate) fn look(&self) -> BTreeMap<Name, Reading> {
        let Turn { live, past, struck } = self.0.lock().turn();
        drop(struck);
        let mut readings = BTreeMap::new();
        for (name, past) in past {
            let ended = !live.iter().any(|member| member.name() == name);
            let reading = Reading {
                past,
                ended,
                ..Reading::default()
            };
            readings.insert(name, reading);
        }
        for member in live {
            member.read(readings.entry(member.name()).or_default());
        }
        readings
    }
}

impl Book {
    /// Strikes out whoever is gone, and keeps what they counted. Those are to be dropped without the lock.
    fn strike(&mut self) -> Vec<Arc<Member>> {
        // The pool has dropped its own: nothing is told here any more.
        let (live, struck) = self.members.drain(..).partition(|member| Arc::strong_count(member) > 1);
        self.members = live;
        for member in &struck {
            let member: &Arc<Member> = member;
            let past = self.gone.entry(member.name()).or_default();
            past.add(&member.counts());
        }
        struck
    }

    /// Whoever is there, with what those counted that are gone; of these, names live on that others bear.
    fn turn(&mut self) -> Turn {
        let struck = self.strike();
        let Book { members, gone } = self;
        let (live, past) = (members.clone(), gone.clone());
        gone.retain(|name, _| members.iter().any(|member| member.name() == *name));
        Turn { live, past, struck }
    }
}

struct Turn {
    live: Vec<Arc<Member>>,
    past: BTreeMap<Name, Counts>,
    struck: Vec<Arc<Member>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::export::reading::Count;
    use crate::observe::{Event, Observer, Subject};

    fn member(name: &str) -> Member {
        Member::new(Subject::new(name.into(), Kind::Pool), 1, None)
    }

    #[test]
    fn pools_that_come_and_go_unread_leave_their_counts_and_nothing_else() {
        let roll = Roll::default();
        let _stays = roll.enter(member("one for each job"));
        for _ in 0..10_000 {
            roll.enter(member("one for each job")).on(&Event::Queued);
        }
        let kept = roll.0.lock().members.len();
        assert!(kept <= 64, "{kept} pools are kept that are gone");
        let counted = roll.look()[&(Kind::Pool, "one for each job".into())]
            .past
            .of(Count::Queued);
        assert_eq!(counted, 10_000);
    }
}
