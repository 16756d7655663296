//! An OpenAPI document for each family, made of the very offers, types and rules by which requests are judged.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what a family says of itself ([`Described`]), and the document that comes of it |
//! | `schema.rs` | what a field may be, asked of its type |
//! | `pools.rs`, `databases.rs`, `settings.rs`, `connections.rs`, `operations.rs` | the families |
//!
//! The document of a family is at `/openapi/` and its name, open to everybody: it tells nothing about what a registry holds.

mod connections;
mod databases;
mod operations;
mod pools;
mod schema;
mod settings;

use super::auth::{Header, Scope};
use super::front::{Asked, Family, Front, Offer};
use super::options::RouterOptions;
use super::refusal::Refusal;
use super::status::{Answer, Shape};
use axum::Router;
use axum::http::Method;
use schema::{object, text};
use serde_json::{Map, Value, json};

/// What a family says of itself beyond what it offers.
pub(crate) trait Described: Family {
    /// The document's: `/openapi/NAME.json`.
    const NAME: &'static str;
    /// What it is called.
    const TITLE: &'static str;
    /// Every path, with names in braces. What can be asked there says the family.
    const PATHS: &'static [&'static str];
    /// Whether every answer says how many requests are left.
    const IS_COUNTED: bool = false;

    /// What a call is, takes and answers.
    fn describe(call: Self::Call) -> Description;

    /// The schemas to which descriptions refer.
    fn schemas() -> Value;
}

/// A call, described.
pub(crate) struct Description {
    summary: &'static str,
    /// The parameters of its query.
    query: Vec<Value>,
    /// The schema of its body, and whether there must be one.
    body: Option<(Value, bool)>,
    /// The status of success, with the schema of its body; 204 has none.
    answer: (u16, Value),
    /// How it can be refused besides what all calls share.
    refusals: &'static [u16],
}

/// The route of a family's document.
pub(crate) fn route<F: Described>(family: &F, options: RouterOptions) -> Router {
    let text = document(family).to_string().into_bytes();
    let path = format!("/openapi/{}.json", F::NAME);
    Front::open(Served { name: F::NAME, text }, options).router(&[&path])
}

/// The family's document.
pub(crate) fn document<F: Described>(family: &F) -> Value {
    let mut paths = Map::new();
    for path in F::PATHS {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let offers = family
            .offers(&segments)
            .expect("bug: a described path is one of the family's");
        let operations = offers.iter().map(|offer| {
            let method = offer.method().as_str().to_ascii_lowercase();
            let operation = operation::<F>(path, &segments, &method, offer.scope(), F::describe(offer.call()));
            (method, operation)
        });
        paths.insert((*path).to_owned(), operations.collect());
    }
    let mut schemas = F::schemas();
    schemas["Refusal"] = refusal(F::SHAPE);
    let (names, schemes) = security(F::HEADER);
    let mut components = json!({"schemas": schemas, "securitySchemes": schemes});
    if F::IS_COUNTED {
        components["headers"] = headers(|(name, description)| {
            let header = json!({"description": description, "schema": {"type": "integer"}});
            (name.to_owned(), header)
        });
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": F::TITLE, "version": env!("CARGO_PKG_VERSION")},
        "servers": [{"url": "/"}],
        "security": names,
        "paths": paths,
        "components": components,
    })
}

/// What every answer of a counted family bears.
const HEADERS: [(&str, &str); 3] = [
    (
        "ratelimit-limit",
        "How many requests may be made in an hour, or in the minute that is used up",
    ),
    ("ratelimit-remaining", "How many of them are left"),
    ("ratelimit-reset", "When they begin anew, in seconds since 1970"),
];

fn headers(each: impl Fn((&str, &str)) -> (String, Value)) -> Value {
    HEADERS.into_iter().map(each).collect::<Map<_, _>>().into()
}

