//! The handle of one connection: tokio-postgres' client, a statement cache, and what the wire tells about the session.

use super::cancel::Canceller;
use super::error::{Error, Failure};
use super::link::{ALTERED, FAILED, IDLE, Link, OPEN, SENT};
use super::notifications::Notifications;
use super::reset;
use super::settings::Settings;
use super::statements::Statements;
use super::transaction::Transaction;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

/// A session on a PostgreSQL server, driven by a task on the runtime that opened it.
///
/// It is a [`tokio_postgres::Client`] by `Deref`, with a statement cache beside it. Do not swap the clients of two connections, as
/// [`std::mem::swap`] could: each would be watched, cleaned and cancelled as the other. The pool lends it;
/// [`Manager::connect`](crate::Manager::connect) opens one without a pool. Dropping it says goodbye to the server in the
/// background, [`close`](Connection::close) waits for that.
pub struct Connection {
    // Dropped in this order: the client first, so that the statements have nobody to tell that they go.
    client: Client,
    statements: Statements,
    holder: Holder,
    task: JoinHandle<()>,
    canceller: Canceller,
    settings: Arc<Settings>,
}

/// What state the session's transaction is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionStatus {
    /// None is open.
    Idle,
    /// One is open.
    Open,
    /// One is open in which something failed: it can only be rolled back.
    Failed,
}

/// Its drop tells the task that the connection's handle is gone.
struct Holder(Arc<Link>);

/// A reset or a health check on its way: dropped before its end, nothing more is expected of the server.
struct Expecting {
    link: Arc<Link>,
    is_over: bool,
}

