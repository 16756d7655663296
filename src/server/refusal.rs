//! Why a request is refused, in no family's words yet: `status.rs` finds those.
//!
//! The order of the variants is the order of judgement. Nothing here holds a credential or a body.

use crate::resource::models::{Invalid, Violation};
use crate::resource::registry::RegistryError;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Nothing is at this path.
    Path,
    /// The path takes other methods: these.
    Method(Allow),
    /// No credential, a wrong one, or two.
    Credential,
    /// This holder's requests of this hour or minute are used up; again in so many seconds.
    Rate(u64),
    /// The credential's scopes do not cover the call.
    Scope,
    /// The body is longer than allowed.
    TooLarge,
    /// The body did not come in time, or not whole.
    TooSlow,
    /// What the path names does not exist.
    Missing(Missing),
    /// The body is not of the type that the family demands.
    ContentType,
    /// The body is no JSON.
    Json,
    /// The body or the query breaks rules.
    Invalid(Invalid),
    /// It contradicts what is there: fixed by the configuration file, or in use. What to say; it quotes no secret.
    Conflict(Cow<'static, str>),
    /// Its type has no driver here. What to say.
    NoDriver(Cow<'static, str>),
    /// Nothing here can do this. What to say.
    Unsupported(Cow<'static, str>),
    /// A backend or an engine does not answer. Why, for the journal only.
    Unavailable(String),
    /// Too many changes wait for the store. For the journal only.
    Crowded(String),
    /// The store failed, or something else that is not the client's doing. For the journal only.
    Failed(Arc<dyn Error + Send + Sync>),
    /// A handler panicked.
    Panicked,
}

/// What was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Something of which the document says no more.
    Resource,
    /// An API proxy of this name.
    Proxy(String),
    /// A project of this name.
    Project(String),
}

/// The methods of a path, as the header `Allow` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allow(pub(crate) String);

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Refusal::Invalid(invalid)
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NotFound { .. } => Refusal::Missing(Missing::Resource),
            RegistryError::Invalid(invalid) => Refusal::Invalid(invalid),
            RegistryError::Taken { .. } => Refusal::Invalid(Invalid::new("name", Violation::Taken)),
            RegistryError::Fixed { .. } | RegistryError::InUse { .. } | RegistryError::StillOut { .. } => {
                Refusal::Conflict(error.to_string().into())
            }
            RegistryError::NoDriver(_) => Refusal::NoDriver(error.to_string().into()),
            RegistryError::Unsupported(reason) => Refusal::Unsupported(reason.into()),
            RegistryError::Unavailable(reason) => Refusal::Unavailable(reason),
            RegistryError::Crowded { .. } => Refusal::Crowded(error.to_string()),
            error => Refusal::Failed(Arc::new(error)),
        }
    }
}

impl Refusal {
    /// Whether somebody has to look into it: what is to be said in the journal.
    pub(crate) fn cause(&self) -> Option<String> {
        match self {
            Refusal::Unavailable(reason) | Refusal::Crowded(reason) => Some(reason.clone()),
            Refusal::Failed(error) => Some(error.to_string()),
            Refusal::Panicked => Some("a handler panicked".to_owned()),
            _ => None,
        }
    }
}
