//! What every router can be told besides who may ask.

use super::journal::Journal;
use super::rate::LiveRateLimits;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What every router can be told. The default is meant for production.
///
/// | option | default | |
/// |---|---|---|
/// | `body_limit` | 1 MiB | a longer body is refused with 413 |
/// | `body_timeout` | 10 s | a body that is not there by then is refused with 408 |
/// | `rate_limits` | none | how many requests each holder may make of this router; beyond them 429 |
/// | `public_url` | none | what links begin with; without it, `http://` and the request's `Host` |
/// | `journal` | none | who is told of every request |
///
/// ```
/// use fairpool::server::RouterOptions;
/// use std::time::Duration;
///
/// let options = RouterOptions::new()
///     .body_limit(64 * 1024)
///     .body_timeout(Duration::from_secs(5))
///     .public_url("https://pools.example");
/// ```
#[derive(Clone)]
pub struct RouterOptions {
    pub(super) body_limit: usize,
    pub(super) body_timeout: Duration,
    pub(super) rate_limits: Option<LiveRateLimits>,
    pub(super) public_url: Option<String>,
    pub(super) journal: Option<Arc<dyn Journal>>,
}

impl Default for RouterOptions {
    fn default() -> Self {
        RouterOptions {
            body_limit: 1 << 20,
            body_timeout: Duration::from_secs(10),
            rate_limits: None,
            public_url: None,
            journal: None,
        }
    }
}

impl RouterOptions {
    /// The defaults.
    pub fn new() -> Self {
        RouterOptions::default()
    }

    /// How many bytes a request's body may have.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        RouterOptions {
            body_limit: bytes,
            ..self
        }
    }

    /// How long a request's body may take to arrive.
    #[must_use]
    pub fn body_timeout(self, timeout: Duration) -> Self {
        RouterOptions {
            body_timeout: timeout,
            ..self
        }
    }

    /// How many requests each holder of a credential may make of this router. Every answer then says how many are left, in
    /// `ratelimit-limit`, `ratelimit-remaining` and `ratelimit-reset`. [`RateLimits`](super::RateLimits) that stay as they are, or
    /// [`LiveRateLimits`] that can be changed.
    #[must_use]
    pub fn rate_limits(self, limits: impl Into<LiveRateLimits>) -> Self {
        RouterOptions {
            rate_limits: Some(limits.into()),
            ..self
        }
    }

    /// What links in answers begin with: scheme and host, and what a proxy in front has taken off the
    /// path. Where nobody need show a credential, this host may be asked for beside those of the machine itself.
    #[must_use]
    pub fn public_url(self, url: &str) -> Self {
        RouterOptions {
            public_url: Some(url.trim_end_matches('/').to_owned()),
            ..self
        }
    }

    /// Who is told of every request.
    #[must_use]
    pub fn journal(self, journal: impl Journal) -> Self {
        RouterOptions {
            journal: Some(Arc::new(journal)),
            ..self
        }
    }
}

impl fmt::Debug for RouterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterOptions")
            .field("body_limit", &self.body_limit)
            .field("body_timeout", &self.body_timeout)
            .field("rate_limits", &self.rate_limits)
            .field("public_url", &self.public_url)
            .field("journal", &self.journal.is_some())
            .finish()
    }
}
