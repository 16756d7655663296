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
