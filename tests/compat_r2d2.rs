//! Managers written for r2d2: nothing of theirs on an async thread, closures that outlive their calls, and the kit.
#![cfg(feature = "r2d2-08")]

#[path = "compat/backend.rs"]
mod backend;

use backend::*;
use fairpool::compat::r2d2::{CallError, DIALLING, R2d2};
use fairpool::{AcquireError, Pool};
use futures::FutureExt;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use tokio::time::sleep;

/// Blocks, and never where async code runs.
fn act(server: &Server, step: &Mutex<Mood>, fault: &'static str) -> Result<(), Refused> {
    assert_ne!(thread::current().name(), Some("async"));
    let mood = *step.lock().unwrap();
    match mood {
        Mood::Well => Ok(()),
        Mood::Fails => Err(Refused(fault)),
        Mood::Hangs => {
            server.gate.pass();
            Ok(())
        }
        Mood::Panics => panic!("{fault}"),
    }
}

impl r2d2::ManageConnection for Theirs {
    type Connection = Link;
    type Error = Refused;

    fn connect(&self) -> Result<Link, Refused> {
        let link = Link::new(&self.0);
        act(&self.0, &self.0.connecting, "refused")?;
        Ok(link)
    }

    fn is_valid(&self, link: &mut Link) -> Result<(), Refused> {
        link.checks += 1;
        act(&self.0, &self.0.checking, "not sound")?;
        link.answer()
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken()
    }
}

/// So that a test that fails ends: a runtime waits for its blocking threads.
struct OpensTheGate(Arc<Server>);

impl Drop for OpensTheGate {
    fn drop(&mut self) {
        self.0.gate.open();
    }
}

/// A runtime of one thread, which is here.
fn run(test: impl AsyncFnOnce(Arc<Server>, Pool<R2d2<Theirs>>) + Send) {
    let body = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let theirs = Theirs::default();
        let server = theirs.0.clone();
        let _opens = OpensTheGate(server.clone());
        let short = Duration::from_millis(200);
        let builder = Pool::builder(R2d2::new(theirs)).limit(1).connect_timeout(short);
        let pool = builder
            .validate_timeout(short)
            .reset_timeout(short)
            .close_timeout(short)
            .build()
            .unwrap();
        runtime.block_on(test(server.clone(), pool.clone()));
        let here = thread::current().id();
        assert!(
            !server.drops.lock().unwrap().contains(&here),
            "a drop blocked async code"
        );
    };
    thread::scope(|scope| {
        let named = thread::Builder::new().name("async".to_owned());
        named.spawn_scoped(scope, body).unwrap().join().unwrap();
    });
}

/// What will be so, if the test is to pass.
async fn until(so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if so() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came");
}

#[test]
fn nothing_runs_on_the_async_thread_and_is_valid_runs_before_every_lease_but_the_first() {
    run(async |server, pool| {
        for checks in 0..5 {
            let mut conn = pool.acquire().await.unwrap();
            let seen = conn
                .run(|link| (thread::current().name() != Some("async"), link.checks))
                .await;
            assert_eq!(seen.unwrap(), (true, checks));
        }
        pool.acquire().await.unwrap().call(|link| link.answer()).await.unwrap();
        pool.acquire().await.unwrap().mark_broken();
        until(|| server.open() == 0).await;
        drop(pool.acquire().await.unwrap().detach());
        until(|| server.open() == 0).await;
        pool.drain(Duration::from_secs(5)).await;
        assert_eq!(server.open(), 0);
    });
}

#[test]
fn a_dropped_call_runs_to_its_end_and_nobody_gets_the_connection_before() {
    run(async |server, pool| {
        pool.set_reset_timeout(Duration::from_secs(60)).unwrap();
        let mut conn = pool.acquire().await.unwrap();
        let gate = server.clone();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let mut call = Box::pin(conn.run(move |link| {
            begun.send(()).unwrap();
            gate.gate.pass();
            link.dirty = true;
        }));
        assert!((&mut call).now_or_never().is_none());
        begins.await.unwrap();
        drop(call);
        drop(conn);
        assert!(pool.acquire_within(Duration::from_millis(50)).await.is_err());
        assert_eq!(pool.status().resetting, 1);
        server.gate.open();
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(conn.run(|link| (link.number, link.dirty)).await.unwrap(), (1, true));
    });
}

