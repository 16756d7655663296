//! What was idle for too long is looked after before it is lent, by whatever way it comes to somebody.

mod common;

use common::*;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn p9_a_connection_asked_for_by_a_try_is_not_lent_unvalidated_after_its_time() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).validate_after_idle(ms(1_000)));
    drop(pool.acquire().await.unwrap());
    sleep(ms(990)).await;
    // It stands on the shelf; the supervisor brings it out for a later try.
    assert!(pool.try_acquire().is_err());
    sleep(ms(210)).await;
    let conn = pool.try_acquire().unwrap();
    assert_eq!((conn.number, backend.validate.calls()), (1, 1), "idle for 1,200 ms");
}

#[tokio::test(start_paused = true)]
async fn p9_a_connections_age_counts_from_its_connect_and_not_from_the_end_of_its_hook() {
    let (pool, backend) = pool_with(|builder| {
        let builder = builder.limit(1).connect_timeout(ms(60_000)).max_lifetime(ms(40_000));
        let builder = builder
            .lifetime_jitter(0.0)
            .idle_timeout(None)
            .validate_after_idle(None);
        builder.acquire_timeout(None).after_connect(|_| {
            Box::pin(async {
                sleep(ms(30_000)).await;
                Ok(())
            })
        })
    });
    let conn = pool.acquire().await.unwrap();
    assert_eq!(conn.age(), ms(30_000));
    drop(conn);
    sleep(ms(25_000)).await;
    // Over age since 15 s; a tick is 10 s.
    assert_eq!((pool.status().open(), backend.live()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn p9_a_use_that_no_tick_saw_does_not_make_a_connection_look_younger_later() {
    let (pool, backend) = pool_with(|builder| builder.limit(1).validate_after_idle(ms(1_000)));
    drop(pool.acquire().await.unwrap());
    // For a moment everything is looked after, so it goes to the shelf with a use that no tick has seen.
    pool.set_validate_after_idle(ms(0)).unwrap();
    pool.set_validate_after_idle(ms(1_000)).unwrap();
    sleep(ms(490)).await;
    // Brought out unvalidated, since it is young enough.
    assert!(pool.try_acquire().is_err());
    sleep(ms(710)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!(backend.validate.calls(), 1, "idle for 1,200 ms");
}
