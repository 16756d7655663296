//! The house audited from inside while random work runs on it: a backend that does what a seed says, and every invariant.
//!
//! `saturation` is the claim that room can always be made; `order` is the line's order and the bound of the preference.

mod order;
mod saturation;

use super::handle::Keyed;
use super::house::{House, Stage, Work};
use super::member::Key;
use crate::pool::manager::Manager;
use crate::pool::options::Options;
use fastrand::Rng;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the backend behaves: each number is a chance in a hundred.
#[derive(Debug, Clone, Copy, Default)]
struct Mood {
    slow: u32,
    fails: u32,
    refuses: u32,
    hangs: u32,
    panics: u32,
}

#[derive(Debug)]
struct World {
    rng: Mutex<Rng>,
    mood: Mutex<Mood>,
    /// Connections alive, from the beginning of their connect to the end of their farewell; and the most at once.
    alive: AtomicU64,
    peak: AtomicU64,
    made: AtomicU64,
    /// Managers made and not dropped yet.
    managers: AtomicU64,
}

impl World {
    fn new(seed: u64, mood: Mood) -> Arc<Self> {
        Arc::new(World {
            rng: Mutex::new(Rng::with_seed(seed)),
            mood: Mutex::new(mood),
            alive: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            made: AtomicU64::new(0),
            managers: AtomicU64::new(0),
        })
    }

    fn pick(&self, below: u32) -> u32 {
        self.rng.lock().unwrap().u32(0..below)
    }

    /// One step of the backend.
    async fn play(&self) -> Result<(), Fault> {
        let Mood {
            slow,
            fails,
            refuses,
            hangs,
            panics,
        } = *self.mood.lock().unwrap();
        if self.pick(100) < slow {
            tokio::time::sleep(ms(u64::from(self.pick(20)))).await;
        }
        match self.pick(100) {
            dice if dice < fails => Err(Fault::Passing),
            dice if dice < fails + refuses => Err(Fault::Permanent),
            dice if dice < fails + refuses + hangs => std::future::pending().await,
            dice if dice < fails + refuses + hangs + panics => panic!("the backend's code panics"),
            _ => Ok(()),
        }
    }
}

/// Alive until dropped.
struct Alive(Arc<World>);

impl Alive {
    fn begin(world: &Arc<World>) -> Self {
        let alive = world.alive.fetch_add(1, Relaxed) + 1;
        world.peak.fetch_max(alive, Relaxed);
        Alive(world.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Relaxed);
    }
}

struct Conn {
    key: u32,
    _alive: Alive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Passing,
    Permanent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the seed says no")
    }
}

impl std::error::Error for Fault {}

struct Backend {
    key: u32,
    world: Arc<World>,
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.world.managers.fetch_sub(1, Relaxed);
    }
}

impl Manager for Backend {
    type Connection = Conn;
    type Error = Fault;

    async fn connect(&self) -> Result<Conn, Fault> {
        let alive = Alive::begin(&self.world);
        self.world.play().await?;
        self.world.made.fetch_add(1, Relaxed);
        Ok(Conn {
            key: self.key,
            _alive: alive,
        })
    }

    async fn validate(&self, _: &mut Conn) -> Result<(), Fault> {
        self.world.play().await
    }

    fn reset(&self, _: &mut Conn) -> Option<impl Future<Output = Result<(), Fault>> + Send> {
        let quiet = self.world.mood.lock().unwrap().slow == 0;
        (!quiet).then(|| self.world.play())
    }

    fn close(&self, conn: Conn) -> Option<impl Future<Output = ()> + Send> {
        Some(async move {
            let _ = self.world.play().await;
            drop(conn);
        })
    }

    fn is_transient(&self, error: &Fault) -> bool {
        *error == Fault::Passing
    }
}

type Pool = Keyed<u32, Backend>;

fn pool_of(world: &Arc<World>, limit: u32, per_key: Option<u32>, preference: u32) -> Pool {
    let options = Options {
        limit,
        acquire_timeout: Some(ms(300)),
        connect_timeout: ms(40),
        validate_timeout: ms(30),
        reset_timeout: ms(30),
        close_timeout: ms(30),
        validate_after_idle: Some(ms(15)),
        idle_timeout: Some(ms(120)),
        max_lifetime: Some(ms(700)),
        backoff_initial: ms(5),
        backoff_max: ms(40),
        ..Options::default()
    };
    let world = world.clone();
    let make = move |&key: &u32| {
        world.managers.fetch_add(1, Relaxed);
        Backend {
            key,
            world: world.clone(),
        }
    };
    let builder = Keyed::builder(make).options(options);
    let built = builder.per_key(per_key).preference(preference).build();
    built.expect("options in range")
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Lets every task that can run do so; a paused clock stands still meanwhile.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Panics of the backend are part of the play: they are not printed.
fn hush() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref() != Some(&"the backend's code panics") {
                usual(info);
            }
        }));
    });
}