#[test]
fn a_dropped_call_that_broke_its_connection_costs_it() {
    for panics in [false, true] {
        run(async |server, pool| {
            pool.set_reset_timeout(Duration::from_secs(60)).unwrap();
            pool.set_validate_after_idle(None).unwrap();
            let mut conn = pool.acquire().await.unwrap();
            let gate = server.clone();
            let call = conn.run(move |_| {
                gate.gate.pass();
                gate.set(&gate.breaking, Mood::Fails);
                assert!(!panics, "planned");
            });
            assert!(call.now_or_never().is_none());
            drop(conn);
            let mut next = Box::pin(pool.acquire());
            assert!((&mut next).now_or_never().is_none());
            server.gate.open();
            assert_eq!(next.await.unwrap().run(|link| link.number).await.unwrap(), 2);
        });
    }
}

#[test]
fn a_closure_without_an_end_costs_its_place_a_timeout_and_ends_alone() {
    run(async |server, pool| {
        let mut conn = pool.acquire().await.unwrap();
        let gate = server.clone();
        assert!(conn.run(move |_| gate.gate.pass()).now_or_never().is_none());
        drop(conn);
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(conn.run(|link| link.number).await.unwrap(), 2);
        assert_eq!(server.open(), 2);
        server.gate.open();
        until(|| server.open() == 1).await;
    });
}

#[test]
fn a_later_call_waits_for_one_that_was_dropped() {
    run(async |server, pool| {
        let mut conn = pool.acquire().await.unwrap();
        let gate = server.clone();
        let work = move |link: &mut Link| {
            gate.gate.pass();
            link.checks = 70;
        };
        assert!(conn.run(work).now_or_never().is_none());
        let mut next = Box::pin(conn.run(|link| link.checks));
        assert!((&mut next).now_or_never().is_none());
        server.gate.open();
        assert_eq!(next.await.unwrap(), 70);
    });
}

#[test]
fn a_closure_that_panics_says_so_and_drops_the_connection_at_once() {
    run(async |server, pool| {
        let mut conn = pool.acquire().await.unwrap();
        let error = conn.run(|_| panic!("seven of {}", 9)).await.unwrap_err();
        assert_eq!(error.to_string(), "the closure panicked: seven of 9");
        assert_eq!(server.open(), 0);
        let error = conn.call(|link| link.answer()).await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&CallError::Gone));
        assert!(conn.blocking().is_err());
        drop(conn);
        assert_eq!(pool.acquire().await.unwrap().run(|link| link.number).await.unwrap(), 2);
    });
}

#[test]
fn an_is_valid_that_fails_hangs_or_panics_costs_its_connection_only() {
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics] {
        run(async |server, pool| {
            drop(pool.acquire().await.unwrap());
            server.set(&server.checking, mood);
            let mut conn = pool.acquire().await.unwrap();
            assert_eq!(conn.run(|link| link.number).await.unwrap(), 2, "{mood:?}");
            server.gate.open();
            until(|| server.open() == 1).await;
        });
    }
}

#[test]
fn has_broken_closes_and_so_does_its_panic() {
    run(async |server, pool| {
        for (mood, number) in [(Mood::Fails, 1), (Mood::Panics, 2), (Mood::Well, 3), (Mood::Well, 3)] {
            let mut conn = pool.acquire().await.unwrap();
            assert_eq!(conn.run(|link| link.number).await.unwrap(), number);
            server.set(&server.breaking, mood);
        }
    });
}

#[test]
fn connects_that_hang_are_bounded_and_leak_nothing() {
    run(async |server, pool| {
        server.set(&server.connecting, Mood::Hangs);
        pool.set_limit(200).unwrap();
        pool.set_max_connecting(100).unwrap();
        pool.set_connect_timeout(Duration::from_millis(20)).unwrap();
        pool.set_backoff_max(Duration::from_millis(50)).unwrap();
        let crowd = (0..100).map(|_| pool.acquire_within(Duration::from_secs(1)));
        let errors = futures::future::join_all(crowd).await;
        assert!(
            errors
                .iter()
                .all(|error| matches!(error, Err(AcquireError::Timeout(_))))
        );
        assert_eq!(server.dialled(), DIALLING as u64);
        server.set(&server.connecting, Mood::Well);
        server.gate.open();
        drop(pool.acquire().await.unwrap());
        until(|| server.open() <= u64::from(pool.status().open())).await;
    });
}

