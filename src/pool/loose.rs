//! Connections without a pool: each is opened for one lease and closed when it ends.
//!
//! They stand in the slots of a pool of their own kind, which makes them counted, closed with a farewell under its timeout,
//! and safe to drop anywhere; but nothing is ever idle there and nobody waits in its line. The connect runs in the caller's
//! own task, so a caller that gives up ends it.

use super::clock::nanos;
use super::error::{AcquireError, ConnectFailure, Phase, Timeout};
use super::handle::Pool;
use super::held::Held;
use super::hooks;
use super::manager::Manager;
use super::notes::Site;
use super::owned::OwnedPooled;
use super::shared::since;
use super::tally::{Work, count};
use crate::observe::{Activity, CloseReason, Event};
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
        let (slot, epoch) = loop {
            if let Some(slot) = shared.line.occupy() {
                break slot;
            }
            let counts = shared.line.counts();
            if counts.phase != LinePhase::Open {
                shared.tell(|| Event::Refused { closed: true });
                return Err(AcquireError::Closed);
            }
            if counts.limit == MAX_SLOTS {
                shared.tell(|| Event::QueueFull);
                return Err(AcquireError::QueueFull { queue_limit: 0 });
            }
            shared.grow(counts.limit.saturating_mul(2).min(MAX_SLOTS));
        };
        let mut held = Held::begin(shared.clone(), slot, Work::Connecting, CloseReason::Unpooled);
        let begun = shared.now();
        shared.tell(|| Event::Connecting);
        let companion = shared.watch.scope(Activity::Connect);
        let options = shared.options();
        let until = begun.saturating_add(nanos(patience.min(options.connect_timeout)));
        let attempt = async {
            let mut conn = shared.manager.connect().await?;
            let born = shared.now();
            hooks::run::<M>(&shared.hooks.after_connect, &mut conn).await?;
            Ok((conn, born))
        };
        let mut attempt = pin!(companion.around(AssertUnwindSafe(attempt).catch_unwind()));
        let ended = loop {
            let timer = pin!(shared.desk.sleep_until(shared.clock.instant(until)));
            // Dropped here, the attempt ends and its slot is vacant.
            match select(attempt.as_mut(), timer).await {
                Either::Left((ended, _)) => break Some(ended),
                // It rang early, since its runtime has ended: another one may go on.
                Either::Right(_) if shared.now() < until && shared.staff() => {}
                Either::Right(_) => break None,
            }
        };
        let failure = match ended {
            Some(Ok(Ok((conn, born)))) => {
                held.fill(conn, epoch, born);
                shared.opened(begun, &companion);
                let slot = held.lend();
                shared.lent_at_once(&slot, site);
                return Ok(OwnedPooled::new(shared.clone(), slot));
            }
            Some(Ok(Err::<_, M::Error>(error))) => ConnectFailure::Error(Arc::new(error)),
            Some(Err(_)) => ConnectFailure::Panicked,
            None => ConnectFailure::TimedOut,
        };
        shared.not_opened(begun, &failure, &companion);
        Err(match failure {
            ConnectFailure::Error(error) => AcquireError::Connect(error),
            ConnectFailure::Panicked => AcquireError::ConnectPanicked,
            ConnectFailure::TimedOut => {
                let waited = since(shared, begun);
                count(&shared.tally.timeouts);
                shared.tell(|| Event::TimedOut { waited });
                AcquireError::Timeout(Box::new(Timeout {
                    phase: Phase::Connect,
                    waited,
                    status: shared.status(),
                    last_connect: None,
                    pool: shared.name.if_given(),
                }))
            }
        })
    }
}
