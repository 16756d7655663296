//! A pool on a runtime of one thread, used by hand: requests are polled with a waker that does nothing, so what is measured
//! is the pool and not a scheduler.

use super::counting::bytes;
use fairpool::{Acquire, Manager, Pool, Pooled};
use std::convert::Infallible;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::runtime::{EnterGuard, Runtime};

pub(crate) struct Instant;

pub(crate) type Lease<'a> = Pooled<'a, Instant>;

impl Manager for Instant {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(0)
    }
}

pub(crate) struct Rig {
    pub(crate) pool: Pool<Instant>,
    runtime: Runtime,
}

impl Rig {
    /// A pool with default options and all its connections open.
    pub(crate) fn open(limit: u32) -> Self {
        let rig = Rig {
            pool: build(limit),
            runtime: runtime(),
        };
        rig.warm_up(limit);
        rig
    }

    /// A pool that has opened nothing.
    pub(crate) fn vacant(limit: u32) -> Self {
        Rig {
            pool: build(limit),
            runtime: runtime(),
        }
    }

    pub(crate) fn warm_up(&self, connections: u32) {
        self.runtime
            .block_on(self.pool.warm_up(connections))
            .expect("connects always succeed");
    }

    /// Requests that wait belong to a runtime.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// A connection that is idle now.
    #[inline(always)]
    pub(crate) fn take(&self) -> Lease<'_> {
        match poll(pin!(self.pool.acquire())) {
            Poll::Ready(lease) => lease,
            Poll::Pending => panic!("a connection is idle"),
        }
    }

    /// So many leases, one after the other.
    #[inline(never)]
    pub(crate) fn leases(&self, number: u64) {
        for _ in 0..number {
            let mut lease = self.take();
            *lease = black_box(lease.wrapping_add(1));
        }
    }
}

fn build(limit: u32) -> Pool<Instant> {
    Pool::builder(Instant)
        .limit(limit)
        .build()
        .expect("the limit is in range")
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
}

/// What the runtime of every rig weighs.
pub(crate) fn bare_runtime_bytes() -> i64 {
    bytes(runtime).0
}

#[inline(always)]
fn poll<'a>(request: Pin<&mut Acquire<'a, Instant>>) -> Poll<Lease<'a>> {
    let lease = request.poll(&mut Context::from_waker(Waker::noop()));
    lease.map(|lease| lease.expect("nothing fails here"))
}

/// A place for one request, reused without allocating.
pub(crate) struct Seat<'a>(Pin<Box<Option<Acquire<'a, Instant>>>>);

impl<'a> Seat<'a> {
    pub(crate) fn empty() -> Self {
        Seat(Box::pin(None))
    }

    /// Seats a new request, which has to wait.
    pub(crate) fn wait(&mut self, rig: &'a Rig) {
        self.0.set(Some(rig.pool.acquire()));
        assert!(self.poll().is_pending(), "nothing is idle");
    }

    pub(crate) fn poll(&mut self) -> Poll<Lease<'a>> {
        poll(self.0.as_mut().as_pin_mut().expect("a request is seated"))
    }

    /// Drops the request.
    pub(crate) fn cancel(&mut self) {
        self.0.set(None);
    }

    /// The bytes of a request in its caller's frame.
    pub(crate) fn size(rig: &Rig) -> usize {
        size_of_val(&rig.pool.acquire())
    }
}

/// One connection that goes round among requests which all had to wait.
pub(crate) struct Ring<'a> {
    rig: &'a Rig,
    seats: Vec<Seat<'a>>,
    lease: Option<Lease<'a>>,
    next: usize,
}

impl<'a> Ring<'a> {
    /// Over a rig with one connection.
    pub(crate) fn of(rig: &'a Rig, waiting: usize) -> Self {
        let lease = Some(rig.take());
        let mut seats: Vec<Seat<'a>> = (0..waiting).map(|_| Seat::empty()).collect();
        seats.iter_mut().for_each(|seat| seat.wait(rig));
        Ring {
            rig,
            seats,
            lease,
            next: 0,
        }
    }

    /// So many hand-offs: a release, a grant to the one who has waited longest, and a new request at the end of the line.
    #[inline(never)]
    pub(crate) fn turn(&mut self, number: u64) {
        for _ in 0..number {
            self.lease = None;
            let seat = &mut self.seats[self.next];
            let Poll::Ready(mut lease) = seat.poll() else {
                panic!("the connection goes to the head of the line")
            };
            *lease = black_box(lease.wrapping_add(1));
            self.lease = Some(lease);
            seat.wait(self.rig);
            self.next = (self.next + 1) % self.seats.len();
        }
    }
}
