//! One question to an engine, over a connection of its own, so that no pool has to have one to spare; each step within its time.

use super::engine::Failure;
use crate::Manager;
use std::time::Duration;
use tokio::time::timeout;

/// To connect and sign on.
const CONNECT: Duration = Duration::from_secs(3);
/// To answer one question.
const ANSWER: Duration = Duration::from_secs(3);
/// To end a session that has served: nobody depends on it.
const FAREWELL: Duration = Duration::from_millis(500);

pub(super) async fn connected<M: Manager>(server: &M) -> Result<M::Connection, Failure> {
    match timeout(CONNECT, server.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Failure::Silent(error.to_string())),
        Err(_) => Err(Failure::Silent(format!("no connection within {CONNECT:?}"))),
    }
}

pub(super) async fn answered<T>(asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let unanswered = || Failure::Unanswered(format!("no answer within {ANSWER:?}"));
    timeout(ANSWER, asking).await.unwrap_or_else(|_| Err(unanswered()))
}

pub(super) async fn farewell<M: Manager>(server: &M, connection: M::Connection) {
    if let Some(closing) = server.close(connection) {
        let _ = timeout(FAREWELL, closing).await;
    }
}
