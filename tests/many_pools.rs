//! Ten thousand pools in one process: each costs memory and one sleeping task, and next to no time.
//!
//! It is a process of its own, since it looks at what the process weighs and how long it runs. What that came to is printed;
//! judged is only what does not depend on the machine: tasks, slots, and how often an idle pool wakes up.

use fairpool::{Manager, Pool};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const POOLS: u64 = 10_000;

struct Backend;

impl Manager for Backend {
    type Connection = [u8; 16];
    type Error = Infallible;

    async fn connect(&self) -> Result<[u8; 16], Infallible> {
        Ok([0; 16])
    }
}

/// Resident kilobytes and CPU time in ticks of 10 ms, as Linux tells them; elsewhere nothing.
fn weight() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may have spaces in it: the 12th and 13th are user and system time.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (kilobytes.unwrap_or(0), ticks(11) + ticks(12))
}

fn pools() -> Vec<Pool<Backend>> {
    let build = |_| Pool::builder(Backend).limit(4).build().unwrap();
    (0..POOLS).map(build).collect()
}

#[test]
fn ten_thousand_idle_pools_sleep() {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    let before = weight();
    let pools = pools();
    let built = weight();
    runtime.block_on(async {
        for pool in &pools {
            drop(pool.acquire().await.unwrap());
            // Apart from each other, so that each one's timers wake the runtime by themselves.
            sleep(Duration::from_millis(1)).await;
        }
        let used = weight();
        let metrics = runtime.metrics();
        assert_eq!(metrics.num_alive_tasks() as u64, POOLS, "one supervisor each");
        // Their ticks end when nothing was used for a while; from then on only the connections' ends are waited for.
        sleep(Duration::from_secs(5)).await;
        let (begun, ran_before) = (Instant::now(), weight().1);
        let parks_before = metrics.worker_park_count(0);
        sleep(Duration::from_secs(300)).await;
        let parks = metrics.worker_park_count(0) - parks_before;
        assert!(parks < 10, "woken {parks} times in {:?}", begun.elapsed());
        eprintln!(
            "bytes a pool: {} built, {} more once used; woken in 300 idle seconds: {parks} times; CPU meanwhile: {} ticks",
            (built.0 - before.0) * 1024 / POOLS,
            (used.0 - built.0) * 1024 / POOLS,
            weight().1 - ran_before,
        );
        // Ten minutes after their last use they close, and then nothing at all is waited for.
        sleep(Duration::from_secs(400)).await;
        assert!(pools.iter().all(|pool| pool.status().occupied() == 0));
    });
    drop(pools);
    runtime.block_on(async { sleep(Duration::from_secs(1)).await });
    assert_eq!(runtime.metrics().num_alive_tasks(), 0, "a supervisor outlived its pool");
}
