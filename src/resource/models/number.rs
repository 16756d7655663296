//! Integers with a least and a most.
//!
//! A number is judged as JSON gives it: one without a fraction is an integer, however it is written, and one that is too
//! large for any machine word is too large for the field.

use super::fields::{Field, field_from_outside};
use super::invalid::Violation;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// An integer from `LEAST` to `MOST`.
///
/// ```
/// use fairpool::resource::models::{Bounded, PoolSize, Violation};
///
/// assert_eq!(PoolSize::new(20)?.value(), 20);
/// assert_eq!(PoolSize::new(65_537), Err(Violation::AtMost(65_536)));
/// assert_eq!(Bounded::<1, 300>::new(0), Err(Violation::AtLeast(1)));
/// # Ok::<(), Violation>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Bounded<const LEAST: u32, const MOST: u32>(u32);

/// Any number that 32 bits hold: retries.
pub type Count = Bounded<0, { u32::MAX }>;
/// A time in milliseconds, where 0 means none.
pub type Milliseconds = Bounded<0, { u32::MAX }>;
/// How many connections a pool may hold: 1 to 65,536.
pub type PoolSize = Bounded<1, 65_536>;
/// A time in seconds, from 1.
pub type Seconds = Bounded<1, { u32::MAX }>;

impl<const LEAST: u32, const MOST: u32> Bounded<LEAST, MOST> {
    /// This number, if it is within the bounds.
    ///
    /// # Errors
    ///
    /// [`Violation::AtLeast`] or [`Violation::AtMost`], with the bound.
    pub const fn new(value: u64) -> Result<Self, Violation> {
        if value < LEAST as u64 {
            return Err(Violation::AtLeast(LEAST as u64));
        }
        if value > MOST as u64 {
            return Err(Violation::AtMost(MOST as u64));
        }
        Ok(Bounded(value as u32))
    }

    /// A number of the documents that is known to be within the bounds; anything else does not compile.
    pub(crate) const fn known<const VALUE: u32>() -> Self {
        const { assert!(LEAST <= VALUE && VALUE <= MOST, "bug: a default is within its bounds") };
        Bounded(VALUE)
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// As a time in seconds.
    pub const fn as_seconds(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }

    /// As a time in milliseconds, where 0 means none.
    pub fn as_milliseconds(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_millis(self.0.into()))
    }
}

impl<const LEAST: u32, const MOST: u32> TryFrom<u64> for Bounded<LEAST, MOST> {
    type Error = Violation;

    fn try_from(value: u64) -> Result<Self, Violation> {
        Bounded::new(value)
    }
}

impl<const LEAST: u32, const MOST: u32> fmt::Display for Bounded<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const LEAST: u32, const MOST: u32> Field for Bounded<LEAST, MOST> {
    fn parse(value: &Value) -> Result<Self, Violation> {
        Bounded::new(integer(value, LEAST.into())?)
    }
}

field_from_outside!(Bounded<LEAST, MOST> where const LEAST: u32, const MOST: u32);

/// A number without a fraction; one that is too large for 64 bits becomes the largest of them.
pub(crate) fn integer(value: &Value, least: u64) -> Result<u64, Violation> {
    let Value::Number(number) = value else {
        return Err(Violation::NotAnInteger);
    };
    if let Some(word) = number.as_u64() {
        return Ok(word);
    }
    // Negative, or a float; from 2^53 on, every float is without a fraction.
    let float = number.as_f64().ok_or(Violation::NotAnInteger)?;
    match float {
        _ if float.fract() != 0.0 => Err(Violation::NotAnInteger),
        _ if float < 0.0 => Err(Violation::AtLeast(least)),
        // The cast stops at the largest word.
        _ => Ok(float as u64),
    }
}

/// A number by which a kind of resource is found: a positive integer of 63 bits, as databases have it.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub struct $name(u64);

        impl $name {
            /// This id.
            ///
            /// # Errors
            ///
            /// It is 0, or too large for 63 bits.
            pub const fn new(id: u64) -> Result<Self, $crate::resource::models::Violation> {
                use $crate::resource::models::Violation;
                match id {
                    0 => Err(Violation::AtLeast(1)),
                    1..=$crate::resource::models::number::LARGEST_ID => Ok($name(id)),
                    _ => Err(Violation::AtMost($crate::resource::models::number::LARGEST_ID)),
                }
            }

            /// The number.
            pub const fn value(self) -> u64 {
                self.0
            }
        }

        /// From a path: digits only, without a leading zero, so that a resource has one address.
        impl std::str::FromStr for $name {
            type Err = $crate::resource::models::Violation;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                use $crate::resource::models::{Violation, number::LARGEST_ID};
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Violation::NotAnInteger);
                }
                if text.starts_with('0') {
                    return Err(Violation::AtLeast(1));
                }
                $name::new(text.parse().map_err(|_| Violation::AtMost(LARGEST_ID))?)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $crate::resource::models::fields::Field for $name {
            fn parse(value: &serde_json::Value) -> Result<Self, $crate::resource::models::Violation> {
                $name::new($crate::resource::models::number::integer(value, 1)?)
            }
        }

        $crate::resource::models::fields::field_from_outside!($name);
    };
}

pub(crate) use id;

pub(crate) const LARGEST_ID: u64 = i64::MAX as u64;
