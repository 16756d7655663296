//! The claim that room can always be made, saturated: every place is at work for other keys, and somebody needs one.

use super::*;
use crate::system::keys::error::KeyedError;
use tokio::task::JoinSet;

const ROUGH: Mood = Mood {
    slow: 70,
    fails: 6,
    refuses: 2,
    hangs: 3,
    panics: 2,
};

/// Moments at which other keys' connections were being opened, reset and closed, all at once, and somebody waited.
#[derive(Debug, Default)]
struct Met {
    mixed: u64,
    all_busy: u64,
}

/// `tasks` clients of `keys` keys work until each has made `rounds` requests; audited all the time.
async fn storm(pool: &Pool, world: &Arc<World>, (tasks, keys, rounds): (u32, u32, u32), debt: bool) -> Met {
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let (pool, world) = (pool.clone(), world.clone());
        set.spawn(async move {
            for _ in 0..rounds {
                let key = world.pick(keys);
                let within = ms(u64::from(world.pick(400)));
                match world.pick(10) {
                    // Given up in mid-request.
                    0 => {
                        let _ = tokio::time::timeout(within / 8, pool.acquire(&key)).await;
                    }
                    dice => match pool.acquire_within(&key, within).await {
                        Ok(mut conn) => {
                            assert_eq!((*conn.key(), conn.key), (key, key));
                            tokio::time::sleep(ms(u64::from(world.pick(8)))).await;
                            match dice {
                                1 => conn.mark_broken(),
                                2 => drop(conn.detach()),
                                _ => {}
                            }
                        }
                        Err(KeyedError::Timeout(timeout)) => assert!(timeout.waited >= within),
                        Err(KeyedError::Connect(_)) => {}
                        Err(other) => panic!("{other}"),
                    },
                }
            }
        });
    }
    let mut met = Met::default();
    while !set.is_empty() {
        {
            let house = pool.shared.house.lock();
            audit(&house, debt);
            let counts = house.counts();
            let mixed = [counts.connecting, counts.resetting, counts.closing];
            met.mixed += u64::from(!house.line.is_empty() && mixed.iter().all(|&count| count > 0));
            met.all_busy += u64::from(!house.line.is_empty() && house.busy == house.limit());
        }
        if let Ok(Some(ended)) = tokio::time::timeout(ms(1), set.join_next()).await {
            ended.unwrap();
        }
    }
    met
}

#[tokio::test(start_paused = true)]
async fn room_can_always_be_made_while_other_keys_connect_reset_and_close() {
    hush();
    let (mut evicted, mut met) = (0, Met::default());
    for seed in 0..16 {
        let world = World::new(seed, ROUGH);
        let limit = 1 + world.pick(6);
        let per_key = (seed % 3 == 1).then_some(2);
        let preference = if seed % 4 == 3 { 3 } else { 0 };
        let pool = pool_of(&world, limit, per_key, preference);
        let one = storm(&pool, &world, (24, 9, 40), false).await;
        (met.mixed, met.all_busy) = (met.mixed + one.mixed, met.all_busy + one.all_busy);
        evicted += pool.status().totals.evicted;
        assert!(
            world.peak.load(Relaxed) <= u64::from(limit),
            "seed {seed}: over the limit"
        );
        assert_comes_to_rest(&pool, &world).await;
        let report = pool.drain(ms(1_000)).await;
        assert!(report.completed, "seed {seed}: {report}");
        assert_eq!(world.alive.load(Relaxed), 0);
        assert_eq!(
            world.managers.load(Relaxed),
            0,
            "seed {seed}: a manager outlives its key"
        );
        assert!(
            pool.shared.house.lock().rooms.is_empty(),
            "seed {seed}: a room outlives its key"
        );
        assert!(
            pool.shared.register.0.lock().is_empty(),
            "seed {seed}: a key outlives its use"
        );
    }
    assert!(evicted >= 2_000, "room was made only {evicted} times");
    assert!(met.mixed >= 1_000 && met.all_busy >= 1_000, "{met:?} proves little");
}

