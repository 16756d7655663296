//! What observers are told: no more than they ask for, all of what they ask for, and scopes that end however things do.

mod common;

use common::*;
use fairpool::{Activity, CloseReason, Ending, Event, Exporter, Interest, Observer, Pool, Scope, Subject};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Remembers what it is told, and asks for no more than this.
struct Asks(Interest, Mutex<Vec<Event>>);

impl Asks {
    fn new(interest: Interest) -> Arc<Self> {
        Arc::new(Asks(interest, Mutex::new(Vec::new())))
    }

    fn told<R>(&self, what: impl Fn(&Event) -> Option<R>) -> Vec<R> {
        self.1.lock().unwrap().iter().filter_map(what).collect()
    }

    fn uses(&self) -> Vec<Duration> {
        self.told(|event| match event {
            Event::Released { used } => Some(*used),
            _ => None,
        })
    }

    fn waits(&self) -> Vec<Duration> {
        self.told(|event| match event {
            Event::Acquired { waited, .. } => Some(*waited),
            _ => None,
        })
    }
}

impl Observer for Asks {
    fn on(&self, event: &Event) {
        self.1.lock().unwrap().push(event.clone());
    }

    fn interest(&self) -> Interest {
        self.0
    }
}

fn observed(limit: u32, observer: Arc<dyn Observer>) -> (Pool<Backend>, Backend) {
    pool_with(|builder| builder.limit(limit).observer(observer))
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_is_told_of_those_that_waited() {
    let (rare, all) = (Asks::new(Interest::RARE), Asks::new(Interest::RARE.with_leases()));
    for (observer, expected) in [(rare, vec![0, 5]), (all, vec![0, 0, 0, 0, 5])] {
        let (pool, _) = observed(1, observer.clone());
        // The first one opens its connection, which takes no time here.
        drop(pool.acquire().await.unwrap());
        drop(pool.acquire().await.unwrap());
        drop(pool.acquire_within(Duration::ZERO).await.unwrap());
        let held = pool.try_acquire().unwrap();
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        tokio::time::sleep(ms(5)).await;
        drop(held);
        drop(waiting.await.unwrap());
        assert_eq!(observer.waits(), expected.into_iter().map(ms).collect::<Vec<_>>());
        assert_eq!(observer.uses(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_lease_is_told_however_it_ends() {
    let observer = Asks::new(Interest::RARE.with_use_time(1));
    let (pool, backend) = observed(1, observer.clone());
    let lease = async |time| {
        let conn = pool.acquire().await.unwrap();
        tokio::time::sleep(ms(time)).await;
        conn
    };
    drop(lease(1).await);
    lease(2).await.mark_broken();
    drop(lease(3).await.detach());
    let conn = pool.acquire_owned().await.unwrap();
    tokio::time::sleep(ms(4)).await;
    drop(conn);
    backend.reset.then([Act::Takes(100)]);
    drop(lease(5).await);
    let conn = lease(6).await;
    pool.invalidate();
    drop(conn);
    let conn = lease(7).await;
    let holder = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _conn = pool.acquire().await.unwrap();
            tokio::time::sleep(ms(8)).await;
            panic!("a holder panics");
        }
    });
    settle().await;
    drop(conn);
    assert!(holder.await.is_err());
    // Assigned to a request that never takes it: no lease.
    let conn = lease(9).await;
    {
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        drop(conn);
    }
    drop(lease(10).await);
    assert_eq!(observer.uses(), (1..=10).map(ms).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn one_lease_in_sixteen_is_timed_on_average_and_at_no_fixed_distance() {
    let observer = Asks::new(Interest::RARE.with_use_time(16));
    let (pool, _) = observed(1, observer.clone());
    for number in 0..16_000 {
        let conn = pool.acquire().await.unwrap();
        if number % 2 == 1 {
            tokio::time::advance(ms(1)).await;
        }
        drop(conn);
    }
    let uses = observer.uses();
    let odd = uses.iter().filter(|used| **used == ms(1)).count();
    assert!((850..=1150).contains(&uses.len()), "{} of 16,000", uses.len());
    assert!(
        uses.len() * 4 / 10 < odd && odd < uses.len() * 6 / 10,
        "{odd} of {} met every other lease",
        uses.len()
    );
    assert!(uses.iter().all(|used| *used == ms(1) || used.is_zero()));
}

#[tokio::test(start_paused = true)]
async fn several_observers_are_all_told_and_what_one_asks_for_the_others_hear() {
    let (first, second) = (
        Asks::new(Interest::RARE),
        Asks::new(Interest::RARE.with_leases().with_use_time(1)),
    );
    let (pool, backend) = pool_with(|builder| builder.limit(1).observer(first.clone()).observer(second.clone()));
    backend.connect.then([Act::Fails]);
    drop(pool.acquire().await.unwrap());
    drop(pool.acquire().await.unwrap());
    assert_eq!(*first.1.lock().unwrap(), *second.1.lock().unwrap());
    assert_eq!((first.waits().len(), first.uses().len()), (2, 2));
    let causes = first.told(|event| match event {
        Event::ConnectFailed { cause, .. } => Some(cause.to_string()),
        _ => None,
    });
    assert_eq!(causes, ["connection refused"]);
}

#[tokio::test(start_paused = true)]
async fn a_cause_is_told_with_its_sources() {
    let observer = Asks::new(Interest::RARE);
    let (pool, backend) = observed(1, observer.clone());
    backend.connect.then([Act::Refuses]);
    assert!(pool.acquire().await.is_err());
    let causes = observer.told(|event| match event {
        Event::ConnectFailed { cause, .. } => Some(cause.to_string()),
        _ => None,
    });
    assert_eq!(causes, ["access denied: the password is wrong"]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_the_pool_if_it_has_a_name() {
    let timeout = async |pool: Pool<Backend>| {
        let _held = pool.acquire().await.unwrap();
        pool.acquire_within(ms(1)).await.unwrap_err().to_string()
    };
    let (named, _) = pool_with(|builder| builder.limit(1).name("orders"));
    assert_eq!(named.name(), "orders");
    assert!(timeout(named).await.starts_with("pool orders: no connection after 1ms"));
    let (unnamed, _) = pool_of(1);
    assert_eq!(unnamed.name(), "Backend");
    assert!(timeout(unnamed).await.starts_with("no connection after 1ms"));
}

/// Opens scopes and remembers what became of each.
#[derive(Default)]
struct Scopes(Arc<Mutex<Vec<(Activity, &'static str)>>>);

struct Open(
    Activity,
    Mutex<Option<Ending>>,
    Arc<Mutex<Vec<(Activity, &'static str)>>>,
);

impl Observer for Scopes {
    fn on(&self, _: &Event) {}

    fn interest(&self) -> Interest {
        Interest::RARE.with_scopes()
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        Some(Box::new(Open(activity, Mutex::new(None), self.0.clone())))
    }
}

impl Scope for Open {
    fn ended(&self, ending: Ending) {
        let before = self.1.lock().unwrap().replace(ending);
        assert_eq!(before, None, "told twice");
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let ending = match self.1.lock().unwrap().take() {
            None => "dropped",
            Some(Ending::Done) => "done",
            Some(Ending::TimedOut) => "timed out",
            Some(Ending::Failed) => "failed",
            Some(Ending::Cleared) => "cleared",
            Some(Ending::Closed) => "closed",
            Some(Ending::Cancelled) => "cancelled",
            Some(_) => "unknown",
        };
        self.2.lock().unwrap().push((self.0, ending));
    }
}

impl Scopes {
    fn take(&self, activity: Activity) -> Vec<&'static str> {
        let mut all = self.0.lock().unwrap();
        let (these, others) = all.drain(..).partition(|(of, _)| *of == activity);
        *all = others;
        let these: Vec<(Activity, &'static str)> = these;
        these.into_iter().map(|(_, ending)| ending).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_scope_of_a_wait_ends_with_it_however_it_ends() {
    let scopes = Arc::new(Scopes::default());
    let (pool, backend) = observed(1, scopes.clone());
    let held = pool.acquire().await.unwrap();
    assert_eq!(scopes.take(Activity::Wait), ["done"]);
    assert!(pool.try_acquire().is_err());
    assert!(pool.acquire_within(ms(1)).await.is_err());
    {
        let mut cancelled = pin!(pool.acquire());
        assert!(poll(cancelled.as_mut()).is_pending());
    }
    let mut cleared = pin!(pool.acquire());
    assert!(poll(cleared.as_mut()).is_pending());
    pool.clear();
    assert!(cleared.await.is_err());
    assert_eq!(scopes.take(Activity::Wait), ["timed out", "cancelled", "cleared"]);
    held.detach();
    drop(pool.acquire().await.unwrap());
    drop(pool.acquire().await.unwrap());
    assert_eq!(scopes.take(Activity::Wait), ["done"], "who need not wait has no scope");
    drop(pool.acquire().await.unwrap().detach());
    backend.connect.then([Act::Refuses]);
    assert!(pool.acquire().await.is_err());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let held = pool.acquire().await.unwrap();
    let mut closed = pin!(pool.acquire());
    assert!(poll(closed.as_mut()).is_pending());
    pool.close();
    assert!(closed.await.is_err());
    drop(held);
    assert_eq!(scopes.take(Activity::Wait), ["failed", "done", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn the_scope_of_a_connect_ends_with_it_however_it_ends() {
    let scopes = Arc::new(Scopes::default());
    let (pool, backend) = observed(1, scopes.clone());
    backend.connect.then([Act::Fails, Act::Panics, Act::Hangs]);
    drop(pool.acquire().await.unwrap());
    let endings = scopes.take(Activity::Connect);
    assert_eq!(endings, ["failed", "failed", "timed out", "done"]);
}

#[test]
fn a_connect_that_dies_with_its_runtime_drops_its_scope() {
    let scopes = Arc::new(Scopes::default());
    let (pool, backend) = observed(1, scopes.clone());
    backend.connect.always(Act::Hangs);
    let runtime = paused_runtime();
    runtime.block_on(async {
        let mut waiting = pin!(pool.acquire());
        assert!(poll(waiting.as_mut()).is_pending());
        settle().await;
    });
    assert_eq!(scopes.take(Activity::Connect), Vec::<&str>::new());
    drop(runtime);
    assert_eq!(scopes.take(Activity::Connect), ["dropped"]);
    assert_eq!(scopes.take(Activity::Wait), ["cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn an_exporter_sees_the_pool_while_it_lives_and_keeps_it_from_no_end() {
    #[derive(Clone, Default)]
    struct Watching(Arc<Mutex<Option<Subject>>>, Arc<Log>);
    impl Exporter for Watching {
        fn watch(&self, subject: Subject) -> Arc<dyn Observer> {
            assert_eq!((subject.status(), subject.is_gone()), (None, false), "not yet built");
            *self.0.lock().unwrap() = Some(subject);
            self.1.clone()
        }
    }
    let watching = Watching::default();
    let (pool, backend) = pool_with(|builder| builder.limit(3).min_idle(2).name("orders").exporter(watching.clone()));
    let subject = watching.0.lock().unwrap().take().expect("it was told of the pool");
    let held = pool.acquire().await.unwrap();
    assert_eq!(&**subject.name(), "orders");
    assert_eq!(subject.status().map(|now| (now.limit, now.in_use)), Some((3, 1)));
    assert_eq!(subject.min_idle(), Some(2));
    drop(held);
    drop(pool);
    settle().await;
    assert_eq!((subject.status(), subject.is_gone()), (None, true));
    assert_eq!(backend.live(), 0);
    let retired = |event: &Event| matches!(event, Event::Closed { reason } if *reason == CloseReason::Retired);
    assert!(watching.1.has(retired));
}
