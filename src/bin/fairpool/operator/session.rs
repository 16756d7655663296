//! One run of a verb: the server that is asked, and how its answer goes out: for people, or as JSON for scripts.

use super::access::Access;
use super::client::{Call, Client};
use super::failure::Failure;
use super::shown::{cell, json_line, shown};
use super::table::{Table, text};
use anyhow::Result;
use ratatui::crossterm::terminal;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};

/// What every group of verbs takes.
#[derive(clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    access: Access,
    /// Print the server's answer as one line of JSON
    #[arg(long, global = true, help_heading = "Server")]
    json: bool,
}

/// A server to ask, and somebody to tell.
pub(crate) struct Session {
    client: Client,
    json: bool,
}

impl Session {
    pub(crate) fn new(common: &Common) -> Result<Self> {
        Ok(Session {
            client: Client::new(&common.access)?,
            json: common.json,
        })
    }

    pub(crate) fn ask(&self, call: Call) -> Result<Value, Failure> {
        self.client.ask(call)
    }

    /// Nothing where there is no such thing.
    pub(crate) fn find(&self, call: Call) -> Result<Option<Value>, Failure> {
        match self.client.ask(call) {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The answer for scripts, or what is made of it for people.
    pub(crate) fn tell(&self, answer: &Value, text: impl FnOnce(Option<usize>) -> String) -> Result<()> {
        let text = if self.json {
            json_line(answer) + "\n"
        } else {
            text(columns())
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// A list, or a word about its emptiness.
    pub(crate) fn list(&self, answer: &Value, table: &Table, nothing: &str) -> Result<()> {
        self.tell(answer, |columns| match table.is_empty() {
            true => format!("{nothing}\n"),
            false => table.render(columns),
        })
    }

    /// What has been done, and what the answer shows of it.
    pub(crate) fn done(&self, answer: &Value, said: &str, record: Option<Table>) -> Result<()> {
        self.tell(answer, |columns| {
            let record = record.map(|record| record.render(columns)).unwrap_or_default();
            format!("{said}\n{record}")
        })
    }

    pub(crate) fn is_for_people(&self) -> bool {
        !self.json
    }
}

/// How wide the terminal is on which the output is seen, if it is one.
pub(crate) fn columns() -> Option<usize> {
    let is_seen = io::stdout().is_terminal();
    let size = is_seen.then(terminal::size).and_then(Result::ok)?;
    Some(size.0.into()).filter(|columns| *columns > 0)
}

/// What an answer says of one thing: each field in a line, in this order, and those that it has not left out; then whatever else it has.
pub(crate) fn record(fields: &[&str], of: &Value) -> Table {
    let mut table = Table::new([text(""), text("")]);
    let others = of.as_object().into_iter().flatten();
    let others = others
        .map(|(name, _)| name.as_str())
        .filter(|name| !fields.contains(name));
    for name in fields.iter().copied().chain(others) {
        match of.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(inner)) => {
                for (part, value) in inner {
                    table.row(vec![shown(&format!("{name}.{part}")), cell(Some(value))]);
                }
            }
            Some(value) => table.row(vec![shown(name), cell(Some(value))]),
        }
    }
    table
}

/// The list of an answer, wherever it stands.
pub(crate) fn items<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    let list = if answer.is_array() {
        Some(answer)
    } else {
        answer.get(field)
    };
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// As an error and a report name it.
pub(crate) fn named(noun: &str, name: &str) -> String {
    format!("{noun} {}", shown(name))
}
