//! `fairpool databases pools`: connection pools of managed databases, as `DATABASE/POOL`.

use super::client::Call;
use super::failure::senseless;
use super::fields::number as number_of;
use super::operate::{self, DATABASE_POOLS, Operation};
use super::session::{Session, items, named, record};
use super::shown::cell;
use super::table::{Table, number, text};
use anyhow::Result;
use serde_json::{Map, Value};

const EXAMPLES: &str = "\
Examples:
  fairpool databases pools list main
  fairpool databases pools set main/web --mode transaction --size 20 --db orders --user app
  fairpool databases pools set main/web --size 40
  fairpool databases pools set main/web --no-user        each session as its own user
  fairpool databases pools drain main/web --patience 10";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct DatabasePools {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// All pools of a database
    List {
        /// Of which database
        database: String,
    },
    /// One
    Show {
        /// Which one
        #[arg(value_name = "DATABASE/POOL")]
        name: String,
    },
    /// Make one, or change what is given of it
    Set(Set),
    /// Delete one, after it has been drained
    Delete {
        /// Which one
        #[arg(value_name = "DATABASE/POOL")]
        name: String,
    },
    #[command(flatten)]
    Operate(Operation),
}

#[derive(clap::Args)]
struct Set {
    /// Which one
    #[arg(value_name = "DATABASE/POOL")]
    name: String,
    #[command(flatten)]
    changes: Changes,
}

/// At least one of them.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// For how long a client keeps its connection: session, transaction or statement
    #[arg(long)]
    mode: Option<String>,
    /// How many connections there may be
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    size: Option<String>,
    /// The database on the server
    #[arg(long, value_name = "NAME")]
    db: Option<String>,
    /// The user as whom all sessions connect
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Each session connects as its own user
    #[arg(long, conflicts_with = "user")]
    no_user: bool,
}

const FIELDS: [&str; 5] = ["name", "mode", "size", "db", "user"];

pub(super) fn run(session: &Session, pools: DatabasePools) -> Result<u8> {
    match pools.verb {
        Verb::List { database } => {
            let answer = session.ask(Call::get(named("database", &database), &all(&database)))?;
            let heads = [text("NAME"), text("MODE"), number("SIZE"), text("DB"), text("USER")];
            let mut table = Table::new(heads);
            for one in items(&answer, "pools") {
                table.row(FIELDS.map(|field| cell(one.get(field))).into());
            }
            session.list(&answer, &table, "no pools")?;
            Ok(0)
        }
        Verb::Show { name } => {
            let (database, pool) = parts(&name)?;
            let answer = session.ask(Call::get(named(DATABASE_POOLS.noun, &name), &below(database, pool)))?;
            let pool = answer.get("pool").unwrap_or(&Value::Null);
            session.tell(&answer, |columns| record(&FIELDS, pool).render(columns))?;
            Ok(0)
        }
        Verb::Set(set) => change(session, set),
        Verb::Delete { name } => {
            let it = named(DATABASE_POOLS.noun, &name);
            let (database, pool) = parts(&name)?;
            let answer = session.ask(Call::delete(&it, &below(database, pool)))?;
            session.done(&answer, &format!("deleted {it}"), None)?;
            Ok(0)
        }
        Verb::Operate(operation) => operate::run(session, &DATABASE_POOLS, operation),
    }
}

/// What is put is the whole of it, so what is not given is taken from what is there.
fn change(session: &Session, set: Set) -> Result<u8> {
    let changes = set.changes;
    let it = named(DATABASE_POOLS.noun, &set.name);
    let (database, pool) = parts(&set.name)?;
    let path = below(database, pool);
    let known = session.find(Call::get(&it, &path))?;
    let mut body = Map::new();
    for field in ["mode", "size", "db", "user"] {
        if let Some(value) = known.as_ref().and_then(|known| known.get("pool")?.get(field)) {
            body.insert(field.to_owned(), value.clone());
        }
    }
    let given = [
        ("mode", changes.mode.map(Value::String)),
        ("size", changes.size.as_deref().map(number_of)),
        ("db", changes.db.map(Value::String)),
        ("user", changes.user.map(Value::String)),
    ];
    let given = given
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), value?)));
    body.extend(given);
    if changes.no_user {
        body.remove("user");
    }
    let (answer, said) = if known.is_some() {
        (session.ask(Call::put(&it, &path).body(body.into()))?, "changed")
    } else {
        body.insert("name".to_owned(), pool.into());
        (
            session.ask(Call::post(&it, &all(database)).body(body.into()))?,
            "created",
        )
    };
    let shown = answer.get("pool").map(|pool| record(&FIELDS, pool));
    session.done(&answer, &format!("{said} {it}"), shown)?;
    Ok(0)
}

fn parts(name: &str) -> Result<(&str, &str)> {
    match name.split_once('/') {
        Some((database, pool)) if !database.is_empty() && !pool.is_empty() => Ok((database, pool)),
        _ => Err(senseless("a database pool is named DATABASE/POOL")),
    }
}

fn all(database: &str) -> [&str; 4] {
    ["v2", "databases", database, "pools"]
}

fn below<'a>(database: &'a str, pool: &'a str) -> [&'a str; 5] {
    ["v2", "databases", database, "pools", pool]
}
