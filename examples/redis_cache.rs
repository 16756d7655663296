//! A cache in Redis before something slow: an answer is computed by one of those who ask for it, and read by the others.
//!
//! ```text
//! REDIS_URL=redis://localhost cargo run --example redis_cache --features redis
//! ```

use fairpool::Pool;
use fairpool::drivers::redis::Redis;
use fairpool::drivers::redis::redis::{AsyncCommands, ExistenceCheck, Script, SetExpiry, SetOptions};
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// How long an answer is good for, in seconds.
const FRESH: u64 = 60;
/// For how long one may compute before another tries, in milliseconds.
const PATIENCE: u64 = 2_000;

static COMPUTED: AtomicU32 = AtomicU32::new(0);

/// What takes long.
async fn price(item: &str) -> u64 {
    COMPUTED.fetch_add(1, Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    100 + item.len() as u64
}

/// The price of an item, from the cache if it is there. Without Redis it is computed: a cache that is down makes things slow,
/// not wrong.
async fn cached_price(pool: &Pool<Redis>, item: &str) -> u64 {
    match try_cached_price(pool, item).await {
        Ok(price) => price,
        Err(error) => {
            eprintln!("without the cache: {error}");
            price(item).await
        }
    }
}

async fn try_cached_price(pool: &Pool<Redis>, item: &str) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let (key, lock) = (format!("price:{item}"), format!("price:{item}:lock"));
    let token = fastrand::u64(..);
    loop {
        // A connection is held for its round trips only, never while somebody computes or sleeps.
        let mut conn = pool.acquire().await?;
        if let Some(price) = conn.get(&key).await? {
            return Ok(price);
        }
        let taken = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(SetExpiry::PX(PATIENCE));
        let mine: bool = conn.set_options(&lock, token, taken).await?;
        drop(conn);
        if !mine {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        let price = price(item).await;
        let mut conn = pool.acquire().await?;
        let () = conn.set_ex(&key, price, FRESH).await?;
        // Only its own lock: after its patience another may have taken it.
        let unlock = Script::new("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end");
        let () = unlock.key(&lock).arg(token).invoke_async(&mut *conn).await?;
        return Ok(price);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("REDIS_URL").map_err(|_| "set REDIS_URL, such as redis://localhost")?;
    let pool = Pool::builder(Redis::from_url(&url)?)
        .name("cache")
        .limit(8)
        .acquire_timeout(Duration::from_millis(500))
        .build()?;

    let asked = (0..100).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { cached_price(&pool, "tea").await })
    });
    let prices = futures::future::try_join_all(asked).await?;
    assert!(prices.iter().all(|price| *price == prices[0]));
    println!("{} asked, {} computed", prices.len(), COMPUTED.load(Relaxed));
    println!("{}", pool.status());
    Ok(())
}
