//! The order of the shared line, read off the house after every step; and the bound of the preference.

use super::*;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Waker};

/// Polls once, with a waker that does nothing.
fn poll<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Runs random joins, cancels and releases, and looks after each single step at who was served before whom. Returns how
/// often anybody was passed at most, and how many passes there were.
async fn run(seed: u64, limit: u32, preference: u32) -> (u32, u64) {
    let world = World::new(seed, Mood::default());
    let pool = pool_of(&world, limit, None, preference);
    let mut waiting = BTreeMap::new();
    let mut passed: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut lent, mut most) = (Vec::new(), 0);
    for _ in 0..600 {
        let before = pool.shared.house.lock().line.clone();
        let mut cancelled = None;
        match world.pick(9) {
            0..=3 => {
                let mut request = Box::pin(pool.acquire_within(&world.pick(4), Duration::from_secs(3_600)));
                if !poll(request.as_mut()) {
                    let newest = *pool.shared.house.lock().requests.keys().max().expect("it waits");
                    waiting.insert(newest, request);
                }
            }
            4 => {
                let at = world.pick(waiting.len() as u32 + 1) as usize;
                cancelled = waiting.keys().nth(at).copied();
                cancelled.and_then(|id| waiting.remove(&id));
            }
            5..=7 if !lent.is_empty() => drop(lent.swap_remove(world.pick(lent.len() as u32) as usize)),
            _ => settle().await,
        }
        let after = {
            let house = pool.shared.house.lock();
            audit(&house, false);
            house.line.clone()
        };
        // No connect fails here, so whoever left the line was served, or is the one cancelled.
        let served = before
            .iter()
            .filter(|(ticket, id)| !after.contains_key(ticket) && cancelled != Some(**id));
        for ticket in served.map(|(&ticket, _)| ticket) {
            for older in after.range(..ticket) {
                let times = passed.entry(*older.0).or_default();
                *times += 1;
                most = most.max(*times);
            }
        }
        let ready: Vec<u64> = {
            let house = pool.shared.house.lock();
            let served = waiting
                .keys()
                .filter(|id| matches!(house.requests[id].stage, Stage::Served(_)));
            served.copied().collect()
        };
        for id in ready {
            lent.push(waiting.remove(&id).expect("it waits").await.expect("it was served"));
        }
    }
    let passes = pool.status().totals.passed;
    drop((waiting, lent));
    assert_comes_to_rest(&pool, &world).await;
    (most, passes)
}

#[tokio::test(start_paused = true)]
async fn p1_without_a_preference_nobody_is_passed() {
    for seed in 0..24 {
        assert_eq!(run(seed, 1 + seed as u32 % 4, 0).await, (0, 0), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_preference_of_n_passes_nobody_more_than_n_times() {
    for preference in [1, 2, 5] {
        let (mut most, mut passes) = (0, 0);
        for seed in 0..24 {
            let one = run(1_000 + seed, 1 + seed as u32 % 4, preference).await;
            (most, passes) = (most.max(one.0), passes + one.1);
        }
        assert_eq!(most, preference, "the bound is not kept, or was never reached");
        assert!(passes >= 200, "only {passes} passes");
    }
}
