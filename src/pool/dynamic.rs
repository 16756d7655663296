//! A manager behind a box, for code that holds pools of unlike managers in one type.

use super::manager::Manager;
use super::options::Options;
use futures::future::BoxFuture;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Any error of any manager.
pub type DynError = Arc<dyn Error + Send + Sync>;

/// A [`Manager`] whose own type is forgotten; only that of its connections remains. Each method that awaits costs a box.
///
/// ```
/// # use fairpool::{DynManager, Pool, doc::{Demo, DemoConnection}};
/// let pools: Vec<Pool<DynManager<DemoConnection>>> =
///     vec![Pool::builder(DynManager::new(Demo)).build()?, Pool::builder(DynManager::new(Demo)).limit(1).build()?];
/// # Ok::<(), fairpool::OptionsError>(())
/// ```
pub struct DynManager<C>(Box<dyn Erased<C>>);

/// An error of a [`DynManager`]: whatever the manager inside reports.
#[derive(Debug, Clone)]
pub struct ErasedError(DynError);

impl fmt::Display for ErasedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ErasedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl ErasedError {
    /// The error inside, to downcast it.
    pub fn inner(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl<C: Send + 'static> DynManager<C> {
    /// Forgets the type of a manager.
    pub fn new<M: Manager<Connection = C>>(manager: M) -> Self {
        DynManager(Box::new(Inner(manager)))
    }
}

impl<C> fmt::Debug for DynManager<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynManager").finish_non_exhaustive()
    }
}

struct Inner<M>(M);

/// [`Manager`], dyn-safe.
trait Erased<C>: Send + Sync {
    fn connect(&self) -> BoxFuture<'_, Result<C, ErasedError>>;
    fn validate<'a>(&'a self, conn: &'a mut C) -> BoxFuture<'a, Result<(), ErasedError>>;
    fn reset<'a>(&'a self, conn: &'a mut C) -> Option<BoxFuture<'a, Result<(), ErasedError>>>;
    fn is_broken(&self, conn: &mut C) -> bool;
    fn close(&self, conn: C) -> Option<BoxFuture<'_, ()>>;
    fn is_transient(&self, error: &ErasedError) -> bool;
    fn detached(&self, conn: &mut C);
    fn backend(&self) -> Option<String>;
    fn defaults(&self) -> Options;
}

fn erase<E: Error + Send + Sync + 'static>(error: E) -> ErasedError {
    ErasedError(Arc::new(error))
}

impl<M: Manager> Erased<M::Connection> for Inner<M> {
    fn connect(&self) -> BoxFuture<'_, Result<M::Connection, ErasedError>> {
        Box::pin(async { self.0.connect().await.map_err(erase) })
    }

    fn validate<'a>(&'a self, conn: &'a mut M::Connection) -> BoxFuture<'a, Result<(), ErasedError>> {
        Box::pin(async { self.0.validate(conn).await.map_err(erase) })
    }

    fn reset<'a>(&'a self, conn: &'a mut M::Connection) -> Option<BoxFuture<'a, Result<(), ErasedError>>> {
        let reset = self.0.reset(conn)?;
        Some(Box::pin(async { reset.await.map_err(erase) }))
    }

    fn is_broken(&self, conn: &mut M::Connection) -> bool {
        self.0.is_broken(conn)
    }

    fn close(&self, conn: M::Connection) -> Option<BoxFuture<'_, ()>> {
        Some(Box::pin(self.0.close(conn)?))
    }

    fn is_transient(&self, error: &ErasedError) -> bool {
        error
            .0
            .downcast_ref::<M::Error>()
            .is_none_or(|error| self.0.is_transient(error))
    }

    fn backend(&self) -> Option<String> {
        self.0.backend()
    }

    fn detached(&self, conn: &mut M::Connection) {
        self.0.detached(conn);
    }

    fn defaults(&self) -> Options {
        self.0.defaults()
    }
}

impl<C: Send + 'static> Manager for DynManager<C> {
    type Connection = C;
    type Error = ErasedError;

    async fn connect(&self) -> Result<C, ErasedError> {
        self.0.connect().await
    }

    async fn validate(&self, conn: &mut C) -> Result<(), ErasedError> {
        self.0.validate(conn).await
    }

    fn reset(&self, conn: &mut C) -> Option<impl Future<Output = Result<(), ErasedError>> + Send> {
        // Asked twice, as the pool does anyway: the boxed future's lifetime has no name out here.
        let needed = self.0.reset(conn).is_some();
        needed.then_some(async {
            match self.0.reset(conn) {
                Some(reset) => reset.await,
                None => Ok(()),
            }
        })
    }

    fn is_broken(&self, conn: &mut C) -> bool {
        self.0.is_broken(conn)
    }

    fn close(&self, conn: C) -> Option<impl Future<Output = ()> + Send> {
        self.0.close(conn)
    }

    fn is_transient(&self, error: &ErasedError) -> bool {
        self.0.is_transient(error)
    }

    fn backend(&self) -> Option<String> {
        self.0.backend()
    }

    fn detached(&self, conn: &mut C) {
        self.0.detached(conn);
    }

    fn defaults(&self) -> Options {
        self.0.defaults()
    }
}
