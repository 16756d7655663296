//! Where the requests of one connector begin: what it is now, who waits through it, and the order of their three stages.
//!
//! | stage | line | who holds it up |
//! |---|---|---|
//! | 1 | the connector's gate, a limit without a bound | a pause or drain of the connector |
//! | 2 | the limit of its connection pool, if it is under one | those in flight under that pool |
//! | 3 | its connection, by its mode | the leases of that connection |
//!
//! **Invariant**: a seat is replaced before what it named is closed. A request that meets a closed door therefore finds another
//! seat and begins there; one that stands in a line already is served there.
//!
//! **Locks**: each is taken alone, and nothing of the user's is called or dropped under it.

use super::super::models::ConnectorName;
use super::error::{HandleError, Outcome};
use super::lease::Places;
use super::live::LiveConnector;
use super::waiting::{Queue, Waiting};
use crate::sync::primitives::Mutex;
use crate::{Limit, LimitDrainReport, LimitError, OwnedPermit};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

pub(super) struct Desk {
    name: ConnectorName,
    gate: Limit,
    /// Replaced whole.
    seat: Mutex<Seat>,
    /// Those who wait, at whichever stage.
    waiting: Waiting,
    /// Those of them who wait for a connection of its own.
    queue: Arc<Queue>,
}

/// What a connector is now.
#[derive(Clone)]
pub(super) struct Seat {
    /// Counts the changes.
    turn: u64,
    pub(super) limit: Option<Limit>,
    pub(super) live: Live,
    /// How long all stages may take together; without it, each takes what its own line allows.
    pub(super) patience: Option<Duration>,
    /// How long a request may go on after that, if an attempt to connect that is under way can serve it.
    pub(super) grace: Option<Duration>,
}

#[derive(Clone)]
pub(super) enum Live {
    Yes(Arc<dyn LiveConnector>),
    /// With the reason.
    No(Arc<str>),
    Deleted,
}

impl Desk {
    pub(super) fn new(name: &ConnectorName, limit: Option<Limit>, live: Live) -> Arc<Self> {
        let seat = Seat {
            turn: 0,
            limit,
            live,
            patience: None,
            grace: None,
        };
        Arc::new(Desk {
            name: name.clone(),
            gate: gate(name),
            seat: Mutex::new(seat),
            waiting: Waiting::default(),
            queue: Arc::default(),
        })
    }

    pub(super) fn name(&self) -> &ConnectorName {
        &self.name
    }

    pub(super) fn seat(&self) -> Seat {
        self.seat.lock().clone()
    }

    /// Changes what requests find from now on. Returns what they found before, to be dropped by the caller.
    pub(super) fn reseat(&self, change: impl FnOnce(&mut Seat)) -> Seat {
        let mut seat = self.seat();
        let turn = seat.turn + 1;
        change(&mut seat);
        seat.turn = turn;
        std::mem::replace(&mut *self.seat.lock(), seat)
    }

    /// Admits again after a drain, or calls it off.
    pub(super) fn reopen(&self) {
        // First, so that whoever comes in is known to have come since.
        self.waiting.reopen();
        self.gate().reopen();
    }

    /// Lets nobody new in, and those inside finish; fails those that still wait when the patience ends.
    pub(super) async fn drain(&self, patience: Duration) -> LimitDrainReport {
        let opening = self.waiting.opening();
        let mut report = self.gate().drain(patience).await;
        if !report.called_off {
            // Those whom the gate had let in, and who wait behind it.
            let cut_off = self.waiting.clear_until(opening);
            report.completed &= cut_off == 0;
            report.failed += cut_off;
            report.still_out = report
                .still_out
                .saturating_sub(u32::try_from(cut_off).unwrap_or(u32::MAX));
        }
        report
    }

    /// Nobody is served here any more; those who wait fail.
    pub(super) fn delete(&self) {
        drop(self.reseat(|seat| (seat.live, seat.limit) = (Live::Deleted, None)));
        self.gate.close();
        self.clear();
    }

    /// Fails every request that waits now, at whichever stage. Returns how many.
    pub(super) fn clear(&self) -> usize {
        self.waiting.clear()
    }

    pub(super) fn pending(&self) -> u32 {
        self.waiting.len()
    }

    pub(super) fn gate(&self) -> &Limit {
        &self.gate
    }

