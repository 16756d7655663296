//! Family 5 over HTTP: connectors, what is declared, what is live in numbers, and what operators do to it.

use super::auth::{Authority, Header, Scope};
use super::body::typed_json;
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::{Missing, Refusal};
use super::status::{Answer, Shape};
use crate::resource::models::{Bounded, ConnectorChange, ConnectorDefinition, Invalid, Violation};
use crate::resource::registry::{Operation, Registry, ResourceKind};
use axum::Router;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The routes of connectors, of status and of operations, below `/fairpool/v1`.
///
/// A credential is looked for in `Authorization`: an API key as it is, or a token after the word `Bearer`.
///
/// `drain` takes a body, `{"patience": 30}`, in seconds from 1 to 3600; without one it is 30. The answer comes when the drain has ended.
pub fn operations(registry: &Registry, auth: Arc<dyn Authority>, options: RouterOptions) -> Router {
    let operations = Operations(registry.clone());
    Front::new(operations, auth, options).described(&["/fairpool/v1"])
}

pub(crate) struct Operations(Registry);

#[derive(Clone, Copy)]
pub(crate) enum Call {
    List,
    Create,
    Show,
    Change,
    Delete,
    Databases,
    Projects,
    Proxies,
    Statuses,
    Status,
    Operate,
}

static CONNECTORS: [Offer<Call>; 2] = [
    Offer::new(Method::GET, Scope::Read, Call::List),
    Offer::new(Method::POST, Scope::Write, Call::Create),
];
static CONNECTOR: [Offer<Call>; 3] = [
    Offer::new(Method::GET, Scope::Read, Call::Show),
    Offer::new(Method::PUT, Scope::Write, Call::Change),
    Offer::new(Method::DELETE, Scope::Write, Call::Delete),
];
static DATABASES: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Databases)];
static PROJECTS: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Projects)];
static PROXIES: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Proxies)];
static STATUSES: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Statuses)];
static STATUS: [Offer<Call>; 1] = [Offer::new(Method::GET, Scope::Read, Call::Status)];
static OPERATE: [Offer<Call>; 1] = [Offer::new(Method::POST, Scope::Operate, Call::Operate)];

const NAMES: [&str; 5] = ["clear", "drain", "pause", "resume", "invalidate"];

impl Family for Operations {
    type Call = Call;
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<Call>]> {
        let below = path.strip_prefix(&["fairpool", "v1"])?;
        if below.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let is_live = |kind| ResourceKind::live(kind).is_some();
        match below {
            ["connectors"] => Some(&CONNECTORS),
            ["connectors", _] => Some(&CONNECTOR),
            ["databases"] => Some(&DATABASES),
            ["projects"] => Some(&PROJECTS),
            ["projects", _, "apiProxies"] => Some(&PROXIES),
            ["status"] => Some(&STATUSES),
            ["status", kind, _] if is_live(kind) => Some(&STATUS),
            [kind, _, operation] if is_live(kind) && NAMES.contains(operation) => Some(&OPERATE),
            _ => None,
        }
    }

    async fn answer(&self, call: Call, asked: Asked<'_>) -> Result<Answer, Refusal> {
        let Operations(registry) = self;
        let segment = |at: usize| asked.path.get(at).map_or("", |segment| &**segment);
        let kind = |at| ResourceKind::live(segment(at)).ok_or(Refusal::Missing(Missing::Resource));
        let body = || typed_json(&asked.body, &asked.parts.headers);
        match call {
            Call::List => data(registry.connectors()),
            Call::Create => {
                let made = registry
                    .create_connector(ConnectorDefinition::try_from(body()?)?)
                    .await?;
                Ok(Answer::created(&json!({"data": made})))
            }
            Call::Show => data(registry.connector(segment(3))?),
            Call::Change => {
                let known = registry.connector(segment(3))?;
                let change = ConnectorChange::try_from(body()?)?;
                data(registry.change_connector(known.name().as_str(), change).await?)
            }
            Call::Delete => {
                registry.delete_connector(segment(3)).await?;
                Ok(Answer::ok(&json!({"message": "The connector has been deleted."})))
            }
            Call::Databases => data(registry.databases()),
            Call::Projects => {
                let projects = registry.projects().into_iter().map(|name| json!({"name": name}));
                data(projects.collect::<Vec<_>>())
            }
            Call::Proxies => data(registry.api_proxies(segment(3))?),
            Call::Statuses => data(registry.status()),
            Call::Status => data(registry.status_of(kind(3)?, segment(4))?),
            Call::Operate => {
                let (kind, name) = (kind(2)?, segment(3));
                // The resource is judged before the body.
                registry.status_of(kind, name)?;
                let operation = match segment(4) {
                    "clear" => Operation::Clear,
                    "drain" if asked.body.is_empty() => drain(PATIENCE)?,
                    "drain" => patience(&body()?).and_then(drain)?,
                    "pause" => Operation::Pause,
                    "resume" => Operation::Resume,
                    _ => Operation::Invalidate,
                };
                data(registry.operate(kind, name, operation).await?)
            }
        }
    }
}

/// Seconds.
const PATIENCE: u64 = 30;

fn data(data: impl serde::Serialize) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&json!({"data": data})))
}

fn drain(patience: u64) -> Result<Operation, Refusal> {
    let patience = Bounded::<1, 3600>::new(patience).map_err(|violation| Invalid::new("patience", violation))?;
    let patience = Duration::from_secs(patience.value().into());
    Ok(Operation::Drain { patience })
}

/// In seconds. `5.0` is an integer; one that is too large for any is as good as the largest.
fn patience(body: &Value) -> Result<u64, Refusal> {
    let object = body
        .as_object()
        .ok_or_else(|| Invalid::new("body", Violation::NotAnObject))?;
    let seconds = match object.get("patience") {
        None | Some(Value::Null) => return Ok(PATIENCE),
        Some(seconds) => seconds.as_f64().filter(|seconds| seconds.fract() == 0.0),
    };
    let seconds = seconds.ok_or_else(|| Invalid::new("patience", Violation::NotAnInteger))?;
    Ok(seconds as u64)
}
