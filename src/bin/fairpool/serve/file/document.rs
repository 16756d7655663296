//! A TOML document, table by table: each value with its line.
//!
//! Promises: everything that is wrong with a file is noted, with its line and its key, and no note quotes a value. Values become
//! JSON, so that the models read them by the rules that they have for a request's body.

use fairpool::resource::models::Invalid;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;
use toml::de::{DeTable, DeValue};

/// What is wrong with a file.
pub(super) struct Notes {
    /// Where lines begin, from the second one on.
    starts: Vec<usize>,
    noted: RefCell<Vec<(usize, String)>>,
}

/// One table of a document.
pub(super) struct Section<'d> {
    /// What notes call it: `[[connection]] "orders"`.
    called: String,
    line: usize,
    table: &'d DeTable<'d>,
    notes: &'d Notes,
}

impl Notes {
    pub(super) fn new(text: &str) -> Self {
        Notes {
            starts: text.match_indices('\n').map(|(at, _)| at + 1).collect(),
            noted: RefCell::default(),
        }
    }

    pub(super) fn add(&self, line: usize, said: impl fmt::Display) {
        self.noted.borrow_mut().push((line, said.to_string()));
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at) + 1
    }

    /// All of them, from the top of the file to its end.
    pub(super) fn into_lines(self) -> Vec<(usize, String)> {
        let mut noted = self.noted.into_inner();
        noted.sort();
        noted.dedup();
        noted
    }
}

