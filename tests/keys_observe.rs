//! Many keys under one bound, and who looks on: each event against what happened, and an onlooker that misbehaves.

mod common;

use common::keyed::*;
use common::*;
use fairpool::{Activity, CloseReason, Ending, Event, Interest, KeyedBuilder, KeyedError, Observer, Options, Scope};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::time::sleep;

/// Writes down what it is told, and looks at the pool each time.
#[derive(Default)]
struct Story {
    interest: Interest,
    panics: bool,
    told: Mutex<Vec<Event>>,
    pool: OnceLock<KeyedPool>,
}

impl Observer for Story {
    fn on(&self, event: &Event) {
        self.told.lock().unwrap().push(event.clone());
        if let Some(pool) = self.pool.get() {
            // Under the lock this would never return.
            let _ = (pool.status(), pool.try_acquire(&99).is_err());
        }
        assert!(!self.panics, "{event:?} is too much");
    }

    fn interest(&self) -> Interest {
        self.interest
    }
}

impl Story {
    fn watched(
        self,
        build: impl FnOnce(KeyedBuilder<u32, Backend>) -> KeyedBuilder<u32, Backend>,
    ) -> (KeyedPool, Vec<Backend>, Arc<Story>) {
        let story = Arc::new(self);
        let (pool, backends) = keyed(|builder| build(builder.observer(story.clone())));
        assert!(story.pool.set(pool.clone()).is_ok());
        (pool, backends, story)
    }

    /// What it was told since the last look.
    fn news(&self) -> Vec<Event> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn count(&self, is: impl Fn(&Event) -> bool) -> u64 {
        self.told.lock().unwrap().iter().filter(|event| is(event)).count() as u64
    }
}

fn acquired(waited: u64) -> Event {
    Event::Acquired {
        waited: ms(waited),
        order: None,
    }
}

fn opened(took: u64) -> Event {
    Event::Opened { took: ms(took) }
}

fn closed(reason: CloseReason) -> Event {
    Event::Closed { reason }
}

