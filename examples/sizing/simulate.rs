//! A real pool under arrivals at random, on a clock that leaps from event to event: minutes of traffic in a second.
//!
//! What it measures owes nothing to the formulas: requests are tasks, waits are read off the clock. One second of the load is
//! stretched so that tokio's timers, which count in milliseconds, are fine enough.

use crate::formulas::Load;
use fairpool::doc::Demo;
use fairpool::{AcquireError, Pool};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep_until};

/// On the stretched clock a hold takes so many seconds.
const STRETCHED_HOLD: f64 = 10.0;

/// A figure with twice its standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

/// What the requests met. Times are in seconds of the load.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The part of the time for which a connection is in use.
    pub(crate) utilisation: Measured,
    /// The part of the requests that had to wait.
    pub(crate) waits: Measured,
    pub(crate) mean_wait: Measured,
    /// At the share that was asked for.
    pub(crate) wait_at: Measured,
    /// Requests that were refused because the line was full.
    pub(crate) refused: usize,
    /// Requests whose time ran out.
    pub(crate) timed_out: usize,
}

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) load: Load,
    pub(crate) limit: u32,
    pub(crate) queue_limit: Option<u32>,
    pub(crate) timeout: f64,
    pub(crate) share: f64,
    pub(crate) requests: usize,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    came: f64,
    waited: f64,
    held: f64,
}

#[derive(Debug, Default)]
struct Log {
    /// In the order in which the requests came: when, how long each waited, and how long it then held.
    served: Vec<Option<Turn>>,
    refused: usize,
    timed_out: usize,
}

impl Trial {
    /// The same trial gives the same figures: its randomness is the seed's, its clock is the runtime's.
    pub(crate) fn run(self) -> Seen {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let log = Rc::new(RefCell::new(Log::default()));
        LocalSet::new().block_on(&runtime, self.traffic(log.clone()));
        let log = log.borrow();
        // The pool begins empty: the first tenth is on the way to the usual.
        let usual = &log.served[self.requests / 10..];
        let served: Vec<Turn> = usual.iter().copied().flatten().collect();
        let part =
            |batch: &[Turn], counts: fn(&Turn) -> f64| batch.iter().map(counts).sum::<f64>() / batch.len() as f64;
        Seen {
            utilisation: in_batches(&served, |batch| {
                let lasted = batch[batch.len() - 1].came - batch[0].came;
                batch.iter().map(|turn| turn.held).sum::<f64>() / lasted / f64::from(self.limit)
            }),
            waits: in_batches(&served, |batch| part(batch, |turn| f64::from(turn.waited > 0.0))),
            mean_wait: in_batches(&served, |batch| part(batch, |turn| turn.waited)),
            wait_at: in_batches(&served, |batch| quantile(batch, self.share)),
            refused: log.refused,
            timed_out: log.timed_out,
        }
    }

    /// Lets all requests come and go.
    async fn traffic(self, log: Rc<RefCell<Log>>) {
        let stretch = STRETCHED_HOLD / self.load.hold;
        let pool = Pool::builder(Demo)
            .limit(self.limit)
            .queue_limit(self.queue_limit)
            .acquire_timeout(Duration::from_secs_f64(self.timeout * stretch))
            // Nothing ages here: an idle connection is lent at once, whatever the stretched clock says.
            .validate_after_idle(None)
            .idle_timeout(None)
            .max_lifetime(None)
            .build()
            .expect("the arguments were looked at");
        pool.warm_up(self.limit).await.expect("the backend opens at once");

        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut exponential = |mean: f64| -mean * (1.0 - random.f64()).ln();
        let began = Instant::now();
        let mut came = 0.0;
        let mut requests = Vec::with_capacity(self.requests);
        log.borrow_mut().served = vec![None; self.requests];
        for number in 0..self.requests {
            came += exponential(1.0 / self.load.rate);
            let held = exponential(self.load.hold);
            sleep_until(began + Duration::from_secs_f64(came * stretch)).await;
            let (pool, log) = (pool.clone(), log.clone());
            requests.push(spawn_local(async move {
                let asked = Instant::now();
                let conn = match pool.acquire().await {
                    Ok(conn) => conn,
                    Err(AcquireError::QueueFull { .. }) => return log.borrow_mut().refused += 1,
                    Err(AcquireError::Timeout(_)) => return log.borrow_mut().timed_out += 1,
                    Err(error) => panic!("the backend is up, and yet: {error}"),
                };
                log.borrow_mut().served[number] = Some(Turn {
                    came,
                    waited: asked.elapsed().as_secs_f64() / stretch,
                    held,
                });
                sleep_until(Instant::now() + Duration::from_secs_f64(held * stretch)).await;
                drop(conn);
            }));
        }
        for request in requests {
            request.await.expect("a request does not panic");
        }
    }
}

/// Waits resemble their neighbours, so the error is taken between batches of them, not between single ones.
fn in_batches(served: &[Turn], figure: impl Fn(&[Turn]) -> f64) -> Measured {
    const BATCHES: usize = 10;
    let batches = served.chunks_exact((served.len() / BATCHES).max(2));
    let each: Vec<f64> = batches.map(&figure).collect();
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    let variance = each.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (each.len() as f64 - 1.0).max(1.0);
    Measured {
        value: figure(served),
        error: 2.0 * (variance / each.len() as f64).sqrt(),
    }
}

fn quantile(served: &[Turn], share: f64) -> f64 {
    let mut waits: Vec<f64> = served.iter().map(|turn| turn.waited).collect();
    waits.sort_by(f64::total_cmp);
    let at = (share * waits.len() as f64).ceil() as usize;
    waits.get(at.saturating_sub(1)).copied().unwrap_or_default()
}
