//! `FIELD=VALUE` on the command line, with a document's own names. The server judges the values; what it would ignore, a name that it
//! does not know, is refused here.
//!
//! Promises: no text of an error contains a value, for it may be a secret.

use super::failure::senseless;
use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::fs;
use std::io::{self, Read};

/// A field of a document, and what its values are.
pub(super) type Field = (&'static str, Form);

/// What a value is in JSON, if it looks like one. What does not, is sent as the text that it is, and the server says what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Number,
    Flag,
    /// Given once for each.
    List,
}

/// The fields that are given: a later one counts more, an empty one means none.
pub(super) fn read(known: &[Field], given: &[String]) -> Result<Map<String, Value>> {
    let mut read = Map::new();
    for (at, argument) in given.iter().enumerate() {
        let Some((name, value)) = argument.split_once('=') else {
            let said = format!("argument {} after the name is no FIELD=VALUE", at + 1);
            return Err(senseless(said));
        };
        let form = known.iter().find(|(field, _)| *field == name).map(|(_, form)| *form);
        let Some(form) = form else {
            let known: Vec<&str> = known.iter().map(|(field, _)| *field).collect();
            let said = format!("no field is called {name:?}; there are: {}", known.join(", "));
            return Err(senseless(said));
        };
        let value = value_of(name, value)?;
        match (form, read.get_mut(name)) {
            (Form::List, Some(Value::Array(all))) => all.push(value.into()),
            _ => {
                read.insert(name.to_owned(), form.json(value));
            }
        }
    }
    if read.is_empty() {
        return Err(senseless("no FIELD=VALUE is given"));
    }
    Ok(read)
}

/// A number as JSON has it, or the text.
pub(super) fn number(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(number @ Value::Number(_)) => number,
        _ => text.into(),
    }
}

impl Form {
    fn json(self, text: String) -> Value {
        match (self, &*text) {
            (Form::Number, _) => number(&text),
            (Form::Flag, "true") => true.into(),
            (Form::Flag, "false") => false.into(),
            (Form::List, "") => Value::Array(Vec::new()),
            (Form::List, _) => Value::Array(vec![text.into()]),
            _ => text.into(),
        }
    }
}

/// What follows the `=`: `@FILE` is what is in that file, without the line's end; `@@` at the beginning is one `@`.
fn value_of(name: &str, value: &str) -> Result<String> {
    let Some(file) = value.strip_prefix('@') else {
        return Ok(value.to_owned());
    };
    if file.starts_with('@') {
        return Ok(file.to_owned());
    }
    let text = if file == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.with_context(|| format!("{name}: cannot read the file {file:?}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KNOWN: [Field; 4] = [
        ("title", Form::Text),
        ("timeout", Form::Number),
        ("enabled", Form::Flag),
        ("hosts", Form::List),
    ];

    fn given(arguments: &[&str]) -> Result<Value> {
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        read(&KNOWN, &arguments).map(Value::Object)
    }

    #[test]
    fn values_are_what_their_fields_are() {
        let read = given(&[
            "title=12",
            "timeout=12",
            "enabled=true",
            "hosts=a",
            "hosts=b,c",
            "title=x=y",
        ]);
        let expected = json!({"title": "x=y", "timeout": 12, "enabled": true, "hosts": ["a", "b,c"]});
        assert_eq!(read.expect("fields"), expected);
        let read = given(&["timeout=soon", "enabled=maybe", "title=@@a", "hosts="]);
        let expected = json!({"timeout": "soon", "enabled": "maybe", "title": "@a", "hosts": []});
        assert_eq!(read.expect("left to the server"), expected);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for bad in [&["hunter2"][..], &["titel=hunter2"], &["title=@/no/such/file"], &[]] {
            let said = format!("{:#}", given(bad).expect_err("refused"));
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
