//! What a service behind a limit can fail with.

use super::super::limit::error::LimitError;
use std::error::Error;
use std::fmt;

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

impl<E: Error + 'static> Error for LimitedError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            LimitedError::Refused(error) => error.source(),
            LimitedError::Service(error) => error.source(),
        }
    }
}
