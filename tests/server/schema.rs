//! Whether a value fits a schema of an OpenAPI document, as far as these documents use the language.

use serde_json::{Map, Value};

/// Why it does not. Fields that the schema does not name are a misfit, too: what is answered is documented.
pub(crate) fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let pointer = target.strip_prefix('#').expect("a local reference");
        return misfit(document, document.pointer(pointer).expect("it is there"), value);
    }
    if schema["nullable"] == true && value.is_null() {
        return None;
    }
    let is = match schema["type"].as_str() {
        Some("object") => return misfit_of_object(document, schema, value),
        Some("array") => match value.as_array() {
            Some(items) => return items.iter().find_map(|item| misfit(document, &schema["items"], item)),
            None => false,
        },
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_u64() || value.is_i64(),
        kind => return Some(format!("{kind:?} is no kind")),
    };
    let choices = schema["enum"].as_array();
    let is_one = choices.is_none_or(|choices| choices.contains(value));
    let number = value.as_f64();
    let is_over = |bound: &str| schema[bound].as_f64().zip(number).map(|(bound, number)| number - bound);
    let is_inside =
        is_over("minimum").is_none_or(|over| over >= 0.0) && is_over("maximum").is_none_or(|over| over <= 0.0);
    (!is || !is_one || !is_inside).then(|| format!("{value} is not {schema}"))
}

fn misfit_of_object(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Some(given) = value.as_object() else {
        return Some(format!("{value} is no object"));
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        if !given.contains_key(name) {
            return Some(format!("{name} is missing: {value}"));
        }
    }
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let others = &schema["additionalProperties"];
    given.iter().find_map(|(name, value)| match properties.get(name) {
        Some(schema) => misfit(document, schema, value).map(|why| format!("{name}: {why}")),
        None if others.is_object() => misfit(document, others, value),
        // An object of which nothing is said.
        None if properties.is_empty() => None,
        None => Some(format!("{name} is not documented")),
    })
}

#[test]
fn what_does_not_fit_is_found() {
    use serde_json::json;
    let document = json!({"schemas": {"Number": {"type": "integer", "minimum": 1, "maximum": 9, "nullable": true}}});
    let number = json!({"$ref": "#/schemas/Number"});
    let lists = json!({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}});
    let object = json!({"type": "object", "required": ["a"], "properties": {"a": number, "b": lists}});
    for right in [json!({"a": 1}), json!({"a": null, "b": {"x": ["y"]}})] {
        assert_eq!(misfit(&document, &object, &right), None);
    }
    for wrong in [
        json!([]),
        json!({}),
        json!({"a": 0}),
        json!({"a": 10}),
        json!({"a": 1.5}),
        json!({"a": "1"}),
        json!({"a": 1, "c": 1}),
        json!({"a": 1, "b": {"x": "y"}}),
        json!({"a": 1, "b": {"x": [7]}}),
    ] {
        assert!(misfit(&document, &object, &wrong).is_some(), "{wrong}");
    }
    assert!(misfit(&document, &json!({"type": "string", "enum": ["a"]}), &json!("b")).is_some());
}
