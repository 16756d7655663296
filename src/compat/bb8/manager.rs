//! The wrapper around a manager written for bb8.

use crate::compat::{BoxError, Error, Errors};
use crate::{Manager, Options};
use bb8::{CustomizeConnection, ManageConnection};
use std::fmt;
use std::time::Duration;

/// A manager written for bb8, to be given to [`Pool::builder`](crate::Pool::builder). The [page above](super) says what runs when.
#[must_use = "it opens nothing by itself; give it to a pool"]
pub struct Bb8<M: ManageConnection> {
    theirs: M,
    errors: Errors<M::Error>,
    customizer: Option<Box<dyn CustomizeConnection<M::Connection, M::Error>>>,
}

impl<M: ManageConnection> Bb8<M> {
    /// Wraps a manager whose error is an error, a text, or a box of either.
    ///
    /// ```
    /// # use std::io;
    /// # struct Files;
    /// # impl bb8::ManageConnection for Files {
    /// #     type Connection = ();
    /// #     type Error = io::Error;
    /// #     async fn connect(&self) -> io::Result<()> { Err(io::ErrorKind::PermissionDenied.into()) }
    /// #     async fn is_valid(&self, _: &mut ()) -> io::Result<()> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut ()) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{AcquireError, Pool, compat::bb8::Bb8};
    ///
    /// let files = Bb8::new(Files).permanent_if(|error| error.kind() == io::ErrorKind::PermissionDenied);
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
        Bb8::with(manager, Errors::new(Into::into))
    }

    /// Wraps a manager whose error is none of those: bb8 asks no more of it than `Debug` and `Send`.
    ///
    /// ```
    /// # struct Odd;
    /// # impl bb8::ManageConnection for Odd {
    /// #     type Connection = ();
    /// #     type Error = std::cell::Cell<u8>;
    /// #     async fn connect(&self) -> Result<(), Self::Error> { Err(std::cell::Cell::new(7)) }
    /// #     async fn is_valid(&self, _: &mut ()) -> Result<(), Self::Error> { Ok(()) }
    /// #     fn has_broken(&self, _: &mut ()) -> bool { false }
    /// # }
    /// # fairpool::doc::block_on(async {
    /// use fairpool::{Manager, compat::bb8::Bb8};
    ///
    /// let odd = Bb8::with_errors(Odd, |error| format!("code {}", error.get()));
    /// assert_eq!(odd.connect().await.unwrap_err().to_string(), "code 7");
    /// # Ok(()) });
    /// ```
    pub fn with_errors<B>(manager: M, convert: impl Fn(M::Error) -> B + Send + Sync + 'static) -> Self
    where
        B: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Bb8::with(manager, Errors::new(move |error| -> BoxError { convert(error).into() }))
    }

    /// Names the errors that no retry will help, like a wrong password: while no connection is open, they fail the line at once.
    /// By default none is, as in bb8; `permanent_if(|_| true)` is its `retry_connection(false)`.
    pub fn permanent_if(mut self, is_permanent: impl Fn(&M::Error) -> bool + Send + Sync + 'static) -> Self {
        self.errors.permanent_if = Some(Box::new(is_permanent));
        self
    }

    /// Is told every error of a connect, a check or a customizer, as bb8's `error_sink` is: most have no caller to be returned to.
    /// It runs in the pool's background work and must not block.
    pub fn on_error(mut self, sink: impl Fn(&M::Error) + Send + Sync + 'static) -> Self {
        self.errors.on_error = Some(Box::new(sink));
        self
    }

    /// Runs bb8's customizer on each new connection, within [`connect_timeout`](Options::connect_timeout); its error is that of
    /// the connect.
    pub fn connection_customizer(mut self, customizer: Box<dyn CustomizeConnection<M::Connection, M::Error>>) -> Self {
        self.customizer = Some(customizer);
        self
    }

    /// The manager inside.
    pub fn inner(&self) -> &M {
        &self.theirs
    }

    fn with(theirs: M, errors: Errors<M::Error>) -> Self {
        Bb8 {
            theirs,
            errors,
            customizer: None,
        }
    }
}

impl<M: ManageConnection> Manager for Bb8<M> {
    type Connection = M::Connection;
    type Error = Error;

    async fn connect(&self) -> Result<M::Connection, Error> {
        let opened = self.theirs.connect().await;
        let mut conn = opened.map_err(|error| self.errors.take(error))?;
        if let Some(customizer) = &self.customizer {
            let customized = customizer.on_acquire(&mut conn).await;
            customized.map_err(|error| self.errors.take(error))?;
        }
        Ok(conn)
    }

    async fn validate(&self, conn: &mut M::Connection) -> Result<(), Error> {
        let valid = self.theirs.is_valid(conn).await;
        valid.map_err(|error| self.errors.take(error))
    }

    fn is_broken(&self, conn: &mut M::Connection) -> bool {
        self.theirs.has_broken(conn)
    }

    fn is_transient(&self, error: &Error) -> bool {
        error.is_transient()
    }

    /// The defaults of every pool, which are bb8's too, but checked before every lease.
    fn defaults(&self) -> Options {
        Options {
            validate_after_idle: Some(Duration::ZERO),
            ..Options::default()
        }
    }
}

impl<M: ManageConnection + fmt::Debug> fmt::Debug for Bb8<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bb8").field(&self.theirs).finish()
    }
}
