//! The wrapper around a manager written for deadpool.

use super::connection::Connection;
use super::hooks::{self, Hooks};
use crate::compat::{BoxError, Error, Errors};
use crate::{Manager, Options};
use deadpool::managed::{Hook, HookError, Manager as Managed, RecycleError};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A manager written for deadpool, to be given to [`Pool::builder`](crate::Pool::builder). The [page above](super) says what runs
/// when.
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Deadpool<M: Managed> {
    theirs: Arc<M>,
    errors: Errors<M::Error>,
    hooks: Hooks<M>,
    on_return: bool,
}

impl<M: Managed + 'static> Deadpool<M> {
    /// Wraps a manager whose error is an error, a text, or a box of either.
    ///
    /// ```
    /// # use deadpool::managed::{Manager, Metrics, RecycleResult};
    /// # use std::io;
    /// # struct Files;
    /// # impl Manager for Files {
    /// #     type Type = ();
    /// #     type Error = io::Error;
    /// #     async fn create(&self) -> io::Result<()> { Err(io::ErrorKind::PermissionDenied.into()) }
    /// #     async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<io::Error> { Ok(()) }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{AcquireError, Pool, compat::deadpool::Deadpool};
    ///
    /// let files = Deadpool::new(Files).permanent_if(|error| error.kind() == io::ErrorKind::PermissionDenied);
    /// let pool = Pool::builder(files).build()?;
    /// let error = pool.acquire().await.unwrap_err();
    /// assert!(matches!(&error, AcquireError::Connect(error) if error.downcast_ref::<io::Error>().is_some()));
    /// assert_eq!(error.to_string(), "the backend refuses connections: permission denied");
    /// # Ok(()) });
    /// ```
    pub fn new(manager: M) -> Self
    where
        M::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Deadpool::with(manager, Errors::new(Into::into))
    }

    /// Wraps a manager whose error is none of those: deadpool asks no more of it than `Send`.
    ///
    /// ```
    /// # use deadpool::managed::{Manager, Metrics, RecycleResult};
    /// # struct Odd;
    /// # impl Manager for Odd {
    /// #     type Type = ();
    /// #     type Error = std::cell::Cell<u8>;
    /// #     async fn create(&self) -> Result<(), Self::Error> { Err(std::cell::Cell::new(7)) }
    /// #     async fn recycle(&self, _: &mut (), _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Manager as _, compat::deadpool::Deadpool};
    ///
    /// let odd = Deadpool::with_errors(Odd, |error| format!("code {}", error.get()));
    /// assert_eq!(odd.connect().await.err().unwrap().to_string(), "code 7");
    /// # Ok(()) });
    /// ```
    pub fn with_errors<B>(manager: M, convert: impl Fn(M::Error) -> B + Send + Sync + 'static) -> Self
    where
        B: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Deadpool::with(manager, Errors::new(move |error| -> BoxError { convert(error).into() }))
    }

    /// Names the errors that no retry will help, like a wrong password: while no connection is open, they fail the line at once.
    /// By default none is.
    pub fn permanent_if(mut self, is_permanent: impl Fn(&M::Error) -> bool + Send + Sync + 'static) -> Self {
        self.errors.permanent_if = Some(Box::new(is_permanent));
        self
    }

    /// Is told every error of `create`, `recycle` or a hook that the backend gave: most have no caller to be returned to. It runs in
    /// the pool's background work and must not block.
    pub fn on_error(mut self, sink: impl Fn(&M::Error) + Send + Sync + 'static) -> Self {
        self.errors.on_error = Some(Box::new(sink));
        self
    }

    /// Recycles a connection when it comes back instead of when it is lent, within [`reset_timeout`](Options::reset_timeout), and again
    /// only if it was idle for [`validate_after_idle`](Options::validate_after_idle), which is then the usual 500 ms.
    ///
    /// ```
    /// # use deadpool::managed::{Manager, Metrics, RecycleResult};
    /// # use std::convert::Infallible;
    /// # struct Numbers;
    /// # impl Manager for Numbers {
    /// #     type Type = u32;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<u32, Infallible> { Ok(7) }
    /// #     async fn recycle(&self, number: &mut u32, _: &Metrics) -> RecycleResult<Infallible> { *number += 1; Ok(()) }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Pool, compat::deadpool::Deadpool};
    ///
    /// let pool = Pool::builder(Deadpool::new(Numbers).recycle_on_return()).limit(1).build()?;
    /// assert_eq!(**pool.acquire().await?, 7);
    /// while pool.status().idle == 0 {
    ///     tokio::task::yield_now().await;
    /// }
    /// assert_eq!(**pool.try_acquire()?, 8);
    /// # Ok(()) });
    /// ```
    pub fn recycle_on_return(mut self) -> Self {
        self.on_return = true;
        self
    }

    /// Adds a hook that runs on each new connection, within [`connect_timeout`](Options::connect_timeout); its error is that of the
    /// connect.
    ///
    /// ```
    /// # use deadpool::managed::{Hook, Manager, Metrics, RecycleResult};
    /// # use std::convert::Infallible;
    /// # struct Numbers;
    /// # impl Manager for Numbers {
    /// #     type Type = u32;
    /// #     type Error = Infallible;
    /// #     async fn create(&self) -> Result<u32, Infallible> { Ok(7) }
    /// #     async fn recycle(&self, _: &mut u32, _: &Metrics) -> RecycleResult<Infallible> { Ok(()) }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Pool, compat::deadpool::Deadpool};
    ///
    /// let numbers = Deadpool::new(Numbers).post_create(Hook::sync_fn(|number, _| {
    ///     *number = 12;
    ///     Ok(())
    /// }));
    /// assert_eq!(**Pool::builder(numbers).build()?.acquire().await?, 12);
    /// # Ok(()) });
    /// ```
    pub fn post_create(mut self, hook: Hook<M>) -> Self {
        self.hooks.post_create.push(hook);
        self
    }

    /// Adds a hook that runs before each `recycle`, and within its time; an error closes the connection.
    pub fn pre_recycle(mut self, hook: Hook<M>) -> Self {
        self.hooks.pre_recycle.push(hook);
        self
    }

    /// Adds a hook that runs after each `recycle`, and within its time; an error closes the connection.
    pub fn post_recycle(mut self, hook: Hook<M>) -> Self {
        self.hooks.post_recycle.push(hook);
        self
    }

    /// The manager inside.
    pub fn inner(&self) -> &M {
        &self.theirs
    }

    fn with(theirs: M, errors: Errors<M::Error>) -> Self {
        Deadpool {
            theirs: Arc::new(theirs),
            errors,
            hooks: Hooks::default(),
            on_return: false,
        }
    }

    fn hook_failed(&self, error: HookError<M::Error>) -> Error {
        match error {
            HookError::Message(message) => Error::new(message),
            HookError::Backend(error) => self.errors.take(error),
        }
    }

    async fn recycle(&self, conn: &mut Connection<M>) -> Result<(), Error> {
        let before = hooks::run(&self.hooks.pre_recycle, conn).await;
        before.map_err(|error| self.hook_failed(error))?;
        let (object, metrics) = conn.parts();
        match self.theirs.recycle(object, metrics).await {
            Ok(()) => {}
            Err(RecycleError::Message(message)) => return Err(Error::new(message)),
            Err(RecycleError::Backend(error)) => return Err(self.errors.take(error)),
        }
        let after = hooks::run(&self.hooks.post_recycle, conn).await;
        after.map_err(|error| self.hook_failed(error))?;
        conn.recycled();
        Ok(())
    }
}

