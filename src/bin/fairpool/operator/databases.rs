//! `fairpool databases`: managed databases, which the configuration file declares, and the settings of their engines.

use super::client::Call;
use super::database_pools::{self, DatabasePools};
use super::session::{Common, Session, items, named, record};
use super::shown::{cell, shown};
use super::table::{Table, text};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  fairpool databases list
  fairpool databases pools set main/web --mode transaction --size 20 --db orders --user app
  fairpool databases eviction-policy cache allkeys_lru
  fairpool databases sql-mode shop ANSI,STRICT_TRANS_TABLES
  fairpool databases upgrade main 17      without failing a request; it moves no data

DATABASE is its id.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Databases {
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
        database: String,
    },
    /// The connection pools of a database
    Pools(DatabasePools),
    /// What a Redis does when its memory is full; with a policy, make it so
    EvictionPolicy {
        /// Of which database
        database: String,
        /// noeviction, allkeys_lru, allkeys_random, volatile_lru, volatile_random or volatile_ttl
        policy: Option<String>,
    },
    /// The SQL modes of a MySQL or MariaDB; with modes, make them so: commas between them, '' for none
    SqlMode {
        /// Of which database
        database: String,
        /// Such as ANSI,STRICT_TRANS_TABLES
        modes: Option<String>,
    },
    /// Move the pools of a database to its server of this version
    Upgrade {
        /// Which one
        database: String,
        /// Such as 17; a server of it has to be configured
        version: String,
    },
}

const NOUN: &str = "database";
const FIELDS: [&str; 5] = ["id", "name", "engine", "version", "url"];
/// What leases have to come back before an upgrade gives up, and then some.
const UPGRADE: Duration = Duration::from_secs(45);

impl Databases {
    pub(super) fn run(self) -> Result<u8> {
        let session = Session::new(&self.common)?;
        let session = &session;
        match self.verb {
            Verb::List => list(session),
            Verb::Show { database } => show(session, &database),
            Verb::Pools(pools) => return database_pools::run(session, pools),
            Verb::EvictionPolicy { database, policy } => setting(session, &database, "eviction_policy", policy),
            Verb::SqlMode { database, modes } => setting(session, &database, "sql_mode", modes),
            Verb::Upgrade { database, version } => {
                let it = named(NOUN, &database);
                let call = Call::put(&it, &["v2", "databases", &database, "upgrade"]);
                let answer = session.ask(call.body(json!({"version": version})).after(UPGRADE))?;
                let said = format!("{it} uses its server of version {}", shown(&version));
                session.done(&answer, &said, None)
            }
        }?;
        Ok(0)
    }
}

fn list(session: &Session) -> Result<()> {
    let answer = session.ask(all())?;
    let mut table = Table::new(["ID", "NAME", "ENGINE", "VERSION", "URL"].map(text));
    for one in items(&answer, "data") {
        table.row(FIELDS.map(|field| cell(one.get(field))).into());
    }
    session.list(&answer, &table, "no databases")
}

fn show(session: &Session, database: &str) -> Result<()> {
    let answer = session.ask(all())?;
    let is_it = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(database);
    let Some(one) = items(&answer, "data").iter().find(is_it) else {
        bail!("{}: there is none of this id", named(NOUN, database));
    };
    session.tell(&json!({"data": one}), |columns| record(&FIELDS, one).render(columns))
}

fn all() -> Call {
    Call::get("databases", &["fairpool", "v1", "databases"])
}

/// A body of one field, read or made so.
fn setting(session: &Session, database: &str, field: &str, value: Option<String>) -> Result<()> {
    let it = named(NOUN, database);
    let path = ["v2", "databases", database, field];
    match value {
        None => {
            let answer = session.ask(Call::get(&it, &path))?;
            session.tell(&answer, |_| format!("{}\n", cell(answer.get(field))))
        }
        Some(value) => {
            let answer = session.ask(Call::put(&it, &path).body(json!({field: value})))?;
            session.done(
                &answer,
                &format!("changed {field} of {it} to {:?}", shown(&value)),
                None,
            )
        }
    }
}
