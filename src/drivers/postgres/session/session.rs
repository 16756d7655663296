//! A session as its user holds it: each call is a turn, and the mode says whether the connection stays for the next one.

use super::error::{Abortion, Refusal, SessionError};
use super::house::{House, Lease};
use super::login::Login;
use super::managed::Inbound;
use super::mode::SessionMode;
use super::transaction::{SessionTransaction, SessionTransactionBuilder};
use super::turn::Turn;
use crate::KeyedError;
use crate::sync::primitives::Ordering::Relaxed;
use std::fmt;
use std::sync::Arc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, SimpleQueryMessage};

/// A session: to its user a connection that is always there, to the pool somebody who needs one now and then.
///
/// It keeps a server connection as long as its [mode](SessionMode) says, and waits for one in the pool's line when a
/// statement needs it. Statements with parameters are prepared and kept by each server connection, so they are
/// prepared wherever they run.
///
/// # Cancel safety
///
/// Any call's future can be dropped at any time. Waiting, it leaves the line. Sent, the statement is called off in transaction
/// and statement mode, unless it has ended by then, and its connection goes back to the pool, clean. Of a transaction that was
/// open nothing takes effect: later statements fail with [`SessionError::Aborted`] until a `ROLLBACK`.
/// In session mode the statement goes on, and later ones wait for it.
///
/// # Examples
///
/// ```no_run
/// # async fn f(sessions: fairpool::drivers::postgres::Sessions) -> Result<(), Box<dyn std::error::Error>> {
/// let mut session = sessions.open();
/// session.execute("UPDATE stock SET left = left - 1 WHERE item = $1", &[&"tea"]).await?;
///
/// let transaction = session.transaction().await?; // not in statement mode
/// let row = transaction.query_one("SELECT left FROM stock WHERE item = $1 FOR UPDATE", &[&"tea"]).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
pub struct Session {
    pub(super) house: Arc<House>,
    pub(super) login: Option<Login>,
    /// While it keeps a server connection.
    pub(super) lease: Option<Lease>,
    pub(super) standing: Standing,
    /// Where its house and login are changed.
    pub(super) inbound: Option<Arc<Inbound>>,
}

/// How often a connection is asked for anew because the terms have changed: more often than anybody changes them meanwhile.
pub(super) const TRIES: u32 = 8;

/// What a session can do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    /// A transaction that its user believes to be open is not, or must not be committed: it takes a `ROLLBACK`.
    Aborted(Abortion),
    /// Its state is gone with its connection to this database.
    Lost(Arc<str>),
    /// The same, and it was a statement of its own that cost the connection.
    Discarded(Arc<str>),
}

impl Session {
    pub(super) fn new(house: Arc<House>, login: Option<Login>) -> Self {
        house.open.fetch_add(1, Relaxed);
        Session {
            house,
            login,
            lease: None,
            standing: Standing::Sound,
            inbound: None,
        }
    }

    /// Goes by the terms of now, unless it has a connection by others.
    pub(super) fn follow(&mut self) {
        let Some(inbound) = self.inbound.as_ref().filter(|_| self.lease.is_none()) else {
            return;
        };
        let (house, login) = inbound.now();
        if !Arc::ptr_eq(&house, &self.house) {
            house.open.fetch_add(1, Relaxed);
            let old = std::mem::replace(&mut self.house, house);
            old.open.fetch_sub(1, Relaxed);
        }
        self.login = login;
    }

    /// Waits for a server connection. `None`: the session's terms have changed meanwhile, so that it has to be asked for anew. What
    /// a login of before was lent, or refused by a server of now, says nothing about the login of now.
    pub(super) async fn lend(&self, tries: &mut u32) -> Result<Option<Lease>, SessionError> {
        let lent = self.house.lend(self.login.as_ref()).await;
        let depends = match &lent {
            Ok(_) => true,
            Err(SessionError::Login { error, .. }) => matches!(error, KeyedError::Connect(_) | KeyedError::Closed),
            Err(_) => false,
        };
        let is_behind = |inbound: &Arc<Inbound>| !inbound.is_now(&self.house, self.login.as_ref());
        if depends && *tries > 0 && self.inbound.as_ref().is_some_and(is_behind) {
            *tries -= 1;
            return Ok(None);
        }
        lent.map(Some)
    }

