//! Every knob of a pool, in one table, with the one function that judges them.
//!
//! | option | unit | default | minimum | interaction | why this default |
//! |---|---|---|---|---|---|
//! | `limit` | connections | 10 | 1 (at most 65,536) | – | few backends gain from more per process |
//! | `min_idle` | connections | 0 | 0 | at most `limit` counts | nothing opens before it is asked for |
//! | `queue_limit` | requests | none | 0 (nobody waits) | – | the acquire timeout bounds the wait already |
//! | `max_connecting` | attempts | 4 | 1 | – | a spike must not become a storm on the backend |
//! | `acquire_timeout` | time | 30 s | more than 0, or none | covers every phase of one acquire | the field's usual value |
//! | `connect_timeout` | time | 10 s | more than 0 | an attempt outlives a caller that gives up; after a quarter nobody counts on it | three SYN retransmissions |
//! | `validate_timeout` | time | 5 s | more than 0 | after a quarter nobody counts on it | a connection that slow is no use |
//! | `reset_timeout` | time | 5 s | more than 0 | – | as above |
//! | `close_timeout` | time | 5 s | more than 0 | the slot counts as occupied meanwhile | as above |
//! | `idle_timeout` | time | 10 min | more than 0, or none | keeps `min_idle` | under the usual server-side timeouts |
//! | `max_lifetime` | time | 30 min | more than 0, or none | shortened by `lifetime_jitter` | picks up failovers and DNS changes |
//! | `lifetime_jitter` | fraction | 0.1 | 0 to 1 | of `max_lifetime`, at random | connections opened together do not die together |
//! | `validate_after_idle` | time | 500 ms | 0 (every idle one), or none | – | a dead connection is noticed, a busy one not bothered |
//! | `backoff_initial` | time | 50 ms | more than 0 | doubles with each failed attempt | – |
//! | `backoff_max` | time | 2 s | `backoff_initial` | – | a healed backend is found soon |

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The options of a pool: see the [table](self). Build them with [`Pool::builder`](crate::Pool::builder), or change a default:
///
/// ```
/// # use fairpool::Options;
/// # use std::time::Duration;
/// let mut options = Options::default();
/// options.limit = 16;
/// options.acquire_timeout = Some(Duration::from_secs(3));
/// assert!(options.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Options {
    /// The most connections, counting those being opened or closed.
    pub limit: u32,
    /// Idle connections to keep open when the limit allows.
    pub min_idle: u32,
    /// The most requests that may wait; `None` for any number.
    pub queue_limit: Option<u32>,
    /// The most connects under way at once; when all of them hang, one more at a time.
    pub max_connecting: u32,
    /// How long an acquire may take in all; `None` for any time.
    #[cfg_attr(feature = "serde", serde(with = "seconds::optional"))]
    pub acquire_timeout: Option<Duration>,
    /// How long one attempt to connect may take, the `after_connect` hook included. Those who wait get another one beside it
    /// after a quarter of that, or after as long as the first of them means to wait, if that is less.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub connect_timeout: Duration,
    /// How long a validation may take, the `before_acquire` hook included.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub validate_timeout: Duration,
    /// How long a reset may take, the `after_release` hook included.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub reset_timeout: Duration,
    /// How long a close may take.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub close_timeout: Duration,
    /// Idle connections unused for this long are closed, down to `min_idle`; `None` keeps them.
    #[cfg_attr(feature = "serde", serde(with = "seconds::optional"))]
    pub idle_timeout: Option<Duration>,
    /// Connections older than this are closed when they are idle or come back; `None` keeps them.
    #[cfg_attr(feature = "serde", serde(with = "seconds::optional"))]
    pub max_lifetime: Option<Duration>,
    /// By how much of itself a connection's `max_lifetime` is shortened at most, at random.
    pub lifetime_jitter: f64,
    /// Idle connections unused for this long are validated before they are lent; `None` never validates. Zero validates
    /// every connection that was idle at all.
    #[cfg_attr(feature = "serde", serde(with = "seconds::optional"))]
    pub validate_after_idle: Option<Duration>,
    /// The wait after a first failed connect.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub backoff_initial: Duration,
    /// The longest wait between failed connects.
    #[cfg_attr(feature = "serde", serde(with = "seconds"))]
    pub backoff_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limit: 10,
            min_idle: 0,
            queue_limit: None,
            max_connecting: 4,
            acquire_timeout: Some(Duration::from_secs(30)),
            connect_timeout: Duration::from_secs(10),
            validate_timeout: Duration::from_secs(5),
            reset_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(600)),
            max_lifetime: Some(Duration::from_secs(1800)),
            lifetime_jitter: 0.1,
            validate_after_idle: Some(Duration::from_millis(500)),
            backoff_initial: Duration::from_millis(50),
            backoff_max: Duration::from_secs(2),
        }
    }
}

