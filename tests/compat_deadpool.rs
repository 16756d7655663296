//! Managers written for deadpool: `recycle` and its metrics on every checkout, hooks, `detach` on every way out, and the kit.
#![cfg(feature = "deadpool-013")]

#[path = "compat/backend.rs"]
mod backend;

use backend::*;
use deadpool::managed::{Hook, HookError, Manager, Metrics, RecycleError, RecycleResult};
use fairpool::compat::deadpool::Deadpool;
use fairpool::{AcquireError, Pool};
use futures::FutureExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Beside the backend: the metrics that `recycle` was given, and which links were detached.
#[derive(Clone, Default)]
struct Managed {
    theirs: Theirs,
    seen: Arc<Mutex<Vec<Metrics>>>,
    detached: Arc<Mutex<Vec<u64>>>,
}

impl Managed {
    fn detached(&self) -> Vec<u64> {
        self.detached.lock().unwrap().clone()
    }

    fn server(&self) -> &Server {
        &self.theirs.0
    }

    fn pool(&self) -> Pool<Deadpool<Managed>> {
        Pool::builder(Deadpool::new(self.clone())).limit(1).build().unwrap()
    }
}

impl Manager for Managed {
    type Type = Link;
    type Error = Refused;

    async fn create(&self) -> Result<Link, Refused> {
        Link::dial(&self.theirs.0).await
    }

    async fn recycle(&self, link: &mut Link, metrics: &Metrics) -> RecycleResult<Refused> {
        self.seen.lock().unwrap().push(*metrics);
        if link.dead {
            return Err(RecycleError::message("it is dead"));
        }
        link.check().await?;
        link.dirty = false;
        Ok(())
    }

    fn detach(&self, link: &mut Link) {
        self.detached.lock().unwrap().push(link.number);
    }
}

#[tokio::test(start_paused = true)]
async fn recycle_runs_on_every_checkout_with_the_metrics_of_that_connection() {
    let managed = Managed::default();
    let pool = managed.pool();
    for leases in 0..4 {
        let conn = pool.acquire().await.unwrap();
        assert_eq!((conn.number, conn.checks), (1, leases));
        assert_eq!(conn.metrics().recycle_count as u64, leases);
    }
    let last = *pool.acquire().await.unwrap().metrics();
    let seen = managed.seen.lock().unwrap().clone();
    let counts: Vec<_> = seen.iter().map(|metrics| metrics.recycle_count).collect();
    assert_eq!(counts, [0, 1, 2, 3], "as before the recycle, as there");
    assert!(seen.iter().all(|metrics| metrics.created == last.created));
    assert!(seen[0].recycled.is_none());
    assert!(seen[1..].windows(2).all(|pair| pair[0].recycled < pair[1].recycled));
    assert!(seen[3].recycled < last.recycled);
}

