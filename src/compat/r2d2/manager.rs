//! The wrapper around a blocking manager written for r2d2.

use super::connection::{Connection, deliver, gone};
use super::threads::{Farewell, off};
use crate::compat::{BoxError, Error, Errors};
use crate::{Manager, Options};
use r2d2::{CustomizeConnection, ManageConnection};
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// The most connects of one manager that are under way at once, those included that outlived their
/// [`connect_timeout`](Options::connect_timeout). Further ones wait, within theirs.
pub const DIALLING: usize = 64;

/// A blocking manager written for r2d2, to be given to [`Pool::builder`](crate::Pool::builder). The [page above](super) says what
/// runs when, and where.
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct R2d2<M: ManageConnection> {
    /// Shared with the threads; changed only before the first of them.
    shared: Arc<Shared<M>>,
    dialling: Arc<Semaphore>,
}

struct Shared<M: ManageConnection> {
    theirs: M,
    errors: Errors<M::Error>,
    customizer: Option<Arc<dyn CustomizeConnection<M::Connection, M::Error>>>,
    farewell: Farewell<M::Connection>,
}

impl<M: ManageConnection> R2d2<M> {
    /// Wraps a manager whose error can be sent and shared between threads.
    ///
    /// ```
    /// # use std::io;
    /// # struct Files;
    /// # impl r2d2::ManageConnection for Files {
    /// #     type Connection = ();
    /// #     type Error = io::Error;
    /// #     fn connect(&self) -> io::Result<()> { Err(io::ErrorKind::PermissionDenied.into()) }
    /// #     fn is_valid(&self, _: &mut ()) -> io::Result<()> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut ()) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{AcquireError, Pool, compat::r2d2::R2d2};
    ///
    /// let files = R2d2::new(Files).permanent_if(|error| error.kind() == io::ErrorKind::PermissionDenied);
    /// let pool = Pool::builder(files).build()?;
    /// let error = pool.acquire().await.unwrap_err();
    /// assert!(matches!(&error, AcquireError::Connect(error) if error.downcast_ref::<io::Error>().is_some()));
    /// assert_eq!(error.to_string(), "the backend refuses connections: permission denied");
    /// # Ok(()) });
    /// ```
    pub fn new(manager: M) -> Self
    where
        M::Error: Send + Sync,
    {
        R2d2::with(manager, Errors::new(|error| -> BoxError { Box::new(error) }))
    }

    /// Wraps a manager whose error must stay on its thread, where `convert` makes another one of it. r2d2 asks only that it is an
    /// error.
    ///
    /// ```
    /// # #[derive(Debug)] struct Local(std::rc::Rc<str>);
    /// # impl std::fmt::Display for Local {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
    /// # }
    /// # impl std::error::Error for Local {}
    /// # struct Odd;
    /// # impl r2d2::ManageConnection for Odd {
    /// #     type Connection = ();
    /// #     type Error = Local;
    /// #     fn connect(&self) -> Result<(), Local> { Err(Local("no luck".into())) }
    /// #     fn is_valid(&self, _: &mut ()) -> Result<(), Local> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut ()) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Manager, compat::r2d2::R2d2};
    ///
    /// let odd = R2d2::with_errors(Odd, |error| error.to_string());
    /// assert_eq!(odd.connect().await.unwrap_err().to_string(), "no luck");
    /// # Ok(()) });
    /// ```
    pub fn with_errors<B>(manager: M, convert: impl Fn(M::Error) -> B + Send + Sync + 'static) -> Self
    where
        B: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        R2d2::with(manager, Errors::new(move |error| -> BoxError { convert(error).into() }))
    }

    /// Names the errors that no retry will help, like a wrong password: while no connection is open, they fail the line at once.
    /// By default none is, as in r2d2.
    pub fn permanent_if(self, is_permanent: impl Fn(&M::Error) -> bool + Send + Sync + 'static) -> Self {
        self.set(|shared| shared.errors.permanent_if = Some(Box::new(is_permanent)))
    }

