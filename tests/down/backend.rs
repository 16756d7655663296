//! PostgreSQL and Redis, as far as an outage is concerned.

use crate::servers::keeper::Keeper;
use crate::servers::postgres::Postgres as PostgresServer;
use crate::servers::redis::Redis as RedisServer;
use fairpool::Manager;
use fairpool::drivers::postgres::Postgres;
use fairpool::drivers::redis::{Redis, redis};
use std::future::Future;

pub(crate) trait Backend: Sized {
    type Manager: Manager;

    /// `None` where the server is not installed.
    fn start() -> Option<Self>;
    fn keeper(&mut self) -> &mut Keeper;
    fn port(&self) -> u16;
    /// Of the server behind a port, which may be a proxy's.
    fn manager(port: u16) -> Self::Manager;
    /// Asks a question and checks the answer, of some 2000 bytes.
    fn ask(conn: &mut <Self::Manager as Manager>::Connection) -> impl Future<Output = Result<(), String>> + Send;
    /// The server's own count.
    fn sessions(&self) -> u64;
}

const LENGTH: usize = 2000;

impl Backend for PostgresServer {
    type Manager = Postgres;

    fn start() -> Option<Self> {
        PostgresServer::start(&[])
    }

    fn keeper(&mut self) -> &mut Keeper {
        &mut self.keeper
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn manager(port: u16) -> Self::Manager {
        // Without a password: to check one costs a test build more than all the rest.
        Postgres::from_url(&format!("postgresql://postgres@127.0.0.1:{port}/app")).expect("a sound URL")
    }

    async fn ask(conn: &mut <Self::Manager as Manager>::Connection) -> Result<(), String> {
        let rows = conn
            .query("SELECT repeat('x', 2000)", &[])
            .await
            .map_err(|error| error.to_string())?;
        let answer: &str = rows[0].get(0);
        assert_eq!(answer.len(), LENGTH, "an answer that is another's");
        Ok(())
    }

    fn sessions(&self) -> u64 {
        PostgresServer::sessions(self)
    }
}

impl Backend for RedisServer {
    type Manager = Redis;

    fn start() -> Option<Self> {
        let server = RedisServer::start(&[])?;
        server.cli(&["SET", "long", &"x".repeat(LENGTH)]);
        Some(server)
    }

    fn keeper(&mut self) -> &mut Keeper {
        &mut self.keeper
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn manager(port: u16) -> Self::Manager {
        Redis::from_url(&format!("redis://app:secret@127.0.0.1:{port}/0")).expect("a sound URL")
    }

    async fn ask(conn: &mut <Self::Manager as Manager>::Connection) -> Result<(), String> {
        let echoed = redis::cmd("ECHO")
            .arg("x".repeat(LENGTH))
            .query_async::<String>(conn)
            .await;
        let answer = echoed.map_err(|error| error.to_string())?;
        assert_eq!(answer.len(), LENGTH, "an answer that is another's");
        Ok(())
    }

    fn sessions(&self) -> u64 {
        RedisServer::sessions(self)
    }
}