#[tokio::test(start_paused = true)]
async fn a_lease_an_eviction_and_a_return_are_told_in_their_order() {
    let (pool, backends, story) = Story::default().watched(|builder| builder.limit(1));
    backends[0].connect.then([Act::Takes(30)]);
    drop(pool.acquire(&0).await.unwrap());
    assert_eq!(
        story.news(),
        [Event::Queued, Event::Connecting, opened(30), acquired(30)]
    );
    // Who does not wait is no news, unless it was asked for.
    drop(pool.acquire(&0).await.unwrap());
    drop(pool.try_acquire(&0).unwrap());
    assert_eq!(story.news(), []);
    backends[0].close.then([Act::Takes(20)]);
    let mut conn = pool.acquire(&1).await.unwrap();
    assert_eq!(
        story.news(),
        [
            Event::Queued,
            closed(CloseReason::Retired),
            Event::Connecting,
            opened(0),
            acquired(20)
        ]
    );
    conn.mark_broken();
    drop(conn);
    settle().await;
    assert_eq!(story.news(), [closed(CloseReason::Broken)]);
    let _ = pool.acquire(&2).await.unwrap().detach();
    assert_eq!(story.news().last(), Some(&closed(CloseReason::Detached)));
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_request_is_told_as_what_it_was() {
    let (pool, backends, story) = Story::default().watched(|builder| builder.limit(1).acquire_timeout(None));
    let held = pool.acquire(&0).await.unwrap();
    story.news();
    assert!(matches!(
        pool.acquire_within(&1, ms(50)).await,
        Err(KeyedError::Timeout(_))
    ));
    assert_eq!(story.news(), [Event::Queued, Event::TimedOut { waited: ms(50) }]);
    {
        let mut dropped = pin!(pool.acquire(&1));
        assert!(poll(dropped.as_mut()).is_pending());
    }
    assert_eq!(story.news(), [Event::Queued, Event::Cancelled]);
    {
        let (mut first, mut second) = (pin!(pool.acquire(&1)), pin!(pool.acquire(&2)));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        assert_eq!((pool.clear_key(&2), pool.clear()), (1, 1));
        assert!(first.await.is_err() && second.await.is_err());
    }
    let cleared = Event::Cleared { requests: 1 };
    assert_eq!(story.news(), [Event::Queued, Event::Queued, cleared.clone(), cleared]);
    let mut options = pool.options();
    options.queue_limit = Some(0);
    pool.set_options(options.clone()).unwrap();
    assert!(matches!(pool.acquire(&1).await, Err(KeyedError::QueueFull { .. })));
    assert_eq!(story.news(), [Event::QueueFull]);
    options.queue_limit = None;
    pool.set_options(options).unwrap();
    backends[1].connect.then([Act::Refuses]);
    drop(held);
    assert!(matches!(pool.acquire(&1).await, Err(KeyedError::Connect(_))));
    assert_eq!(
        story.news()[1..],
        [
            closed(CloseReason::Retired),
            Event::Connecting,
            Event::ConnectFailed {
                took: ms(0),
                cause: "access denied: the password is wrong".into()
            },
            Event::Refused { closed: false }
        ]
    );
    pool.close();
    assert!(matches!(pool.acquire(&1).await, Err(KeyedError::Closed)));
    assert_eq!(story.news(), [Event::Refused { closed: true }]);
}

#[tokio::test(start_paused = true)]
async fn every_look_after_a_connection_is_told_and_why_it_closes() {
    let (pool, backends, story) = Story::default().watched(|builder| {
        let mut options = Options::default();
        options.validate_after_idle = Some(ms(0));
        options.idle_timeout = Some(ms(5_000));
        options.max_lifetime = Some(ms(60_000));
        options.lifetime_jitter = 0.0;
        builder.options(options).limit(2)
    });
    let wanted = |event: &Event| !matches!(event, Event::Queued | Event::Acquired { .. } | Event::Connecting);
    let news = || story.news().into_iter().filter(wanted).collect::<Vec<_>>();
    let looked = |took, sound| Event::Validated { took: ms(took), sound };
    let cleaned = |took, clean| Event::Reset { took: ms(took), clean };
    backends[0].reset.then([Act::Takes(7), Act::Fails]);
    drop(pool.acquire(&0).await.unwrap());
    sleep(ms(10)).await;
    assert_eq!(news(), [opened(0), cleaned(7, true)]);
    backends[0].validate.then([Act::Takes(3)]);
    drop(pool.acquire(&0).await.unwrap());
    settle().await;
    assert_eq!(
        news(),
        [looked(3, true), cleaned(0, false), closed(CloseReason::Unclean)]
    );
    drop(pool.acquire(&1).await.unwrap());
    backends[1].validate.then([Act::Fails]);
    drop(pool.acquire(&1).await.unwrap());
    settle().await;
    assert_eq!(
        news(),
        [opened(0), looked(0, false), closed(CloseReason::Invalid), opened(0)]
    );
    sleep(ms(6_000)).await;
    assert_eq!(news(), [closed(CloseReason::Idle)]);
    let old = pool.acquire(&2).await.unwrap();
    sleep(ms(70_000)).await;
    drop(old);
    settle().await;
    assert_eq!(news(), [opened(0), closed(CloseReason::Lifetime)]);
    let old = pool.acquire(&2).await.unwrap();
    pool.invalidate();
    drop(old);
    settle().await;
    assert_eq!(news(), [opened(0), closed(CloseReason::Retired)]);
}

#[tokio::test(start_paused = true)]
async fn each_lease_is_told_to_who_asks_for_it() {
    let story = Story {
        interest: Interest::RARE.with_leases().with_use_time(1),
        ..Story::default()
    };
    let (pool, _, story) = story.watched(|builder| builder.limit(1));
    drop(pool.acquire(&0).await.unwrap());
    story.news();
    let lent = pool.acquire(&0).await.unwrap();
    sleep(ms(40)).await;
    drop(lent);
    drop(pool.try_acquire(&0).unwrap());
    let released = |used| Event::Released { used: ms(used) };
    assert_eq!(story.news(), [acquired(0), released(40), acquired(0), released(0)]);
}

/// The endings it was told, by activity.
#[derive(Clone, Default)]
struct Endings(Arc<Mutex<Vec<(Activity, Ending)>>>);

struct Open(Activity, Endings);

impl Observer for Endings {
    fn on(&self, _: &Event) {}

    fn interest(&self) -> Interest {
        Interest::RARE.with_scopes()
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        Some(Box::new(Open(activity, self.clone())))
    }
}

impl Scope for Open {
    fn ended(&self, ending: Ending) {
        self.1.0.lock().unwrap().push((self.0, ending));
    }
}

#[tokio::test(start_paused = true)]
async fn waits_and_connects_have_their_scopes() {
    let endings = Endings::default();
    let (pool, backends) = keyed(|builder| builder.limit(1).observer(Arc::new(endings.clone())));
    backends[0].connect.then([Act::Fails]);
    let held = pool.acquire(&0).await.unwrap();
    assert!(pool.acquire_within(&1, ms(9)).await.is_err());
    drop(poll(pin!(pool.acquire(&1)).as_mut()));
    drop(held);
    let (wait, connect) = (Activity::Wait, Activity::Connect);
    assert_eq!(
        *endings.0.lock().unwrap(),
        [
            (connect, Ending::Failed),
            (connect, Ending::Done),
            (wait, Ending::Done),
            (wait, Ending::TimedOut),
            (wait, Ending::Cancelled)
        ]
    );
}

/// Random work on six keys and a backend that fails at times.
async fn rough_day(pool: &KeyedPool, backends: &[Backend], seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut tasks = Vec::new();
    for _ in 0..200 {
        let (key, dice, lease) = (rng.u32(0..6), rng.u32(0..100), rng.u64(0..20));
        let ours = pool.clone();
        tasks.push(tokio::spawn(async move {
            let asked = ours.acquire_within(&key, ms(30 + u64::from(dice)));
            let Ok(Ok(mut conn)) = tokio::time::timeout(ms(60), asked).await else {
                return;
            };
            sleep(ms(lease)).await;
            match dice {
                0..10 => conn.mark_broken(),
                10..15 => drop(conn.detach()),
                _ => {}
            }
        }));
        match rng.u32(0..40) {
            0 => drop(pool.clear()),
            1 => pool.invalidate(),
            2 => pool.set_limit(rng.u32(1..5)).unwrap(),
            3 => backends[key as usize].connect.then([Act::Fails, Act::Takes(15)]),
            4 => backends[key as usize].validate.then([Act::Fails]),
            _ => sleep(ms(rng.u64(0..4))).await,
        }
    }
    for task in tasks {
        task.await.expect("a task panicked");
    }
    sleep(ms(10_000)).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_what_was_counted() {
    let mut waits = 0;
    for seed in 0..10 {
        let (pool, backends, story) = Story::default().watched(|builder| {
            let mut options = Options::default();
            options.validate_after_idle = Some(ms(5));
            builder.options(options).limit(3).per_key(2)
        });
        rough_day(&pool, &backends, seed).await;
        let now = pool.status();
        let cleared = story.told.lock().unwrap().iter().fold(0, |sum, event| match event {
            Event::Cleared { requests } => sum + *requests as u64,
            _ => sum,
        });
        assert_eq!(
            [
                story.count(|event| *event == Event::Queued),
                story.count(|event| matches!(event, Event::Opened { .. })),
                story.count(|event| matches!(event, Event::ConnectFailed { .. })),
                story.count(|event| matches!(event, Event::Closed { .. })),
                story.count(|event| matches!(event, Event::TimedOut { .. })),
                story.count(|event| *event == Event::Cancelled),
                cleared,
            ],
            [
                now.totals.queued,
                now.totals.opened,
                now.totals.connect_failures,
                now.totals.closed,
                now.totals.timeouts,
                now.totals.cancelled,
                now.totals.cleared,
            ],
            "seed {seed}"
        );
        let made: u64 = backends.iter().map(|backend| backend.made()).sum();
        assert_eq!(now.totals.opened, made, "seed {seed}");
        assert_eq!(made - now.totals.closed, u64::from(now.all.idle), "seed {seed}");
        waits += now.totals.queued;
    }
    assert!(waits > 500, "only {waits} waits");
}

#[tokio::test(start_paused = true)]
async fn p7_an_observer_that_panics_harms_nothing() {
    let story = Story {
        interest: Interest::RARE.with_leases().with_use_time(1),
        panics: true,
        ..Story::default()
    };
    let (pool, backends, story) = story.watched(|builder| builder.limit(3).per_key(2));
    rough_day(&pool, &backends, 1).await;
    assert!(story.count(|_| true) > 200);
    pool.set_limit(3).unwrap();
    pool.set_per_key(None).unwrap();
    assert_keyed_whole(&pool, &backends).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_the_pool_if_it_has_a_name() {
    let (pool, _) = keyed(|builder| builder.limit(1).name("tenants"));
    assert_eq!(pool.name(), "tenants");
    let _held = pool.acquire(&0).await.unwrap();
    let text = pool.acquire_within(&1, ms(50)).await.unwrap_err().to_string();
    assert!(
        text.starts_with("pool tenants: no connection after 50ms (stage shared line)"),
        "{text}"
    );
    let (pool, _) = keyed(|builder| builder);
    assert_eq!(pool.name(), "Backend");
}

#[cfg(feature = "prometheus")]
#[tokio::test(start_paused = true)]
async fn an_exporter_shows_the_counts_of_all_keys_and_no_key() {
    let prometheus = fairpool::export::PrometheusExporter::new();
    let (pool, _) = keyed(|builder| builder.limit(2).name("tenants").exporter(prometheus.clone()));
    let (first, _second) = (pool.acquire(&0).await.unwrap(), pool.acquire(&5).await.unwrap());
    let mut waiting = pin!(pool.acquire(&3));
    assert!(poll(waiting.as_mut()).is_pending());
    sleep(ms(1_500)).await;
    let page = prometheus.render();
    for line in [
        "db_client_connection_max{db_client_connection_pool_name=\"tenants\"} 2",
        "db_client_connection_pending_requests{db_client_connection_pool_name=\"tenants\"} 1",
        "fairpool_oldest_wait_seconds{db_client_connection_pool_name=\"tenants\"} 1.5",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    let used = page
        .lines()
        .filter(|line| line.contains("connection_state=\"used\"") && line.contains("tenants"));
    assert_eq!(used.map(|line| line.ends_with(" 2")).collect::<Vec<_>>(), [true]);
    drop(first);
    drop(waiting.await.unwrap());
    pool.invalidate();
    let generation = "fairpool_generation{db_client_connection_pool_name=\"tenants\"} 1";
    assert!(prometheus.render().contains(generation));
}
