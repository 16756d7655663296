//! Managers written for bb8: what of theirs runs when, what their faults cost, and that the conformance kit finds nothing.
#![cfg(feature = "bb8-09")]

#[path = "compat/backend.rs"]
mod backend;

use backend::*;
use bb8::CustomizeConnection;
use fairpool::compat::Error;
use fairpool::compat::bb8::Bb8;
use fairpool::{AcquireError, Pool};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

impl bb8::ManageConnection for Theirs {
    type Connection = Link;
    type Error = Refused;

    async fn connect(&self) -> Result<Link, Refused> {
        Link::dial(&self.0).await
    }

    async fn is_valid(&self, link: &mut Link) -> Result<(), Refused> {
        link.check().await
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken()
    }
}

fn pool() -> (Pool<Bb8<Theirs>>, Arc<Server>) {
    let theirs = Theirs::default();
    let server = theirs.0.clone();
    (Pool::builder(Bb8::new(theirs)).limit(1).build().unwrap(), server)
}

#[tokio::test(start_paused = true)]
async fn is_valid_runs_before_every_lease_but_the_first() {
    let (pool, _) = pool();
    for checks in 0..5 {
        let link = pool.acquire().await.unwrap();
        assert_eq!((link.number, link.checks), (1, checks));
    }
    pool.set_validate_after_idle(Duration::from_millis(500)).unwrap();
    let mut checks = pool.acquire().await.unwrap().checks;
    for _ in 0..5 {
        assert_eq!(
            pool.acquire().await.unwrap().checks,
            checks,
            "what is in use is lent unchecked"
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    checks += 1;
    assert_eq!(pool.acquire().await.unwrap().checks, checks);
    pool.set_validate_after_idle(None).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(pool.acquire().await.unwrap().checks, checks, "test_on_check_out(false)");
}

#[tokio::test(start_paused = true)]
async fn what_dies_in_use_is_not_lent_again_although_has_broken_says_nothing() {
    let (pool, server) = pool();
    pool.acquire().await.unwrap().dead = true;
    let link = pool.acquire().await.unwrap();
    assert_eq!(link.number, 2);
    assert_eq!(server.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn has_broken_closes_and_so_does_its_panic() {
    let (pool, server) = pool();
    for (mood, number) in [(Mood::Fails, 1), (Mood::Panics, 2), (Mood::Well, 3), (Mood::Well, 3)] {
        let link = pool.acquire().await.unwrap();
        assert_eq!(link.number, number);
        server.set(&server.breaking, mood);
        drop(link);
    }
    assert_eq!((server.dialled(), server.open()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_is_valid_that_fails_hangs_or_panics_costs_its_connection_only() {
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics] {
        let (pool, server) = pool();
        drop(pool.acquire().await.unwrap());
        server.set(&server.checking, mood);
        let link = pool.acquire().await.unwrap();
        assert_eq!(link.number, 2, "{mood:?}");
        assert_eq!(server.open(), 1, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failed_connects_are_tried_again_unless_they_are_named() {
    let theirs = Theirs::default();
    let server = theirs.0.clone();
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let bb8 = Bb8::new(theirs)
        .permanent_if(|error: &Refused| error.0 == "refused for good")
        .on_error(move |error: &Refused| sink.lock().unwrap().push(error.clone()));
    let pool = Pool::builder(bb8).limit(1).build().unwrap();
    server.set(&server.connecting, Mood::Fails);
    let short = pool.acquire_within(Duration::from_secs(1)).await.unwrap_err();
    let AcquireError::Timeout(timeout) = &short else {
        panic!("{short}");
    };
    assert!(timeout.last_connect.is_some());
    assert!(short.to_string().ends_with("last connect failed: refused"), "{short}");
    assert!(told.lock().unwrap().len() > 1);
    assert_eq!(told.lock().unwrap()[0], Refused("refused"));
    server.set(&server.connecting, Mood::Well);
    assert_eq!(pool.acquire().await.unwrap().number, 1);

    let no_retries = Bb8::new(Theirs(server.clone())).permanent_if(|_| true);
    let pool = Pool::builder(no_retries).limit(1).build().unwrap();
    server.set(&server.connecting, Mood::Fails);
    let AcquireError::Connect(error) = pool.acquire().await.unwrap_err() else {
        panic!("it was tried again");
    };
    assert!(!error.is_transient());
    assert_eq!(error.downcast_ref(), Some(&Refused("refused")));
}

/// Marks what it was given.
#[derive(Debug)]
struct Customizer(Mood);

impl CustomizeConnection<Link, Refused> for Customizer {
    fn on_acquire<'a>(&'a self, link: &'a mut Link) -> Pin<Box<dyn Future<Output = Result<(), Refused>> + Send + 'a>> {
        Box::pin(async move {
            play(&Mutex::new(self.0), "not customized").await?;
            link.dirty = true;
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_customizer_written_for_bb8_runs_on_each_new_connection() {
    let theirs = Theirs::default();
    let bb8 = Bb8::new(theirs.clone()).connection_customizer(Box::new(Customizer(Mood::Well)));
    let pool = Pool::builder(bb8).build().unwrap();
    assert!(pool.acquire().await.unwrap().dirty);

    let bb8 = Bb8::new(theirs.clone()).connection_customizer(Box::new(Customizer(Mood::Fails)));
    let pool = Pool::builder(bb8.permanent_if(|_| true)).build().unwrap();
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(error.to_string(), "the backend refuses connections: not customized");
    assert_eq!(theirs.0.open(), 1, "what could not be customized is closed");
}

#[tokio::test(start_paused = true)]
async fn hooks_of_the_builder_fail_with_any_error() {
    let hooked = Pool::builder(Bb8::new(Theirs::default()).permanent_if(|_| true))
        .limit(1)
        .after_release(|link| {
            Box::pin(async move {
                if link.dirty {
                    Err(Error::new("left dirty"))
                } else {
                    Ok(())
                }
            })
        })
        .build()
        .unwrap();
    hooked.acquire().await.unwrap().dirty = true;
    assert_eq!(hooked.acquire().await.unwrap().number, 2);
    assert_eq!(hooked.manager().inner().0.dialled(), 2);
}

#[cfg(feature = "test-util")]
#[test]
fn the_wrapper_conforms_around_a_manager_whose_has_broken_knows_nothing() {
    use fairpool::test_util::Conformance;

    let theirs = Theirs::default();
    let count = theirs.0.clone();
    let refusing = || {
        let theirs = Theirs::default();
        theirs.0.set(&theirs.0.connecting, Mood::Fails);
        Bb8::new(theirs)
    };
    let report = Conformance::new(Bb8::new(theirs))
        .exercise(|link| Box::pin(async { Ok(link.ask().await?) }))
        .sever(|link| {
            Box::pin(async {
                link.dead = true;
                Ok(())
            })
        })
        .sessions(move |_| Box::pin(std::future::ready(Ok(count.open()))))
        .permanent(refusing().permanent_if(|_| true))
        .transient(refusing())
        .run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    let skipped: Vec<_> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(skipped, ["reset-cleans", "reset-unpolled", "reset-dropped"], "{report}");
}