/// Every invariant that can be read off the house. `debt`: whether the limit, or the key's, was lowered before.
fn audit<K: Key, M: Manager>(house: &House<K, M>, debt: bool) {
    let sum = |work: Work| -> u32 { house.rooms.values().map(|room| room.work[work as usize]).sum() };
    assert_eq!(house.busy, house.work.iter().sum::<u32>(), "places are counted twice");
    for work in [Work::InUse, Work::Validating, Work::Resetting, Work::Closing] {
        assert_eq!(
            sum(work),
            house.work[work as usize],
            "rooms and house disagree on {work:?}"
        );
    }
    assert_eq!(
        sum(Work::Connecting),
        house.work[Work::Connecting as usize] + house.making
    );
    assert!(house.making <= house.work[Work::Closing as usize]);
    let occupied = house.busy + house.shelf.len() as u32;
    assert!(debt || occupied <= house.limit(), "{occupied} over {}", house.limit());
    assert!(
        house.shelf.is_empty() || house.staying() <= house.limit(),
        "idle in a debt"
    );

    let shelved: usize = house.rooms.values().map(|room| room.shelf.len()).sum();
    assert_eq!(shelved, house.shelf.len());
    let mut pending = 0;
    for (number, room) in &house.rooms {
        assert!(room.shelf.iter().all(|at| house.shelf[at].member.room == *number));
        assert!(room.attempts() >= room.admitted.len(), "someone waits for no attempt");
        assert!(debt || house.rules.per_key.is_none_or(|most| room.claims() <= most));
        assert!(debt || house.rules.per_key.is_none_or(|most| room.occupied() <= most));
        assert_eq!(house.unopened.contains(number), !room.openings.is_empty());
        assert_eq!(house.resting.contains(number), !room.aside.is_empty());
        assert!(room.at_key.is_empty() || room.claims() >= house.rules.per_key.unwrap_or(u32::MAX));
        for (ticket, id) in &room.queued {
            assert!(matches!(house.requests[id].stage, Stage::InLine(known) if known == *ticket));
            assert_eq!(house.line[ticket], *id);
        }
        for (ticket, id) in &room.admitted {
            assert!(matches!(house.requests[id].stage, Stage::Admitted(known) if known == *ticket));
        }
        pending += room.at_key.len() + room.queued.len() + room.aside.len() + room.admitted.len();
    }
    assert_eq!(pending, house.pending as usize);
    let admitted: usize = house.rooms.values().map(|room| room.admitted.len()).sum();
    assert_eq!(admitted, house.admitted as usize);
    assert_eq!(
        house.line.len(),
        house.rooms.values().map(|room| room.queued.len()).sum::<usize>()
    );
    assert!(house.passers.len() <= house.rules.preference as usize);
    if let Some(id) = house.line.values().next().filter(|_| house.flows()) {
        let expired = house.requests[id].deadline <= house.now();
        let room = &house.rooms[&house.requests[id].member.room];
        assert!(expired || room.shelf.is_empty(), "the head waits beside its own");
        assert!(
            expired || house.busy >= house.limit() || occupied > house.limit(),
            "the head waits for nothing"
        );
    }
}

/// Comes to rest: nothing is in hands, nobody waits, and everything that lives is on the shelf.
async fn assert_comes_to_rest(pool: &Pool, world: &World) {
    for _ in 0..300 {
        {
            let house = pool.shared.house.lock();
            // What is idle for too long is closed meanwhile, and a debt may be owed still.
            audit(&house, true);
            if (house.busy, house.pending, house.requests.len()) == (0, 0, 0) {
                audit(&house, false);
                assert!(house.errands.is_empty() && house.line.is_empty());
                assert_eq!(world.alive.load(Relaxed), house.shelf.len() as u64);
                return;
            }
        }
        tokio::time::sleep(ms(1)).await;
    }
    panic!("something was lost: {}", pool.status());
}
