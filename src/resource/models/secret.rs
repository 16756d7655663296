//! Texts that are written and never read back: passwords, keys, passphrases.
//!
//! Promises: neither `Debug`, `Display` nor `Serialize` shows one, and its memory is overwritten when it is dropped. It
//! does not know the copies that a JSON parser made before it came here.

use super::fields::Field;
use super::invalid::Violation;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use zeroize::Zeroizing;

/// A text that shows itself as [`MASK`](Secret::MASK).
///
/// ```
/// use fairpool::resource::models::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?} {secret}"), "******** ********");
/// assert_eq!(serde_json::to_string(&secret)?, r#""********""#);
/// assert_eq!(secret.reveal(), "hunter2");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// What answers show instead.
    pub const MASK: &'static str = "********";

    /// Keeps a text to itself.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The text, for whoever opens the connection.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is what an answer showed, sent back.
    pub fn is_mask(&self) -> bool {
        *self.0 == Self::MASK
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Self::MASK)
    }
}

impl Field for Secret {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_str().map(Secret::new).ok_or(Violation::NotAString)
    }
}
