//! A JSON object, read field by field: whatever is wrong with it is noted, so that one refusal names it all.
//!
//! Each reader gives `None` when it has noted something; a model is built when none did.

use super::invalid::{Invalid, Violation};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A kind of field: how it is read from a value that is there and, unless it says otherwise, not `null`.
pub(crate) trait Field: Sized {
    fn parse(value: &Value) -> Result<Self, Violation>;
}

/// What is read from an object.
pub(crate) trait Read: Sized {
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
}

pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    faults: Vec<(Cow<'static, str>, Violation)>,
}

/// Reads a whole model.
pub(crate) fn read<T: Read>(value: &Value) -> Result<T, Invalid> {
    let object = value
        .as_object()
        .ok_or_else(|| Invalid::new("body", Violation::NotAnObject))?;
    let mut fields = Fields {
        object,
        faults: Vec::new(),
    };
    let built = T::read(&mut fields);
    match (Invalid::of(fields.faults), built) {
        (None, Some(model)) => Ok(model),
        (Some(invalid), _) => Err(invalid),
        (None, None) => panic!("bug: a model was refused without a reason"),
    }
}

impl Fields<'_> {
    /// It has to be there; `null` is as good as missing.
    pub(crate) fn required<T: Field>(&mut self, name: &'static str) -> Option<T> {
        match self.value(name) {
            None | Some(Value::Null) => self.refuse(name, Violation::Required),
            Some(value) => self.parsed(name, T::parse(value)),
        }
    }

    /// It may be missing, or `null`, which is the same.
    pub(crate) fn optional<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.parsed(name, T::parse(value)).map(Some),
        }
    }

    /// It may be missing; if it is there, `null` is a value of the wrong kind.
    pub(crate) fn given<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.parsed(name, T::parse(value)).map(Some),
        }
    }

    /// It may be missing; if it is there, `null` is refused by that name.
    pub(crate) fn not_null<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            Some(Value::Null) => self.refuse(name, Violation::Null),
            _ => self.given(name),
        }
    }

    /// Missing leaves it as it is, `null` takes it away.
    pub(crate) fn removable<T: Field>(&mut self, name: &'static str) -> Option<Option<Option<T>>> {
        match self.value(name) {
            None => Some(None),
            Some(Value::Null) => Some(Some(None)),
            Some(value) => self.parsed(name, T::parse(value)).map(|value| Some(Some(value))),
        }
    }

    /// As it came; `null` is as good as missing.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.object.get(name)
    }

    /// Whether it came with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !value.is_null())
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse<T>(&mut self, name: impl Into<Cow<'static, str>>, violation: Violation) -> Option<T> {
        self.faults.push((name.into(), violation));
        None
    }

    /// Takes the value, or notes why there is none.
    pub(crate) fn parsed<T>(&mut self, name: impl Into<Cow<'static, str>>, result: Result<T, Violation>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(violation) => self.refuse(name, violation),
        }
    }
}

impl Field for bool {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_bool().ok_or(Violation::NotABoolean)
    }
}

impl Field for String {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_str().map(str::to_owned).ok_or(Violation::NotAString)
    }
}

/// The ways in of a model that is read from an object: `TryFrom` for JSON, `Deserialize` for files, both by [`read`].
macro_rules! from_outside {
    ($($model:ty),+ $(,)?) => {$(
        impl TryFrom<&serde_json::Value> for $model {
            type Error = $crate::resource::models::Invalid;

            fn try_from(value: &serde_json::Value) -> Result<Self, Self::Error> {
                $crate::resource::models::fields::read(value)
            }
        }

        impl TryFrom<serde_json::Value> for $model {
            type Error = $crate::resource::models::Invalid;

            fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
                $crate::resource::models::fields::read(&value)
            }
        }

        impl<'de> serde::Deserialize<'de> for $model {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                $crate::resource::models::fields::read(&value).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

/// `Deserialize` for a kind of field, by the rules by which it is read inside a model.
macro_rules! field_from_outside {
    ($field:ty $(where $($generics:tt)*)?) => {
        impl<'de $(, $($generics)*)?> serde::Deserialize<'de> for $field {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                $crate::resource::models::fields::Field::parse(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {field_from_outside, from_outside};
