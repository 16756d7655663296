//! A keyed pool over scripted backends, one for each key.

use super::{Backend, ms};
use fairpool::{Keyed, KeyedBuilder, KeyedCounts};
use tokio::time::sleep;

pub(crate) type KeyedPool = Keyed<u32, Backend>;

/// A pool whose key n uses the nth backend, of six.
pub(crate) fn keyed(
    build: impl FnOnce(KeyedBuilder<u32, Backend>) -> KeyedBuilder<u32, Backend>,
) -> (KeyedPool, Vec<Backend>) {
    let backends: Vec<Backend> = (0..6).map(|_| Backend::default()).collect();
    let ours = backends.clone();
    let builder = Keyed::builder(move |&key: &u32| ours[key as usize].clone());
    (build(builder).build().expect("options in range"), backends)
}

pub(crate) fn live(backends: &[Backend]) -> u64 {
    backends.iter().map(|backend| backend.live()).sum()
}

/// The counts of all keys.
pub(crate) fn all(pool: &KeyedPool) -> KeyedCounts {
    pool.status().all
}

/// Nothing was lost: the whole limit can be lent at once, and no more.
pub(crate) async fn assert_keyed_whole(pool: &KeyedPool, backends: &[Backend]) {
    let limit = pool.status().limit;
    let mut guards = Vec::new();
    for key in 0..limit {
        let conn = pool.acquire_within(&(key % 6), ms(60_000)).await;
        guards.push(conn.expect("a place was lost"));
    }
    assert_eq!(
        (all(pool).in_use, all(pool).occupied(), live(backends)),
        (limit, limit, u64::from(limit))
    );
    drop(guards);
    sleep(ms(400)).await;
    let now = all(pool);
    assert_eq!(
        (now.in_use, now.pending, now.admitted, live(backends)),
        (0, 0, 0, u64::from(now.idle)),
        "{now}"
    );
}