#[tokio::test(start_paused = true)]
async fn whatever_an_operator_changes_meanwhile_nothing_is_lost() {
    hush();
    for seed in 100..110 {
        let world = World::new(seed, ROUGH);
        let pool = pool_of(&world, 4, None, 0);
        let operator = tokio::spawn({
            let (pool, world) = (pool.clone(), world.clone());
            async move {
                for _ in 0..150 {
                    tokio::time::sleep(ms(u64::from(world.pick(30)))).await;
                    match world.pick(9) {
                        0 => drop(pool.clear()),
                        1 => drop(pool.clear_key(&world.pick(9))),
                        2 => pool.invalidate(),
                        3 => pool.invalidate_key(&world.pick(9)),
                        4 => pool.pause(),
                        5 => pool.set_preference(world.pick(5)),
                        6 => pool.set_per_key(Some(1 + world.pick(3))).unwrap(),
                        7 => pool.set_per_key(None).unwrap(),
                        _ => pool.set_limit(1 + world.pick(6)).unwrap(),
                    }
                    if world.pick(2) == 0 {
                        pool.resume();
                    }
                }
                pool.resume();
            }
        });
        let clients = tokio::spawn({
            let (pool, world) = (pool.clone(), world.clone());
            async move {
                for _ in 0..40 {
                    let key = world.pick(9);
                    let mut set = JoinSet::new();
                    for _ in 0..world.pick(12) {
                        let request = pool.acquire_within(&key, ms(u64::from(world.pick(200))));
                        set.spawn(async move { drop(request.await) });
                    }
                    for _ in 0..world.pick(12) {
                        let request = pool.acquire(&world.pick(9));
                        set.spawn(async move {
                            let conn = request.await;
                            tokio::time::sleep(ms(5)).await;
                            drop(conn);
                        });
                    }
                    while set.join_next().await.is_some() {}
                }
            }
        });
        while !operator.is_finished() || !clients.is_finished() {
            audit(&pool.shared.house.lock(), true);
            tokio::time::sleep(ms(1)).await;
        }
        operator.await.unwrap();
        clients.await.unwrap();
        assert_comes_to_rest(&pool, &world).await;
        *world.mood.lock().unwrap() = Mood::default();
        let limit = pool.options().limit;
        pool.set_per_key(None).unwrap();
        let mut all = Vec::new();
        for key in 0..limit {
            all.push(
                pool.acquire(&key)
                    .await
                    .unwrap_or_else(|error| panic!("seed {seed}: {error}")),
            );
        }
        assert!(pool.acquire_within(&99, ms(50)).await.is_err());
        assert_eq!(world.alive.load(Relaxed), u64::from(limit));
        drop(all);
        assert!(pool.drain(ms(1_000)).await.completed);
        assert_eq!((world.alive.load(Relaxed), world.managers.load(Relaxed)), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_a_crowd_of_keys_comes_back_when_it_has_gone() {
    let world = World::new(1, Mood::default());
    let pool = pool_of(&world, 4, None, 0);
    let mut crowd: Vec<_> = (0..20_000).map(|key| Box::pin(pool.acquire(&key))).collect();
    for request in &mut crowd {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = request.as_mut().poll(&mut context);
    }
    assert!(pool.shared.house.lock().rooms.capacity() >= 20_000);
    drop(crowd);
    assert_comes_to_rest(&pool, &world).await;
    for key in 0..20_000 {
        drop(pool.acquire(&key).await.expect("a connection"));
    }
    let house = pool.shared.house.lock();
    assert!(house.rooms.len() <= 4);
    let kept = house.rooms.capacity() + house.requests.capacity();
    let known = pool.shared.register.0.lock().capacity();
    assert!(kept + known <= 8_000, "room for {kept} and {known} is kept");
}
