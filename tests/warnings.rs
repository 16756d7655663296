//! Leases that last long are reported with where they were taken, and so are tasks that may wait for themselves.

mod common;

use common::*;
use fairpool::{Builder, Event, Interest, Management, Observer, Pool, System};
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A line of this file.
fn line_of(location: &Location<'_>) -> u32 {
    assert_eq!(location.file(), file!());
    location.line()
}

/// What was warned of: (held, line where taken); (line where waiting, line where holding).
#[derive(Default)]
struct Warned {
    long: Mutex<Vec<(Duration, u32)>>,
    nested: Mutex<Vec<(u32, u32)>>,
}

impl Observer for Warned {
    fn on(&self, event: &Event) {
        match event {
            Event::LongLease { held, taken_at } => self.long.lock().unwrap().push((*held, line_of(taken_at))),
            Event::Nested { waiting_at, holding_at } => {
                self.nested
                    .lock()
                    .unwrap()
                    .push((line_of(waiting_at), line_of(holding_at)));
            }
            _ => {}
        }
    }
}

impl Warned {
    fn long(&self) -> Vec<(Duration, u32)> {
        std::mem::take(&mut *self.long.lock().unwrap())
    }

    fn nested(&self) -> Vec<(u32, u32)> {
        std::mem::take(&mut *self.nested.lock().unwrap())
    }
}

const LONG: Duration = Duration::from_millis(100);

fn watched(options: impl FnOnce(Builder<Backend>) -> Builder<Backend>) -> (Pool<Backend>, Arc<Warned>) {
    let warned = Arc::new(Warned::default());
    let (pool, _) = pool_with(|builder| options(builder.observer(warned.clone())));
    (pool, warned)
}

#[tokio::test(start_paused = true)]
async fn a_long_lease_is_reported_once_and_while_it_lasts() {
    let (pool, warned) = watched(|builder| builder.limit(2).report_leases_over(LONG));
    let conn = pool.acquire().await.unwrap();
    let taken = line!() - 1;
    tokio::time::sleep(ms(99)).await;
    assert_eq!(warned.long(), []);
    tokio::time::sleep(ms(2)).await;
    assert_eq!(warned.long(), [(LONG, taken)]);
    tokio::time::sleep(ms(5_000)).await;
    drop(conn);
    let conn = pool.acquire().await.unwrap();
    tokio::time::sleep(ms(99)).await;
    drop(conn);
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(warned.long(), []);
}