    /// The whole request. `connect` is the third stage, with the time that is left.
    pub(super) async fn serve<L, E, F>(
        &self,
        within: Option<Duration>,
        connect: impl Fn(Arc<dyn LiveConnector>, Option<Duration>) -> F,
    ) -> Result<(L, Places), HandleError<E>>
    where
        E: Outcome,
        F: Future<Output = Result<L, HandleError<E>>>,
    {
        let mut request = pin!(self.pass(within, connect));
        let at_once = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx))).await;
        if let Poll::Ready(outcome) = at_once {
            return outcome;
        }
        let mut place = self.waiting.join();
        if let Live::Deleted = self.seat().live {
            // Since the first look; those in line may have been failed before this one joined.
            return Err(self.cut());
        }
        // Dropped here, the request leaves whichever line it stands in.
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = request.as_mut().poll(cx) {
                // A connection that comes together with the clear goes back.
                return Poll::Ready(match place.leave() {
                    true => outcome,
                    false => Err(self.cut()),
                });
            }
            place.poll_cut(cx).map(|()| Err(self.cut()))
        })
        .await
    }

    /// Why a request was taken out of the line.
    fn cut<E>(&self) -> HandleError<E> {
        let connector = self.name.clone();
        match self.seat().live {
            Live::Deleted => HandleError::Deleted(connector),
            Live::Yes(_) | Live::No(_) => HandleError::Cleared(connector),
        }
    }

    async fn pass<L, E, F>(
        &self,
        within: Option<Duration>,
        connect: impl Fn(Arc<dyn LiveConnector>, Option<Duration>) -> F,
    ) -> Result<(L, Places), HandleError<E>>
    where
        E: Outcome,
        F: Future<Output = Result<L, HandleError<E>>>,
    {
        let mut began = None;
        loop {
            let seat = self.seat();
            let patience = within.or(seat.patience);
            // Only who is bounded as a whole reads the clock.
            let began = patience.map(|_| *began.get_or_insert_with(Instant::now));
            let left = || Some(patience?.saturating_sub(began?.elapsed()));
            let live = self.live(&seat)?;
            // Held here, a request waits as long as it would for a connection.
            let held = || left().or_else(|| live.patience());
            let gate = match self.gate.try_acquire_owned() {
                Ok(permit) => Ok(permit),
                Err(_) => admitted(&self.gate, held()).await,
            };
            let gate = match gate {
                Ok(permit) => permit,
                Err(LimitError::Closed) if self.has_moved(&seat) => continue,
                Err(error) => {
                    let connector = self.name.clone();
                    return Err(HandleError::Held { connector, error });
                }
            };
            if self.has_moved(&seat) {
                // The pause may have been a long one: whoever was let in goes where the seat leads now.
                continue;
            }
            let limit = match &seat.limit {
                None => None,
                Some(limit) => match limit_stage(limit, left()).await {
                    Ok(permit) => Some(permit),
                    Err((LimitError::Closed, true)) if self.has_moved(&seat) => continue,
                    Err((error, _)) => {
                        let (connector, pool) = (self.name.clone(), limit.name());
                        return Err(HandleError::Limit { connector, pool, error });
                    }
                },
            };
            // The line may have been a long one: the connection is that of now, under the limit that was passed.
            let seat = self.seat();
            let live = self.live(&seat)?;
            match self.connected(&seat, live, left(), within.is_none(), &connect).await {
                Ok(lease) => {
                    let places = Places {
                        _limit: limit,
                        _gate: gate,
                    };
                    return Ok((lease, places));
                }
                // The connection went elsewhere and its old pools are over: the request follows.
                Err(HandleError::Connection(error)) if error.is_closed() && self.has_moved(&seat) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The third stage. Where its settings say how long a request waits in line, it goes on after that if an attempt to connect
    /// that is under way can serve it, for as long as one may take: if there are as many as those before it in the pool's line, and
    /// one more.
    async fn connected<L, E, F>(
        &self,
        seat: &Seat,
        live: Arc<dyn LiveConnector>,
        left: Option<Duration>,
        by_settings: bool,
        connect: impl Fn(Arc<dyn LiveConnector>, Option<Duration>) -> F,
    ) -> Result<L, HandleError<E>>
    where
        F: Future<Output = Result<L, HandleError<E>>>,
    {
        let judged = left.zip(seat.grace).filter(|_| by_settings);
        let within = judged.map_or(left, |(left, grace)| Some(left.saturating_add(grace)));
        let began = judged.map(|_| Instant::now());
        let mut request = pin!(connect(live.clone(), within));
        let (mut turn, mut expiry) = (None, None);
        // Dropped here, the request leaves the pool's line.
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = request.as_mut().poll(cx) {
                return Poll::Ready(outcome);
            }
            let turn = turn.get_or_insert_with(|| live.shared_queue().unwrap_or_else(|| self.queue.clone()).join());
            let Some((left, _)) = judged else { return Poll::Pending };
            // A timer only for those who wait, on the runtime on which they do.
            let timer = expiry.get_or_insert_with(|| Some(Box::pin(tokio::time::sleep(left))));
            let Some(running) = timer else { return Poll::Pending };
            if running.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *timer = None;
            let status = live.status();
            if turn.is_among_first(status.connecting) {
                return Poll::Pending;
            }
            Poll::Ready(Err(HandleError::Expired {
                connector: self.name.clone(),
                waited: began.map_or(left, |began| began.elapsed()),
                status: Box::new(status),
            }))
        })
        .await
    }

    fn live<E>(&self, seat: &Seat) -> Result<Arc<dyn LiveConnector>, HandleError<E>> {
        let connector = self.name.clone();
        match &seat.live {
            Live::Yes(live) => Ok(live.clone()),
            Live::No(reason) => {
                let reason = reason.clone();
                Err(HandleError::NotLive { connector, reason })
            }
            Live::Deleted => Err(HandleError::Deleted(connector)),
        }
    }

    fn has_moved(&self, seat: &Seat) -> bool {
        self.seat.lock().turn != seat.turn
    }
}

