//! The driver for MySQL and MariaDB against a real server: what is refused and how, what a lease leaves behind, and sessions.
#![cfg(feature = "mysql")]

mod servers;

#[path = "mysql/cancel.rs"]
mod cancel;
#[path = "mysql/connect.rs"]
mod connect;
#[path = "mysql/dirt.rs"]
mod dirt;
#[path = "mysql/sessions.rs"]
mod sessions;
#[path = "mysql/tls.rs"]
mod tls;
#[path = "mysql/variables.rs"]
mod variables;

use fairpool::Pool;
use fairpool::drivers::mysql::Mysql;
use servers::mysql::Mysql as Server;
use std::time::{Duration, Instant};

/// Longer than anything may take; what takes this long has hung.
const NEVER: Duration = Duration::from_secs(60);

fn manager(server: &Server) -> Mysql {
    Mysql::from_url(&server.url()).expect("a good url")
}

fn pool(manager: Mysql, limit: u32) -> Pool<Mysql> {
    let built = Pool::builder(manager).limit(limit).acquire_timeout(NEVER).build();
    built.expect("good options")
}

/// Waits for something that comes about by itself.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < NEVER, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
