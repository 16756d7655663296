//! What every family says of every refusal, as the documents have it: status, body and headers. `status.rs` is held to it.

use super::refusal::{Allow, Missing, Refusal};
use super::status::{Answer, Shape, refused};
use crate::resource::models::{
    ConnectionSettings, ConnectionSettingsPatch, ConnectionType, ListQuery, NewConnectionPool,
};
use crate::resource::registry::RegistryError;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Response};
use futures::executor::block_on;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

const SHAPES: [Shape; 4] = [Shape::Message, Shape::Id, Shape::Description, Shape::Error];

fn said(shape: Shape, refusal: &Refusal) -> (u16, Value, Response<Body>) {
    let mut response = refused(shape, refusal, &HeaderValue::from_static("r-1"));
    let body = std::mem::take(response.body_mut());
    let body = block_on(to_bytes(body, usize::MAX)).expect("a body in memory");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), body, response)
}

/// Each refusal with its status and text in families 1 (and 5), 2, 3 and 4.
#[test]
fn every_refusal_is_said_as_the_documents_say_it() {
    let failed = || Refusal::Failed(Arc::new(io::Error::other("disk sda1 is on fire")));
    let rows: Vec<(Refusal, [(u16, Value); 4])> = vec![
        (
            Refusal::Path,
            [
                (404, json!({"message": "Not found."})),
                (
                    404,
                    json!({"id": "not_found", "message": "The resource you requested could not be found."}),
                ),
                (404, json!({"error": "not_found", "error_description": "Not found"})),
                (404, json!({"error": "Not found."})),
            ],
        ),
        (Refusal::Method(Allow("GET, HEAD, POST".to_owned())), {
            let text = "This method is not supported here. Supported: GET, HEAD, POST.";
            [
                (405, json!({"message": text})),
                (405, json!({"id": "method_not_allowed", "message": text})),
                (405, json!({"error": "method_not_allowed", "error_description": text})),
                (405, json!({"error": text})),
            ]
        }),
        (
            Refusal::Credential,
            [
                (401, json!({"message": "Unauthenticated."})),
                (
                    401,
                    json!({"id": "unauthorized", "message": "Unable to authenticate you."}),
                ),
                (
                    401,
                    json!({"error": "unauthorized_client", "error_description": "Invalid token"}),
                ),
                (401, json!({"error": "Unauthorized."})),
            ],
        ),
        (
            Refusal::Rate(7),
            [
                (429, json!({"message": "API rate limit exceeded."})),
                (
                    429,
                    json!({"id": "too_many_requests", "message": "API rate limit exceeded."}),
                ),
                (
                    429,
                    json!({"error": "too_many_requests", "error_description": "API rate limit exceeded."}),
                ),
                (429, json!({"error": "API rate limit exceeded."})),
            ],
        ),
        (
            Refusal::Scope,
            [
                (403, json!({"message": "This action is unauthorized."})),
                (
                    403,
                    json!({"id": "forbidden", "message": "You are not authorized to perform this operation."}),
                ),
                (
                    403,
                    json!({"error": "forbidden", "error_description": "The token does not permit this operation"}),
                ),
                (403, json!({"error": "Forbidden."})),
            ],
        ),
        (
            Refusal::TooLarge,
            everywhere(413, "request_too_large", "The request body is too large."),
        ),
        (
            Refusal::TooSlow,
            everywhere(408, "request_timeout", "The request body did not arrive in time."),
        ),
        (
            Refusal::Missing(Missing::Proxy("MyAPI".to_owned())),
            everywhere(404, "not_found", "ApiProxy (name: MyAPI) was not found!"),
        ),
        (
            Refusal::Missing(Missing::Project("MyProject".to_owned())),
            everywhere(404, "not_found", "Project 'MyProject' not found"),
        ),
        (
            Refusal::Json,
            [
                {
                    let text = "The body field must be valid JSON.";
                    (422, json!({"message": text, "errors": {"body": [text]}}))
                },
                (
                    400,
                    json!({"id": "bad_request", "message": "error parsing request body"}),
                ),
                (
                    400,
                    json!({"error": "bad_request", "error_description": "The request body is not valid JSON."}),
                ),
                (400, json!({"error": "The request body is not valid JSON."})),
            ],
        ),
        (Refusal::ContentType, {
            let text = "The content type must be application/json.";
            let field = "The content type field must be application/json.";
            [
                (422, json!({"message": field, "errors": {"content_type": [field]}})),
                (400, json!({"id": "bad_request", "message": text})),
                (400, json!({"error": "bad_request", "error_description": text})),
                (400, json!({"error": text})),
            ]
        }),
        (
            Refusal::Conflict("in use by \"a\"".into()),
            [
                (409, json!({"message": "in use by \"a\""})),
                (422, json!({"id": "unprocessable_entity", "message": "in use by \"a\""})),
                (
                    400,
                    json!({"error": "bad_request", "error_description": "in use by \"a\""}),
                ),
                (400, json!({"error": "in use by \"a\""})),
            ],
        ),
        (
            Refusal::from(RegistryError::NoDriver(ConnectionType::Druid)),
            everywhere(
                422,
                "unprocessable_entity",
                "connections of type druid are not supported here",
            ),
        ),
        (
            Refusal::Unsupported("not yet".into()),
            [
                (422, json!({"message": "not yet"})),
                (422, json!({"id": "unprocessable_entity", "message": "not yet"})),
                (400, json!({"error": "bad_request", "error_description": "not yet"})),
                (400, json!({"error": "not yet"})),
            ],
        ),
        (
            Refusal::Unavailable("nobody at db:80".to_owned()),
            everywhere(503, "service_unavailable", "The service is unavailable."),
        ),
        (
            Refusal::from(RegistryError::Crowded { waiting: 3 }),
            everywhere(
                503,
                "service_unavailable",
                "The store is slow, and too many changes wait for it. Try again later.",
            ),
        ),
        (
            Refusal::from(RegistryError::Panicked),
            everywhere(500, "server_error", "Server error."),
        ),
        (failed(), everywhere(500, "server_error", "Server error.")),
        (Refusal::Panicked, everywhere(500, "server_error", "Server error.")),
    ];
    for (refusal, expected) in rows {
        for (shape, (status, mut body)) in SHAPES.into_iter().zip(expected) {
            if shape == Shape::Id {
                body["request_id"] = "r-1".into();
            }
            let (seen, seen_body, _) = said(shape, &refusal);
            assert_eq!((seen, seen_body), (status, body), "{shape:?} {refusal:?}");
        }
    }
}

