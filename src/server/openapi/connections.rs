//! Family 4, described.

use super::schema::{Schema, list, named, named_schema, object, text};
use super::{Described, Description};
use crate::resource::models::{ConnectionName, ConnectionType, Milliseconds, Protocol};
use crate::server::connections::{Call, Connections};
use serde_json::{Value, json};

impl Described for Connections {
    const NAME: &'static str = "connections";
    const TITLE: &'static str = "Named connections";
    const PATHS: &'static [&'static str] = &["/api/v1/connections", "/api/v1/connections/{name}"];

    fn describe(call: Call) -> Description {
        let one = || named_schema("Connection");
        let (summary, body, answer, refusals): (_, _, _, &[u16]) = match call {
            Call::List => ("List connections", None, list(one()), &[]),
            Call::Put => (
                "Create a connection, or replace the one of its name",
                Some((named_schema("Definition"), true)),
                named_schema("Definition"),
                &[422],
            ),
            Call::Show => ("Show a connection", None, one(), &[]),
            Call::Delete => ("Delete a connection", None, object(&[], []), &[400]),
        };
        let pretty = json!({
            "name": "pretty", "in": "query", "required": false, "allowEmptyValue": true, "schema": text(),
            "description": "Indent the answer",
        });
        Description {
            summary,
            query: vec![pretty],
            body,
            answer: (200, answer),
            refusals,
        }
    }

    fn schemas() -> Value {
        let secret = || json!({"type": "string", "description": "Shown as ********; that keeps what is stored"});
        let fields = [
            ("name", named(ConnectionName::new)),
            ("type", ConnectionType::schema()),
            ("queryHosts", list(text())),
            ("title", text()),
            ("version", text()),
            ("timeout", Milliseconds::schema()),
            ("sqlTimeout", Milliseconds::schema()),
            ("protocol", Protocol::schema()),
            ("ca", text()),
            ("cert", text()),
            ("key", secret()),
            ("passphrase", secret()),
            ("decorator", text()),
            ("decoratorOptions", text()),
            ("sockPassword", secret()),
            ("sockHost", text()),
            ("sockUsername", text()),
        ];
        json!({
            "Connection": object(&["name", "type", "queryHosts"], fields),
            "Definition": object(&["connection"], [("connection", named_schema("Connection"))]),
        })
    }
}
