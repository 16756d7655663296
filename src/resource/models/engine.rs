//! Settings of a managed database's engine: an eviction policy, SQL modes, a version to move to.
//!
//! Each is a body of one field, and each can be sent to its engine as it stands: nothing in it needs quoting.

use super::choice::choice;
use super::fields::{Field, Fields, Read, field_from_outside};
use super::invalid::{Invalid, Violation};
use super::text::text;
use serde_json::{Value, json};
use std::error::Error;
use std::fmt;
use std::str::FromStr;

choice! {
    /// What Redis does when its memory is full; with underscores in the document, with hyphens in Redis.
    EvictionPolicy {
        /// Writes are refused.
        NoEviction = "noeviction",
        /// The key that was used longest ago goes.
        AllKeysLru = "allkeys_lru",
        /// Any key goes.
        AllKeysRandom = "allkeys_random",
        /// As `allkeys_lru`, of the keys that expire.
        VolatileLru = "volatile_lru",
        /// As `allkeys_random`, of the keys that expire.
        VolatileRandom = "volatile_random",
        /// The key that expires soonest goes.
        VolatileTtl = "volatile_ttl",
    }
}

/// A server's policy that the document does not list, such as `allkeys-lfu`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlistedPolicy(String);

/// The SQL modes of a MySQL or MariaDB server, in the order in which they were given; none is a choice too.
///
/// ```
/// use fairpool::resource::models::SqlMode;
///
/// let modes: SqlMode = "ansi, STRICT_TRANS_TABLES".parse()?;
/// assert_eq!(modes.to_string(), "ANSI,STRICT_TRANS_TABLES");
/// assert_eq!(modes.modes().count(), 2);
/// assert!("ANSI'; DROP TABLE orders".parse::<SqlMode>().is_err());
/// # Ok::<(), fairpool::resource::models::Violation>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SqlMode(String);

text! {
    /// The version to which a database moves: `16`, `8.0`.
    EngineVersion(1..=32, |c: char| c.is_ascii_digit() || c == '.', "digits and dots")
}

const MODES: &str = "SQL modes separated by commas";

impl EvictionPolicy {
    /// As Redis spells it in `maxmemory-policy`.
    ///
    /// ```
    /// use fairpool::resource::models::EvictionPolicy;
    ///
    /// assert_eq!(EvictionPolicy::AllKeysLru.as_redis(), "allkeys-lru");
    /// assert_eq!(EvictionPolicy::from_redis("volatile-ttl"), Ok(EvictionPolicy::VolatileTtl));
    /// let unlisted = EvictionPolicy::from_redis("allkeys-lfu").unwrap_err();
    /// assert_eq!(unlisted.to_string(), "the server's eviction policy is allkeys-lfu, which is not supported");
    /// ```
    pub fn as_redis(self) -> &'static str {
        match self {
            EvictionPolicy::NoEviction => "noeviction",
            EvictionPolicy::AllKeysLru => "allkeys-lru",
            EvictionPolicy::AllKeysRandom => "allkeys-random",
            EvictionPolicy::VolatileLru => "volatile-lru",
            EvictionPolicy::VolatileRandom => "volatile-random",
            EvictionPolicy::VolatileTtl => "volatile-ttl",
        }
    }

    /// From what Redis says of `maxmemory-policy`.
    ///
    /// # Errors
    ///
    /// The document does not list it.
    pub fn from_redis(text: &str) -> Result<Self, UnlistedPolicy> {
        let all = EvictionPolicy::ALL.iter().copied();
        let found = all.into_iter().find(|policy| policy.as_redis() == text);
        found.ok_or_else(|| UnlistedPolicy(text.to_owned()))
    }
}

impl SqlMode {
    /// The modes, in order.
    pub fn modes(&self) -> impl Iterator<Item = &str> {
        self.0.split(',').filter(|mode| !mode.is_empty())
    }

    /// The modes with commas between them, as the server takes and gives them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EngineVersion {
    /// What stands before the first dot.
    ///
    /// ```
    /// use fairpool::resource::models::EngineVersion;
    /// assert_eq!(EngineVersion::new("16.4")?.major(), "16");
    /// # Ok::<(), fairpool::resource::models::Violation>(())
    /// ```
    pub fn major(&self) -> &str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}

/// In upper case, as servers show them; spaces around a comma do not count.
impl FromStr for SqlMode {
    type Err = Violation;

    fn from_str(text: &str) -> Result<Self, Violation> {
        if text.trim().is_empty() {
            return Ok(SqlMode::default());
        }
        let modes: Vec<String> = text.split(',').map(|mode| mode.trim().to_ascii_uppercase()).collect();
        if modes.iter().all(|mode| is_identifier(mode)) {
            Ok(SqlMode(modes.join(",")))
        } else {
            Err(Violation::NotA(MODES))
        }
    }
}

impl fmt::Display for SqlMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Field for SqlMode {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_str().ok_or(Violation::NotAString)?.parse()
    }
}

field_from_outside!(SqlMode);

/// The way in and out of a setting that is a body of one field.
macro_rules! body {
    ($($setting:ty = $field:literal),+ $(,)?) => {$(
        impl $setting {
            /// The body's field.
            pub const FIELD: &'static str = $field;

            /// From a body of this one field.
            ///
            /// # Errors
            ///
            /// The field is missing or breaks its rule.
            pub fn from_body(body: &Value) -> Result<Self, Invalid> {
                super::fields::read::<Body<$setting>>(body).map(|Body(setting)| setting)
            }

            /// The body of this one field.
            pub fn to_body(&self) -> Value {
                json!({ $field: self.as_str() })
            }
        }

        impl Read for Body<$setting> {
            fn read(fields: &mut Fields<'_>) -> Option<Self> {
                fields.required($field).map(Body)
            }
        }
    )+};
}

struct Body<T>(T);

body! {
    EvictionPolicy = "eviction_policy",
    SqlMode = "sql_mode",
    EngineVersion = "version",
}

/// A letter, then letters, digits and underscores: nothing that means anything to a server's parser.
fn is_identifier(mode: &str) -> bool {
    mode.starts_with(|c: char| c.is_ascii_alphabetic())
        && mode.len() <= 64
        && mode.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Display for UnlistedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's eviction policy is {}, which is not supported", self.0)
    }
}

impl Error for UnlistedPolicy {}