#[tokio::test(start_paused = true)]
async fn however_and_whenever_it_was_taken_a_long_lease_is_reported_in_time() {
    let (pool, warned) = watched(|builder| builder.limit(3).report_leases_over(LONG));
    drop(pool.acquire().await.unwrap());
    // Rests in which the supervisor looks often, seldom, or sleeps for good.
    for rest in [0, 1, 50, 99, 100, 101, 350, 2_000, 60_000, 3_600_000] {
        tokio::time::sleep(ms(rest)).await;
        let first = pool.acquire().await.unwrap();
        let taken = line!() - 1;
        let second = pool.acquire_owned().await.unwrap();
        let third = pool.try_acquire();
        tokio::time::sleep(ms(101)).await;
        let mut expected = vec![(LONG, taken), (LONG, taken + 2)];
        expected.extend(third.as_ref().map(|_| (LONG, taken + 3)).ok());
        let mut reported = warned.long();
        reported.sort();
        assert_eq!(reported, expected, "after {rest} ms");
        drop((first, second, third));
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_lease_is_reported_while_the_pool_drains_and_after_it_was_closed() {
    let (pool, warned) = watched(|builder| builder.limit(2).report_leases_over(LONG));
    let _conn = pool.acquire().await.unwrap();
    let drain = pool.drain(ms(150)).await;
    assert_eq!((drain.still_out, warned.long().len()), (1, 1));
    let (pool, warned) = watched(|builder| builder.limit(2).report_leases_over(LONG));
    let _conn = pool.acquire().await.unwrap();
    pool.close();
    tokio::time::sleep(ms(101)).await;
    assert_eq!(warned.long().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_a_connector_is_reported_with_the_line_of_its_user_in_every_mode() {
    let warned = Arc::new(Warned::default());
    let observer = warned.clone();
    let system = System::builder(Backend::default(), 2)
        .pools(move |pool| pool.observer(observer.clone()).report_leases_over(LONG))
        .build()
        .unwrap();
    for management in [Management::General, Management::Custom(1), Management::None] {
        let connector = system.connector("shop").management(management).build().unwrap();
        let conn = connector.acquire().await.unwrap();
        let taken = line!() - 1;
        tokio::time::sleep(ms(101)).await;
        assert_eq!(warned.long(), [(LONG, taken)], "{management:?}");
        drop(conn);
        let conn = connector.acquire_within(ms(5)).await.unwrap();
        tokio::time::sleep(ms(101)).await;
        assert_eq!(warned.long(), [(LONG, taken + 5)], "{management:?}");
        drop(conn);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_while_it_holds_is_warned_of_and_no_other() {
    let (pool, warned) = watched(|builder| builder.limit(1).warn_nested(true));
    let worker = tokio::spawn({
        let pool = pool.clone();
        async move {
            let held = pool.acquire().await.unwrap();
            let holding = line!() - 1;
            assert!(pool.acquire_within(ms(1)).await.is_err());
            // Not any more: first it is idle, then gone.
            drop(held);
            pool.pause();
            assert!(pool.acquire_within(ms(1)).await.is_err());
            pool.resume();
            let lent = pool.acquire().await.unwrap().detach();
            drop(pool.acquire().await.unwrap());
            (lent, holding)
        }
    });
    let (_conn, holding) = worker.await.unwrap();
    assert_eq!(warned.nested(), [(holding + 2, holding)]);
    // Another task that waits for this one's is nothing special.
    let held = pool.acquire_owned().await.unwrap();
    let other = tokio::spawn({
        let pool = pool.clone();
        async move { drop(pool.acquire().await.unwrap()) }
    });
    settle().await;
    drop(held);
    other.await.unwrap();
    // What was released, the next holder of the same slot has not taken.
    let (taker, waiter) = (pool.clone(), pool.clone());
    let first = tokio::spawn(async move { drop(taker.acquire().await.unwrap()) });
    first.await.unwrap();
    let second = tokio::spawn(async move { waiter.acquire_owned().await.unwrap() });
    let held = second.await.unwrap();
    assert!(pool.acquire_within(ms(1)).await.is_err());
    drop(held);
    assert_eq!(warned.nested(), []);
    assert_eq!(warned.long(), []);
}

#[tokio::test(start_paused = true)]
async fn without_an_observer_and_without_being_asked_nothing_is_noted() {
    let (pool, _) = pool_with(|builder| builder.limit(1).warn_nested(true).report_leases_over(LONG));
    drop(pool.acquire().await.unwrap());
    let (pool, warned) = watched(|builder| builder.limit(1));
    let task = tokio::spawn(async move {
        let _held = pool.acquire().await.unwrap();
        assert!(pool.acquire_within(ms(500)).await.is_err());
    });
    task.await.unwrap();
    assert_eq!((warned.long(), warned.nested()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn warnings_and_samples_go_together_with_an_observer_of_every_lease() {
    struct Everything(Warned);
    impl Observer for Everything {
        fn on(&self, event: &Event) {
            self.0.on(event);
        }
        fn interest(&self) -> Interest {
            Interest::RARE.with_order().with_use_time(1)
        }
    }
    let observer = Arc::new(Everything(Warned::default()));
    let (pool, _) = pool_with(|builder| builder.limit(1).observer(observer.clone()).report_leases_over(LONG));
    for _ in 0..2 {
        let conn = pool.acquire().await.unwrap();
        tokio::time::sleep(ms(150)).await;
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(conn);
        let conn = waiting.await.unwrap();
        tokio::time::sleep(ms(150)).await;
        drop(conn);
        assert_eq!(observer.0.long().len(), 2);
    }
}
