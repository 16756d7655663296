//! Connections without a pool: each is opened for one lease and closed when it ends.
//!
//! They stand in the slots of a pool of their own kind, which makes them counted, closed with a farewell under its timeout,
//! and safe to drop anywhere; but nothing is ever idle there and nobody waits in its line. The connect runs in the caller's
//! own task, so a caller that gives up ends it.
//!
//! What is done to the pool meanwhile concerns it all the same: paused, it opens nothing; closed, it ends who is connecting;
//! invalidated, it closes what was begun before, and the request begins anew in the time that it has left.

use super::clock::nanos;
use super::error::{AcquireError, ConnectFailure, Phase, Timeout};
use super::handle::Pool;
use super::held::Held;
use super::hooks;
use super::manager::Manager;
use super::notes::Site;
use super::owned::OwnedPooled;
use super::shared::{Shared, SlotOf, since};
use super::tally::{Work, count};
use crate::observe::{Activity, CloseReason, Ending, Event};
use crate::sync::line::Phase as LinePhase;
use crate::sync::slots::MAX_SLOTS;
use futures::FutureExt;
use futures::future::{Either, select};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// For how many connections a loose pool makes room at first.
pub(super) const ROOM: u32 = 16;

impl<M: Manager> Pool<M> {
    /// Opens a connection for this caller alone, in a pool built as loose. A failure is told at once: there is no line in which
    /// to wait for a better one.
    pub(crate) async fn open_within(
        &self,
        patience: Duration,
        site: Site,
    ) -> Result<OwnedPooled<M>, AcquireError<M::Error>> {
        let shared = &self.shared;
        if !shared.staff() {
            return Err(AcquireError::NoRuntime);
        }
        let asked = shared.now();
        let until = asked.saturating_add(nanos(patience));
        loop {
            let (slot, epoch) = shared.room(asked, until).await?;
            let held = Held::begin(shared.clone(), slot, Work::Connecting, CloseReason::Unpooled);
            let slot = shared.open_one(held, epoch, asked, until).await?;
            let counts = shared.line.counts();
            if counts.epoch == epoch && counts.phase != LinePhase::Closed {
                let conn = OwnedPooled::new(shared.clone(), slot, site);
                shared.lent_at_once();
                return Ok(conn);
            }
            // Of an older generation, or too late, before anybody had it.
            shared.line.part();
            shared.send(slot, Work::Closing, CloseReason::Retired);
        }
    }
}

impl<M: Manager> Shared<M> {
    /// A slot to open a connection in. Waits while the pool is paused.
    async fn room(self: &Arc<Self>, asked: u64, until: u64) -> Result<(SlotOf<M>, u32), AcquireError<M::Error>> {
        loop {
            let mut turned = pin!(self.turned.notified());
            turned.as_mut().enable();
            let counts = self.line.counts();
            if counts.phase != LinePhase::Open {
                return Err(self.refused());
            }
            if !counts.paused {
                if let Some(room) = self.line.occupy() {
                    return Ok(room);
                }
                if counts.limit == MAX_SLOTS {
                    self.tell(|| Event::QueueFull);
                    return Err(AcquireError::QueueFull {
                        queue_limit: 0,
                        refusal: self.refusal(None),
                    });
                }
                self.grow(counts.limit.saturating_mul(2).min(MAX_SLOTS));
                continue;
            }
            let timer = pin!(self.desk.sleep_until(self.clock.instant(until)));
            if let Either::Right(_) = select(turned, timer).await {
                // It may have rung early, since its runtime has ended: another one may go on.
                if self.now() >= until || !self.staff() {
                    return Err(self.late(Phase::Queue, asked, None));
                }
            }
        }
    }

    /// One attempt, in the caller's task. Dropped at its await, it ends and its slot is vacant.
    async fn open_one(
        self: &Arc<Self>,
        mut held: Held<M>,
        epoch: u32,
        asked: u64,
        until: u64,
    ) -> Result<SlotOf<M>, AcquireError<M::Error>> {
        let begun = self.now();
        self.tell(|| Event::Connecting);
        let companion = self.watch.scope(Activity::Connect);
        let until = until.min(begun.saturating_add(nanos(self.options().connect_timeout)));
        let attempt = async {
            let mut conn = self.manager.connect().await?;
            let born = self.now();
            hooks::run::<M>(&self.hooks.after_connect, &mut conn).await?;
            Ok((conn, born))
        };
        let mut attempt = pin!(companion.around(AssertUnwindSafe(attempt).catch_unwind()));
        let mut closed = pin!(self.closed());
        let ended = loop {
            let timer = pin!(self.desk.sleep_until(self.clock.instant(until)));
            match select(attempt.as_mut(), select(closed.as_mut(), timer)).await {
                Either::Left((ended, _)) => break Some(ended),
                Either::Right((Either::Left(_), _)) => {
                    companion.ended(|| Ending::Closed);
                    return Err(self.refused());
                }
                // It rang early, since its runtime has ended: another one may go on.
                Either::Right(_) if self.now() < until && self.staff() => {}
                Either::Right(_) => break None,
            }
        };
        let (failure, told) = match ended {
            Some(Ok(Ok((conn, born)))) => {
                held.fill(conn, epoch, born);
                self.opened(begun, &companion);
                return Ok(held.lend());
            }
            Some(Ok(Err::<_, M::Error>(error))) => {
                let error = Arc::new(error);
                (ConnectFailure::Error(error.clone()), AcquireError::Connect(error))
            }
            Some(Err(_)) => (ConnectFailure::Panicked, AcquireError::ConnectPanicked),
            None => (
                ConnectFailure::TimedOut,
                self.late(Phase::Connect, asked, Some(since(self, begun))),
            ),
        };
        self.not_opened(begun, &failure, &companion);
        Err(told)
    }

    /// Ready when the pool is closed.
    async fn closed(&self) {
        loop {
            let mut turned = pin!(self.turned.notified());
            turned.as_mut().enable();
            if self.line.counts().phase == LinePhase::Closed {
                return;
            }
            turned.await;
        }
    }

    fn refused(&self) -> AcquireError<M::Error> {
        self.tell(|| Event::Refused { closed: true });
        AcquireError::Closed(self.refusal(None))
    }

    fn late(&self, phase: Phase, asked: u64, connecting_for: Option<Duration>) -> AcquireError<M::Error> {
        let waited = since(self, asked);
        count(&self.tally.timeouts);
        self.tell(|| Event::TimedOut { waited });
        AcquireError::Timeout(Box::new(Timeout {
            phase,
            waited,
            status: self.status(),
            last_connect: None,
            connecting_for,
            pool: self.name.if_given(),
            backend: self.name.backend.clone(),
        }))
    }
}
