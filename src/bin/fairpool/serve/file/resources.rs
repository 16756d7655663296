//! What the registry is told: `[[connection]]`, `[[connector]]`, `[[project]]` with its `[[project.api_proxy]]`, `[[database]]` with its
//! `[[database.server]]` and `[[database.user]]`. Each is read by its model; what is left to this page is that no name stands twice.

use super::document::Section;
use fairpool::resource::models::{
    ConnectionDefinition, ConnectionName, ConnectorDefinition, DatabaseDefinition, Secret,
};
use fairpool::resource::registry::{Declared, ResourceKind};
use std::collections::BTreeMap;

/// Where each resource stands, by its kind and name.
pub(super) type Places = BTreeMap<(String, String), usize>;

/// The model's fields, and the other spelling that it takes for three of them.
const CONNECTION: [&str; 20] = [
    "name",
    "type",
    "queryHosts",
    "title",
    "version",
    "timeout",
    "sqlTimeout",
    "protocol",
    "ca",
    "cert",
    "key",
    "passphrase",
    "decorator",
    "decoratorOptions",
    "sockHost",
    "sockUsername",
    "sockPassword",
    "socksHost",
    "socksUsername",
    "socksPassword",
];
const CONNECTOR: [&str; 5] = ["name", "connection", "connection_pool_id", "mode", "size"];
const DATABASE: [&str; 7] = ["id", "name", "engine", "url", "version", "server", "user"];
const SECRETS: [&str; 4] = ["key", "passphrase", "sockPassword", "socksPassword"];

pub(super) fn read(root: &Section<'_>) -> (Declared, Places) {
    let (mut declared, mut places) = (Declared::new(), Places::new());
    for section in root.tables("connection") {
        section.knows(&CONNECTION);
        for secret in SECRETS {
            if section.has(secret) && section.text(secret) == Some(Secret::MASK) {
                section.refuse(secret, "is the mask that answers show, and not the secret");
            }
        }
        if let Some(definition) = section.model::<ConnectionDefinition>() {
            once(
                &section,
                &mut places,
                ResourceKind::Connection,
                definition.name().as_str(),
            );
            declared = declared.connection(definition);
        }
    }
    for section in root.tables("connector") {
        section.knows(&CONNECTOR);
        if let Some(definition) = section.model::<ConnectorDefinition>() {
            once(
                &section,
                &mut places,
                ResourceKind::Connector,
                definition.name().as_str(),
            );
            declared = declared.connector(definition);
        }
    }
    for section in root.tables("database") {
        section.knows(&DATABASE);
        for (key, known) in [("server", ["version", "url"]), ("user", ["name", "password"])] {
            section.tables(key).iter().for_each(|below| below.knows(&known));
        }
        if let Some(definition) = section.model::<DatabaseDefinition>() {
            let id = definition.id().as_str();
            once_by("id", &section, &mut places, ResourceKind::Database, id);
            declared = declared.database(definition);
        }
    }
    for section in root.tables("project") {
        declared = project(&section, declared, &mut places);
    }
    (declared, places)
}

fn project(section: &Section<'_>, declared: Declared, places: &mut Places) -> Declared {
    section.knows(&["name", "api_proxy"]);
    let proxies = section.tables("api_proxy");
    let Some(project) = section.required_text("name") else {
        return declared;
    };
    // Tried beside the others: what is refused would take them along.
    if let Err(violation) = Declared::new().project(project) {
        section.refuse("name", violation);
        return declared;
    }
    once(section, places, ResourceKind::Project, project);
    let with_it = declared.project(project);
    let mut declared = with_it.expect("bug: it was tried");
    for section in proxies {
        section.knows(&["name", "connection"]);
        if !section.has("connection") {
            section.refuse("connection", "is required");
        }
        let (name, connection) = (
            section.required_text("name"),
            section.value::<ConnectionName>("connection"),
        );
        let (Some(name), Some(connection)) = (name, connection) else {
            continue;
        };
        if let Err(violation) = Declared::new().api_proxy(project, name, connection.clone()) {
            section.refuse("name", violation);
            continue;
        }
        // A proxy is a connector of that name.
        once(&section, places, ResourceKind::Connector, &format!("{project}/{name}"));
        let with_it = declared.api_proxy(project, name, connection);
        declared = with_it.expect("bug: it was tried");
    }
    declared
}

/// Notes a name that stands in the file already.
fn once(section: &Section<'_>, places: &mut Places, kind: ResourceKind, name: &str) {
    once_by("name", section, places, kind, name);
}

/// `field`: in which the name stands.
fn once_by(field: &str, section: &Section<'_>, places: &mut Places, kind: ResourceKind, name: &str) {
    let key = (kind.to_string(), name.to_owned());
    match places.get(&key) {
        Some(line) => section.refuse(field, format_args!("is that of the {kind} on line {line}")),
        None => {
            places.insert(key, section.line());
        }
    }
}
