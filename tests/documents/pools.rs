//! "Connection Pools": each of its six calls by both credentials that it names, with every parameter and every status, and each answer
//! of the kinds that it names.

use crate::service::{IDLE, Service, builder};
use crate::sheet::{POOLS, of_kind, one};
use crate::shell::{Said, has_curl, typed};
use serde_json::{Map, Value, json};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Why a value does not fit a pattern of the sheet.
fn misfit(pattern: &Value, value: &Value) -> Option<String> {
    match pattern {
        Value::Object(fields) => misfit_of_fields(fields, value),
        Value::Array(items) => match value.as_array() {
            Some(all) => all.iter().find_map(|one| misfit(&items[0], one)),
            None => Some(format!("{value} is no list")),
        },
        pattern => {
            let kind = text(pattern);
            let fits = match kind.strip_suffix(" or null").unwrap_or(kind) {
                _ if kind.ends_with(" or null") && value.is_null() => true,
                "integer" => value.is_u64(),
                "string" => value.is_string(),
                "object" => value.is_object(),
                "date-time" => value.as_str().is_some_and(is_moment),
                "uri" => value.as_str().is_some_and(|text| text.starts_with("http://")),
                schema => return misfit(&one(POOLS, "schema", schema).json(), value),
            };
            (!fits).then(|| format!("{value} is no {kind}"))
        }
    }
}

fn misfit_of_fields(fields: &Map<String, Value>, value: &Value) -> Option<String> {
    let Some(given) = value.as_object() else {
        return Some(format!("{value} is no object"));
    };
    let name = |field: &str| field.trim_end_matches('?').to_owned();
    let known: Vec<String> = fields.keys().map(|field| name(field)).collect();
    if let Some(other) = given.keys().find(|field| !known.contains(field)) {
        return Some(format!("{other} is in no document"));
    }
    fields
        .iter()
        .find_map(|(field, pattern)| match given.get(&name(field)) {
            Some(value) => misfit(pattern, value).map(|why| format!("{field}: {why}")),
            None => (!field.ends_with('?')).then(|| format!("{field} is missing")),
        })
}

/// RFC 3339, in UTC.
fn is_moment(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000000Z"
}

/// The call as a line of shell, with a credential's header.
fn line(
    service: &Service,
    call: &Value,
    id: &str,
    query: &str,
    authorization: Option<&str>,
    body: Option<&Value>,
) -> String {
    let path = text(&call["path"]).replace("{connection_pool}", id);
    let mut line = format!(
        "curl --globoff -X {} '{}{path}{query}'",
        text(&call["method"]),
        service.url()
    );
    if let Some(authorization) = authorization {
        line += &format!(" -H 'Authorization: {authorization}'");
    }
    if let Some(body) = body {
        line += &format!(" -H 'Content-Type: application/json' -d '{body}'");
    }
    service.filled(&line)
}

/// A body with each documented field, or with the required ones only.
fn body(call: &Value, name: &str, is_whole: bool) -> Option<Value> {
    let fields = call["body"].as_object()?;
    let mut body = json!({});
    for field in fields.keys().filter(|field| is_whole || !field.ends_with('?')) {
        body[field.trim_end_matches('?')] = match field.trim_end_matches('?') {
            "name" => json!(name),
            "limit" => json!(5),
            _ => json!(30),
        };
    }
    Some(body)
}

#[track_caller]
fn check(call: &Value, said: &Said, status: u16) {
    let known = call["statuses"].as_array().expect("a list");
    assert!(known.contains(&json!(status)), "{call} does not know {status}");
    assert_eq!(
        (said.status, said.kind.as_str()),
        (status, "application/json"),
        "{call}: {said:?}"
    );
    let refused = json!("Refused");
    let pattern = if status == 200 { &call["answer"] } else { &refused };
    if let Some(why) = misfit(pattern, &said.json()) {
        panic!("{call}: {why}: {said:?}");
    }
}

#[test]
fn each_call_answers_what_the_page_says() {
    if !has_curl() {
        return;
    }
    let service = Service::start(builder());
    let mut made = 0;
    for (round, credential) in ["<api-key>", "Bearer <JWT>", "Bearer <api-key>"]
        .into_iter()
        .enumerate()
    {
        let mut id = String::new();
        for printed in of_kind(POOLS, "call") {
            let call = printed.json();
            for is_whole in [false, true] {
                let body = body(&call, &format!("pool {round} {is_whole}"), is_whole);
                let ask =
                    |id: &str, query: &str| typed(&line(&service, &call, id, query, Some(credential), body.as_ref()));
                if text(&call["method"]) == "DELETE" && is_whole {
                    continue;
                }
                let said = ask(&id, "");
                check(&call, &said, 200);
                if text(&call["method"]) == "POST" && body.is_some() {
                    made += 1;
                    id = said.json()["data"]["id"].to_string();
                }
                for parameter in call["query"].as_array().into_iter().flatten() {
                    let value = match text(parameter) {
                        "include" => "connectors.system",
                        "sort" => "-name,limit,created_at",
                        "filter[name]" => "POOL",
                        _ => "1",
                    };
                    check(&call, &ask(&id, &format!("?{}={value}", text(parameter))), 200);
                }
            }
        }
    }
    assert_eq!(made, 6);
}

#[test]
fn each_call_refuses_as_the_page_says() {
    if !has_curl() {
        return;
    }
    let service = Service::start(builder());
    let calls: Vec<Value> = of_kind(POOLS, "call").iter().map(|call| call.json()).collect();
    let create = calls
        .iter()
        .find(|call| text(&call["method"]) == "POST")
        .expect("it is there");
    let create =
        body(create, "one", false).map(|body| line(&service, &calls[1], "", "", Some("<api-key>"), Some(&body)));
    assert_eq!(typed(&create.expect("a body")).status, 200);
    for call in &calls {
        let body = body(call, "two", true);
        for (authorization, status) in [
            (None, 401),
            (Some("another-key"), 401),
            (Some("Bearer a.b.c"), 401),
            (Some(IDLE), 403),
        ] {
            let script = line(&service, call, "1", "", authorization, body.as_ref());
            check(call, &typed(&script), status);
        }
        if body.is_some() {
            let wrong = json!({"limit": 0, "timeout": 0, "name": 7});
            let said = typed(&line(&service, call, "1", "", Some("<api-key>"), Some(&wrong)));
            check(call, &said, 422);
            let errors = said.json()["errors"].clone();
            let named: Vec<_> = errors.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(named, ["limit", "name", "timeout"]);
            assert!(errors["limit"][0].is_string());
        }
    }
    // Nothing of it was done.
    let list = typed(&line(&service, &calls[0], "", "", Some("<api-key>"), None)).json();
    assert_eq!(
        (&list["meta"]["total"], &list["data"][0]["name"]),
        (&json!(1), &json!("one"))
    );
}

#[test]
fn the_check_of_kinds_can_fail() {
    let pool = json!({
        "id": 1, "limit": 5, "name": "a", "created_at": "2026-11-21T04:38:36.000000Z", "updated_at": "2026-11-21T04:38:36.000000Z",
    });
    assert_eq!(misfit(&json!("Pool"), &pool), None);
    for (field, value) in [
        ("id", json!("1")),
        ("timeout", Value::Null),
        ("created_at", json!("yesterday")),
        ("colour", json!(1)),
    ] {
        let mut wrong = pool.clone();
        wrong[field] = value;
        assert!(misfit(&json!(["Pool"]), &json!([wrong])).is_some(), "{field}");
    }
    assert!(misfit(&json!("Pool"), &json!({"id": 1})).is_some());
}
