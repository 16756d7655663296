//! Texts with a length and an alphabet: the names of things.

use super::invalid::Violation;

/// Length in characters, then alphabet. An empty text that must not be empty is too short, not missing.
pub(crate) fn judge(
    text: &str,
    least: usize,
    most: usize,
    alphabet: fn(char) -> bool,
    form: &'static str,
) -> Result<(), Violation> {
    let length = text.chars().count();
    if length < least {
        return Err(Violation::TooShort(least as u64));
    }
    if length > most {
        return Err(Violation::TooLong(most as u64));
    }
    if !text.chars().all(alphabet) {
        return Err(Violation::NotA(form));
    }
    Ok(())
}

/// Names that stand in one line of a log.
pub(crate) fn printable(character: char) -> bool {
    !character.is_control()
}

pub(crate) const PRINTABLE: &str = "free of control characters";

/// A text of its own type: `Name(least..=most, alphabet, "what the alphabet is called")`.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($least:literal ..= $most:literal, $alphabet:expr, $form:expr)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub struct $name(String);

        impl $name {
            /// This text, if it keeps the rules.
            ///
            /// # Errors
            ///
            /// The rule that it breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, $crate::resource::models::Violation> {
                let text = text.into();
                $crate::resource::models::text::judge(&text, $least, $most, $alphabet, $form)?;
                Ok($name(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::resource::models::Violation;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $name::new(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl $crate::resource::models::fields::Field for $name {
            fn parse(value: &serde_json::Value) -> Result<Self, $crate::resource::models::Violation> {
                $name::new(<String as $crate::resource::models::fields::Field>::parse(value)?)
            }
        }

        $crate::resource::models::fields::field_from_outside!($name);
    };
}

pub(crate) use text;
