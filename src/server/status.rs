//! The one place where an answer gets its status: every refusal in the words of every family, and what success is called.
//!
//! | refusal | families 1 and 5 | 2 | 3 | 4 |
//! |---|---|---|---|---|
//! | unknown path, nothing there | 404 | 404 `not_found` | 404 `not_found` | 404 |
//! | method, with `Allow` | 405 | 405 `method_not_allowed` | 405 `method_not_allowed` | 405 |
//! | no or wrong credential | 401 | 401 `unauthorized` | 401 `unauthorized_client` | 401 |
//! | rate | 429 | 429 `too_many_requests` | 429 `too_many_requests` | 429 |
//! | scope | 403 | 403 `forbidden` | 403 `forbidden` | 403 |
//! | body too large | 413 | 413 `request_too_large` | 413 `request_too_large` | 413 |
//! | body too slow | 408 | 408 `request_timeout` | 408 `request_timeout` | 408 |
//! | content type, JSON | 422 | 400 `bad_request` | 400 `bad_request` | 400 |
//! | rules | 422 | 422 `unprocessable_entity` | 400 `bad_request` | 400 |
//! | fixed, in use, still out | 409 | 422 `unprocessable_entity` | 400 `bad_request` | 400 |
//! | no driver for its type | 422 | 422 `unprocessable_entity` | 422 `unprocessable_entity` | 422 |
//! | nothing can do it | 422 | 422 `unprocessable_entity` | 400 `bad_request` | 400 |
//! | backend silent | 503 | 503 `service_unavailable` | 503 `service_unavailable` | 503 |
//! | store slow | 503 | 503 `service_unavailable` | 503 `service_unavailable` | 503 |
//! | store, panic | 500 | 500 `server_error` | 500 `server_error` | 500 |

use super::refusal::{Allow, Missing, Refusal};
use crate::resource::models::{Invalid, Violation};
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// In which shape a family says that it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Families 1 and 5: `{message, errors?}`.
    Message,
    /// Family 2: `{id, message, request_id}`.
    Id,
    /// Family 3: `{error, error_description}`.
    Description,
    /// Family 4: `{error}`.
    Error,
}

/// What a call answers that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 200, with JSON.
    Ok(Vec<u8>),
    /// 201, with JSON.
    Created(Vec<u8>),
    /// 204, without a body.
    NoContent,
    /// 200, with text that is no JSON, of this type.
    #[cfg(feature = "prometheus")]
    Text(&'static str, String),
    /// 503: not ready, with JSON.
    NotReady(Vec<u8>),
}

impl Answer {
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Answer::Ok(json(body))
    }

    /// The same, indented for people.
    pub(crate) fn pretty(body: &impl Serialize) -> Self {
        let mut text = serde_json::to_vec_pretty(body).expect("bug: an answer has texts for keys");
        text.push(b'\n');
        Answer::Ok(text)
    }

    pub(crate) fn created(body: &impl Serialize) -> Self {
        Answer::Created(json(body))
    }

    pub(crate) fn not_ready(body: &impl Serialize) -> Self {
        Answer::NotReady(json(body))
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        match self {
            Answer::Ok(body) => response(StatusCode::OK, body),
            Answer::Created(body) => response(StatusCode::CREATED, body),
            Answer::NotReady(body) => response(StatusCode::SERVICE_UNAVAILABLE, body),
            Answer::NoContent => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            #[cfg(feature = "prometheus")]
            Answer::Text(kind, text) => {
                let mut response = response(StatusCode::OK, text.into_bytes());
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                response
            }
        }
    }
}

/// A refusal as a family says it. `request` is the id under which the journal has it.
pub(crate) fn refused(shape: Shape, refusal: &Refusal, request: &HeaderValue) -> Response<Body> {
    let status = status(shape, refusal);
    let body = match shape {
        Shape::Message => message(refusal),
        Shape::Id => json!({
            "id": word(status),
            "message": sentence(shape, refusal),
            "request_id": request.to_str().unwrap_or_default(),
        }),
        Shape::Description => json!({"error": description_word(status), "error_description": sentence(shape, refusal)}),
        Shape::Error => json!({"error": sentence(shape, refusal)}),
    };
    let mut response = response(status, json(&body));
    let headers = response.headers_mut();
    match refusal {
        Refusal::Method(Allow(methods)) => {
            let methods = HeaderValue::from_str(methods).expect("bug: methods are tokens");
            headers.insert(ALLOW, methods);
        }
        Refusal::Credential if shape != Shape::Error => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Refusal::Rate(seconds) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        Refusal::Crowded(_) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(1));
        }
        // What is left of the body would be taken for the next request.
        Refusal::TooLarge | Refusal::TooSlow => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}

