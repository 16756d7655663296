//! The error of a wrapped manager: what the other crate's error says, in a form that every pool can keep and share. Knows none of
//! the other pools.

use std::error::Error as StdError;
use std::fmt;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// What a manager written for another pool answered when a connect, a check or a hook failed.
///
/// Its text is that of the other crate's error with all its sources, since some crates say nothing without them; so it has no
/// [`source`](StdError::source) of its own, and a report of the whole chain says nothing twice. The error itself is found by
/// [`downcast_ref`](Error::downcast_ref) and [`as_dyn`](Error::as_dyn).
///
/// # Examples
///
/// ```
/// use fairpool::compat::Error;
/// use std::io;
///
/// let error = Error::new(io::Error::from(io::ErrorKind::ConnectionRefused));
/// assert_eq!(error.to_string(), "connection refused");
/// assert_eq!(error.downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
/// assert!(error.is_transient());
/// ```
pub struct Error {
    theirs: BoxError,
    permanent: bool,
}

impl Error {
    /// An error of your own, for the hooks of [`Builder`](crate::Builder) over a wrapped manager.
    ///
    /// ```
    /// use fairpool::compat::Error;
    ///
    /// assert_eq!(Error::new("no schema").to_string(), "no schema");
    /// ```
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error {
            theirs: error.into(),
            permanent: false,
        }
    }

    /// The other crate's error.
    pub fn as_dyn(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.theirs
    }

    /// The other crate's error, if this is its type.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.theirs.downcast_ref()
    }

    /// Whether a retry may help: yes, unless the wrapper's `permanent_if` said otherwise.
    pub fn is_transient(&self) -> bool {
        !self.permanent
    }
}

impl fmt::Display for Error {
    /// With its sources, unless it told them itself: an error of tokio-postgres says only "db error".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = self.theirs.to_string();
        f.write_str(&words)?;
        let mut source = self.theirs.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !words.contains(&more) {
                write!(f, ": {more}")?;
                words = more;
            }
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.theirs).finish()
    }
}

// No source: their texts are part of ours.
impl StdError for Error {}

type Told<E, T> = Option<Box<dyn Fn(&E) -> T + Send + Sync>>;

/// How a wrapper turns the other crate's errors into [`Error`]s.
pub(crate) struct Errors<E> {
    convert: Box<dyn Fn(E) -> BoxError + Send + Sync>,
    pub(crate) permanent_if: Told<E, bool>,
    pub(crate) on_error: Told<E, ()>,
}

impl<E> Errors<E> {
    pub(crate) fn new(convert: impl Fn(E) -> BoxError + Send + Sync + 'static) -> Self {
        Errors {
            convert: Box::new(convert),
            permanent_if: None,
            on_error: None,
        }
    }

    /// Judged while it still has its own type: not every error can be kept in it.
    pub(crate) fn take(&self, error: E) -> Error {
        if let Some(told) = &self.on_error {
            told(&error);
        }
        let permanent = self.permanent_if.as_ref().is_some_and(|last| last(&error));
        Error {
            theirs: (self.convert)(error),
            permanent,
        }
    }
}