async fn admitted(limit: &Limit, left: Option<Duration>) -> Result<OwnedPermit, LimitError> {
    match left {
        Some(left) => limit.acquire_owned_within(left).await,
        None => limit.acquire_owned().await,
    }
}

/// Also says whether the request was refused at the door, before it joined the line.
async fn limit_stage(limit: &Limit, left: Option<Duration>) -> Result<OwnedPermit, (LimitError, bool)> {
    let mut admission = pin!(admitted(limit, left));
    let mut at_the_door = true;
    poll_fn(|cx| {
        let first = std::mem::take(&mut at_the_door);
        admission.as_mut().poll(cx).map_err(|error| (error, first))
    })
    .await
}

/// Without a bound: it only holds and counts.
fn gate(name: &ConnectorName) -> Limit {
    let gate = Limit::builder(u32::MAX).name(name.as_str()).build();
    gate.expect("bug: a limit without a timeout is in range")
}

#[cfg(test)]
mod tests {
    use super::super::current::{Current, Hosts};
    use super::super::live::LiveSystem;
    use super::*;
    use crate::ConnectorError;
    use crate::doc::{Demo, block_on};

    #[test]
    fn a_request_whose_connector_is_deleted_before_it_joins_the_line_fails() {
        let hosts = Arc::new(Hosts::new(vec![Arc::new(Demo)]));
        let system = crate::System::builder(Current::new("orders", hosts), 1).build();
        let live = LiveSystem::connector(&system.expect("a system"), "shop", crate::Management::General);
        let name = ConnectorName::new("shop").expect("a name");
        let desk = Desk::new(&name, None, Live::Yes(live.expect("a connector")));
        block_on(async {
            let deleted = desk.serve(None, |_, _| async {
                desk.delete();
                std::future::pending::<Result<(), HandleError<ConnectorError<String>>>>().await
            });
            let outcome = tokio::time::timeout(Duration::from_secs(60), deleted).await;
            let outcome = outcome.expect("nobody else ends it").map(|(lease, _)| lease);
            assert!(matches!(outcome, Err(HandleError::Deleted(_))), "{outcome:?}");
            Ok(())
        });
    }

    #[test]
    fn nobody_waits_at_the_gate_of_a_deleted_connector() {
        let name = ConnectorName::new("shop").expect("a name");
        let desk = Desk::new(&name, None, Live::No("none".into()));
        desk.gate().pause();
        desk.delete();
        assert_eq!(desk.gate().status().state, crate::State::Closed);
    }
}
