//! What the tests of sessions share: one server for all, a pool with a name for the server's books, and a table for each test.
//!
//! | file | hazard |
//! |---|---|
//! | `keeping.rs` | a connection kept too long, or given back too soon |
//! | `refusing.rs` | a mode that allows what it breaks, or refuses what it does not |
//! | `leaking.rs` | one session that sees what another left |
//! | `dropping.rs` | futures, guards and sessions dropped at any time; servers that die |
//! | `waiting.rs` | the line: order, timeouts, drain; what an idle session costs |
//! | `users.rs` | a connection lent to somebody else than who opened it |
//! | `beside.rs` | another meaning than PgBouncer's |

mod beside;
mod dropping;
mod keeping;
mod leaking;
mod refusing;
mod users;
mod waiting;

use crate::servers::postgres::Postgres as Server;
use fairpool::Pool;
use fairpool::drivers::postgres::{Postgres, Session, SessionMode, Sessions};
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Long enough for any server, and never waited for by a test that passes.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

/// One server for all tests; gone with this process. `None` where it is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[])).as_ref()
}

/// A pool with a name of its own.
pub(crate) struct Town {
    pub(crate) server: &'static Server,
    /// What its connections call themselves, and a table that is its own: `id int`.
    pub(crate) name: String,
    pub(crate) pool: Pool<Postgres>,
}

impl Town {
    pub(crate) fn new(limit: u32) -> Option<Town> {
        Town::with(limit, |db| db)
    }

    pub(crate) fn with(limit: u32, set: impl FnOnce(Postgres) -> Postgres) -> Option<Town> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("town{}", COUNT.fetch_add(1, Relaxed));
        server.psql(&format!(
            "\\c app\nCREATE TABLE {name} (id int); GRANT ALL ON {name} TO PUBLIC;"
        ));
        let db = Postgres::from_url(&server.trusted()).expect("a good URL");
        let db = set(db.parameter("application_name", &name));
        let pool = Pool::builder(db).limit(limit).acquire_timeout(NEVER).build();
        Some(Town {
            server,
            name,
            pool: pool.expect("good options"),
        })
    }

    pub(crate) fn sessions(&self, mode: SessionMode) -> Sessions {
        Sessions::new(self.pool.clone(), mode)
    }

    /// How many of its connections the server counts.
    pub(crate) fn connections(&self) -> u64 {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'",
            self.name
        );
        self.server.psql(&sql).parse().expect("a number")
    }

    /// The rows that others see in its table.
    pub(crate) fn rows(&self) -> u64 {
        let sql = format!("\\c app\nSELECT count(*) FROM {}", self.name);
        self.server.psql(&sql).parse().expect("a number")
    }

    pub(crate) fn insert(&self, id: i32) -> String {
        format!("INSERT INTO {} VALUES ({id})", self.name)
    }
}

/// The process that serves a session now.
pub(crate) async fn process(session: &mut Session) -> i32 {
    let row = session.query_one("SELECT pg_backend_pid()", &[]).await;
    row.expect("an answer").get(0)
}

/// Waits for what happens in the background.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < NEVER, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs on two threads.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test);
}
