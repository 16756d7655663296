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
        self.0.lock().members.push(member.clone());
        member
    }

    /// What there is to see, by name. A name whose last pool is gone is there once more, as `ended`.
    pub(crate) fn look(&self) -> BTreeMap<Name, Reading> {
        let (members, gone) = self.0.lock().turn();
        let mut readings = BTreeMap::new();
        for (name, past) in gone {
            let ended = !members.iter().any(|member| member.name() == name);
            let reading = Reading {
                past,
                ended,
                ..Reading::default()
            };
            readings.insert(name, reading);
        }
        for member in members {
            member.read(readings.entry(member.name()).or_default());
        }
        readings
    }
}

impl Book {
    /// Strikes out whoever is gone, and keeps what they counted if their name lives on.
    fn turn(&mut self) -> (Vec<Arc<Member>>, BTreeMap<Name, Counts>) {
        let Book { members, gone } = self;
        members.retain(|member| {
            // The pool has dropped its own: nothing is told here any more.
            let lives = Arc::strong_count(member) > 1;
            if !lives {
                let past = gone.entry(member.name()).or_default();
                past.add(&member.counts());
            }
            lives
        });
        let seen = (members.clone(), gone.clone());
        gone.retain(|name, _| members.iter().any(|member| member.name() == *name));
        seen
    }
}
