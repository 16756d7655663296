//! `fairpool proxies`: API proxies and their connection settings. The configuration file declares them; their settings are changed here.

use super::client::Call;
use super::failure::senseless;
use super::fields::{self, Field, Form};
use super::operate::{self, Operation, PROXIES};
use super::session::{Common, Session, items, named, record};
use super::shown::cell;
use super::table::{Table, text};
use anyhow::Result;
use serde_json::{Map, Value, json};

const EXAMPLES: &str = "\
Examples:
  fairpool proxies list shop
  fairpool proxies set shop/basket connectionSettingsEnabled=true readTimeout=120
  fairpool proxies set shop/basket connectionPoolManagementType=CUSTOM customConnectionPoolSize=20
  fairpool proxies clear shop/basket

Fields: connectionSettingsEnabled, connectTimeout, readTimeout, connectionRequestTimeout, redirectsEnabled,
maxRedirects, relativeRedirectsAllowed, disableContentCompression, enableStreaming, retryCount, failoverRetryCount,
ignoreRoutingError, connectionPoolManagementType (GENERAL, CUSTOM, NONE), customConnectionPoolSize. Only with
connectionSettingsEnabled=true do they count, rather than the defaults.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_value_name = "VERB", subcommand_help_heading = "Verbs")]
pub(crate) struct Proxies {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// All of them, or those of a project
    List {
        /// Of which project
        project: Option<String>,
    },
    /// The settings of one
    Show {
        /// Which one
        #[arg(value_name = "PROJECT/PROXY")]
        name: String,
    },
    /// Change settings of one: only what is given
    Set {
        /// Which one
        #[arg(value_name = "PROJECT/PROXY")]
        name: String,
        /// What is to be so
        #[arg(value_name = "FIELD=VALUE", required = true)]
        fields: Vec<String>,
    },
    #[command(flatten)]
    Operate(Operation),
}

const FIELDS: [Field; 14] = [
    ("connectionSettingsEnabled", Form::Flag),
    ("connectTimeout", Form::Number),
    ("readTimeout", Form::Number),
    ("connectionRequestTimeout", Form::Number),
    ("redirectsEnabled", Form::Flag),
    ("maxRedirects", Form::Number),
    ("relativeRedirectsAllowed", Form::Flag),
    ("disableContentCompression", Form::Flag),
    ("enableStreaming", Form::Flag),
    ("retryCount", Form::Number),
    ("failoverRetryCount", Form::Number),
    ("ignoreRoutingError", Form::Flag),
    ("connectionPoolManagementType", Form::Text),
    ("customConnectionPoolSize", Form::Number),
];

impl Proxies {
    pub(super) fn run(self) -> Result<u8> {
        let session = Session::new(&self.common)?;
        let session = &session;
        match self.verb {
            Verb::List { project } => list(session, project),
            Verb::Show { name } => {
                let answer = session.ask(Call::get(named(PROXIES.noun, &name), &settings(&name)?))?;
                session.tell(&answer, |columns| shown(&answer).render(columns))?;
                Ok(0)
            }
            Verb::Set { name, fields } => change(session, &name, fields::read(&FIELDS, &fields)?),
            Verb::Operate(operation) => operate::run(session, &PROXIES, operation),
        }
    }
}

fn list(session: &Session, project: Option<String>) -> Result<u8> {
    let projects = match project {
        Some(project) => vec![project],
        None => {
            let answer = session.ask(Call::get("projects", &["fairpool", "v1", "projects"]))?;
            let names = items(&answer, "data")
                .iter()
                .filter_map(|one| one.get("name")?.as_str());
            names.map(str::to_owned).collect()
        }
    };
    let mut proxies: Vec<Value> = Vec::new();
    for project in projects {
        let path = ["fairpool", "v1", "projects", &project, "apiProxies"];
        let answer = session.ask(Call::get(named("project", &project), &path))?;
        proxies.extend_from_slice(items(&answer, "data"));
    }
    let mut table = Table::new([text("PROJECT/PROXY"), text("CONNECTION")]);
    for proxy in &proxies {
        table.row(["connector", "connection"].map(|field| cell(proxy.get(field))).into());
    }
    session.list(&json!({"data": proxies}), &table, "no API proxies")?;
    Ok(0)
}

fn change(session: &Session, name: &str, given: Map<String, Value>) -> Result<u8> {
    let it = named(PROXIES.noun, name);
    let path = settings(name)?;
    let answer = session.ask(Call::patch(&it, &path).body(given.into()))?;
    // The answer does not show them, and whoever may change them may not always look.
    let now = session.is_for_people().then(|| session.ask(Call::get(&it, &path)).ok());
    let now = now.flatten();
    let mut said = format!("changed {it}");
    if now
        .as_ref()
        .is_some_and(|now| now["connectionSettingsEnabled"] == false)
    {
        said.push_str("; the defaults count until connectionSettingsEnabled=true");
    }
    session.done(&answer, &said, now.as_ref().map(shown))?;
    Ok(0)
}

fn shown(settings: &Value) -> Table {
    record(&FIELDS.map(|(field, _)| field), settings)
}

/// Where a proxy's settings are.
fn settings(name: &str) -> Result<[&str; 7]> {
    match name.split_once('/') {
        Some((project, proxy)) if !project.is_empty() && !proxy.is_empty() => Ok([
            "apiops",
            "projects",
            project,
            "apiProxies",
            proxy,
            "settings",
            "connection",
        ]),
        _ => Err(senseless("an API proxy is named PROJECT/PROXY")),
    }
}
