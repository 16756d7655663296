//! Who looks on, and what each lease has to do for that: told once, when the pool is built.
//!
//! | `Leases` | an acquire | a release |
//! |---|---|---|
//! | `Unseen` | as if nobody looked | the same |
//! | `Sampled` | compares the slot's use count; one in so many looks at the clock | looks whether it was that one |
//! | the same with `notes` | and notes where it was taken, under a lock of the slot's own | the same |
//! | `Seen` | leaves the shortest path, and is told | the same |

use super::clock::between;
use super::entry::Meta;
use super::manager::Manager;
use super::notes::{Notes, Site, Warnings};
use super::shared::Shared;
use crate::observe::{Activity, Ending, Event, Interest, Observer, Scope};
use crate::sync::wakes::contained;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// What has to be done for every lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leases {
    Unseen,
    Sampled,
    Seen,
}

pub(crate) struct Watch {
    observer: Option<Arc<dyn Observer>>,
    pub(crate) interest: Interest,
    pub(crate) leases: Leases,
    pub(crate) notes: Option<Notes>,
}

impl Watch {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>, warnings: Warnings) -> Self {
        let interest = observer.as_ref().and_then(|observer| contained(|| observer.interest()));
        let interest = interest.unwrap_or_default();
        // With nobody to tell, nothing is noted.
        let notes = observer.as_ref().and_then(|_| Notes::wanted(warnings));
        let leases = match interest {
            Interest { leases: true, .. } | Interest { order: true, .. } => Leases::Seen,
            Interest { use_time: 0, .. } if notes.is_none() => Leases::Unseen,
            _ => Leases::Sampled,
        };
        Watch {
            observer,
            interest,
            leases,
            notes,
        }
    }

    /// Whether anybody is told of anything.
    #[inline(always)]
    pub(crate) fn is_attached(&self) -> bool {
        self.observer.is_some()
    }

    /// Tells the observer, whose panics stay here.
    #[inline]
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(observer) = &self.observer {
            contained(|| observer.on(&event()));
        }
    }

    /// Asks for a companion to what begins now.
    pub(crate) fn scope(&self, activity: Activity) -> Companion {
        let observer = self.observer.as_ref().filter(|_| self.interest.scopes);
        Companion(observer.and_then(|observer| contained(|| observer.scope(activity)).flatten()))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("interest", &self.interest)
            .finish_non_exhaustive()
    }
}

/// An observer's scope, whose panics stay with it.
#[derive(Default)]
pub(crate) struct Companion(Option<Box<dyn Scope>>);

impl Companion {
    /// Tells how it ended.
    pub(crate) fn ended(&self, ending: impl FnOnce() -> Ending) {
        if let Some(scope) = &self.0 {
            contained(|| scope.ended(ending()));
        }
    }

    /// The same, and ends the scope.
    #[inline(always)]
    pub(crate) fn end(&mut self, ending: impl FnOnce() -> Ending) {
        if self.0.is_some() {
            self.ended(ending);
            self.leave();
        }
    }

    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        let scope = self.0.take();
        contained(move || drop(scope));
    }

    /// Runs this inside the scope, once: a scope that does not as it promised stops nobody.
    pub(crate) fn inside<R>(&self, code: impl FnOnce() -> R) -> R {
        let (mut code, mut result) = (Some(code), None);
        let mut once = || {
            if let Some(code) = code.take() {
                result = Some(code());
            }
        };
        if let Some(scope) = &self.0 {
            contained(|| scope.within(&mut once));
        }
        once();
        result.expect("bug: run by now")
    }

    /// Polls inside the scope.
    pub(crate) async fn around<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| self.inside(|| future.as_mut().poll(cx))).await
    }
}

impl Drop for Companion {
    #[inline(always)]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.leave();
        }
    }
}

impl fmt::Debug for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Companion").field(&self.0.is_some()).finish()
    }
}

impl<M: Manager> Shared<M> {
    /// Tells the observer.
    #[inline]
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        self.watch.tell(event);
    }

    /// A lease begins: somebody may look on.
    #[inline(always)]
    pub(crate) fn lent(&self, number: u32, meta: &Meta, taken_at: Site) {
        if self.watch.leases == Leases::Unseen {
            return;
        }
        if self.watch.interest.use_time > 0 && meta.is_sample() {
            self.start_timing(meta);
        }
        if self.watch.notes.is_some() {
            self.note(number, meta, taken_at);
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&self, number: u32, meta: &Meta, taken_at: Site) {
        if let Some(notes) = &self.watch.notes {
            notes.note(number, meta, taken_at, || self.now());
        }
    }

    /// A lease that never was a request has begun.
    pub(crate) fn lent_at_once(&self) {
        if self.watch.notes.is_some() {
            // The supervisor of a loose pool may not know of it.
            self.poke();
        }
        if self.watch.interest.leases {
            self.tell(|| Event::Acquired {
                waited: Duration::ZERO,
                order: None,
            });
        }
    }

    /// A request joins the line.
    pub(crate) fn queued(&self, waiting_at: Site) {
        self.tell(|| Event::Queued);
        let notes = self.watch.notes.as_ref();
        let held = notes.and_then(|notes| notes.held_by_this_task(self.line.made(), |number| self.cells.meta(number)));
        if let Some(holding_at) = held {
            self.tell(|| Event::Nested { waiting_at, holding_at });
        }
    }

    #[cold]
    #[inline(never)]
    fn start_timing(&self, meta: &Meta) {
        meta.start_timing(self.now());
    }

    /// A lease has ended and was counted. If it was timed, returns how long it was: to be told once the slot is given back.
    pub(crate) fn stop_timing(&self, meta: &Meta, now: u64) -> Option<Duration> {
        // From 0 to twice the mean, so that no rhythm of the leases can meet that of the samples.
        let most = 2 * u64::from(self.watch.interest.use_time.max(1) - 1);
        meta.is_timed()
            .then(|| between(meta.stop_timing(fastrand::u64(0..=most)), now))
    }

    /// A timed lease has ended.
    pub(crate) fn tell_use(&self, used: Option<Duration>) {
        if let Some(used) = used {
            self.tell(|| Event::Released { used });
        }
    }
}
