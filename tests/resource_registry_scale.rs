//! Ten thousand connection pools, each with its live limit: what they weigh. Alone in its process, whose memory it measures.
#![cfg(all(feature = "resource", target_os = "linux"))]

use fairpool::resource::models::{Bounded, ListQuery, SortKey};
use fairpool::resource::registry::Registry;
use fairpool::resource::store::{Change, Document, Kind, MemoryStore, Store};
use serde_json::json;

const POOLS: u64 = 10_000;
const BUDGET: u64 = 100 * 1024 * 1024;

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("it has this line");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") * 1024
}

#[tokio::test]
async fn ten_thousand_pools_with_live_limits_weigh_less_than_100_mb() -> Result<(), Box<dyn std::error::Error>> {
    let before = resident();
    let store = MemoryStore::new();
    let at = "2026-11-21T04:38:36.000000Z";
    let create = |number: u64| -> Result<Change, Box<dyn std::error::Error>> {
        let name = format!("a pool with a name of usual length, number {number}");
        let fields = json!({"name": name, "limit": number, "timeout": 30, "created_at": at, "updated_at": at});
        let (kind, body) = (Kind::ConnectionPool, Document::new(&fields)?);
        Ok(Change::Create { kind, body })
    };
    let changes: Result<Vec<_>, _> = (1..=POOLS).map(create).collect();
    store.commit(changes?).await?;
    let registry = Registry::builder().store(store).open().await?;
    let every_other = ListQuery::default()
        .sorted_by([(SortKey::Limit, true)])
        .per_page(Bounded::new(100)?);
    let page = registry.connection_pools(&every_other);
    assert_eq!((page.total, page.items[0].limit()), (POOLS, POOLS as u32));
    // Each line has been used: what it keeps for its next use counts too.
    for number in (1..=POOLS).step_by(7) {
        let limit = registry.limit(fairpool::resource::models::PoolId::new(number)?)?;
        let permits: Vec<_> = (0..number).take(3).map(|_| limit.try_acquire()).collect();
        assert!(permits.iter().all(Result::is_ok));
    }
    let weight = resident().saturating_sub(before);
    println!(
        "{POOLS} pools weigh {} bytes each, the store's records included",
        weight / POOLS
    );
    assert!(weight < BUDGET, "{weight} bytes");
    Ok(())
}