impl Connection {
    /// A prepared statement from this connection's cache, prepared now if it is not there. It costs a round trip the first
    /// time, and none after that: the cache survives resets, holds
    /// [`statement_cache`](super::Postgres::statement_cache) statements, and drops the least recently used one first.
    ///
    /// After a change of the schema a statement may fail with "cached plan must not change result type", once: the cache is
    /// then emptied, and the next call prepares anew.
    ///
    /// A statement is found by its text alone. The server parses it anew where `search_path` has changed, but does not notice a new
    /// table, such as a temporary one, that hides the one it was prepared with; and it keeps its types. Where the same text stands for
    /// several tables, use [`Client::prepare`](tokio_postgres::Client::prepare), or write the schema into it.
    ///
    /// # Errors
    ///
    /// As [`Client::prepare`](tokio_postgres::Client::prepare).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the cache as it was. The server may keep a statement that nobody knows, as after a dropped
    /// [`Client::prepare`](tokio_postgres::Client::prepare) or query by text: some kilobytes each, until the connection is
    /// closed. [`max_lifetime`](crate::Options::max_lifetime) bounds that.
    pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.statements.prepare(&self.client, sql, &[]).await
    }

    /// As [`prepare_cached`](Connection::prepare_cached), with the types of the first parameters given.
    ///
    /// # Errors
    ///
    /// As [`Client::prepare_typed`](tokio_postgres::Client::prepare_typed).
    ///
    /// # Cancel safety
    ///
    /// As for `prepare_cached`.
    pub async fn prepare_typed_cached(&self, sql: &str, types: &[Type]) -> Result<Statement, tokio_postgres::Error> {
        self.statements.prepare(&self.client, sql, types).await
    }

    /// Begins a transaction, which rolls back when it is dropped. It is tokio-postgres' own, with the statement cache.
    ///
    /// # Errors
    ///
    /// As [`Client::transaction`](tokio_postgres::Client::transaction).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future rolls back.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, tokio_postgres::Error> {
        let Connection { client, statements, .. } = self;
        Ok(Transaction::new(client.transaction().await?, statements))
    }

    /// How many statements the cache holds.
    pub fn cached_statements(&self) -> usize {
        self.statements.len()
    }

    /// Empties the statement cache.
    pub fn clear_statement_cache(&self) {
        self.statements.forget();
    }

    /// What the server's last answer said about the transaction. Exact when every request so far was awaited.
    pub fn transaction_status(&self) -> TransactionStatus {
        match self.link().now().status() {
            IDLE => TransactionStatus::Idle,
            OPEN => TransactionStatus::Open,
            _ => TransactionStatus::Failed,
        }
    }

    /// Whether a transaction is open, failed or not, as [`transaction_status`](Connection::transaction_status) says.
    pub fn is_in_transaction(&self) -> bool {
        matches!(self.link().now().status(), OPEN | FAILED)
    }

    /// Whether nothing is under way: every request was answered, and none is waiting to be sent. It may be false for a
    /// moment after the last answer, while the connection's task goes to sleep: [`settled`](Connection::settled)
    /// waits for that.
    pub fn is_idle(&self) -> bool {
        self.link().now().is_idle()
    }

    /// Resolves when nothing is under way but, at most, statements being closed; or when the session is over. It sends
    /// nothing and cancels nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn settled(&mut self) {
        self.link().quiet().await;
    }

    /// Whether the session has ended, or can be of no more use.
    pub fn is_broken(&self) -> bool {
        self.link().now().is_broken() || self.client.is_closed()
    }

    /// The id of the server's process that serves this session, as `pg_stat_activity` has it.
    pub fn process_id(&self) -> i32 {
        self.link().process_id()
    }

    /// What can cancel this connection's queries, from anywhere, as long as this lease lasts.
    pub fn canceller(&self) -> Canceller {
        self.canceller.of_this_lease(&self.holder.0)
    }

    /// Notifications that arrive from now on. They come after a `LISTEN` on this connection, and end with the lease: its reset
    /// ends all `LISTEN`s and receivers. To listen for long, [`detach`](crate::Pooled::detach) a connection.
    ///
    /// A receiver that falls behind by more than [`notification_buffer`](super::Postgres::notification_buffer) is told how
    /// many it has lost; where nobody receives, nothing is kept.
    pub fn notifications(&self) -> Notifications {
        let receiver = self.link().listen(self.settings.notification_buffer);
        // It has to be ended, even if the lease asks the server for nothing.
        self.link().set(SENT | ALTERED);
        Notifications::new(receiver)
    }

    /// The database and where it is, as errors say it: `orders on db.example:5432`.
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    /// Says goodbye, and waits until the server has ended the session. What still runs is cancelled. After a reset or a health
    /// check that was given up, or where the two sides no longer agree whose turn it is, the socket is closed instead, at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the socket at once.
    pub async fn close(self) {
        let Connection {
            client,
            statements,
            holder,
            task,
            ..
        } = self;
        let abort = Abort(task.abort_handle());
        drop((client, statements, holder));
        let _ = task.await;
        drop(abort);
    }

    pub(super) fn new(
        client: Client,
        link: Arc<Link>,
        task: JoinHandle<()>,
        canceller: Canceller,
        settings: Arc<Settings>,
    ) -> Self {
        Connection {
            client,
            statements: Statements::new(link.clone(), settings.statement_cache),
            holder: Holder(link),
            task,
            canceller,
            settings,
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.holder.0
    }

    /// Runs the setup.
    pub(super) async fn set_up(&self) -> Result<(), Failure> {
        for (sql, number) in self.settings.setup.iter().zip(1..) {
            let done = self.client.batch_execute(&sql.0).await;
            done.map_err(|error| Failure::setup(number, error))?;
        }
        Ok(())
    }

    /// What was asked so far is how the connection should be.
    pub(super) fn begin(&self) {
        self.link().clear(SENT | ALTERED);
    }

    /// A round trip.
    pub(super) async fn validate(&mut self) -> Result<(), Error> {
        let was = self.link().now();
        let expecting = Expecting::new(&self.holder.0);
        let answer = self.ask("").await;
        expecting.end();
        answer?;
        if !was.has(SENT) {
            self.link().clear(SENT);
        }
        Ok(())
    }

    /// Ends the lease. Whether it has left anything to be undone, or to be awaited.
    pub(super) fn is_dirty(&self) -> bool {
        self.link().end_lease() || reset::is_due(self.settings.reset, self.link().now())
    }

    /// Undoes it.
    pub(super) async fn reset(&mut self) -> Result<(), Error> {
        let expecting = Expecting::new(&self.holder.0);
        let done = self.undo().await;
        if done.is_ok() || self.link().now().is_quiet() {
            expecting.end();
        }
        done
    }

    async fn undo(&mut self) -> Result<(), Error> {
        self.canceller.call_off(self.link()).await?;
        self.link().undisturbed().await;
        if self.link().now().is_strayed() {
            return Err(self.unclean("a cancel was given up on its way, and may still arrive"));
        }
        let rest = reset::undo(&self.client, self.link(), &self.settings).await;
        rest.map_err(|error| match error.code() {
            // What the server says may quote the setup.
            Some(code) if !self.settings.setup.is_empty() => {
                self.unclean(&format!("the reset with its setup: refused (SQLSTATE {})", code.code()))
            }
            _ => self.failed(error),
        })?;
        let now = self.link().now();
        if now.status() != IDLE {
            return Err(self.unclean("a transaction is still open"));
        }
        drop(self.link().end_of_listening());
        self.begin();
        Ok(())
    }

    async fn ask(&self, sql: &str) -> Result<(), Error> {
        let answer = self.client.batch_execute(sql).await;
        answer.map_err(|error| self.failed(error))
    }

    fn unclean(&self, reason: &str) -> Error {
        Error::Unclean {
            database: self.settings.database.clone(),
            reason: reason.to_owned(),
        }
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        Error::Session {
            database: self.settings.database.clone(),
            error,
        }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Expecting {
    fn new(link: &Arc<Link>) -> Self {
        Expecting {
            link: link.clone(),
            is_over: false,
        }
    }

    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Expecting {
    fn drop(&mut self) {
        if !self.is_over {
            self.link.give_up();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("database", &self.settings.database)
            .field("transaction", &self.transaction_status())
            .field("statements", &self.statements)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

/// Whoever stops waiting for a farewell ends it.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