impl<'d> Section<'d> {
    /// The document itself.
    pub(super) fn root(table: &'d DeTable<'d>, notes: &'d Notes) -> Self {
        Section {
            called: "the file".to_owned(),
            line: 1,
            table,
            notes,
        }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// What notes call it.
    pub(super) fn called(&self) -> &str {
        &self.called
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The line of a key; of the table's head where there is no such key.
    pub(super) fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(self.line, |(line, _)| line)
    }

    /// Notes what is wrong with a key of this table.
    pub(super) fn refuse(&self, key: &str, said: impl fmt::Display) {
        self.refuse_at(self.line_of(key), format_args!("{key} {said}"));
    }

    fn refuse_at(&self, line: usize, said: impl fmt::Display) {
        self.notes.add(line, format_args!("{}: {said}", self.called));
    }

    /// Notes keys that nobody reads: a slip of the operator's must not pass in silence.
    pub(super) fn knows(&self, known: &[&str]) {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let line = self.notes.line(key.span().start);
                self.refuse_at(
                    line,
                    format_args!("unknown key {name:?} (known are {})", known.join(", ")),
                );
            }
        }
    }

    /// The tables of `[[key]]`, each called by its `name` or `id` where it has one.
    pub(super) fn tables(&self, key: &str) -> Vec<Section<'d>> {
        let Some((line, value)) = self.entry(key) else {
            return Vec::new();
        };
        let path = self.path(key);
        let wrong = |line| {
            self.notes
                .add(line, format_args!("{key} must be written as [[{path}]]"));
            None
        };
        let Some(array) = value.as_array() else {
            return wrong(line).into_iter().collect();
        };
        let tables = array.iter().filter_map(|element| {
            let line = self.notes.line(element.span().start);
            let Some(table) = element.get_ref().as_table() else {
                return wrong(line);
            };
            let name = ["name", "id"]
                .into_iter()
                .find_map(|key| table.get(key)?.get_ref().as_str());
            let called = match name {
                Some(name) => format!("[[{path}]] {name:?}"),
                None => format!("[[{path}]]"),
            };
            Some(self.below(called, line, table))
        });
        tables.collect()
    }

    /// The table `[key]`.
    pub(super) fn table(&self, key: &str) -> Option<Section<'d>> {
        let (line, value) = self.entry(key)?;
        let path = self.path(key);
        let Some(table) = value.as_table() else {
            self.notes.add(line, format_args!("{key} must be written as [{path}]"));
            return None;
        };
        Some(self.below(format!("[{path}]"), line, table))
    }

    fn below(&self, called: String, line: usize, table: &'d DeTable<'d>) -> Section<'d> {
        Section {
            called,
            line,
            table,
            notes: self.notes,
        }
    }

    /// The whole table by a model's rules.
    pub(super) fn model<T>(&self) -> Option<T>
    where
        T: TryFrom<Value, Error = Invalid>,
    {
        let model = T::try_from(object(self.table));
        model.map_err(|invalid| self.invalid(&invalid)).ok()
    }

    /// Notes what a model says of this table.
    pub(super) fn invalid(&self, invalid: &Invalid) {
        for (field, violation) in invalid.violations() {
            self.refuse_at(self.line_of_field(field), format_args!("{field} {violation}"));
        }
    }

    /// One key by the rules of its kind; `None` as well where these are broken, which is noted.
    pub(super) fn value<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (_, value) = self.entry(key)?;
        let value = serde_json::from_value(json(value));
        value.map_err(|error| self.refuse(key, error)).ok()
    }

    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        let (_, value) = self.entry(key)?;
        let text = value.as_str();
        if text.is_none() {
            self.refuse(key, "must be a string");
        }
        text
    }

    pub(super) fn required_text(&self, key: &str) -> Option<&'d str> {
        if self.entry(key).is_none() {
            self.refuse(key, "is required");
        }
        self.text(key)
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<&'d str>> {
        let (_, value) = self.entry(key)?;
        let list = value.as_array();
        let texts = list.and_then(|list| list.iter().map(|text| text.get_ref().as_str()).collect());
        if texts.is_none() {
            self.refuse(key, "must be a list of strings");
        }
        texts
    }

    /// The line of a key, and its value.
    fn entry(&self, key: &str) -> Option<(usize, &'d DeValue<'d>)> {
        let (at, value) = self.table.get_key_value(key)?;
        Some((self.notes.line(at.span().start), value.get_ref()))
    }

    /// As a table below this one is written: `database.server`.
    fn path(&self, key: &str) -> String {
        let above = self.called.trim_start_matches('[');
        match above.split_once(']') {
            Some((above, _)) => format!("{above}.{key}"),
            None => key.to_owned(),
        }
    }

    /// The line of a field within a field, as `queryHosts.1` or `server.0.url`; where there is none, of what it is missing in.
    fn line_of_field(&self, field: &str) -> usize {
        let (key, inside) = field.split_once('.').unwrap_or((field, ""));
        let Some((mut line, mut value)) = self.entry(key) else {
            return self.line;
        };
        for step in inside.split('.') {
            let next = match value {
                DeValue::Array(list) => step.parse::<usize>().ok().and_then(|at| list.get(at)),
                DeValue::Table(table) => table.get(step),
                _ => None,
            };
            let Some(next) = next else { break };
            line = self.notes.line(next.span().start);
            value = next.get_ref();
        }
        line
    }
}

fn object(table: &DeTable<'_>) -> Value {
    let entries = table.iter();
    let entries = entries.map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => integer(number.as_str(), number.radix()),
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, float),
        DeValue::Boolean(is_so) => Value::Bool(*is_so),
        // No model has moments or tables for fields: each says what it wants instead.
        DeValue::Datetime(_) => Value::Object(Map::new()),
        DeValue::Array(list) => list.iter().map(|element| json(element.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

/// As a body of JSON has it: one that no machine word holds is a float.
fn integer(digits: &str, radix: u32) -> Value {
    match (u64::from_str_radix(digits, radix), i64::from_str_radix(digits, radix)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => float(digits.parse().unwrap_or(f64::MAX)),
    }
}

/// JSON has neither infinities nor what is no number; neither has any field.
fn float(number: f64) -> Value {
    match number {
        number if number.is_finite() => number.into(),
        _ => Value::Object(Map::new()),
    }
}
