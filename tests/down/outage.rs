//! The course of an outage, and what is demanded at each stage.

use super::backend::Backend;
use super::fault::Fault;
use crate::proxy::Proxy;
use fairpool::{AcquireError, ConnectFailure, Manager, Phase, Pool, Status};
use futures::future::join_all;
use std::fs;
use std::time::{Duration, Instant};

const LIMIT: u32 = 4;
/// More than the limit, so that some always wait.
const USERS: usize = 12;
/// How often each user asks during an outage.
const ROUNDS: usize = 4;
const ACQUIRE: Duration = Duration::from_millis(300);
/// Each step of the pool, and each question of a user, while it is down.
const STEP: Duration = Duration::from_millis(150);
/// The same when it is healed, so that a busy machine makes no second outage.
const LONG_STEP: Duration = Duration::from_secs(10);
/// The longest wait between two failures; half of it is at random.
const BACKOFF: Duration = Duration::from_millis(100);
/// How late anything may come on a machine that does ten other things.
const LATE: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_secs(60);

type Refusal<B> = AcquireError<<<B as Backend>::Manager as Manager>::Error>;

/// One request.
enum Outcome<B: Backend> {
    Served,
    /// A connection was lent, and failed in use.
    Failed,
    /// By the pool.
    Refused(Refusal<B>),
}

/// Strikes, waits, heals; panics where a promise is broken. Says how long what took.
pub(crate) async fn outage<B: Backend>(fault: Fault) {
    let Some(mut server) = B::start() else { return };
    let proxy = Proxy::before(server.port());
    let port = if fault.is_network() {
        proxy.port()
    } else {
        server.port()
    };
    let pool = pool::<B>(port);
    eventually("a pool at work", async || {
        pool.warm_up(LIMIT).await.is_ok() && crowd::<B>(&pool).await
    })
    .await;

    set_steps::<B>(&pool, STEP);
    fault.strike(&mut server, &proxy);
    let watch = Watch::begin(&pool, &proxy);
    let users = join_all((0..USERS).map(|_| user::<B>(&pool))).await;
    let (outcomes, served) = watch.end(users, &pool, &proxy, fault);
    let refusals: Vec<_> = outcomes.into_iter().filter_map(Outcome::refusal).collect();
    name_the_database::<B>(&refusals, port);
    assert!(served == 0 || fault.lets_some_through(), "{served} were served");

    let at_heal = pool.status();
    set_steps::<B>(&pool, LONG_STEP);
    fault.heal(&mut server, &proxy);
    let (healed, accepted) = (Instant::now(), proxy.counts().accepted());
    eventually("a success", async || {
        matches!(request::<B>(&pool, LONG_STEP).await, Outcome::Served)
    })
    .await;
    println!("  first success {:?} after it healed", healed.elapsed());
    eventually("all are served", async || crowd::<B>(&pool).await).await;
    let opened = pool.status().totals.opened - at_heal.totals.opened;
    let accepted = proxy.counts().accepted() - accepted;
    println!(
        "  opened {opened}, accepted {accepted}; all served after {:?}",
        healed.elapsed()
    );
    assert!(opened <= u64::from(LIMIT), "a storm of {opened}");

    eventually("a pool at rest", async || is_at_rest(&pool.status())).await;
    eventually("a server that counts as the pool does", async || {
        server.sessions() == u64::from(pool.status().idle)
    })
    .await;
    let report = pool.drain(NEVER).await;
    assert!(report.completed, "{report}");
    eventually("no session left", async || server.sessions() == 0).await;
}

fn pool<B: Backend>(port: u16) -> Pool<B::Manager> {
    let pool = Pool::builder(B::manager(port))
        .limit(LIMIT)
        .acquire_timeout(ACQUIRE)
        .validate_after_idle(Some(STEP / 3))
        .backoff_initial(BACKOFF / 5)
        .backoff_max(BACKOFF)
        .build()
        .expect("sound options");
    set_steps::<B>(&pool, LONG_STEP);
    pool
}

fn set_steps<B: Backend>(pool: &Pool<B::Manager>, step: Duration) {
    pool.set_connect_timeout(step).expect("in range");
    pool.set_validate_timeout(step).expect("in range");
    pool.set_reset_timeout(step).expect("in range");
    pool.set_close_timeout(step).expect("in range");
}