fn status(shape: Shape, refusal: &Refusal) -> StatusCode {
    match (refusal, shape) {
        (Refusal::Path | Refusal::Missing(_), _) => StatusCode::NOT_FOUND,
        (Refusal::Method(_), _) => StatusCode::METHOD_NOT_ALLOWED,
        (Refusal::Credential, _) => StatusCode::UNAUTHORIZED,
        (Refusal::Rate(_), _) => StatusCode::TOO_MANY_REQUESTS,
        (Refusal::Scope, _) => StatusCode::FORBIDDEN,
        (Refusal::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
        (Refusal::TooSlow, _) => StatusCode::REQUEST_TIMEOUT,
        (Refusal::ContentType | Refusal::Json, Shape::Message) => StatusCode::UNPROCESSABLE_ENTITY,
        (Refusal::ContentType | Refusal::Json, _) => StatusCode::BAD_REQUEST,
        (Refusal::NoDriver(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Refusal::Invalid(_) | Refusal::Unsupported(_), Shape::Message | Shape::Id) => StatusCode::UNPROCESSABLE_ENTITY,
        (Refusal::Conflict(_), Shape::Message) => StatusCode::CONFLICT,
        (Refusal::Conflict(_), Shape::Id) => StatusCode::UNPROCESSABLE_ENTITY,
        (Refusal::Invalid(_) | Refusal::Unsupported(_) | Refusal::Conflict(_), _) => StatusCode::BAD_REQUEST,
        (Refusal::Unavailable(_) | Refusal::Crowded(_), _) => StatusCode::SERVICE_UNAVAILABLE,
        (Refusal::Failed(_) | Refusal::Panicked, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What families 2 and 3 call a status.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        408 => "request_timeout",
        413 => "request_too_large",
        422 => "unprocessable_entity",
        429 => "too_many_requests",
        503 => "service_unavailable",
        _ => "server_error",
    }
}

/// Family 3 has a word of its own for one of them.
fn description_word(status: StatusCode) -> &'static str {
    match word(status) {
        "unauthorized" => "unauthorized_client",
        word => word,
    }
}

/// Families 1 and 5. What is wrong with fields is said of each field, too.
fn message(refusal: &Refusal) -> Value {
    let invalid = match refusal {
        Refusal::ContentType => &Invalid::new("content_type", Violation::NotA("application/json")),
        Refusal::Json => &Invalid::new("body", Violation::NotA("valid JSON")),
        Refusal::Invalid(invalid) => invalid,
        other => return json!({"message": sentence(Shape::Message, other)}),
    };
    let mut errors = Map::new();
    for (field, sentence) in invalid.sentences() {
        let all = errors.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(sentence.into());
        }
    }
    json!({"message": invalid.summary(), "errors": errors})
}

fn sentence(shape: Shape, refusal: &Refusal) -> String {
    let said = match (refusal, shape) {
        (Refusal::Missing(Missing::Proxy(name)), _) => return format!("ApiProxy (name: {name}) was not found!"),
        (Refusal::Missing(Missing::Project(name)), _) => return format!("Project '{name}' not found"),
        (Refusal::Path | Refusal::Missing(_), Shape::Id) => "The resource you requested could not be found.",
        (Refusal::Path | Refusal::Missing(_), Shape::Message | Shape::Error) => "Not found.",
        (Refusal::Path | Refusal::Missing(_), Shape::Description) => "Not found",
        (Refusal::Method(Allow(methods)), _) => {
            return format!("This method is not supported here. Supported: {methods}.");
        }
        (Refusal::Credential, Shape::Message) => "Unauthenticated.",
        (Refusal::Credential, Shape::Id) => "Unable to authenticate you.",
        (Refusal::Credential, Shape::Description) => "Invalid token",
        (Refusal::Credential, Shape::Error) => "Unauthorized.",
        (Refusal::Rate(_), _) => "API rate limit exceeded.",
        (Refusal::Scope, Shape::Message) => "This action is unauthorized.",
        (Refusal::Scope, Shape::Error) => "Forbidden.",
        (Refusal::Scope, Shape::Id) => "You are not authorized to perform this operation.",
        (Refusal::Scope, Shape::Description) => "The token does not permit this operation",
        (Refusal::TooLarge, _) => "The request body is too large.",
        (Refusal::TooSlow, _) => "The request body did not arrive in time.",
        (Refusal::ContentType, _) => "The content type must be application/json.",
        (Refusal::Json, Shape::Id) => "error parsing request body",
        (Refusal::Json, _) => "The request body is not valid JSON.",
        (Refusal::Invalid(invalid), Shape::Description) => return described(invalid),
        (Refusal::Invalid(invalid), _) => return invalid.to_string(),
        (Refusal::Conflict(said) | Refusal::NoDriver(said) | Refusal::Unsupported(said), _) => {
            return said.clone().into_owned();
        }
        (Refusal::Unavailable(_), _) => "The service is unavailable.",
        (Refusal::Crowded(_), _) => "The store is slow, and too many changes wait for it. Try again later.",
        (Refusal::Failed(_) | Refusal::Panicked, _) => "Server error.",
    };
    said.to_owned()
}

/// Family 3. Its document has one sentence of this kind, in words of its own.
fn described(invalid: &Invalid) -> String {
    match invalid.first() {
        ("customConnectionPoolSize", Violation::RequiredWhen(reason)) => {
            format!("Custom connection pool size is required when {reason}")
        }
        _ => invalid.to_string(),
    }
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // What it says depends on who asked.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("bug: an answer has texts for keys")
}
