//! `fairpool connectors`: named users of connections, each perhaps under a connection pool's limit.

use super::client::Call;
use super::fields::number as number_of;
use super::operate::{self, CONNECTORS, Operation};
use super::pools;
use super::session::{Common, Session, items, named, record};
use super::shown::cell;
use super::table::{Table, number, text};
use anyhow::Result;
use serde_json::{Map, Value};

const EXAMPLES: &str = "\
Examples:
  fairpool connectors set mail --connection orders --pool orders
  fairpool connectors set mail --mode CUSTOM --size 8      connections of its own
  fairpool connectors set mail --no-pool                   under no limit
  fairpool connectors pause mail";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Connectors {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// All of them
    List,
    /// One
    Show {
        /// Which one
        name: String,
    },
    /// Make one, or change what is given of it
    Set(Set),
    /// Delete one: those who wait through it fail
    Delete {
        /// Which one
        name: String,
    },
    #[command(flatten)]
    Operate(Operation),
}

#[derive(clap::Args)]
struct Set {
    /// Which one
    name: String,
    #[command(flatten)]
    changes: Changes,
}

/// At least one of them.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// The connection that it uses
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// The connection pool under whose limit it is: a name, or an id
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// Under no limit
    #[arg(long, conflicts_with = "pool")]
    no_pool: bool,
    /// GENERAL: those that all of the connection's connectors share; CUSTOM: a pool of its own; NONE: one for each lease
    #[arg(long)]
    mode: Option<String>,
    /// How many with CUSTOM
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    size: Option<String>,
}

const PATH: [&str; 3] = ["fairpool", "v1", "connectors"];
const FIELDS: [&str; 5] = ["name", "connection", "connection_pool_id", "mode", "size"];

impl Connectors {
    pub(super) fn run(self) -> Result<u8> {
        let session = Session::new(&self.common)?;
        let session = &session;
        match self.verb {
            Verb::List => {
                let answer = session.ask(Call::get("connectors", &PATH))?;
                let heads = [
                    text("NAME"),
                    text("CONNECTION"),
                    number("POOL ID"),
                    text("MODE"),
                    number("SIZE"),
                ];
                let mut table = Table::new(heads);
                for one in items(&answer, "data") {
                    table.row(FIELDS.map(|field| cell(one.get(field))).into());
                }
                session.list(&answer, &table, "no connectors")?;
                Ok(0)
            }
            Verb::Show { name } => {
                let answer = session.ask(Call::get(named(CONNECTORS.noun, &name), &below(&name)))?;
                session.tell(&answer, |columns| shown(&answer).render(columns))?;
                Ok(0)
            }
            Verb::Set(set) => change(session, set),
            Verb::Delete { name } => {
                let it = named(CONNECTORS.noun, &name);
                let answer = session.ask(Call::delete(&it, &below(&name)))?;
                session.done(&answer, &format!("deleted {it}"), None)?;
                Ok(0)
            }
            Verb::Operate(operation) => operate::run(session, &CONNECTORS, operation),
        }
    }
}

fn change(session: &Session, set: Set) -> Result<u8> {
    let changes = set.changes;
    let it = named(CONNECTORS.noun, &set.name);
    let mut body = Map::new();
    let mut put = |field: &str, value: Option<Value>| value.map(|value| body.insert(field.to_owned(), value));
    put("connection", changes.connection.map(Value::String));
    put("mode", changes.mode.map(Value::String));
    put("size", changes.size.as_deref().map(number_of));
    if let Some(pool) = &changes.pool {
        put("connection_pool_id", Some(number_of(&pools::id_of(session, pool)?)));
    }
    put("connection_pool_id", changes.no_pool.then_some(Value::Null));
    let known = session.find(Call::get(&it, &below(&set.name)))?;
    let (answer, said) = if known.is_some() {
        (
            session.ask(Call::put(&it, &below(&set.name)).body(body.into()))?,
            "changed",
        )
    } else {
        put("name", Some(set.name.into()));
        (session.ask(Call::post(&it, &PATH).body(body.into()))?, "created")
    };
    session.done(&answer, &format!("{said} {it}"), Some(shown(&answer)))?;
    Ok(0)
}

fn shown(answer: &Value) -> Table {
    record(&FIELDS, answer.get("data").unwrap_or(&Value::Null))
}

fn below(name: &str) -> [&str; 4] {
    let [fairpool, v1, connectors] = PATH;
    [fairpool, v1, connectors, name]
}
