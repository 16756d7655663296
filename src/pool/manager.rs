//! What an integrator implements: how connections are opened, checked, cleaned and closed.
//!
//! The pool calls these methods; it never looks inside a connection. Every future runs in a task of the pool's on the
//! supervisor's runtime, none beside another one, under a timeout of its own: one that hangs or panics hurts only the slot it holds.

use super::options::Options;
use std::future::{Future, Ready};
use std::sync::Arc;

/// Opens and tends the connections of a [`Pool`](crate::Pool).
///
/// Only [`connect`](Manager::connect) is required. A method that returns an optional future says `None` when there is
/// nothing to await; such a manager pays nothing for it.
///
/// Managers must yield: a method that blocks its thread blocks the runtime, and no timeout can interrupt it. Work that
/// blocks belongs on a thread of its own, as the SQLite driver does it.
///
/// How to write one, and how to have it checked: [the guide](crate::guides::managers).
///
/// # Examples
///
/// A manager whose connections remember whether they are inside a transaction:
///
/// ```
/// use fairpool::Manager;
/// use std::convert::Infallible;
///
/// struct Conn { in_transaction: bool }
/// struct Db;
///
/// impl Manager for Db {
///     type Connection = Conn;
///     type Error = Infallible;
///
///     async fn connect(&self) -> Result<Conn, Infallible> {
///         Ok(Conn { in_transaction: false })
///     }
///
///     fn reset(&self, conn: &mut Conn) -> Option<impl Future<Output = Result<(), Infallible>> + Send> {
///         conn.in_transaction.then(|| async {
///             conn.in_transaction = false; // a real driver sends ROLLBACK here
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait Manager: Send + Sync + 'static {
    /// What the pool lends.
    type Connection: Send + 'static;
    /// Why a connection could not be opened, checked or cleaned.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Opens a connection, within [`Options::connect_timeout`]. A panic counts as a transient error.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Checks a connection that was idle for [`Options::validate_after_idle`], before it is lent again and within
    /// [`Options::validate_timeout`]. One that fails is closed, and its request keeps its place in the line. One that was idle when
    /// its runtime ended is checked before it is lent on the next, as its socket may have gone with it.
    /// So is, at most once in `validate_after_idle`, whatever is idle when another connection comes back broken.
    ///
    /// The default finds every connection sound.
    fn validate(&self, conn: &mut Self::Connection) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = conn;
        std::future::ready(Ok(()))
    }

    /// Cleans a connection that came back, within [`Options::reset_timeout`]; one whose reset fails is closed.
    ///
    /// `None`, the default, means there is nothing to await, and the connection can be lent again at once. It is asked on
    /// the thread that drops the guard, and again on the supervisor's if the answer was a future: building that future
    /// must do nothing by itself.
    fn reset(&self, conn: &mut Self::Connection) -> Option<impl Future<Output = Result<(), Self::Error>> + Send> {
        let _ = conn;
        None::<Ready<Result<(), Self::Error>>>
    }

    /// Whether a connection is unusable, as far as that can be told without asking the backend: asked when it comes back, and
    /// when one that was idle is about to be lent. It runs on the thread that drops the guard or acquires, which may have no
    /// runtime, for every lease: look at a flag. A panic counts as broken.
    /// A yes casts doubt on those that are idle, so it is for connections that have ended, not for those that need cleaning.
    ///
    /// The default says no.
    fn is_broken(&self, conn: &mut Self::Connection) -> bool {
        let _ = conn;
        false
    }

    /// Closes a connection with a farewell, within [`Options::close_timeout`]. `None`, the default, means that it was
    /// simply dropped. Where no runtime is left to await the farewell, the connection is dropped without.
    fn close(&self, conn: Self::Connection) -> Option<impl Future<Output = ()> + Send> {
        drop(conn);
        None::<Ready<()>>
    }

    /// Whether a connect that failed like this may succeed when it is tried again.
    ///
    /// The default says yes: the line waits while the pool retries with backoff. A permanent error (a wrong password, a
    /// path that cannot be) fails the line at once, provided that no connection is open.
    fn is_transient(&self, error: &Self::Error) -> bool {
        let _ = error;
        true
    }

    /// What the connections lead to, for errors: a database and its address, without secrets. A backend that is silent sends no
    /// error that could say so itself. Asked once, when the pool is built.
    ///
    /// The default says nothing.
    fn backend(&self) -> Option<String> {
        None
    }

    /// Told when a connection leaves the pool for good with its holder ([`Pooled::detach`](crate::Pooled::detach)).
    fn detached(&self, conn: &mut Self::Connection) {
        let _ = conn;
    }

    /// The options with which [`Pool::builder`](crate::Pool::builder) starts for this backend.
    fn defaults(&self) -> Options {
        Options::default()
    }
}

/// Several pools can share one manager.
impl<M: Manager> Manager for Arc<M> {
    type Connection = M::Connection;
    type Error = M::Error;

    fn connect(&self) -> impl Future<Output = Result<M::Connection, M::Error>> + Send {
        (**self).connect()
    }

    fn validate(&self, conn: &mut M::Connection) -> impl Future<Output = Result<(), M::Error>> + Send {
        (**self).validate(conn)
    }

    fn reset(&self, conn: &mut M::Connection) -> Option<impl Future<Output = Result<(), M::Error>> + Send> {
        (**self).reset(conn)
    }

    fn is_broken(&self, conn: &mut M::Connection) -> bool {
        (**self).is_broken(conn)
    }

    fn close(&self, conn: M::Connection) -> Option<impl Future<Output = ()> + Send> {
        (**self).close(conn)
    }

    fn is_transient(&self, error: &M::Error) -> bool {
        (**self).is_transient(error)
    }

    fn backend(&self) -> Option<String> {
        (**self).backend()
    }

    fn detached(&self, conn: &mut M::Connection) {
        (**self).detached(conn);
    }

    fn defaults(&self) -> Options {
        (**self).defaults()
    }
}
