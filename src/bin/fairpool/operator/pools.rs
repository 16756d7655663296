//! `fairpool pools`: connection pools, by name. In paths they go by id, so a name is looked up first.

use super::client::Call;
use super::failure::Failure;
use super::fields::number as number_of;
use super::operate::{self, Operation, POOLS};
use super::session::{Common, Session, items, named, record};
use super::shown::cell;
use super::table::{Table, number, text};
use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "\
Examples:
  fairpool pools list --filter order --sort=-limit
  fairpool pools set orders --limit 20 --timeout 5     make it, or change it
  fairpool pools set orders --no-timeout
  fairpool pools clear orders                          fail those who wait now
  fairpool pools drain orders --patience 60 && fairpool pools resume orders
  fairpool pools list --json | jq -r '.data[].name'

NAME is a pool's name or, where that is nobody's name, its id.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Pools {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// All of them
    List {
        /// Those whose names contain this, or one of these with commas between them
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
        /// By name, limit or created_at, downwards with - before it; several with commas
        #[arg(long, value_name = "KEYS", allow_hyphen_values = true)]
        sort: Option<String>,
    },
    /// One with its connectors
    Show {
        /// Which one
        name: String,
    },
    /// Make one, or change what is given of it
    Set(Set),
    /// Delete one: those in its line fail, its connectors go on without a limit
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
    /// How many requests may be in flight at once
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    limit: Option<String>,
    /// How long a request may wait in line, in seconds
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    timeout: Option<String>,
    /// Let requests wait without bound
    #[arg(long, conflicts_with = "timeout")]
    no_timeout: bool,
    /// Another name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
}

const PATH: [&str; 3] = ["api", "v1", "connection-pools"];
const FIELDS: [&str; 6] = ["id", "name", "limit", "timeout", "created_at", "updated_at"];
/// As long as a page may be.
const PAGE: &str = "100";

impl Pools {
    pub(super) fn run(self) -> Result<u8> {
        let session = Session::new(&self.common)?;
        match self.verb {
            Verb::List { filter, sort } => list(&session, filter.as_deref(), sort.as_deref()),
            Verb::Show { name } => show(&session, &name),
            Verb::Set(set) => change(&session, set),
            Verb::Delete { name } => {
                let id = id_of(&session, &name)?;
                let answer = session.ask(Call::delete(named(POOLS.noun, &name), &below(&id)))?;
                session.done(&answer, &format!("deleted {}", named(POOLS.noun, &name)), None)?;
                Ok(0)
            }
            Verb::Operate(operation) => operate::run(&session, &POOLS, operation),
        }
    }
}

fn list(session: &Session, filter: Option<&str>, sort: Option<&str>) -> Result<u8> {
    let pools = all(session, filter, sort)?;
    let heads = [
        number("ID"),
        text("NAME"),
        number("LIMIT"),
        number("TIMEOUT"),
        text("UPDATED"),
    ];
    let mut table = Table::new(heads);
    for pool in &pools {
        let cells = ["id", "name", "limit", "timeout", "updated_at"];
        table.row(cells.map(|field| cell(pool.get(field))).into());
    }
    session.list(&json!({"data": pools}), &table, "no connection pools")?;
    Ok(0)
}

/// Page after page.
fn all(session: &Session, filter: Option<&str>, sort: Option<&str>) -> Result<Vec<Value>, Failure> {
    let mut pools = Vec::new();
    for page in 1_u64.. {
        let page = page.to_string();
        let mut query = vec![("page", &*page), ("per_page", PAGE)];
        query.extend(filter.map(|filter| ("filter[name]", filter)));
        query.extend(sort.map(|sort| ("sort", sort)));
        let answer = session.ask(Call::get("connection pools", &PATH).query(&query))?;
        let some = items(&answer, "data");
        pools.extend_from_slice(some);
        let last = answer.pointer("/meta/last_page").and_then(Value::as_u64);
        if some.is_empty() || last.is_none_or(|last| page.parse().is_ok_and(|page: u64| page >= last)) {
            break;
        }
    }
    Ok(pools)
}

fn show(session: &Session, name: &str) -> Result<u8> {
    let id = id_of(session, name)?;
    let query = [("include", "connectors.system")];
    let answer = session.ask(Call::get(named(POOLS.noun, name), &below(&id)).query(&query))?;
    session.tell(&answer, |columns| {
        let mut pool = answer.get("data").cloned().unwrap_or_default();
        let connectors = pool.as_object_mut().and_then(|pool| pool.remove("connectors"));
        let mut text = record(&FIELDS, &pool).render(columns);
        let table = connectors_of(items(&connectors.unwrap_or_default(), ""));
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.render(columns));
        }
        text
    })?;
    Ok(0)
}

fn connectors_of(connectors: &[Value]) -> Table {
    let mut table = Table::new([
        text("CONNECTOR"),
        text("MODE"),
        number("SIZE"),
        text("CONNECTION"),
        text("HOSTS"),
    ]);
    for one in connectors {
        let paths = ["/name", "/mode", "/size", "/system/name", "/system/queryHosts"];
        table.row(paths.map(|path| cell(one.pointer(path))).into());
    }
    table
}

fn change(session: &Session, set: Set) -> Result<u8> {
    let changes = set.changes;
    let it = named(POOLS.noun, &set.name);
    let mut body = Map::new();
    let mut put = |field: &str, value: Option<Value>| value.map(|value| body.insert(field.to_owned(), value));
    put("limit", changes.limit.as_deref().map(number_of));
    put("timeout", changes.timeout.as_deref().map(number_of));
    put("timeout", changes.no_timeout.then_some(Value::Null));
    let (answer, said) = match find(session, &set.name)? {
        Some(pool) => {
            put("name", changes.rename.map(Value::String));
            let id = cell(pool.get("id"));
            (session.ask(Call::put(&it, &below(&id)).body(body.into()))?, "changed")
        }
        None if is_number(&set.name) => {
            bail!("{it}: there is no such id, and a new one has a name that is no number");
        }
        None => {
            put("name", Some(changes.rename.unwrap_or(set.name).into()));
            (session.ask(Call::post(&it, &PATH).body(body.into()))?, "created")
        }
    };
    let pool = answer.get("data").unwrap_or(&Value::Null);
    session.done(&answer, &format!("{said} {it}"), Some(record(&FIELDS, pool)))?;
    Ok(0)
}

/// The pool of this name, or else of this id.
fn find(session: &Session, name: &str) -> Result<Option<Value>, Failure> {
    let named_so = |pool: &Value| pool.get("name").and_then(Value::as_str) == Some(name);
    let known = all(session, Some(name), None)?.into_iter().find(named_so);
    if known.is_some() || !is_number(name) {
        return Ok(known);
    }
    let found = session.find(Call::get(named(POOLS.noun, name), &below(name)))?;
    Ok(found.and_then(|found| found.get("data").cloned()))
}

/// The id of the pool of this name. Of one that is not there the server says so.
pub(super) fn id_of(session: &Session, name: &str) -> Result<String, Failure> {
    match find(session, name)? {
        Some(pool) => Ok(cell(pool.get("id"))),
        None => {
            let unknown = session.ask(Call::get(named(POOLS.noun, name), &below(name)))?;
            Ok(cell(unknown.pointer("/data/id")))
        }
    }
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn below(id: &str) -> [&str; 4] {
    let [api, v1, pools] = PATH;
    [api, v1, pools, id]
}
