//! A session of the superuser's that stays open beside what a test does: it counts, kills and looks, without a process for each
//! question.
#![allow(dead_code, reason = "each test file uses its part")]

use fairpool::drivers::postgres::tokio_postgres::{Client, NoTls, SimpleQueryMessage, connect};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Lives on a thread of its own, so it works beside paused clocks and runtimes that end.
#[derive(Clone)]
pub(crate) struct Onlooker(Arc<Inner>);

struct Inner {
    client: Client,
    /// Dropped last, and without waiting.
    runtime: Option<Runtime>,
}

impl Onlooker {
    /// Looks on at this server.
    pub(crate) fn new(server: &crate::servers::postgres::Postgres) -> Onlooker {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let url = server.trusted();
        let connected = runtime.spawn(async move {
            let (client, session) = connect(&url, NoTls).await.expect("a session");
            tokio::spawn(session);
            client
        });
        let client = futures::executor::block_on(connected).expect("connected");
        Onlooker(Arc::new(Inner {
            client,
            runtime: Some(runtime),
        }))
    }

    /// The first value that the server answers.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let answer = self.0.client.simple_query(sql).await.expect("an answer");
        let value = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        value.unwrap_or_default()
    }

    /// How many client sessions the server counts besides this one.
    pub(crate) async fn sessions(&self) -> u64 {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        self.ask(sql).await.parse().expect("a number")
    }

    /// Ends the session that this process of the server serves, and waits until it is gone.
    pub(crate) async fn kill(&self, process: i32) -> bool {
        self.ask(&format!("SELECT pg_terminate_backend({process}, 60000)"))
            .await
            == "t"
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
