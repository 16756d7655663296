//! The OpenAPI documents: whole in themselves, complete about the routes, and right about what is accepted.

use crate::kit::{FAMILIES, KEY, POOLS, get, keys, registry, request, send};
use axum::Router;
use axum::http::Method;
use fairpool::server::RouterOptions;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

async fn families() -> Vec<(Value, Router)> {
    let registry = registry().await;
    let mut families = Vec::new();
    for (name, mount) in FAMILIES {
        let router = mount(&registry, keys(), RouterOptions::new());
        let path = format!("/openapi/{name}.json");
        let document = send(&router, request(Method::GET, &path, None, None)).await;
        assert_eq!(document.status, 200, "{path}");
        families.push((document.json(), router));
    }
    families
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

/// Every object in a document, at whatever depth.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|inner| walk(inner, visit));
        }
        Value::Array(items) => items.iter().for_each(|inner| walk(inner, visit)),
        _ => {}
    }
}

#[tokio::test]
async fn a_document_is_whole_in_itself() {
    let mut ids = BTreeSet::new();
    for (document, _) in families().await {
        assert_eq!(document["openapi"], "3.0.3");
        assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
        walk(&document, &mut |fields| {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let pointer = target.strip_prefix('#').expect("a local reference");
                assert!(document.pointer(pointer).is_some(), "{target} is not there");
                assert_eq!(fields.len(), 1, "nothing stands beside a reference");
            }
            if let (Some(Value::Array(required)), Some(properties)) = (fields.get("required"), fields.get("properties"))
            {
                let known = |name: &Value| properties.get(name.as_str().unwrap_or_default()).is_some();
                assert!(!required.is_empty() && required.iter().all(known), "{required:?}");
            }
        });
        for (path, operations) in object(&document["paths"]) {
            for (method, operation) in object(operations) {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(ids.insert(id.to_owned()), "{id} twice");
                let parameters = operation["parameters"].as_array().expect("a list");
                let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
                let named: Vec<_> = in_path
                    .map(|parameter| format!("{{{}}}", parameter["name"].as_str().expect("a name")))
                    .collect();
                assert_eq!(path.matches('{').count(), named.len(), "{method} {path}");
                assert!(named.iter().all(|name| path.contains(name)), "{method} {path}");
                let responses = object(&operation["responses"]);
                assert!(
                    responses.keys().any(|status| status.starts_with('2')),
                    "{method} {path}"
                );
                for (status, response) in responses {
                    let has_body = response.get("content").is_some();
                    assert_eq!(has_body, status != "204", "{method} {path} {status}");
                    let is_counted = response["headers"].get("ratelimit-remaining").is_some();
                    assert_eq!(is_counted, path.starts_with("/v2/"), "{method} {path} {status}");
                }
            }
        }
        let schemes = object(&document["components"]["securitySchemes"]);
        for scheme in document["security"].as_array().expect("a list") {
            assert!(object(scheme).keys().all(|name| schemes.contains_key(name)));
        }
    }
}

#[tokio::test]
async fn a_document_knows_every_method_of_every_path() {
    for (document, router) in families().await {
        for (path, operations) in object(&document["paths"]) {
            let documented = object(operations);
            let real = path.replace(['{', '}'], "x");
            for method in METHODS {
                let asked = Method::from_bytes(method.as_bytes()).expect("a method");
                let status = send(&router, request(asked, &real, None, None)).await.status;
                let expected = if documented.contains_key(&method.to_lowercase()) {
                    401
                } else {
                    405
                };
                assert_eq!(status, expected, "{method} {path}");
            }
        }
    }
}

/// A value at each border of a schema, and one beyond it.
fn borders(schema: &Value) -> (Vec<Value>, Vec<Value>) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (bound, step) in [("minimum", -1), ("maximum", 1)] {
        if let Some(bound) = schema[bound].as_i64() {
            inside.push(json!(bound));
            outside.push(json!(bound + step));
        }
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        let text = |length: u64| json!("é".repeat(usize::try_from(length).expect("a length")));
        inside.push(text(most));
        outside.push(text(most + 1));
    }
    if schema["minLength"] == 1 {
        inside.push(json!("n"));
        outside.push(json!(""));
    }
    for choice in schema["enum"].as_array().into_iter().flatten() {
        inside.push(choice.clone());
        outside.push(json!(format!("{}x", choice.as_str().expect("a text"))));
    }
    match schema["type"].as_str() {
        Some("integer") => outside.extend([json!(1.5), json!("1"), json!([])]),
        Some("boolean") => {
            inside.extend([json!(true), json!(false)]);
            outside.extend([json!(1), json!("true")]);
        }
        _ => outside.push(json!(7)),
    }
    if schema["nullable"] == true {
        inside.push(Value::Null);
    } else {
        outside.push(Value::Null);
    }
    (inside, outside)
}