    /// Runs a statement; its rows.
    ///
    /// # Errors
    ///
    /// See [`SessionError`]. That holds for the other calls too.
    ///
    /// # Cancel safety
    ///
    /// See [above](Session#cancel-safety). That holds for the other calls too.
    pub async fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let rows = turn.query(sql, params).await;
        turn.end(rows).await
    }

    /// Runs a statement that returns one row; any other number of rows is an error.
    ///
    /// # Errors
    ///
    /// As [`query`](Session::query).
    pub async fn query_one(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let row = turn.query_one(sql, params).await;
        turn.end(row).await
    }

    /// Runs a statement that returns one row or none; more are an error.
    ///
    /// # Errors
    ///
    /// As [`query`](Session::query).
    pub async fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let row = turn.query_opt(sql, params).await;
        turn.end(row).await
    }

    /// Runs a statement; the number of rows that it has changed or returned.
    ///
    /// # Errors
    ///
    /// As [`query`](Session::query).
    pub async fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let count = turn.execute(sql, params).await;
        turn.end(count).await
    }

    /// Runs statements that are separated by semicolons, in one request: without a `BEGIN` among them, in one transaction.
    ///
    /// # Errors
    ///
    /// As [`query`](Session::query).
    pub async fn batch_execute(&mut self, sql: &str) -> Result<(), SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let done = turn.conn().batch_execute(sql).await;
        turn.end(done).await
    }

    /// As [`batch_execute`](Session::batch_execute); what they return, as text.
    ///
    /// # Errors
    ///
    /// As [`query`](Session::query).
    pub async fn simple_query(&mut self, sql: &str) -> Result<Vec<SimpleQueryMessage>, SessionError> {
        let turn = Turn::begin(self, sql).await?;
        let answer = turn.conn().simple_query(sql).await;
        turn.end(answer).await
    }

    /// Begins a transaction, which keeps its server connection until it ends, and rolls back when it is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::Transaction`] in statement mode, [`Refusal::Nested`] while SQL has one open; as [`query`](Session::query).
    pub async fn transaction(&mut self) -> Result<SessionTransaction<'_>, SessionError> {
        self.build_transaction().start().await
    }

    /// Begins a transaction with an isolation level, read only or deferrable.
    pub fn build_transaction(&mut self) -> SessionTransactionBuilder<'_> {
        SessionTransactionBuilder::new(self)
    }

    /// Its mode; of [`ManagedSessions`](super::ManagedSessions) that of its last statement.
    pub fn mode(&self) -> SessionMode {
        self.house.rules.mode
    }

    /// Whether it keeps a server connection now.
    pub fn is_holding(&self) -> bool {
        self.lease.is_some()
    }

    /// Whether SQL has a transaction open in it, failed or not.
    pub fn is_in_transaction(&self) -> bool {
        let is_open = self.lease.as_ref().is_some_and(|conn| conn.is_in_transaction());
        is_open || matches!(self.standing, Standing::Aborted(_))
    }

    /// The user whom it has logged in as, if it has a login of its own.
    pub fn user(&self) -> Option<&str> {
        self.login.as_ref().map(Login::user)
    }

    /// Gets a server connection, to see that there is one.
    pub(super) async fn knock(&mut self) -> Result<(), SessionError> {
        let mut tries = TRIES;
        let mut lease = loop {
            self.follow();
            if let Some(lease) = self.lend(&mut tries).await? {
                break lease;
            }
        };
        // One that was just opened is clean as soon as it is quiet.
        lease.settled().await;
        if self.mode() == SessionMode::Session {
            self.lease = Some(lease);
        }
        Ok(())
    }

    pub(super) fn refused(&self, refusal: Refusal) -> SessionError {
        SessionError::Refused {
            mode: self.mode(),
            refusal,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.house.open.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("mode", &self.mode())
            .field("user", &self.user())
            .field("holding", &self.is_holding())
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}
