//! Connections without a pool obey what is done to a pool: a new generation, a close and a pause reach them in mid-connect.

mod common;

use common::{Act, Backend, ms, poll, settle};
use fairpool::{AcquireError, Connector, ConnectorError, Management, Phase, System};
use std::task::Poll;

fn loose() -> (System<Backend>, Connector<Backend>, Backend) {
    let backend = Backend::default();
    let system = System::builder(backend.clone(), 1).build().unwrap();
    let none = system.connector("loose").management(Management::None).build().unwrap();
    (system, none, backend)
}

fn at_connection<T>(outcome: Result<T, ConnectorError<common::Fault>>) -> AcquireError<common::Fault> {
    match outcome.map(drop) {
        Err(ConnectorError::Connection { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn p9_a_connection_whose_connect_began_before_an_invalidate_is_never_lent() {
    let (system, none, backend) = loose();
    backend.connect.then([Act::Takes(50)]);
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    system.invalidate();
    let lease = request.await.unwrap();
    assert_eq!(lease.number, 2, "lent from the generation before");
    settle().await;
    assert_eq!((backend.live(), none.status().pool.in_use), (1, 1));
    drop(lease);
    settle().await;
    assert_eq!((backend.live(), none.status().pool.occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn invalidated_for_ever_a_request_still_ends_in_its_time() {
    let (system, none, backend) = loose();
    backend.connect.always(Act::Takes(10));
    let mut request = Box::pin(none.acquire_within(ms(95)));
    for _ in 0..9 {
        assert!(poll(request.as_mut()).is_pending());
        system.invalidate();
        tokio::time::sleep(ms(10)).await;
    }
    let error = at_connection(request.await);
    assert!(
        matches!(&error, AcquireError::Timeout(timeout) if timeout.waited >= ms(95)),
        "{error}"
    );
    settle().await;
    assert_eq!((backend.live(), none.status().pool.occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_close_fails_those_who_are_connecting_at_once() {
    let (system, none, backend) = loose();
    backend.connect.always(Act::Hangs);
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    system.close();
    match poll(request.as_mut()) {
        Poll::Ready(outcome) => assert!(matches!(at_connection(outcome), AcquireError::Closed(_))),
        Poll::Pending => panic!("it goes on connecting for a system that is closed"),
    }
    assert_eq!((backend.live(), none.status().pool.occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn p7_a_drain_waits_for_those_who_are_connecting_and_cuts_them_off_in_the_end() {
    let (system, none, backend) = loose();
    backend.connect.then([Act::Takes(10), Act::Hangs]);
    let (quick, hung) = (none.clone(), none.clone());
    let quick = tokio::spawn(async move { quick.acquire().await.map(drop) });
    let hung = tokio::spawn(async move { hung.acquire().await.map(drop) });
    settle().await;
    let report = system.drain(ms(100)).await;
    assert!(!report.completed());
    quick.await.unwrap().unwrap();
    assert!(matches!(at_connection(hung.await.unwrap()), AcquireError::Closed(_)));
    settle().await;
    assert_eq!((backend.live(), none.status().pool.occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_switch_lets_those_who_are_connecting_finish() {
    let (_system, none, backend) = loose();
    backend.connect.then([Act::Takes(10)]);
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    let left = none.pool();
    none.set_management(Management::General).unwrap();
    let lease = request.await.unwrap();
    assert_eq!((lease.number, left.status().in_use), (1, 1));
    drop(lease);
    settle().await;
    assert_eq!((backend.live(), left.status().occupied()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_pause_opens_nothing_until_the_resume() {
    let (_system, none, backend) = loose();
    none.pool().pause();
    let error = at_connection(none.acquire_within(ms(20)).await);
    assert!(
        matches!(&error, AcquireError::Timeout(timeout) if timeout.phase == Phase::Queue),
        "{error}"
    );
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    assert_eq!(backend.connect.calls(), 0, "opened while paused");
    none.pool().resume();
    drop(request.await.unwrap());
    // A close ends the wait as well.
    none.pool().pause();
    let mut request = Box::pin(none.acquire());
    assert!(poll(request.as_mut()).is_pending());
    none.pool().close();
    assert!(matches!(at_connection(request.await), AcquireError::Closed(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_makes_such_a_pool_keep_an_idle_connection() {
    let (_system, none, backend) = loose();
    let pool = none.pool();
    pool.set_min_idle(3).unwrap();
    let _ = pool.try_acquire();
    tokio::time::sleep(ms(2_000)).await;
    assert_eq!((pool.status().idle, backend.live()), (0, 0), "opened for nobody");
    let _ = pool.warm_up(2).await;
    settle().await;
    assert_eq!((pool.status().idle, backend.live()), (0, 0), "warmed up for nobody");
    let lease = pool.acquire().await.unwrap();
    assert_eq!(backend.live(), 1);
    drop(lease);
    settle().await;
    assert_eq!((pool.status().occupied(), backend.live()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_made_on_the_pool_itself_and_given_up_leaves_nothing_idle() {
    let (_system, none, backend) = loose();
    backend.connect.then([Act::Takes(50)]);
    let pool = none.pool();
    let mut request = Box::pin(pool.acquire());
    assert!(poll(request.as_mut()).is_pending());
    settle().await;
    drop(request);
    tokio::time::sleep(ms(60)).await;
    settle().await;
    assert_eq!((backend.made(), backend.live(), none.status().pool.idle), (1, 0, 0));
}