fn everywhere(status: u16, word: &str, text: &str) -> [(u16, Value); 4] {
    [
        (status, json!({"message": text})),
        (status, json!({"id": word, "message": text})),
        (status, json!({"error": word, "error_description": text})),
        (status, json!({"error": text})),
    ]
}

#[test]
fn headers_go_with_the_statuses_that_need_them() {
    let named = |refusal: &Refusal, name: &str| {
        let values = SHAPES.map(|shape| said(shape, refusal).2.headers().get(name).cloned());
        values.map(|value| value.map(|value| value.to_str().unwrap_or_default().to_owned()))
    };
    let all = |text: &str| [(); 4].map(|()| Some(text.to_owned()));
    assert_eq!(named(&Refusal::Method(Allow("PUT".to_owned())), "allow"), all("PUT"));
    assert_eq!(named(&Refusal::Rate(7), "retry-after"), all("7"));
    let crowded = Refusal::from(RegistryError::Crowded { waiting: 3 });
    assert_eq!(named(&crowded, "retry-after"), all("1"));
    assert_eq!(named(&Refusal::TooLarge, "connection"), all("close"));
    assert_eq!(named(&Refusal::TooSlow, "connection"), all("close"));
    assert_eq!(named(&Refusal::Credential, "www-authenticate")[..3], all("Bearer")[..3]);
    assert_eq!(named(&Refusal::Credential, "retry-after"), [const { None }; 4]);
}

#[test]
fn fields_are_said_in_the_documents_texts() {
    let refusal = |body: Value| Refusal::from(NewConnectionPool::try_from(&body).expect_err("refused"));
    let (status, body, _) = said(Shape::Message, &refusal(json!({"limit": "5"})));
    let expected = json!({
        "message": "The limit field must be an integer. (and 1 more error)",
        "errors": {"limit": ["The limit field must be an integer."], "name": ["The name field is required."]},
    });
    assert_eq!((status, body), (422, expected));

    let query = ListQuery::from_pairs([("page", "0"), ("per_page", "101")]).expect_err("refused");
    let expected = json!({
        "message": "The page field must be at least 1. (and 1 more error)",
        "errors": {
            "page": ["The page field must be at least 1."],
            "per_page": ["The per page field must not be greater than 100."],
        },
    });
    assert_eq!(said(Shape::Message, &query.into()).1, expected);

    let custom = ConnectionSettingsPatch::try_from(&json!({"connectionPoolManagementType": "CUSTOM"}));
    let custom = ConnectionSettings::default()
        .patched(&custom.expect("a patch"))
        .expect_err("no size");
    let (status, body, _) = said(Shape::Description, &custom.into());
    let text = "Custom connection pool size is required when connectionPoolManagementType is CUSTOM";
    assert_eq!(
        (status, body),
        (400, json!({"error": "bad_request", "error_description": text}))
    );

    let timeout = ConnectionSettingsPatch::try_from(&json!({"readTimeout": 0})).expect_err("too short");
    let (status, body, _) = said(Shape::Description, &timeout.clone().into());
    assert_eq!(
        (status, &body["error_description"]),
        (400, &json!("readTimeout must be at least 1"))
    );
    assert_eq!(said(Shape::Id, &timeout.clone().into()).0, 422);
    assert_eq!(said(Shape::Error, &timeout.into()).0, 400);
}

#[test]
fn what_went_wrong_inside_is_not_said_outside() {
    let failed = Refusal::Failed(Arc::new(io::Error::other("disk sda1 is on fire")));
    assert_eq!(failed.cause().as_deref(), Some("disk sda1 is on fire"));
    for shape in SHAPES {
        assert!(!said(shape, &failed).1.to_string().contains("sda1"));
    }
}

#[test]
fn success_has_three_statuses() {
    let status = |answer: Answer| answer.into_response().status().as_u16();
    assert_eq!(status(Answer::ok(&json!({}))), 200);
    assert_eq!(status(Answer::created(&json!({}))), 201);
    let empty = Answer::NoContent.into_response();
    assert_eq!(empty.status().as_u16(), 204);
    assert!(empty.headers().get("content-type").is_none());
    assert_eq!(status(Answer::not_ready(&json!({}))), 503);
}