impl<M: Managed<Type: 'static> + 'static> Manager for Deadpool<M> {
    type Connection = Connection<M>;
    type Error = Error;

    async fn connect(&self) -> Result<Connection<M>, Error> {
        let created = self.theirs.create().await;
        let object = created.map_err(|error| self.errors.take(error))?;
        let mut conn = Connection::new(object, self.theirs.clone());
        let customized = hooks::run(&self.hooks.post_create, &mut conn).await;
        customized.map_err(|error| self.hook_failed(error))?;
        Ok(conn)
    }

    async fn validate(&self, conn: &mut Connection<M>) -> Result<(), Error> {
        self.recycle(conn).await
    }

    fn reset(&self, conn: &mut Connection<M>) -> Option<impl Future<Output = Result<(), Error>> + Send> {
        self.on_return.then(|| self.recycle(conn))
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }

    fn detached(&self, conn: &mut Connection<M>) {
        conn.leave();
    }

    /// The defaults of every pool, but recycled before every lease. deadpool's own know no timeout and no age.
    fn defaults(&self) -> Options {
        let mut options = Options::default();
        if !self.on_return {
            options.validate_after_idle = Some(Duration::ZERO);
        }
        options
    }
}

impl<M: Managed + fmt::Debug> fmt::Debug for Deadpool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadpool")
            .field("manager", &self.theirs)
            .field("recycle_on_return", &self.on_return)
            .finish_non_exhaustive()
    }
}
