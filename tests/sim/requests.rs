//! Requests, polled by hand: what they come to, and whether they should have.

use super::backend::{Backend, Refusal};
use super::shadow::{Bell, Ring};
use super::world::{HANGS_AFTER, Phase, World, ms};
use fairpool::{AcquireError, OwnedPooled, TryAcquireError};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// When a request abroad looks first whether the supervisor still listens.
const LOOK: u64 = 250;

type Answer = Result<OwnedPooled<Backend>, AcquireError<Refusal>>;

pub(crate) struct Request {
    future: Pin<Box<dyn Future<Output = Answer>>>,
    pub(crate) bell: Arc<Bell>,
    /// Numbered at its first poll.
    pub(crate) id: u64,
    polled: bool,
    /// The runtime on which it was polled last.
    pub(crate) on: u64,
    /// Since when it has waited there, if the supervisor is elsewhere: now and then it looks whether that one still listens.
    abroad_since: Option<u64>,
    within: Option<u64>,
    /// How long it may take, as it joined.
    pub(crate) patience: Option<u64>,
    pub(crate) deadline: Option<u64>,
    pub(crate) must_be_cleared: bool,
    pub(crate) must_be_closed: bool,
}

impl Request {
    /// In line, as far as anybody has told it.
    pub(crate) fn waits(&self) -> bool {
        self.polled && !self.bell.rung()
    }

    pub(crate) fn rung(&self) -> bool {
        self.polled && self.bell.rung()
    }

    /// Woken perhaps only to look again, for a runtime died or its own timer rang: it may still be in line.
    pub(crate) fn alarmed(&self) -> bool {
        let ring = self.bell.ring().filter(|_| self.polled);
        ring.is_some_and(|ring| self.unsure(ring) || self.deadline.is_some_and(|deadline| deadline <= ring.at))
    }

    /// Such a ring says nothing of how it stands in the line.
    fn unsure(&self, ring: Ring) -> bool {
        ring.alarm || self.abroad_since.is_some_and(|since| ring.at >= since + LOOK)
    }
}

impl World {
    pub(crate) fn ask(&mut self, within: Option<u64>) {
        let future: Pin<Box<dyn Future<Output = Answer>>> = match within {
            Some(time) => Box::pin(self.pool.acquire_owned_within(ms(time))),
            None => Box::pin(self.pool.acquire_owned()),
        };
        self.requests.push(Request {
            future,
            bell: Bell::new(0, &self.line, &self.books),
            id: 0,
            polled: false,
            on: 0,
            abroad_since: None,
            within,
            patience: None,
            deadline: None,
            must_be_cleared: false,
            must_be_closed: false,
        });
    }

    /// Polls one request.
    pub(crate) fn poll(&mut self, index: usize, side: bool, new_waker: bool) {
        let now = self.now();
        let default = self.pool.options().acquire_timeout;
        let (handle, number) = {
            let rt = self.rts.choose(side);
            (rt.handle().clone(), rt.number)
        };
        let others_wait = self.line.len() > 0;
        let status = self.pool.status();
        let request = &mut self.requests[index];
        let first = !request.polled;
        let moved = std::mem::replace(&mut request.on, number) != number;
        let ring = request.bell.ring();
        let alarmed = request.alarmed();
        if first {
            let time = request.within.or(default.map(|time| time.as_millis() as u64));
            (request.patience, request.deadline) = (time, time.map(|time| now + time));
            (request.id, request.polled) = (self.next_id, true);
            self.next_id += 1;
        }
        if first {
            self.tell_patience();
        }
        let request = &mut self.requests[index];
        if first || new_waker {
            request.bell.retire();
            request.bell = Bell::new(request.id, &self.line, &self.books);
        }
        request.bell.still();
        let waker = request.bell.waker();
        let lost_home = self.home.is_none() && self.preferred.is_some_and(|rt| !self.rts.alive(rt));
        self.line.alarm.store(lost_home || self.taking_over, Relaxed);
        let polled = {
            let _entered = handle.enter();
            request.future.as_mut().poll(&mut Context::from_waker(&waker))
        };
        self.line.alarm.store(false, Relaxed);
        match polled {
            Poll::Pending => {
                let request = &self.requests[index];
                if request.waits() {
                    self.line.joins(request.id);
                }
                if let Some(ring) = ring.filter(|_| !alarmed) {
                    panic!("P3: request {} was woken at {} for nothing", request.id, ring.at);
                }
                self.staffed(number);
                let abroad = self.home.filter(|&home| home != number).map(|_| now);
                let request = &mut self.requests[index];
                request.abroad_since = request.abroad_since.filter(|_| !moved && abroad.is_some()).or(abroad);
            }
            Poll::Ready(answer) => {
                let request = self.requests.remove(index);
                self.line.leaves(request.id);
                // One that moves to another runtime arms a timer there, which may be due at once.
                let timed_out = matches!(answer, Err(AcquireError::Timeout(_)))
                    && request.deadline.is_some_and(|deadline| deadline <= now);
                if !first && ring.is_none() && !timed_out {
                    panic!("P3: request {} could end, but was not woken: {answer:?}", request.id);
                }
                match answer {
                    Ok(guard) => self.granted(&request, ring, others_wait, guard),
                    Err(error) => {
                        if matches!(error, AcquireError::QueueFull { queue_limit: 0, .. }) {
                            self.staffed(number);
                        }
                        if let (Some(within), true) = (request.within, first) {
                            if within == 0 && matches!(error, AcquireError::Timeout(_)) {
                                self.staffed_if_asked(number, &status);
                                return;
                            }
                        }
                        self.refused(&request, ring, &status, error);
                    }
                }
            }
        }
    }

