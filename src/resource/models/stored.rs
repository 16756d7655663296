//! What the store keeps of a model: all of it, secrets in clear.
//!
//! Apart from `Serialize`, so that no answer and no log can get at secrets by serialising a model.

use super::invalid::Invalid;
use serde::Serialize;
use serde_json::Value;

/// A model that the store keeps.
///
/// ```
/// use fairpool::resource::models::{Connection, ConnectionDefinition, Stored};
/// use serde_json::json;
///
/// let posted = json!({"name": "orders", "type": "postgres", "queryHosts": ["db:5432"], "key": "-----BEGIN"});
/// let connection = ConnectionDefinition::try_from(&posted)?.into_connection(None)?;
/// assert_eq!(json!(connection)["key"], "********");
/// assert_eq!(connection.to_store()["key"], "-----BEGIN");
/// assert_eq!(Connection::from_store(&connection.to_store())?, connection);
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
pub trait Stored: Sized {
    /// For the store and nobody else: secrets are in clear.
    fn to_store(&self) -> Value;

    /// What [`to_store`](Self::to_store) wrote.
    ///
    /// # Errors
    ///
    /// The fields that break today's rules: somebody else wrote it, or another version did.
    fn from_store(value: &Value) -> Result<Self, Invalid>;
}

/// A model's own structure as a JSON value.
pub(crate) fn value_of(model: &impl Serialize) -> Value {
    serde_json::to_value(model).expect("bug: a model is an object with texts for keys")
}

/// [`Stored`] for models without secrets, whose answers are all there is to them.
macro_rules! stored_as_shown {
    ($($model:ty),+ $(,)?) => {$(
        impl $crate::resource::models::Stored for $model {
            fn to_store(&self) -> serde_json::Value {
                $crate::resource::models::stored::value_of(self)
            }

            fn from_store(value: &serde_json::Value) -> Result<Self, $crate::resource::models::Invalid> {
                $crate::resource::models::fields::read(value)
            }
        }
    )+};
}

pub(crate) use stored_as_shown;