fn operation<F: Described>(path: &str, segments: &[&str], method: &str, scope: Scope, said: Description) -> Value {
    let named = segments
        .iter()
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = named
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let (in_path, in_query) = (parameters.len(), said.query.len());
    parameters.extend(said.query);

    let mut statuses = vec![401, 403, 429, 500, 503];
    statuses.extend(said.refusals);
    if in_path > 0 {
        statuses.push(404);
    }
    if in_query > 0 || said.body.is_some() {
        statuses.push(if F::SHAPE == Shape::Message { 422 } else { 400 });
    }
    if said.body.is_some() {
        statuses.extend([408, 413]);
    }
    let refusals = statuses.into_iter().map(|status| {
        let schema = json!({"$ref": "#/components/schemas/Refusal"});
        let content = json!({"application/json": {"schema": schema}});
        (
            status.to_string(),
            json!({"description": meaning(status), "content": content}),
        )
    });
    let mut responses: Map<String, Value> = refusals.collect();
    let (status, schema) = said.answer;
    let mut success = json!({"description": "Done"});
    if status != 204 {
        success["content"] = json!({"application/json": {"schema": schema}});
    }
    responses.insert(status.to_string(), success);
    if F::IS_COUNTED {
        for (status, response) in &mut responses {
            response["headers"] = headers(|(name, _)| {
                let reference = json!({"$ref": format!("#/components/headers/{name}")});
                (name.to_owned(), reference)
            });
            if status == "429" {
                let seconds = json!({"description": "In how many seconds", "schema": {"type": "integer"}});
                response["headers"]["retry-after"] = seconds;
            }
        }
    }

    let id = format!("{method}{}", path.replace(['/', '{', '}', '-'], "_"));
    let mut operation = json!({
        "operationId": id,
        "summary": said.summary,
        "description": format!("Scope: {}.", scope.name()),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some((schema, required)) = said.body {
        let content = json!({"application/json": {"schema": schema}});
        operation["requestBody"] = json!({"required": required, "content": content});
    }
    operation
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request breaks rules",
        401 => "No credential, or a wrong one",
        403 => "The credential lacks the scope",
        404 => "There is none",
        408 => "The body did not arrive in time",
        409 => "It is fixed, in use, or not back yet",
        413 => "The body is too large",
        422 => "The request breaks rules, or nothing here can do what it asks",
        429 => "Too many requests",
        503 => "A backend does not answer",
        _ => "Server error",
    }
}

fn refusal(shape: Shape) -> Value {
    let texts = |names: &[&str]| object(names, names.iter().map(|name| (*name, text())));
    match shape {
        Shape::Message => {
            let lists = json!({"type": "object", "additionalProperties": {"type": "array", "items": text()}});
            object(&["message"], [("message", text()), ("errors", lists)])
        }
        Shape::Id => texts(&["id", "message", "request_id"]),
        Shape::Description => texts(&["error", "error_description"]),
        Shape::Error => texts(&["error"]),
    }
}

/// The schemes of which any one will do, and what they are.
fn security(header: Header) -> (Value, Value) {
    let key = |name: &str| json!({"type": "apiKey", "in": "header", "name": name});
    let bearer = json!({"type": "http", "scheme": "bearer", "bearerFormat": "an API key or a JWT"});
    match header {
        Header::KeyOrBearer => (
            json!([{"ApiKeyAuth": []}, {"BearerAuth": []}]),
            json!({"ApiKeyAuth": key("Authorization"), "BearerAuth": bearer}),
        ),
        Header::Bearer => (json!([{"BearerAuth": []}]), json!({"BearerAuth": bearer})),
        Header::Own(name) => (json!([{"ApiKeyAuth": []}]), json!({"ApiKeyAuth": key(name)})),
    }
}

struct Served {
    name: &'static str,
    text: Vec<u8>,
}

static ONE: [Offer<()>; 1] = [Offer::new(Method::GET, Scope::Read, ())];

impl Family for Served {
    type Call = ();
    const SHAPE: Shape = Shape::Message;
    const HEADER: Header = Header::KeyOrBearer;

    fn offers(&self, path: &[&str]) -> Option<&'static [Offer<()>]> {
        let ["openapi", file] = path else { return None };
        (file.strip_suffix(".json") == Some(self.name)).then_some(&ONE)
    }

    async fn answer(&self, (): (), _asked: Asked<'_>) -> Result<Answer, Refusal> {
        Ok(Answer::Ok(self.text.clone()))
    }
}
