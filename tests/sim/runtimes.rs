//! Two runtimes with one paused clock, stepped by hand: run until nothing is ready, let time pass, kill one.
//!
//! A runtime's clock starts at the moment it was made, so a later one is put forward to where the others stand. The first
//! one is put an hour ahead, which the wall clock never makes up for: a replay sees the same times.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;

thread_local! {
    /// Set while `settle` waits for its runtime to run out of work.
    static SETTLING: RefCell<Option<Waker>> = const { RefCell::new(None) };
    static SETTLED: Cell<bool> = const { Cell::new(false) };
}

pub(crate) struct Rt {
    runtime: Runtime,
    /// Numbered from 1 in the order in which they were made.
    pub(crate) number: u64,
}

pub(crate) struct Runtimes {
    pub(crate) main: Rt,
    pub(crate) side: Option<Rt>,
    pub(crate) base: Instant,
    made: u64,
}

impl Rt {
    fn new(number: u64, at: Option<Instant>) -> Rt {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .on_thread_park(|| {
                if let Some(waker) = SETTLING.with(|waker| waker.borrow_mut().take()) {
                    SETTLED.with(|settled| settled.set(true));
                    waker.wake();
                }
            })
            .build()
            .expect("a runtime");
        let rt = Rt { runtime, number };
        rt.runtime.block_on(async {
            let ahead = at.map_or(Duration::from_secs(3600), |at| at - Instant::now());
            tokio::time::advance(ahead).await;
        });
        rt
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Runs until no task is ready. Time stands still.
    fn settle(&self) {
        SETTLED.with(|settled| settled.set(false));
        self.runtime.block_on(poll_fn(|cx| {
            if SETTLED.with(Cell::get) {
                return Poll::Ready(());
            }
            SETTLING.with(|waker| *waker.borrow_mut() = Some(cx.waker().clone()));
            Poll::Pending
        }));
    }

    /// With nothing else to do a paused clock goes on to the next timer. It goes in whole milliseconds since the runtime
    /// was made, so the last of the way is a jump to just there.
    fn run_until(&self, then: Instant) {
        self.runtime.block_on(async {
            tokio::time::sleep_until(then - Duration::from_millis(1)).await;
            tokio::time::advance(then - Instant::now()).await;
        });
    }

    fn now(&self) -> Instant {
        let _entered = self.runtime.enter();
        Instant::now()
    }
}

impl Runtimes {
    pub(crate) fn new() -> Runtimes {
        let main = Rt::new(1, None);
        let base = main.now();
        Runtimes {
            main,
            side: None,
            base,
            made: 1,
        }
    }

    /// The second runtime if it is meant and there is one.
    pub(crate) fn choose(&self, side: bool) -> &Rt {
        self.side.as_ref().filter(|_| side).unwrap_or(&self.main)
    }

    pub(crate) fn alive(&self, number: u64) -> bool {
        self.main.number == number || self.side.as_ref().is_some_and(|side| side.number == number)
    }

    /// Milliseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        (self.main.now() - self.base).as_millis() as u64
    }

    pub(crate) fn settle(&self) {
        self.main.settle();
        if let Some(side) = &self.side {
            side.settle();
            self.main.settle();
            side.settle();
        }
    }

    /// Lets time pass, timer by timer while there is one runtime, in small steps while there are two. Returns the longest
    /// time for which a runtime stood still meanwhile.
    pub(crate) fn advance(&self, millis: u64) -> u64 {
        let Some(side) = &self.side else {
            self.main.run_until(self.main.now() + Duration::from_millis(millis));
            self.settle();
            return 0;
        };
        let step = (millis / 40).max(1);
        let mut left = millis;
        while left > 0 {
            let now = step.min(left);
            let then = self.main.now() + Duration::from_millis(now);
            for rt in [&self.main, side] {
                rt.run_until(then);
            }
            left -= now;
        }
        self.settle();
        step
    }

    /// Lets time pass on one of two runtimes, has `look` see what the other one missed, and puts that one forward.
    pub(crate) fn neglect(&self, number: u64, millis: u64, look: impl FnOnce()) -> bool {
        let Some(side) = &self.side else { return false };
        let (idle, driven) = if side.number == number {
            (side, &self.main)
        } else {
            (&self.main, side)
        };
        driven.run_until(driven.now() + Duration::from_millis(millis));
        driven.settle();
        look();
        idle.runtime
            .block_on(async { tokio::time::advance(Duration::from_millis(millis)).await });
        self.settle();
        true
    }

    /// Lets time pass on the main runtime alone.
    pub(crate) fn drive_main(&self, millis: u64) {
        self.main.run_until(self.main.now() + Duration::from_millis(millis));
        self.main.settle();
    }

    /// Puts the second runtime forward to where the main one is.
    pub(crate) fn catch_up(&self) {
        if let Some(side) = &self.side {
            let behind = self.main.now() - side.now();
            side.runtime.block_on(async { tokio::time::advance(behind).await });
        }
        self.settle();
    }

    /// Time jumps.
    pub(crate) fn stall(&self, millis: u64) {
        for rt in [Some(&self.main), self.side.as_ref()].into_iter().flatten() {
            rt.runtime
                .block_on(async { tokio::time::advance(Duration::from_millis(millis)).await });
        }
        self.settle();
    }

    pub(crate) fn start_side(&mut self) {
        if self.side.is_none() {
            self.made += 1;
            self.side = Some(Rt::new(self.made, Some(self.main.now())));
        }
    }

    /// Takes a runtime away, for its owner to drop; the main one is replaced. Returns it and its number.
    pub(crate) fn kill(&mut self, side: bool) -> Rt {
        if let Some(side) = self.side.take_if(|_| side) {
            return side;
        }
        self.made += 1;
        let next = Rt::new(self.made, Some(self.main.now()));
        std::mem::replace(&mut self.main, next)
    }
}