#[test]
fn connects_that_fail_or_panic_are_tried_again_unless_they_are_named() {
    run(async |server, pool| {
        for (mood, said) in [(Mood::Fails, "refused"), (Mood::Panics, "the manager panicked")] {
            server.set(&server.connecting, mood);
            let said = format!("last connect failed: {said}");
            // The backoff of what failed before may outlast a request or two.
            for last in (0..100).rev() {
                let error = pool.acquire_within(Duration::from_millis(50)).await.unwrap_err();
                if error.to_string().ends_with(&said) {
                    break;
                }
                assert!(last > 0, "{error}");
            }
        }
        server.set(&server.connecting, Mood::Well);
        drop(pool.acquire().await.unwrap());

        let last = R2d2::new(Theirs(server.clone())).permanent_if(|error: &Refused| error.0 == "refused");
        let last = Pool::builder(last).build().unwrap();
        server.set(&server.connecting, Mood::Fails);
        let AcquireError::Connect(error) = last.acquire().await.unwrap_err() else {
            panic!("it was tried again");
        };
        assert_eq!(error.downcast_ref(), Some(&Refused("refused")));
    });
}

/// Tells of both ends.
#[derive(Debug)]
struct Customizer(Mutex<mpsc::Sender<&'static str>>);

impl r2d2::CustomizeConnection<Link, Refused> for Customizer {
    fn on_acquire(&self, link: &mut Link) -> Result<(), Refused> {
        link.dirty = true;
        self.0.lock().unwrap().send("acquired").unwrap();
        Ok(())
    }

    fn on_release(&self, link: Link) {
        assert!(link.dirty);
        self.0.lock().unwrap().send("released").unwrap();
    }
}

#[test]
fn a_customizer_written_for_r2d2_sees_each_connection_come_and_go() {
    run(async |server, _| {
        let (tell, told) = mpsc::channel();
        let custom = R2d2::new(Theirs(server.clone())).connection_customizer(Box::new(Customizer(Mutex::new(tell))));
        let pool = Pool::builder(custom).build().unwrap();
        assert!(pool.acquire().await.unwrap().run(|link| link.dirty).await.unwrap());
        pool.drain(Duration::from_secs(5)).await;
        assert_eq!(told.try_iter().collect::<Vec<_>>(), ["acquired", "released"]);
    });
}

#[test]
fn threads_take_the_connection_as_it_is_and_wait_for_a_dropped_call() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let theirs = Theirs::default();
    let server = theirs.0.clone();
    let builder = Pool::builder(R2d2::new(theirs)).limit(1);
    let pool = builder.runtime(runtime.handle().clone()).build().unwrap();
    let mut conn = pool.acquire_blocking().unwrap();
    conn.blocking().unwrap().checks = 40;
    assert_eq!(conn.blocking().unwrap().checks, 40);
    let gate = server.clone();
    let call = conn.run(move |link| {
        gate.gate.pass();
        link.checks += 2;
    });
    assert!(
        call.now_or_never().is_none(),
        "without a runtime: on a thread of its own"
    );
    let opener = thread::spawn(move || server.gate.open());
    assert_eq!(conn.blocking().unwrap().checks, 42);
    opener.join().unwrap();
    assert_eq!(futures::executor::block_on(conn.run(|link| link.checks)).unwrap(), 42);
    assert_eq!(conn.detach().into_inner().unwrap().checks, 42);
}

#[test]
fn where_no_runtime_is_left_connections_still_end_off_this_thread() {
    let theirs = Theirs::default();
    let server = theirs.0.clone();
    let pool = Pool::builder(R2d2::new(theirs)).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lease = runtime.block_on(pool.acquire_owned()).unwrap();
    drop(runtime);
    drop((lease, pool));
    for _ in 0..3000 {
        if server.open() == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.open(), 0);
    assert!(!server.drops.lock().unwrap().contains(&thread::current().id()));
}

#[cfg(feature = "test-util")]
#[test]
fn the_wrapper_conforms_around_a_manager_whose_has_broken_knows_nothing() {
    use fairpool::test_util::{Answer, Conformance};

    let theirs = Theirs::default();
    let count = theirs.0.clone();
    let refusing = || {
        let theirs = Theirs::default();
        theirs.0.set(&theirs.0.connecting, Mood::Fails);
        R2d2::new(theirs)
    };
    let report = Conformance::new(R2d2::new(theirs))
        .exercise(|conn| -> Answer<'_> { Box::pin(async { Ok(conn.call(|link| link.answer()).await?) }) })
        .sever(|conn| -> Answer<'_> { Box::pin(async { Ok(conn.run(|link| link.dead = true).await?) }) })
        .sessions(move |_| Box::pin(std::future::ready(Ok(count.open()))))
        .permanent(refusing().permanent_if(|_| true))
        .transient(refusing())
        .run();
    report.assert_ok();
    assert_eq!(report.warned().count(), 0, "{report}");
    let skipped: Vec<_> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(skipped, ["reset-cleans", "reset-unpolled", "reset-dropped"], "{report}");
}
