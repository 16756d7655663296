//! Who is told of every request and its answer.

use std::time::Duration;

/// Is told of every request, after it was answered. Set it by [`RouterOptions::journal`](super::RouterOptions::journal).
///
/// It is called on the thread that serves the request and should not wait. If it panics, the answer goes out all the same.
///
/// ```
/// use fairpool::server::{Entry, Journal};
///
/// struct Lines;
///
/// impl Journal for Lines {
///     fn answered(&self, entry: &Entry<'_>) {
///         println!("{} {} {} {} {:?}", entry.request_id, entry.method, entry.path, entry.status, entry.took);
///     }
/// }
/// ```
pub trait Journal: Send + Sync + 'static {
    /// A request was answered.
    fn answered(&self, entry: &Entry<'_>);
}

/// A request and how it was answered. It holds no credential, no query and no body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// `x-request-id`, of the request if it came with a sane one, and of the answer.
    pub request_id: &'a str,
    /// The method.
    pub method: &'a str,
    /// The path, as it came: encoded.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// From the request's head to the answer's.
    pub took: Duration,
    /// With status 500 and 503: what went wrong, which the client is not told.
    pub cause: Option<&'a str>,
}
