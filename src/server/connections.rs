//! Family 4: named connections over HTTP. A connection is shown without secrets; a masked one that comes back keeps the stored one.

use super::auth::{Authority, Header, Scope};
use super::body::json;
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::path::pairs;
use super::refusal::{Missing, Refusal};
use super::status::{Answer, Shape};
use crate::resource::models::{ConnectionDefinition, Invalid, Violation};
use crate::resource::registry::Registry;
use axum::Router;
use axum::http::Method;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// The routes of named connections, below `/api/v1/connections`.
///
/// A credential is looked for in `x-imply-api-token`. With `?pretty` answers are indented.
pub fn connections(registry: &Registry, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    let connections = Connections(registry.clone());
    Front::new(connections, auth, options).described(&["/api/v1/connections"])
}

pub(crate) struct Connections(Registry);

#[derive(Clone, Copy)]
pub(crate) enum Call {
    List,
    Put,
    Show,
    Delete,
}

static ALL: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::List),
    Offer::new(Method::POST, Scope::Write, Call::Put),
];
static ONE: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::Show),
    Offer::new(Method::DELETE, Scope::Write, Call::Delete),
];

impl Family for Connections {
    type Call = Call;
    const SHAPE: Shape = Shape::Error;
    const HEADER: Header = Header::Own("x-imply-api-token");

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        match path {
            ["api", "v1", "connections"] => Some(&ALL),
            ["api", "v1", "connections", name] if !name.is_empty() => Some(&ONE),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, asked: Asked<'_>) -> Result<Answer, Refusal> {
        let Connections(registry) = self;
        match call {
            Call::List => Ok(answer(
                &asked,
                &registry.connections().iter().map(|one| &**one).collect::<Vec<_>>(),
            )),
            Call::Put => {
                let body = json(&asked.body)?;
                let object = body
                    .as_object()
                    .ok_or_else(|| Invalid::new("body", Violation::NotAnObject))?;
                let posted = object.get("connection");
                let posted = posted.ok_or_else(|| Invalid::new("connection", Violation::Required))?;
                if !posted.is_object() {
                    return Err(Invalid::new("connection", Violation::NotAnObject).into());
                }
                let stored = registry.put_connection(ConnectionDefinition::try_from(posted)?).await?;
                Ok(answer(&asked, &json!({"connection": *stored})))
            }
            Call::Show => Ok(answer(&asked, &*registry.connection(name(&asked)?)?)),
            Call::Delete => {
                registry.delete_connection(name(&asked)?).await?;
                Ok(answer(&asked, &json!({})))
            }
        }
    }
}

fn name<'a>(asked: &'a Asked<'_>) -> Result<&'a str, Refusal> {
    let name = asked.path.get(3).ok_or(Refusal::Missing(Missing::Resource))?;
    Ok(name)
}

fn answer(asked: &Asked<'_>, body: &impl Serialize) -> Answer {
    if pairs(&asked.parts.uri).any(|(name, _)| name == "pretty") {
        return Answer::pretty(body);
    }
    Answer::ok(body)
}
