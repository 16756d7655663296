//! What a field may be, as OpenAPI says it: asked of the field's type, so that it says what is judged.

use crate::resource::models::{
    Bounded, ConnectionType, Engine, EvictionPolicy, ManagementType, PoolMode, Protocol, Violation,
};
use serde_json::{Value, json};

/// A type of field that knows its own bounds.
pub(crate) trait Schema {
    fn schema() -> Value;
}

impl Schema for bool {
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
}

impl<const LEAST: u32, const MOST: u32> Schema for Bounded<LEAST, MOST> {
    fn schema() -> Value {
        json!({"type": "integer", "minimum": LEAST, "maximum": MOST})
    }
}

impl<T: Schema> Schema for Option<T> {
    fn schema() -> Value {
        T::schema()
    }
}

impl Schema for ManagementType {
    fn schema() -> Value {
        one_of(ManagementType::ALL)
    }
}

impl Schema for ConnectionType {
    fn schema() -> Value {
        one_of(ConnectionType::ALL)
    }
}

impl Schema for Protocol {
    fn schema() -> Value {
        one_of(Protocol::ALL)
    }
}

impl Schema for PoolMode {
    fn schema() -> Value {
        one_of(PoolMode::ALL)
    }
}

impl Schema for EvictionPolicy {
    fn schema() -> Value {
        one_of(EvictionPolicy::ALL)
    }
}

impl Schema for Engine {
    fn schema() -> Value {
        one_of(Engine::ALL)
    }
}

/// The type that a getter returns.
pub(crate) fn got<M, T: Schema>(_getter: fn(&M) -> T) -> Value {
    T::schema()
}

/// The type that a setter takes.
pub(crate) fn set<M, T: Schema, R>(_setter: fn(M, T) -> R) -> Value {
    T::schema()
}

/// A text with the bounds by which a constructor refuses.
pub(crate) fn named<T>(new: fn(String) -> Result<T, Violation>) -> Value {
    let mut schema = text();
    if let Err(Violation::TooShort(least)) = new(String::new()) {
        schema["minLength"] = least.into();
    }
    if let Err(Violation::TooLong(most)) = new("n".repeat(LONGER)) {
        schema["maxLength"] = most.into();
    }
    schema
}

/// Than any name may be.
const LONGER: usize = 100_000;

/// Any text.
pub(crate) fn text() -> Value {
    json!({"type": "string"})
}

/// A list of these.
pub(crate) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// One of the document's schemas.
pub(crate) fn named_schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object with these fields, of which some are always there.
pub(crate) fn object<'a>(required: &[&str], fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    let mut object = json!({"type": "object", "properties": fields.collect::<serde_json::Map<_, _>>()});
    // An empty list is not allowed there.
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// The same, or `null`.
pub(crate) fn or_null(mut schema: Value) -> Value {
    schema["nullable"] = true.into();
    schema
}

fn one_of(all: &[impl serde::Serialize]) -> Value {
    json!({"type": "string", "enum": all})
}