    /// Is told every error of a connect, a check or a customizer, as r2d2's `error_handler` is, which by default logs them. It runs on
    /// the blocking thread.
    pub fn on_error(self, sink: impl Fn(&M::Error) + Send + Sync + 'static) -> Self {
        self.set(|shared| shared.errors.on_error = Some(Box::new(sink)))
    }

    /// Runs r2d2's customizer on a blocking thread: `on_acquire` on each new connection, within
    /// [`connect_timeout`](Options::connect_timeout), and `on_release` with each one that is closed.
    pub fn connection_customizer(self, customizer: Box<dyn CustomizeConnection<M::Connection, M::Error>>) -> Self {
        let customizer: Arc<dyn CustomizeConnection<M::Connection, M::Error>> = customizer.into();
        self.set(|shared| {
            shared.customizer = Some(customizer.clone());
            shared.farewell = Arc::new(move |conn| customizer.on_release(conn));
        })
    }

    /// The manager inside.
    pub fn inner(&self) -> &M {
        &self.shared.theirs
    }

    fn with(theirs: M, errors: Errors<M::Error>) -> Self {
        R2d2 {
            shared: Arc::new(Shared {
                theirs,
                errors,
                customizer: None,
                farewell: Arc::new(drop),
            }),
            dialling: Arc::new(Semaphore::new(DIALLING)),
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Shared<M>)) -> Self {
        change(Arc::get_mut(&mut self.shared).expect("bug: nobody shares it before it is in a pool"));
        self
    }
}

impl<M: ManageConnection> Shared<M> {
    fn open(&self) -> Result<M::Connection, Error> {
        let opened = self.theirs.connect();
        let mut conn = opened.map_err(|error| self.errors.take(error))?;
        if let Some(customizer) = &self.customizer {
            let customized = customizer.on_acquire(&mut conn);
            customized.map_err(|error| self.errors.take(error))?;
        }
        Ok(conn)
    }
}

impl<M: ManageConnection> Manager for R2d2<M> {
    type Connection = Connection<M::Connection>;
    type Error = Error;

    async fn connect(&self) -> Result<Self::Connection, Error> {
        let turn = self.dialling.clone().acquire_owned().await.map_err(Error::new)?;
        let (reply, answer) = oneshot::channel();
        let shared = self.shared.clone();
        off(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| shared.open()));
            drop(turn);
            deliver(reply, outcome, &shared.farewell);
        });
        match answer.await {
            Ok(Ok(opened)) => opened.map(Connection::new),
            // The pool tells a manager that panicked from one that failed.
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(gone()),
        }
    }

    async fn validate(&self, conn: &mut Self::Connection) -> Result<(), Error> {
        let shared = self.shared.clone();
        let checked = conn.run(move |conn| {
            let valid = shared.theirs.is_valid(conn);
            valid.map_err(|error| shared.errors.take(error))
        });
        checked.await?
    }

    /// Waits for a closure whose call was dropped.
    fn reset(&self, conn: &mut Self::Connection) -> Option<impl Future<Output = Result<(), Error>> + Send> {
        conn.is_unseen().then_some(async {
            conn.settle().await;
            if self.is_broken(conn) {
                return Err(Error::new("the connection broke in a call that nobody waited for"));
            }
            Ok(())
        })
    }

    fn is_broken(&self, conn: &mut Self::Connection) -> bool {
        match conn.at_hand() {
            Ok(Some(conn)) => self.shared.theirs.has_broken(conn),
            // Nobody can say yet; the reset will.
            Ok(None) => false,
            Err(_) => true,
        }
    }

    fn close(&self, conn: Self::Connection) -> Option<impl Future<Output = ()> + Send> {
        Some(conn.close())
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }

    /// The defaults of every pool, but checked before every lease. r2d2 itself also keeps as many connections open as it may.
    fn defaults(&self) -> Options {
        Options {
            validate_after_idle: Some(Duration::ZERO),
            ..Options::default()
        }
    }
}

impl<M: ManageConnection + fmt::Debug> fmt::Debug for R2d2<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("R2d2").field(&self.shared.theirs).finish()
    }
}