    /// Anybody who may be the first in line now.
    fn tell_patience(&self) {
        let anybody = self.requests.iter().filter(|request| request.polled);
        let least = anybody.filter_map(|request| request.patience).min();
        let patience = least.unwrap_or(HANGS_AFTER).min(HANGS_AFTER);
        let anybody = self.requests.iter().filter(|request| request.polled);
        let longest = anybody.map(|request| request.patience.unwrap_or(HANGS_AFTER)).max();
        self.books.with(|ledger| {
            ledger.patience = patience;
            ledger.longest = ledger.longest.max(longest.unwrap_or(0));
        });
    }

    /// Polls every request that was woken. Returns how many those were.
    pub(crate) fn poll_woken(&mut self, backwards: bool, side: bool) -> usize {
        let mut woken: Vec<u64> = self
            .requests
            .iter()
            .filter(|request| request.rung())
            .map(|request| request.id)
            .collect();
        if backwards {
            woken.reverse();
        }
        for id in &woken {
            let index = self.requests.iter().position(|request| request.id == *id);
            self.poll(index.expect("a request that was woken"), side, false);
        }
        woken.len()
    }

    fn granted(&mut self, request: &Request, ring: Option<Ring>, others_wait: bool, guard: OwnedPooled<Backend>) {
        let now = self.now();
        let (generation, paused) = self.books.with(|ledger| (ledger.generation, ledger.paused));
        let id = request.id;
        if request.must_be_cleared {
            panic!("P5: request {id} was granted after clear had removed it");
        }
        if request.must_be_closed {
            panic!("P4: request {id} was granted after close had failed it");
        }
        let Some(ring) = ring else {
            if others_wait {
                panic!("P1: request {id} was granted at once while others waited");
            }
            if paused {
                panic!("P1: request {id} was granted at once while the pool was paused");
            }
            return self.take(guard, Some((now, generation)));
        };
        // Whoever serves it looks at the clock, whatever has held the supervisor up.
        if request.deadline.is_some_and(|deadline| deadline <= ring.earliest) {
            panic!("P4: request {id} was served at {}, after its deadline", ring.earliest);
        }
        if request.unsure(ring) || request.deadline.is_some_and(|deadline| deadline <= ring.at) {
            return self.take(guard, None);
        }
        if let Some(older) = ring.overtook {
            panic!("P1: request {id} was served while the older request {older} waited");
        }
        if ring.paused {
            panic!("P1: request {id} was served while the pool was paused");
        }
        if request.deadline.is_some_and(|deadline| deadline <= now) {
            self.books.seen("served in time, polled too late");
        }
        self.books.seen("served in line");
        self.take(guard, Some((ring.at, ring.generation)));
    }

