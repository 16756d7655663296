//! tokio-postgres' transaction, with the connection's statement cache at hand.

use super::statements::Statements;
use std::fmt;
use std::ops::{Deref, DerefMut};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Statement};

/// A transaction of a [`Connection`](super::Connection). Dropped without a [`commit`](Transaction::commit), it rolls back.
///
/// It is a [`tokio_postgres::Transaction`] by `Deref`.
#[must_use = "dropped, it rolls back"]
pub struct Transaction<'a> {
    inner: tokio_postgres::Transaction<'a>,
    statements: &'a Statements,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(inner: tokio_postgres::Transaction<'a>, statements: &'a Statements) -> Self {
        Transaction { inner, statements }
    }

    /// As [`Connection::prepare_cached`](super::Connection::prepare_cached).
    ///
    /// # Errors
    ///
    /// As [`Client::prepare`](tokio_postgres::Client::prepare).
    ///
    /// # Cancel safety
    ///
    /// As for `Connection::prepare_cached`.
    pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, Error> {
        self.statements.prepare(&self.inner, sql, &[]).await
    }

    /// As [`Connection::prepare_typed_cached`](super::Connection::prepare_typed_cached).
    ///
    /// # Errors
    ///
    /// As [`Client::prepare_typed`](tokio_postgres::Client::prepare_typed).
    ///
    /// # Cancel safety
    ///
    /// As for `Connection::prepare_cached`.
    pub async fn prepare_typed_cached(&self, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        self.statements.prepare(&self.inner, sql, types).await
    }

    /// Commits.
    ///
    /// # Errors
    ///
    /// What the server or the network said; then nobody knows whether it was committed, unless the server said no.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open whether the transaction is committed.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await
    }

    /// Rolls back, and waits for that.
    ///
    /// # Errors
    ///
    /// What the server or the network said.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the waiting.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await
    }

    /// Begins a transaction in this one, by a savepoint.
    ///
    /// # Errors
    ///
    /// As [`tokio_postgres::Transaction::transaction`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the savepoint, which goes with this transaction.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        Ok(Transaction::new(self.inner.transaction().await?, self.statements))
    }

    /// As [`transaction`](Transaction::transaction), with a name for the savepoint.
    ///
    /// # Errors
    ///
    /// As [`tokio_postgres::Transaction::savepoint`].
    ///
    /// # Cancel safety
    ///
    /// As for `transaction`.
    pub async fn savepoint(&mut self, name: impl Into<String>) -> Result<Transaction<'_>, Error> {
        Ok(Transaction::new(self.inner.savepoint(name).await?, self.statements))
    }
}

impl<'a> Deref for Transaction<'a> {
    type Target = tokio_postgres::Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