/// Sends each border of each of these fields, laid over what is always sent.
async fn judged(router: &Router, method: Method, path: &str, base: &Value, fields: &Value, bearer: bool) {
    let key = if bearer {
        format!("Bearer {KEY}")
    } else {
        KEY.to_owned()
    };
    let mut count = 0;
    for (field, schema) in object(fields) {
        let (inside, outside) = borders(schema);
        for (value, is_right) in inside
            .iter()
            .map(|value| (value, true))
            .chain(outside.iter().map(|value| (value, false)))
        {
            let mut body = base.clone();
            body[field] = value.clone();
            let answered = send(router, request(method.clone(), path, Some(&key), Some(&body))).await;
            assert_eq!(
                answered.status == 200,
                is_right,
                "{field}: {value}: {}",
                answered.json()
            );
            count += 1;
        }
    }
    assert!(count > 10, "only {count} values were tried");
}

#[tokio::test]
async fn a_document_says_what_is_accepted_and_what_is_not() {
    let families = families().await;
    let (pools, router) = &families[0];
    let schemas = &pools["components"]["schemas"];
    let made = crate::kit::post(router, POOLS, json!({"name": "one", "limit": 1})).await;
    assert_eq!(made.status, 200);
    judged(
        router,
        Method::PUT,
        &format!("{POOLS}/1"),
        &json!({}),
        &schemas["PoolChange"]["properties"],
        false,
    )
    .await;
    // Names are unique: what is tried for one field must not be in the way of the next.
    let mut fields = schemas["NewPool"]["properties"].clone();
    fields.as_object_mut().expect("fields").remove("name");
    let mut number = 0;
    for (field, schema) in object(&fields) {
        for (values, status) in [(borders(schema).0, 200), (borders(schema).1, 422)] {
            for value in values {
                // To leave out what may be null is the same as null.
                number += 1;
                let mut body = json!({"name": format!("pool {number}"), "limit": 1});
                body[field] = value.clone();
                let answered = crate::kit::post(router, POOLS, body).await;
                assert_eq!(answered.status, status, "{field}: {value}");
            }
        }
    }

    let (settings, router) = &families[1];
    let path = "/apiops/projects/MyProject/apiProxies/MyAPI/settings/connection/";
    let base = json!({"customConnectionPoolSize": 8});
    let fields = &settings["components"]["schemas"]["Settings"]["properties"];
    assert_eq!(object(fields).len(), 14);
    judged(router, Method::PATCH, path, &base, fields, true).await;
}

#[tokio::test]
async fn what_is_answered_has_the_documented_fields() {
    let families = families().await;
    let (document, router) = &families[0];
    crate::kit::post(router, POOLS, json!({"name": "one", "limit": 1, "timeout": 5})).await;
    let list = get(router, &format!("{POOLS}?include=connectors.system")).await.json();
    let schemas = &document["components"]["schemas"];
    let documented = |schema: &Value| object(&schema["properties"]).keys().cloned().collect::<BTreeSet<_>>();
    let seen = |value: &Value| object(value).keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(seen(&list["data"][0]), documented(&schemas["Pool"]));
    let page = &schemas["PoolList"];
    assert_eq!(seen(&list), documented(page));
    assert_eq!(seen(&list["meta"]), documented(&page["properties"]["meta"]));
    assert_eq!(seen(&list["links"]), documented(&page["properties"]["links"]));
}

#[cfg(all(feature = "postgres", feature = "redis", feature = "mysql"))]
#[tokio::test]
async fn a_document_says_what_a_database_pool_takes_and_shows() {
    use crate::databases::{ORDERS, ask, look, registry};
    use fairpool::server::databases;
    let limits = fairpool::server::RateLimits::new(u32::MAX, u32::MAX);
    let router = databases(&registry().await, keys(), RouterOptions::new().rate_limits(limits));
    let document = send(&router, request(Method::GET, "/openapi/databases.json", None, None)).await;
    let schemas = document.json()["components"]["schemas"].clone();
    let pools = format!("/v2/databases/{ORDERS}/pools");
    let base = json!({"name": "web", "mode": "session", "size": 1, "db": "a", "user": "app"});
    assert_eq!(ask(&router, Method::POST, &pools, base.clone()).await.status, 201);
    let mut count = 0;
    for (field, schema) in object(&schemas["PoolReplacement"]["properties"]) {
        let (inside, outside) = borders(schema);
        for (values, status) in [(inside, 204), (outside, 422)] {
            for value in values {
                let mut body = base.clone();
                body[field] = value.clone();
                let answered = ask(&router, Method::PUT, &format!("{pools}/web"), body).await;
                assert_eq!(answered.status, status, "{field}: {value}");
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} values were tried");
    ask(&router, Method::PUT, &format!("{pools}/web"), base).await;
    let shown = look(&router, &format!("{pools}/web")).await.json()["pool"].clone();
    let documented = |schema: &Value| object(&schema["properties"]).keys().cloned().collect::<BTreeSet<_>>();
    let seen = |value: &Value| object(value).keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(seen(&shown), documented(&schemas["Pool"]));
    let connection = &schemas["Pool"]["properties"]["connection"];
    assert_eq!(seen(&shown["connection"]), documented(connection));
}
