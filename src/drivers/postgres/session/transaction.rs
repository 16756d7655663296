//! A transaction of a session: the guard that keeps its server connection, and how it begins and ends.

use super::super::connection::{Connection, TransactionStatus};
use super::error::{Abortion, Refusal, SessionError};
use super::session::Session;
use super::turn::Turn;
use super::words::Reading;
use crate::sync::primitives::{AtomicBool, Ordering::Relaxed};
use std::fmt;
use tokio_postgres::types::{BorrowToSql, ToSql};
use tokio_postgres::{Error, IsolationLevel, Row, RowStream, SimpleQueryMessage};

/// A transaction on one server connection, which is its session's until the transaction ends. Dropped without a
/// [`commit`](SessionTransaction::commit), it rolls back.
///
/// Its calls borrow it, so several can be under way at once and travel together. Savepoints are SQL's.
///
/// # Cancel safety
///
/// A call that is dropped before its answer came may have taken effect or not, and so the transaction cannot be committed any
/// more: that fails with [`Abortion::Dropped`].
#[must_use = "dropped, it rolls back"]
pub struct SessionTransaction<'a> {
    session: &'a mut Session,
    /// A call was dropped before its end.
    is_spoilt: AtomicBool,
    is_over: bool,
}

/// How a transaction begins; see [`Session::build_transaction`].
///
/// ```no_run
/// # async fn f(mut session: fairpool::drivers::postgres::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use fairpool::drivers::postgres::tokio_postgres::IsolationLevel;
///
/// let report = session.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
/// let report = report.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it begins nothing until it is started"]
pub struct SessionTransactionBuilder<'a> {
    session: &'a mut Session,
    level: Option<IsolationLevel>,
    read_only: Option<bool>,
    deferrable: Option<bool>,
}

/// A call that is under way.
struct Call<'a> {
    is_spoilt: &'a AtomicBool,
    is_over: bool,
}

/// Runs a statement from the connection's cache as one call.
macro_rules! prepared {
    ($transaction:ident, $sql:ident, $run:ident, $params:ident) => {{
        let call = $transaction.call($sql)?;
        let conn = $transaction.session.conn();
        let answer = match conn.prepare_cached($sql).await {
            Ok(statement) => conn.$run(&statement, $params).await,
            Err(error) => Err(error),
        };
        call.end();
        $transaction.told(answer)
    }};
}