#[tokio::test(start_paused = true)]
async fn the_next_lease_is_clean_and_what_is_dead_goes_while_the_request_keeps_its_place() {
    let managed = Managed::default();
    let pool = managed.pool();
    let mut conn = pool.acquire().await.unwrap();
    conn.dirty = true;
    let (mut first, mut second) = (Box::pin(pool.acquire()), Box::pin(pool.acquire()));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    drop(conn);
    let mut conn = first.await.unwrap();
    assert!(!conn.dirty);
    conn.dead = true;
    let mut late = Box::pin(pool.acquire());
    assert!((&mut late).now_or_never().is_none());
    drop(conn);
    assert_eq!(second.await.unwrap().number, 2);
    assert_eq!(late.await.unwrap().number, 2);
    assert_eq!(managed.detached(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_recycle_that_fails_hangs_or_panics_costs_its_connection_only() {
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics] {
        let managed = Managed::default();
        let pool = managed.pool();
        drop(pool.acquire().await.unwrap());
        managed.server().set(&managed.server().checking, mood);
        assert_eq!(pool.acquire().await.unwrap().number, 2, "{mood:?}");
        assert_eq!(managed.detached(), [1], "{mood:?}");
        assert_eq!(managed.server().open(), 1, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn detach_runs_once_on_every_way_out() {
    let managed = Managed::default();
    let pool = managed.pool();
    let conn = pool.acquire().await.unwrap().detach();
    assert_eq!(managed.detached(), [1], "taken along");
    let link = conn.into_inner();
    drop(pool.acquire().await.unwrap().detach());
    assert_eq!(managed.detached(), [1, 2], "and dropped later");
    pool.acquire().await.unwrap().mark_broken();
    drop(pool.acquire().await.unwrap());
    pool.invalidate();
    drop(pool.acquire().await.unwrap());
    drop(pool);
    while managed.server().open() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(managed.detached(), [1, 2, 3, 4, 5]);
    drop(link);

    let direct = fairpool::Manager::connect(&Deadpool::new(managed.clone()))
        .await
        .unwrap();
    assert_eq!(direct.into_inner().number, 6);
    assert_eq!(managed.detached().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn on_return_it_is_recycled_before_anybody_asks() {
    let managed = Managed::default();
    let pool = Pool::builder(Deadpool::new(managed.clone()).recycle_on_return());
    let pool = pool.limit(1).build().unwrap();
    pool.acquire().await.unwrap().dirty = true;
    while pool.status().idle == 0 {
        tokio::task::yield_now().await;
    }
    let conn = pool.try_acquire().unwrap();
    assert!(!conn.dirty);
    assert_eq!((conn.checks, conn.metrics().recycle_count), (1, 1));
    drop(conn);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        pool.acquire().await.unwrap().checks,
        3,
        "on return, and after two idle seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn hooks_written_for_deadpool_run_in_order_with_metrics() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let notes = notes.clone();
        Hook::<Managed>::sync_fn(move |link: &mut Link, metrics: &Metrics| {
            notes.lock().unwrap().push((name, link.number, metrics.recycle_count));
            Ok(())
        })
    };
    let managed = Managed::default();
    let later = Hook::<Managed>::async_fn(|link, _| {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if link.dirty {
                Err(HookError::message("dirty"))
            } else {
                Ok(())
            }
        })
    });
    let deadpool = Deadpool::new(managed.clone())
        .post_create(note("created"))
        .pre_recycle(note("before"))
        .pre_recycle(later)
        .post_recycle(note("after"));
    let pool = Pool::builder(deadpool).limit(1).build().unwrap();
    drop(pool.acquire().await.unwrap());
    drop(pool.acquire().await.unwrap());
    pool.acquire().await.unwrap().dirty = true;
    assert_eq!(pool.acquire().await.unwrap().number, 2, "a hook's error closes it");
    let told = [
        ("created", 1, 0),
        ("before", 1, 0),
        ("after", 1, 0),
        ("before", 1, 1),
        ("after", 1, 1),
        ("before", 1, 2),
        ("created", 2, 0),
    ];
    assert_eq!(*notes.lock().unwrap(), told);
}

#[tokio::test(start_paused = true)]
async fn errors_come_through_whichever_step_they_are_of() {
    let managed = Managed::default();
    let told = Arc::new(Mutex::new(0));
    let count = told.clone();
    let deadpool = Deadpool::new(managed.clone())
        .permanent_if(|_| true)
        .on_error(move |_| *count.lock().unwrap() += 1);
    let pool = Pool::builder(deadpool).limit(1).build().unwrap();
    drop(pool.acquire().await.unwrap());
    managed.server().set(&managed.server().checking, Mood::Fails);
    managed.server().set(&managed.server().connecting, Mood::Fails);
    let AcquireError::Connect(error) = pool.acquire().await.unwrap_err() else {
        panic!("it was tried again");
    };
    assert_eq!(error.downcast_ref(), Some(&Refused("refused")));
    assert_eq!(*told.lock().unwrap(), 2, "the recycle's too");

    let hook = Hook::<Managed>::sync_fn(|_, _| Err(HookError::message("not tonight")));
    let deadpool = Deadpool::new(Managed::default()).post_create(hook);
    let error = fairpool::Manager::connect(&deadpool).await.unwrap_err();
    assert_eq!(error.to_string(), "not tonight");
    assert_eq!(deadpool.inner().detached(), [1]);
}

#[cfg(feature = "test-util")]
mod conformance {
    use super::*;
    use fairpool::test_util::Conformance;

    fn kit(wrap: fn(Managed) -> Deadpool<Managed>) -> Conformance<Deadpool<Managed>> {
        let managed = Managed::default();
        let count = managed.theirs.0.clone();
        let refusing = || {
            let managed = Managed::default();
            managed.server().set(&managed.server().connecting, Mood::Fails);
            Deadpool::new(managed)
        };
        Conformance::new(wrap(managed))
            .exercise(|conn| Box::pin(async { Ok(conn.ask().await?) }))
            .dirty(|conn| {
                Box::pin(async {
                    conn.dirty = true;
                    Ok(())
                })
            })
            .is_clean(|conn| Box::pin(std::future::ready(Ok(!conn.dirty))))
            .sever(|conn| {
                Box::pin(async {
                    conn.dead = true;
                    Ok(())
                })
            })
            .sessions(move |_| Box::pin(std::future::ready(Ok(count.open()))))
            .permanent(refusing().permanent_if(|_| true))
            .transient(refusing())
    }

    #[test]
    fn a_manager_recycled_on_checkout_conforms() {
        let report = kit(Deadpool::new)
            .without("reset-unpolled", "a dirty connection is cleaned when it is lent")
            .run();
        report.assert_ok();
        assert_eq!(report.warned().count() + report.skipped().count(), 1, "{report}");
    }

    #[test]
    fn a_manager_recycled_on_return_conforms() {
        kit(|managed| Deadpool::new(managed).recycle_on_return())
            .run()
            .assert_spotless();
    }
}
