//! The fields of a managed database, as a configuration file declares it and as the store keeps it.
//!
//! | field | in the file | what |
//! |---|---|---|
//! | `id`, `engine`, `url` | `[[database]]` | required |
//! | `name` | the same | what people call it; its id, if it is missing |
//! | `version` | the same | of the server at `url`, so that the database can move back to it |
//! | `version`, `url` | `[[database.server]]` | a server to which it can move |
//! | `name`, `password` | `[[database.user]]` | a user whose password pools may use |

use super::database::{DatabaseDefinition, DatabaseRecord, DatabaseServer, DatabaseUser};
use super::fields::{Fields, Read, from_outside, read};
use super::invalid::{Invalid, Violation};
use super::stored::stored_as_shown;
use serde_json::Value;

impl Read for DatabaseDefinition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (id, name) = (fields.required("id"), fields.optional("name"));
        let (engine, url) = (fields.required("engine"), fields.required("url"));
        let version = fields.optional("version");
        let servers = list::<DatabaseServer>(fields, "server");
        let users = list::<DatabaseUser>(fields, "user");
        let begun = match (id, engine, url) {
            (Some(id), Some(engine), Some(url)) => {
                let begun = DatabaseDefinition::new(id, engine, url);
                taken(fields, begun)
            }
            _ => None,
        };
        let mut definition = begun?;
        if let Some(name) = name? {
            definition = definition.name(name);
        }
        if let Some(version) = version? {
            definition = definition.version(version);
        }
        for DatabaseServer { version, url } in servers? {
            let next = definition.server(version, url);
            definition = taken(fields, next)?;
        }
        let users = users?.into_iter();
        Some(users.fold(definition, |definition, user| definition.user(user.name, user.password)))
    }
}

impl Read for DatabaseServer {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (version, url) = (fields.required("version"), fields.required("url"));
        Some(DatabaseServer {
            version: version?,
            url: url?,
        })
    }
}

impl Read for DatabaseUser {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (name, password) = (fields.required("name"), fields.required("password"));
        Some(DatabaseUser {
            name: name?,
            password: password?,
        })
    }
}

impl Read for DatabaseRecord {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let version = fields.optional("version")?;
        Some(DatabaseRecord { version })
    }
}

/// A table for each; their fields are named by their place.
fn list<T: Read>(fields: &mut Fields<'_>, name: &'static str) -> Option<Vec<T>> {
    let list = match fields.value(name) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(list)) => list.clone(),
        Some(_) => return fields.refuse(name, Violation::NotAList),
    };
    let parsed = list.iter().enumerate().map(|(at, value)| {
        let prefix = format!("{name}.{at}");
        let model = read::<T>(value).map_err(|invalid| (prefix, invalid));
        match model {
            Ok(model) => Some(model),
            Err((prefix, invalid)) => {
                for (field, violation) in invalid.violations() {
                    let _: Option<T> = match field {
                        "body" => fields.refuse(prefix.clone(), violation.clone()),
                        field => fields.refuse(format!("{prefix}.{field}"), violation.clone()),
                    };
                }
                None
            }
        }
    });
    // All of them first, so that every fault is noted.
    let parsed: Vec<Option<T>> = parsed.collect();
    parsed.into_iter().collect()
}

fn taken<T>(fields: &mut Fields<'_>, result: Result<T, Invalid>) -> Option<T> {
    result
        .map_err(|invalid| {
            for (field, violation) in invalid.violations() {
                let _: Option<T> = fields.refuse(field.to_owned(), violation.clone());
            }
        })
        .ok()
}

from_outside!(DatabaseDefinition);
stored_as_shown!(DatabaseRecord);
