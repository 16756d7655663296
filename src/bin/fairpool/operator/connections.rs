//! `fairpool connections`: named connections. What is posted is a whole definition, so a change is made to the one that is there.

use super::client::Call;
use super::fields::{self, Field, Form};
use super::operate::{self, CONNECTIONS, Operation};
use super::session::{Common, Session, items, named, record};
use super::shown::cell;
use super::table::{Table, text};
use anyhow::Result;
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "\
Examples:
  fairpool connections set orders type=postgres queryHosts=db-1.example:5432 queryHosts=db-2.example:5432
  fairpool connections set orders protocol=tls ca=@ca.pem passphrase=@-      from a file, from standard input
  fairpool connections set cache queryHosts=@cache-url title='the cache'
  fairpool connections invalidate orders

Fields: type, queryHosts (once for each), title, version, timeout, sqlTimeout, protocol, ca, cert, key, passphrase,
decorator, decoratorOptions, sockHost, sockUsername, sockPassword. What is not given stays as it is, FIELD= takes it
out. Others on this machine can see arguments: give secrets as FIELD=@FILE. A text that begins with @ is written @@.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Connections {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// All of them
    List,
    /// One; its secrets are masked
    Show {
        /// Which one
        name: String,
    },
    /// Make one, or change what is given of it: what is open under the old definition closes when it comes back
    Set {
        /// Which one
        name: String,
        /// What is to be so; a value from a file with @FILE
        #[arg(value_name = "FIELD=VALUE", required = true)]
        fields: Vec<String>,
    },
    /// Delete one that no connector uses
    Delete {
        /// Which one
        name: String,
    },
    #[command(flatten)]
    Operate(Operation),
}

const PATH: [&str; 3] = ["api", "v1", "connections"];

const FIELDS: [Field; 16] = [
    ("type", Form::Text),
    ("queryHosts", Form::List),
    ("title", Form::Text),
    ("version", Form::Text),
    ("timeout", Form::Number),
    ("sqlTimeout", Form::Number),
    ("protocol", Form::Text),
    ("ca", Form::Text),
    ("cert", Form::Text),
    ("key", Form::Text),
    ("passphrase", Form::Text),
    ("decorator", Form::Text),
    ("decoratorOptions", Form::Text),
    ("sockHost", Form::Text),
    ("sockUsername", Form::Text),
    ("sockPassword", Form::Text),
];

impl Connections {
    pub(super) fn run(self) -> Result<u8> {
        let session = Session::new(&self.common)?;
        let session = &session;
        match self.verb {
            Verb::List => {
                let answer = session.ask(Call::get("connections", &PATH))?;
                let mut table = Table::new([
                    text("NAME"),
                    text("TYPE"),
                    text("HOSTS"),
                    text("PROTOCOL"),
                    text("TITLE"),
                ]);
                for one in items(&answer, "") {
                    let cells = ["name", "type", "queryHosts", "protocol", "title"];
                    table.row(cells.map(|field| cell(one.get(field))).into());
                }
                session.list(&answer, &table, "no connections")?;
                Ok(0)
            }
            Verb::Show { name } => {
                let answer = session.ask(Call::get(named(CONNECTIONS.noun, &name), &below(&name)))?;
                session.tell(&answer, |columns| shown(&answer).render(columns))?;
                Ok(0)
            }
            Verb::Set { name, fields } => change(session, &name, fields::read(&FIELDS, &fields)?),
            Verb::Delete { name } => {
                let it = named(CONNECTIONS.noun, &name);
                let answer = session.ask(Call::delete(&it, &below(&name)))?;
                session.done(&answer, &format!("deleted {it}"), None)?;
                Ok(0)
            }
            Verb::Operate(operation) => operate::run(session, &CONNECTIONS, operation),
        }
    }
}

/// Masks that come back stand for what is stored.
fn change(session: &Session, name: &str, given: Map<String, Value>) -> Result<u8> {
    let it = named(CONNECTIONS.noun, name);
    let known = session.find(Call::get(&it, &below(name)))?;
    let said = if known.is_some() { "changed" } else { "created" };
    let mut whole = match known {
        Some(Value::Object(known)) => known,
        _ => Map::new(),
    };
    whole.insert("name".to_owned(), name.into());
    whole.extend(given);
    let answer = session.ask(Call::post(&it, &PATH).body(json!({"connection": whole})))?;
    let stored = answer.get("connection").unwrap_or(&Value::Null);
    session.done(&answer, &format!("{said} {it}"), Some(shown(stored)))?;
    Ok(0)
}

fn shown(connection: &Value) -> Table {
    let fields: Vec<&str> = ["name"]
        .into_iter()
        .chain(FIELDS.iter().map(|(field, _)| *field))
        .collect();
    record(&fields, connection)
}

fn below(name: &str) -> [&str; 4] {
    let [api, v1, connections] = PATH;
    [api, v1, connections, name]
}