    fn refused(
        &mut self,
        request: &Request,
        ring: Option<Ring>,
        status: &fairpool::Status,
        error: AcquireError<Refusal>,
    ) {
        let (id, now) = (request.id, self.now());
        let permanent = self.books.with(|ledger| ledger.permanent_failures);
        let late = |at: u64| request.deadline.is_some_and(|deadline| deadline <= at);
        let request_alarmed = ring.is_some_and(|ring| request.unsure(ring) || late(ring.at));
        let heard = ring.filter(|&ring| !request.unsure(ring)).map_or(now, |ring| ring.at);
        let fair = match &error {
            AcquireError::Cleared => request.must_be_cleared || request_alarmed,
            AcquireError::Closed(_) => self.phase != Phase::Open,
            AcquireError::Timeout(_) => late(heard),
            AcquireError::QueueFull { queue_limit, .. } => ring.is_none() && status.pending >= *queue_limit,
            AcquireError::Connect(error) => error.permanent && permanent > 0,
            _ => false,
        };
        let certain = ring.is_some_and(|ring| !request.unsure(ring));
        if !fair || (certain && request.must_be_cleared && !matches!(error, AcquireError::Cleared)) {
            panic!("P6: request {id} failed with the wrong reason at {now}: {error} ({ring:?})");
        }
        if let (Some(drain), true, AcquireError::Closed(_)) = (&mut self.drain, ring.is_some(), &error) {
            drain.failed += 1;
        }
        self.books.seen(match error {
            AcquireError::Cleared => "cleared",
            AcquireError::Closed(_) => "closed",
            AcquireError::Timeout(_) => "timed out",
            AcquireError::QueueFull { .. } => "queue full",
            _ if ring.is_some() => "the line failed with a permanent error",
            _ => "failed fast",
        });
    }

    /// Drops a request.
    pub(crate) fn cancel(&mut self, index: usize) {
        let request = self.requests.remove(index);
        let assigned = self.pool.status().in_use as usize > self.guards.len();
        let had_it = request.bell.ring().is_some_and(|ring| !request.unsure(ring)) && assigned;
        self.line.leaves(request.id);
        request.bell.retire();
        if let Some(drain) = self.drain.as_mut().filter(|_| request.must_be_closed) {
            drain.failed += 1;
        }
        {
            let _entered = self.rts.main.handle().enter();
            drop(request);
        }
        if had_it {
            self.books.seen("cancelled after it was served");
        }
        if assigned {
            self.blur = self.now();
        }
    }

    pub(crate) fn try_acquire(&mut self) {
        let (waiting, unsure) = (self.line.len(), self.requests.iter().any(Request::alarmed));
        let status = self.pool.status();
        let (handle, number) = (self.rts.main.handle().clone(), self.rts.main.number);
        let _entered = handle.enter();
        let (generation, paused) = self.books.with(|ledger| (ledger.generation, ledger.paused));
        match self.pool.try_acquire_owned() {
            Ok(guard) => {
                if waiting > 0 || paused || self.phase != Phase::Open {
                    panic!("P1: try_acquire took a connection while {waiting} waited (paused: {paused})");
                }
                self.take(guard, Some((self.now(), generation)));
            }
            Err(error) => {
                let fair = match error {
                    TryAcquireError::Empty => waiting == 0 && !paused,
                    TryAcquireError::Waiting => waiting > 0 || unsure,
                    TryAcquireError::Paused => paused,
                    TryAcquireError::Closed => self.phase != Phase::Open,
                    _ => false,
                };
                if !fair {
                    panic!("P3: try_acquire said {error} with {waiting} waiting and {status}");
                }
                if error == TryAcquireError::Empty {
                    self.staffed(number);
                }
            }
        }
    }

    fn staffed_if_asked(&mut self, number: u64, status: &fairpool::Status) {
        if status.pending == 0 && status.state == fairpool::State::Open {
            self.staffed(number);
        }
    }

    /// Somebody had to wait on this runtime: from now on there is a supervisor.
    pub(crate) fn staffed(&mut self, number: u64) {
        if self.home.is_none() && self.pool.status().state != fairpool::State::Closed {
            // The builder's runtime may be gone: then the same call goes on to its own.
            self.preferred = self.preferred.filter(|&rt| self.rts.alive(rt));
            self.home = self.preferred.or(Some(number));
            self.watched_since = self.now();
        }
    }
}