impl Options {
    /// Whether connections grow as old by these as by the others.
    pub(crate) fn same_ages(&self, other: &Options) -> bool {
        (self.max_lifetime, self.lifetime_jitter) == (other.max_lifetime, other.lifetime_jitter)
    }

    /// Judges all options together; the builder and every live setter go through here.
    ///
    /// # Errors
    ///
    /// Names the first option out of its range, what it was and what it may be.
    ///
    /// ```
    /// # let mut options = fairpool::Options::default();
    /// options.limit = 0;
    /// let error = options.validate().unwrap_err();
    /// assert_eq!(error.to_string(), "limit is 0, but must be from 1 to 65536");
    /// ```
    pub fn validate(&self) -> Result<(), OptionsError> {
        // Without `..`, so that a new option cannot be forgotten here.
        let Options {
            limit,
            min_idle: _,
            queue_limit: _,
            max_connecting,
            acquire_timeout,
            connect_timeout,
            validate_timeout,
            reset_timeout,
            close_timeout,
            idle_timeout,
            max_lifetime,
            lifetime_jitter,
            validate_after_idle: _,
            backoff_initial,
            backoff_max,
        } = self;
        let check = OptionsError::unless;
        check((1..=65_536).contains(limit), "limit", limit, "from 1 to 65536")?;
        check(*max_connecting >= 1, "max_connecting", max_connecting, "at least 1")?;
        for (option, time) in [
            ("acquire_timeout", acquire_timeout),
            ("connect_timeout", &Some(*connect_timeout)),
            ("validate_timeout", &Some(*validate_timeout)),
            ("reset_timeout", &Some(*reset_timeout)),
            ("close_timeout", &Some(*close_timeout)),
            ("idle_timeout", idle_timeout),
            ("max_lifetime", max_lifetime),
            ("backoff_initial", &Some(*backoff_initial)),
        ] {
            check(
                *time != Some(Duration::ZERO),
                option,
                &time.unwrap_or_default(),
                "more than 0",
            )?;
        }
        check(
            (0.0..=1.0).contains(lifetime_jitter),
            "lifetime_jitter",
            lifetime_jitter,
            "from 0 to 1",
        )?;
        check(
            backoff_max >= backoff_initial,
            "backoff_max",
            backoff_max,
            "at least backoff_initial",
        )
    }
}

/// An option out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsError {
    option: &'static str,
    value: String,
    range: &'static str,
}

impl OptionsError {
    pub(crate) fn unless(
        fine: bool,
        option: &'static str,
        value: &dyn fmt::Debug,
        range: &'static str,
    ) -> Result<(), Self> {
        if fine {
            return Ok(());
        }
        let value = format!("{value:?}");
        Err(OptionsError { option, value, range })
    }

    /// The name of the option.
    pub fn option(&self) -> &'static str {
        self.option
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but must be {}", self.option, self.value, self.range)
    }
}

impl Error for OptionsError {}

/// Durations as seconds, fractions allowed: what a configuration file says.
#[cfg(feature = "serde")]
mod seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        time.as_secs_f64().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }

    pub(super) mod optional {
        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
            time.map(|time| time.as_secs_f64()).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            let seconds = Option::<f64>::deserialize(from)?;
            seconds
                .map(Duration::try_from_secs_f64)
                .transpose()
                .map_err(D::Error::custom)
        }
    }
}