async fn user<B: Backend>(pool: &Pool<B::Manager>) -> Vec<Outcome<B>> {
    let mut outcomes = Vec::new();
    for _ in 0..ROUNDS {
        outcomes.push(request::<B>(pool, STEP).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    outcomes
}

/// A request that is back in its time, and a question.
async fn request<B: Backend>(pool: &Pool<B::Manager>, patience: Duration) -> Outcome<B> {
    let asked = Instant::now();
    let acquired = pool.acquire().await;
    let took = asked.elapsed();
    assert!(took < ACQUIRE + LATE, "a request of {ACQUIRE:?} took {took:?}");
    match acquired {
        Err(error) => Outcome::Refused(error),
        Ok(mut conn) => match tokio::time::timeout(patience, B::ask(&mut conn)).await {
            Ok(Ok(())) => Outcome::Served,
            _ => Outcome::Failed,
        },
    }
}

/// Whether all users are served.
async fn crowd<B: Backend>(pool: &Pool<B::Manager>) -> bool {
    let outcomes = join_all((0..USERS).map(|_| request::<B>(pool, LONG_STEP))).await;
    outcomes.iter().all(|outcome| matches!(outcome, Outcome::Served))
}

/// Whoever reads one of these must look for the database, not for whoever keeps the connections.
fn name_the_database<B: Backend>(refusals: &[Refusal<B>], port: u16) {
    let mut causes = 0;
    for refusal in refusals {
        let words = refusal.to_string();
        let AcquireError::Timeout(timeout) = refusal else {
            panic!("no timeout: {words}");
        };
        let at_server = timeout.status.resetting + timeout.status.closing;
        assert!(timeout.phase != Phase::Queue || at_server > 0, "{words}");
        match &timeout.last_connect {
            Some(ConnectFailure::Error(_)) => {
                assert!(words.contains(&format!("127.0.0.1:{port}")), "{words}");
                causes += 1;
            }
            Some(ConnectFailure::TimedOut) => causes += 1,
            // Too early for a first failure.
            None => {}
            Some(failure) => panic!("{failure}"),
        }
    }
    println!("  {} of {} refusals with a cause", causes, refusals.len());
    if let Some(last) = refusals.last() {
        println!("  the last: {last}");
    }
    assert!(causes > 0 || refusals.is_empty());
}

fn is_at_rest(status: &Status) -> bool {
    status.occupied() == status.idle && status.pending == 0
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < NEVER, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl<B: Backend> Outcome<B> {
    fn refusal(self) -> Option<Refusal<B>> {
        match self {
            Outcome::Refused(error) => Some(error),
            _ => None,
        }
    }
}

/// What the pool does while it is down.
struct Watch {
    since: Instant,
    cpu: Duration,
    opened: u64,
    failures: u64,
    accepted: usize,
}

impl Watch {
    fn begin<M: Manager>(pool: &Pool<M>, proxy: &Proxy) -> Watch {
        let totals = pool.status().totals;
        Watch {
            since: Instant::now(),
            cpu: thread_cpu(),
            opened: totals.opened,
            failures: totals.connect_failures,
            accepted: proxy.counts().accepted(),
        }
    }

    /// All outcomes, and how many were served.
    fn end<B: Backend>(
        self,
        users: Vec<Vec<Outcome<B>>>,
        pool: &Pool<B::Manager>,
        proxy: &Proxy,
        fault: Fault,
    ) -> (Vec<Outcome<B>>, usize) {
        let (lasted, cpu) = (self.since.elapsed(), thread_cpu() - self.cpu);
        let totals = pool.status().totals;
        let (opened, failures) = (totals.opened - self.opened, totals.connect_failures - self.failures);
        let accepted = proxy.counts().accepted() - self.accepted;
        let outcomes: Vec<_> = users.into_iter().flatten().collect();
        let count = |is: fn(&Outcome<B>) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
        let served = count(|outcome| matches!(outcome, Outcome::Served));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed));
        println!(
            "{fault:?} for {lasted:?}: {served} served, {failed} failed in use, {} refused; {opened} opened, {failures} attempts \
             failed, {accepted} seen by the proxy; {cpu:?} of a processor",
            outcomes.len() - served - failed
        );
        // As many at a time as the limit, and then the shortest wait; a few more before the waits are that long.
        let rounds = lasted.as_millis() / (BACKOFF / 2).as_millis() + 5;
        assert!(
            u128::from(failures) <= u128::from(LIMIT) * rounds,
            "{failures} failures"
        );
        assert!(opened as usize <= USERS * ROUNDS + LIMIT as usize, "{opened} opened");
        // Besides those, some that are still under way, and a driver may use another socket to call a question off.
        let aside = u64::from(LIMIT) + 3 * (u64::from(LIMIT) + opened);
        assert!(accepted as u64 <= opened + failures + aside, "{accepted} accepted");
        // Whoever runs in circles takes all of it.
        let enough = lasted / 4 + Duration::from_millis(10) * (USERS * ROUNDS) as u32;
        assert!(cpu < enough, "{cpu:?} of a processor");
        (outcomes, served)
    }
}

/// The processor time of this thread, which runs the pool, its users and the clients' tasks, and nothing else.
fn thread_cpu() -> Duration {
    let line = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = line.split(' ').next().and_then(|spent| spent.parse().ok());
    Duration::from_nanos(spent.unwrap_or_default())
}
