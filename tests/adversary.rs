//! What a reviewer broke once: each test is a defect that was there, reduced.

use fairpool::{AcquireError, Manager, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::sleep;

#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

/// A panic's payload that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("the payload's own drop");
        }
    }
}

#[derive(Debug, Default)]
struct Backend {
    refuses: bool,
    permanently: bool,
    /// Each connect takes some of this, by turns more and less.
    latency: Option<Duration>,
    bomb: bool,
    connects: AtomicU64,
}

impl Manager for Backend {
    type Connection = ();
    type Error = Refused;

    async fn connect(&self) -> Result<(), Refused> {
        let turn = self.connects.fetch_add(1, Relaxed) as u32 % 4;
        if let Some(latency) = self.latency {
            sleep(latency + latency * turn / 4).await;
        }
        if self.refuses { Err(Refused) } else { Ok(()) }
    }

    fn is_transient(&self, _: &Refused) -> bool {
        !self.permanently
    }

    fn is_broken(&self, _: &mut ()) -> bool {
        if self.bomb {
            std::panic::panic_any(Bomb);
        }
        false
    }
}

fn threads() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// A runtime without its time driver, beside a pool whose supervisor has one.
fn timeless() -> (Runtime, Runtime, Pool<Backend>) {
    let home = threads();
    let builder = Pool::builder(Backend::default()).limit(2);
    let pool = builder.runtime(home.handle().clone()).build().unwrap();
    (
        home,
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
        pool,
    )
}

#[test]
fn a_request_on_a_runtime_without_timers_is_served() {
    let (_home, bare, pool) = timeless();
    assert!(bare.block_on(async { pool.acquire().await.is_ok() }));
}

#[test]
fn a_warm_up_and_a_drain_on_a_runtime_without_timers_end() {
    let (_home, bare, pool) = timeless();
    bare.block_on(async {
        pool.warm_up(2).await.unwrap();
        assert!(pool.drain(Duration::from_secs(60)).await.completed);
    });
}

#[test]
fn a_request_on_a_runtime_that_is_gone_is_told_so_instead_of_spinning() {
    let builder = Pool::builder(Backend::default()).limit(1);
    let pool = builder.acquire_timeout(None).build().unwrap();
    let gone = threads().handle().clone();
    let (told, answer) = mpsc::channel();
    std::thread::spawn(move || told.send(gone.block_on(async { pool.acquire().await.map(|_| ()) })));
    // Only a request that spins for ever gets that far.
    let answer = answer.recv_timeout(Duration::from_secs(20));
    assert!(matches!(answer, Ok(Err(AcquireError::NoRuntime))), "{answer:?}");
}

#[test]
fn a_panic_whose_payload_panics_in_its_drop_loses_no_slot() {
    let runtime = threads();
    let backend = Backend {
        bomb: true,
        ..Backend::default()
    };
    let pool = Pool::builder(backend).limit(1).build().unwrap();
    let conn = runtime.block_on(pool.acquire_owned()).unwrap();
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(conn)));
    assert!(dropped.is_ok(), "the drop of a guard panicked");
    let next = runtime.block_on(pool.acquire_owned()).unwrap();
    next.detach();
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_the_last_in_line_was_cleared_or_left() {
    for clear in [true, false] {
        let backend = Backend {
            refuses: true,
            ..Backend::default()
        };
        let minute = Duration::from_secs(60);
        let builder = Pool::builder(backend).limit(1).backoff_max(minute);
        let pool = builder.backoff_initial(minute).build().unwrap();
        let theirs = pool.clone();
        let waiting = tokio::spawn(async move { theirs.acquire().await.map(|_| ()) });
        sleep(Duration::from_millis(100)).await;
        let theirs = pool.clone();
        let drain = tokio::spawn(async move { theirs.drain(minute).await });
        sleep(Duration::from_millis(100)).await;
        if clear {
            assert_eq!(pool.clear(), 1);
        } else {
            waiting.abort();
        }
        let report = drain.await.unwrap();
        assert!(report.took < Duration::from_secs(1), "cleared {clear}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_refusal_fails_the_line_though_attempts_overlap() {
    let backend = Backend {
        refuses: true,
        permanently: true,
        latency: Some(Duration::from_millis(60)),
        ..Backend::default()
    };
    let builder = Pool::builder(backend).limit(4).backoff_max(Duration::from_millis(20));
    let pool = builder.backoff_initial(Duration::from_millis(10)).build().unwrap();
    let requests = (0..8).map(|_| pool.acquire_within(Duration::from_secs(2)));
    for answer in futures::future::join_all(requests).await {
        assert!(matches!(answer, Err(AcquireError::Connect(_))), "{answer:?}");
    }
}