impl SessionTransaction<'_> {
    /// Runs a statement; its rows.
    ///
    /// # Errors
    ///
    /// [`SessionError::Server`], after which the transaction can only be rolled back; [`SessionError::Refused`], which
    /// changes nothing. That holds for the other calls too.
    ///
    /// # Cancel safety
    ///
    /// See [above](SessionTransaction#cancel-safety). That holds for the other calls too.
    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, SessionError> {
        prepared!(self, sql, query, params)
    }

    /// Runs a statement that returns one row; any other number of rows is an error.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn query_one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, SessionError> {
        prepared!(self, sql, query_one, params)
    }

    /// Runs a statement that returns one row or none; more are an error.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn query_opt(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, SessionError> {
        prepared!(self, sql, query_opt, params)
    }

    /// Runs a statement; its rows as they come. Those that nobody takes hold up what follows.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn query_raw<P, I>(&self, sql: &str, params: I) -> Result<RowStream, SessionError>
    where
        P: BorrowToSql,
        I: IntoIterator<Item = P>,
        I::IntoIter: ExactSizeIterator,
    {
        prepared!(self, sql, query_raw, params)
    }

    /// Runs a statement; the number of rows that it has changed or returned.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, SessionError> {
        prepared!(self, sql, execute, params)
    }

    /// Runs statements that are separated by semicolons, in one request.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn batch_execute(&self, sql: &str) -> Result<(), SessionError> {
        let call = self.call(sql)?;
        let answer = self.session.conn().batch_execute(sql).await;
        call.end();
        self.told(answer)
    }

    /// As [`batch_execute`](SessionTransaction::batch_execute); what they return, as text.
    ///
    /// # Errors
    ///
    /// As [`query`](SessionTransaction::query).
    pub async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, SessionError> {
        let call = self.call(sql)?;
        let answer = self.session.conn().simple_query(sql).await;
        call.end();
        self.told(answer)
    }

    /// The server connection itself, with everything that tokio-postgres can do: `COPY`, portals, typed queries, cancelling.
    /// What is done there is not checked against the mode; a transaction that ends there is told by
    /// [`commit`](SessionTransaction::commit).
    pub fn connection(&self) -> &Connection {
        self.session.conn()
    }

    /// Commits; then the session gives its connection back, except in session mode.
    ///
    /// # Errors
    ///
    /// [`SessionError::Aborted`] if nothing took effect, since a statement had failed or was dropped: unlike a `COMMIT` by SQL,
    /// this never takes a rollback for a success. [`SessionError::Server`] with what the server or the network said; then
    /// nobody knows whether it was committed, unless the server said no.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether the transaction is committed.
    pub async fn commit(mut self) -> Result<(), SessionError> {
        let conn = self.session.conn_mut();
        conn.settled().await;
        let abortion = match conn.transaction_status() {
            _ if conn.is_broken() => None,
            _ if self.is_spoilt.load(Relaxed) => Some(Abortion::Dropped),
            TransactionStatus::Open => None,
            TransactionStatus::Idle => Some(Abortion::Ended),
            TransactionStatus::Failed => Some(Abortion::Failed),
        };
        match abortion {
            Some(why) => Err(SessionError::Aborted(why)),
            None => self.finish("COMMIT").await,
        }
    }

    /// Rolls back, and waits for that; then the session gives its connection back, except in session mode.
    ///
    /// # Errors
    ///
    /// What the server or the network said; it is rolled back all the same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the waiting.
    pub async fn rollback(mut self) -> Result<(), SessionError> {
        self.finish("ROLLBACK").await
    }

    async fn finish(&mut self, sql: &str) -> Result<(), SessionError> {
        self.is_over = true;
        let turn = Turn::of_guard(self.session);
        let answer = turn.conn().batch_execute(sql).await;
        turn.end(answer).await
    }

    /// A call begins, if it is allowed.
    fn call(&self, sql: &str) -> Result<Call<'_>, SessionError> {
        let reading = Reading::of(sql);
        if reading.controls {
            return Err(self.session.refused(Refusal::Control));
        }
        self.session.check(reading)?;
        Ok(Call {
            is_spoilt: &self.is_spoilt,
            is_over: false,
        })
    }

    fn told<T>(&self, answer: Result<T, Error>) -> Result<T, SessionError> {
        answer.map_err(|error| SessionError::Server {
            database: self.session.conn().database().into(),
            error,
        })
    }
}

impl<'a> SessionTransactionBuilder<'a> {
    pub(super) fn new(session: &'a mut Session) -> Self {
        SessionTransactionBuilder {
            session,
            level: None,
            read_only: None,
            deferrable: None,
        }
    }

    /// Its isolation level; without this, the session's.
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Whether it may only read.
    pub fn read_only(mut self, on: bool) -> Self {
        self.read_only = Some(on);
        self
    }

    /// Whether it waits for a moment at which it cannot fail, if it is serializable and read only.
    pub fn deferrable(mut self, on: bool) -> Self {
        self.deferrable = Some(on);
        self
    }

    /// Begins it.
    ///
    /// # Errors
    ///
    /// As [`Session::transaction`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future rolls back.
    pub async fn start(self) -> Result<SessionTransaction<'a>, SessionError> {
        let sql = self.sql();
        let session = self.session;
        let turn = Turn::begin_transaction(session, &sql).await?;
        match turn.conn().batch_execute(&sql).await {
            Ok(()) => turn.keep(),
            Err(error) => turn.end(Err(error)).await?,
        }
        Ok(SessionTransaction {
            session,
            is_spoilt: AtomicBool::new(false),
            is_over: false,
        })
    }

    fn sql(&self) -> String {
        let level = self.level.map_or("", |level| match level {
            IsolationLevel::ReadUncommitted => " ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::ReadCommitted => " ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            _ => " ISOLATION LEVEL SERIALIZABLE",
        });
        let read_only = self
            .read_only
            .map_or("", |on| if on { " READ ONLY" } else { " READ WRITE" });
        let deferrable = self
            .deferrable
            .map_or("", |on| if on { " DEFERRABLE" } else { " NOT DEFERRABLE" });
        format!("BEGIN{level}{read_only}{deferrable}")
    }
}

impl Call<'_> {
    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.is_spoilt.store(true, Relaxed);
        }
    }
}

impl Drop for SessionTransaction<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.session.give_up();
        }
    }
}

impl fmt::Debug for SessionTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTransaction")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
