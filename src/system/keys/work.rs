//! Connect, validate, reset and close: each a task that holds a place, under its own timeout.
//!
//! A place is a token: it cannot be copied, and however its task ends (returned, panicked, runtime gone) it goes back to the
//! house. A manager's panics end here.

use super::house::{Errand, Link, Work};
use super::member::{Key, Member};
use super::shared::Shared;
use crate::observe::{Activity, CloseReason, Ending, Event};
use crate::pool::clock::{between, nanos};
use crate::pool::error::ConnectFailure;
use crate::pool::manager::Manager;
use crate::pool::options::Options;
use crate::sync::wakes::contained;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::time::timeout;

pub(super) struct Held<K: Key, M: Manager> {
    shared: Arc<Shared<K, M>>,
    member: Arc<Member<K, M>>,
    link: Option<Link<K, M>>,
    work: Work,
    /// The room that a close makes way for.
    then: Option<Arc<Member<K, M>>>,
    reason: CloseReason,
    /// It has gone back.
    ended: bool,
}

impl<K: Key, M: Manager> Held<K, M> {
    /// A place whose connect begins.
    pub(super) fn opening(shared: Arc<Shared<K, M>>, member: Arc<Member<K, M>>) -> Self {
        Held {
            shared,
            member,
            link: None,
            work: Work::Connecting,
            then: None,
            reason: CloseReason::Retired,
            ended: false,
        }
    }

    pub(super) fn adopt(shared: Arc<Shared<K, M>>, errand: Errand<K, M>) -> Self {
        let Errand {
            link,
            work,
            then,
            reason,
        } = errand;
        Held {
            shared,
            member: link.member.clone(),
            link: Some(link),
            work,
            then,
            reason,
            ended: false,
        }
    }

    fn conn(&mut self) -> &mut M::Connection {
        &mut self.link.as_mut().expect("bug: a place without its connection").conn
    }

    /// Gives the connection back to the house, sound.
    fn deliver(mut self) {
        let mut link = self.link.take().expect("bug: a place without its connection");
        link.seen = self.shared.now();
        self.ended = true;
        self.shared.with(|house, out| house.put_back(link, self.work, out));
    }

    /// From here on the connection is being closed.
    fn turn_away(&mut self) {
        let (room, work) = (self.member.room, (self.work, Work::Closing));
        self.work = Work::Closing;
        self.shared.with(|house, out| house.turn(room, work, out));
    }
}

impl<K: Key, M: Manager> Drop for Held<K, M> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        contained(|| drop(self.link.take()));
        let (room, work, then) = (self.member.room, self.work, self.then.take());
        if work != Work::Connecting {
            self.shared.report(|| Event::Closed { reason: self.reason });
        }
        self.shared.with(|house, out| match work {
            Work::Connecting => house.unbegin(room, out),
            _ => {
                house.tally.closed += 1;
                house.vacate(room, work, then, out);
            }
        });
    }
}

/// Opens a connection in the place it holds. Dropped at its await (the runtime is gone), the place is vacant.
pub(super) async fn open<K: Key, M: Manager>(mut held: Held<K, M>, begun: u64) {
    let (shared, member) = (held.shared.clone(), held.member.clone());
    let (options, began) = (shared.options(), shared.now());
    shared.report(|| Event::Connecting);
    let companion = shared.watch.scope(Activity::Connect);
    let attempt = async { member.manager_by(&shared.make).connect().await };
    let attempt = companion.around(AssertUnwindSafe(attempt).catch_unwind());
    let failure = match timeout(options.connect_timeout, attempt).await {
        Ok(Ok(Ok(conn))) => {
            member.faults.healed(shared.now());
            let born = shared.now();
            let link = Link {
                conn,
                member,
                begun,
                born,
                expires: lifetime_end(&options, born),
                used: born,
                seen: born,
                uses: 0,
            };
            held.ended = true;
            let took = between(began, born);
            companion.inside(|| shared.report(|| Event::Opened { took }));
            companion.ended(|| Ending::Done);
            return shared.with(|house, out| house.opened(link, out));
        }
        Ok(Ok(Err(error))) => ConnectFailure::Error(Arc::new(error)),
        Ok(Err(_)) => ConnectFailure::Panicked,
        Err(_) => ConnectFailure::TimedOut,
    };
    let permanent = match &failure {
        ConnectFailure::Error(error) => !contained(|| member.manager().is_transient(error)).unwrap_or(true),
        _ => false,
    };
    let took = between(began, shared.now());
    companion.inside(|| {
        shared.report(|| Event::ConnectFailed {
            took,
            cause: failure.in_words(),
        });
    });
    companion.ended(|| match &failure {
        ConnectFailure::TimedOut => Ending::TimedOut,
        _ => Ending::Failed,
    });
    member
        .faults
        .failed((failure.clone(), permanent), began, shared.now(), &options);
    let until = member.faults.until();
    held.ended = true;
    // Lent only: the last copy of an error must not be dropped under the lock.
    let fatal = permanent.then_some(&failure);
    shared.with(|house, out| house.refused(&member, until, fatal, out));
}

/// Validates an idle connection for a request. One that fails is closed, and the request has its ticket still.
pub(super) async fn check<K: Key, M: Manager>(mut held: Held<K, M>) {
    let (shared, member) = (held.shared.clone(), held.member.clone());
    let (limit, began) = (shared.options().validate_timeout, shared.now());
    let look = async { member.manager().validate(held.conn()).await };
    // Dropped here (the runtime is gone): the connection is dropped, its place vacant.
    let sound = matches!(
        timeout(limit, AssertUnwindSafe(look).catch_unwind()).await,
        Ok(Ok(Ok(())))
    );
    shared.report(|| Event::Validated {
        took: between(began, shared.now()),
        sound,
    });
    if sound {
        return held.deliver();
    }
    held.turn_away();
    close(held).await;
}

/// Cleans a connection that came back.
pub(super) async fn reset<K: Key, M: Manager>(mut held: Held<K, M>) {
    let (shared, member) = (held.shared.clone(), held.member.clone());
    let (limit, began) = (shared.options().reset_timeout, shared.now());
    let clean = async {
        match member.manager().reset(held.conn()) {
            Some(reset) => reset.await,
            None => Ok(()),
        }
    };
    // Dropped here: a half-cleaned connection is dropped, never lent.
    let clean = matches!(
        timeout(limit, AssertUnwindSafe(clean).catch_unwind()).await,
        Ok(Ok(Ok(())))
    );
    shared.report(|| Event::Reset {
        took: between(began, shared.now()),
        clean,
    });
    if clean {
        return held.deliver();
    }
    held.turn_away();
    close(held).await;
}

/// Says farewell. The place counts until this ends, and is its successor's then.
pub(super) async fn close<K: Key, M: Manager>(mut held: Held<K, M>) {
    let (limit, member) = (held.shared.options().close_timeout, held.member.clone());
    let Link { conn, .. } = held.link.take().expect("bug: a place without its connection");
    let farewell = async {
        if let Some(farewell) = member.manager().close(conn) {
            farewell.await;
        }
    };
    let _ = timeout(limit, AssertUnwindSafe(farewell).catch_unwind()).await;
    drop(held);
}

/// When a connection born now is over age.
fn lifetime_end(options: &Options, born: u64) -> u64 {
    options.max_lifetime.map_or(u64::MAX, |lifetime| {
        let cut = lifetime.mul_f64(options.lifetime_jitter * fastrand::f64());
        born.saturating_add(nanos(lifetime.saturating_sub(cut)))
    })
}
