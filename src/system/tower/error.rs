//! What a service behind a limit can fail with.

use super::super::limit::error::LimitError;
use std::any::Any;
use std::error::Error;
use std::fmt;

/// What `tower` calls `BoxError`.
type Boxed = Box<dyn Error + Send + Sync>;

/// Why a request to a [`Limited`](crate::Limited) service failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitedError<E> {
    /// The limit turned it away; the service has not seen it, so it is safe to send again. Over HTTP that is a 503 with
    /// `Retry-After`.
    Refused(LimitError),
    /// The service's own error.
    Service(E),
}

impl<E: fmt::Display> fmt::Display for LimitedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitedError::Refused(error) => error.fmt(f),
            LimitedError::Service(error) => error.fmt(f),
        }
    }
}

/// For services whose error is boxed too, which most of `tower`'s are: a box is no `Error` itself. The price is that only a boxed
/// error's sources are known here; of another type, match the service's error for them.
impl<E: fmt::Debug + fmt::Display + 'static> Error for LimitedError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LimitedError::Refused(error) => error.source(),
            // Its text is ours.
            LimitedError::Service(error) => (error as &dyn Any).downcast_ref::<Boxed>()?.source(),
        }
    }
}
