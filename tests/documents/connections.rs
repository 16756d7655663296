//! "Pivot connections API": its three curls, one of them completed, in the order in which somebody would type them.

use crate::service::{IDLE, Service, builder};
use crate::sheet::{CONNECTIONS, of_kind, one};
use crate::shell::{has_curl, typed};
use fairpool::resource::registry::Registry;
use serde_json::{Value, json};

fn curl(title: &str) -> String {
    let sample = one(CONNECTIONS, "curl", title).text;
    match title {
        // It ends within its quotes, before its address.
        "Create or update a connection" => format!("{sample}\n' http://localhost:9095/api/v1/connections"),
        _ => sample.to_owned(),
    }
}

/// What the page prints, with what answers show of its secrets: the page prints `string` for each.
fn printed(title: &str) -> Value {
    let mut body = one(CONNECTIONS, "answer", title).json();
    let connection = match &mut body {
        Value::Array(all) => &mut all[0],
        body => &mut body["connection"],
    };
    for secret in ["key", "passphrase", "sockPassword"] {
        assert_eq!(connection[secret], "string");
        connection[secret] = json!("********");
    }
    body
}

/// The body of 404: its braces are missing, and its first quote is another one.
fn printed_404() -> Value {
    let text = one(CONNECTIONS, "answer", "404").text.replace('”', "\"");
    serde_json::from_str(&format!("{{{text}}}")).expect("JSON")
}

#[test]
fn each_sample_is_answered_as_printed() {
    if !has_curl() {
        return;
    }
    let service = Service::start(builder());
    let ask = |script: &str| {
        let said = typed(&service.filled(script));
        assert_eq!(said.kind, "application/json", "{script}");
        (said.status, said.json())
    };
    let [list, post, delete] = [
        "Get all connections",
        "Create or update a connection",
        "Delete a connection",
    ]
    .map(curl);
    assert_eq!(ask(&list), (200, json!([])));
    // It is created, then updated.
    for _ in 0..2 {
        assert_eq!(ask(&post), (200, printed("200 of a POST")));
    }
    assert_eq!(ask(&list), (200, printed("200 of the list")));
    // "Returns a list of all connections, or returns a connection with a name that you specify."
    let one = list.replace("/api/v1/connections'", "/api/v1/connections/string'");
    assert_eq!(ask(&one), (200, printed("200 of the list")[0].clone()));
    assert_eq!(ask(&delete).0, 200);
    for gone in [&one, &delete] {
        assert_eq!(ask(gone), (404, printed_404()));
    }
    assert_eq!(ask(&list), (200, json!([])));
}

#[test]
fn each_sample_wants_its_token() {
    if !has_curl() {
        return;
    }
    let service = Service::start(builder());
    for sample in of_kind(CONNECTIONS, "curl") {
        let script = curl(sample.title);
        let said = typed(&service.filled(&script.replace("x-imply-api-token", "x-another-token")));
        assert_eq!((said.status, said.json()), (401, json!({"error": "Unauthorized."})));
        let said = typed(&service.filled(&script.replace("<token>", IDLE)));
        assert_eq!((said.status, said.json()), (403, json!({"error": "Forbidden."})));
    }
}

/// A service without a driver for the sample's type says so, and stores nothing.
#[test]
fn the_samples_type_is_refused_with_the_reason_where_nothing_serves_it() {
    if !has_curl() {
        return;
    }
    let service = Service::start(Registry::builder());
    let said = typed(&service.filled(&curl("Create or update a connection")));
    let reason = "connections of type druid are not supported here";
    assert_eq!((said.status, said.json()), (422, json!({"error": reason})));
    assert_eq!(typed(&service.filled(&curl("Get all connections"))).json(), json!([]));
}
