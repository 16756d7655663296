//! "Update Connection Settings": both curls, the whole body, and each answer that the page prints.

use crate::service::{Service, with_proxies};
use crate::sheet::{Printed, SETTINGS, of_kind, one};
use crate::shell::{has_curl, typed};
use serde_json::Value;

fn curl(number: usize) -> Printed {
    of_kind(SETTINGS, "curl")[number]
}

/// What a script is answered, beside what the page prints under a status.
#[track_caller]
fn answers(service: &Service, script: &str, status: &str) {
    let said = typed(&service.filled(script));
    assert_eq!(said.status.to_string(), status, "{script}: {said:?}");
    assert_eq!(
        (said.kind.as_str(), said.json()),
        ("application/json", one(SETTINGS, "answer", status).json())
    );
}

/// The settings as they are now.
fn now(service: &Service) -> Value {
    let address = curl(0).text.lines().nth(1).expect("the second line");
    let script = format!(
        "curl {} -H 'Authorization: Bearer YOUR_TOKEN'",
        address.trim().trim_end_matches('\\')
    );
    let said = typed(&service.filled(&script));
    assert_eq!(said.status, 200, "{said:?}");
    said.json()
}

#[test]
fn each_sample_is_accepted_and_does_what_it_says() {
    if !has_curl() {
        return;
    }
    let service = Service::start(with_proxies(&["MyAPI"]));
    let mut expected = now(&service);
    let whole = one(SETTINGS, "body", "Full JSON Body Example");
    assert_eq!(whole.json().as_object().map(|fields| fields.len()), Some(14));
    let (head, _) = curl(0).text.split_once("-d '").expect("a body");
    let patches = [
        curl(0).text.to_owned(),
        curl(1).text.to_owned(),
        format!("{head}-d '{}'", whole.text),
    ];
    for patch in patches {
        answers(&service, &patch, "200");
        let (_, body) = patch.split_once("-d '").expect("a body");
        let body: Value = serde_json::from_str(body.trim_end_matches('\'')).expect("JSON");
        for (name, value) in body.as_object().expect("an object") {
            expected[name] = value.clone();
        }
        assert_eq!(now(&service), expected, "{patch}");
    }
}

#[test]
fn each_refusal_that_is_printed_comes_in_these_words_and_changes_nothing() {
    if !has_curl() {
        return;
    }
    let service = Service::start(with_proxies(&["MyAPI"]));
    let before = now(&service);
    let custom = curl(1).text;
    let without_size = custom.replace("    \"customConnectionPoolSize\": 20,\n", "");
    assert_ne!(custom, without_size);
    answers(&service, &without_size, "400");
    answers(
        &service,
        &custom.replace("YOUR_TOKEN", "ANOTHER_TOKEN_THAN_YOURS"),
        "401",
    );
    answers(
        &service,
        &custom.replace("-H \"Authorization: Bearer YOUR_TOKEN\"", ""),
        "401",
    );
    assert_eq!(now(&service), before);
    answers(&Service::start(with_proxies(&["Another"])), custom, "404");
}
