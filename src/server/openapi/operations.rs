//! Family 5, described.

use super::schema::{Schema, list, named, named_schema, object, or_null, text};
use super::{Described, Description};
use crate::resource::models::{
    Bounded, ConnectionName, ConnectorName, DatabaseId, Engine, EngineVersion, ManagementType, PoolSize, RoleName,
};
use crate::server::operations::{Call, Operations};
use serde_json::{Value, json};

impl Described for Operations {
    const NAME: &'static str = "operations";
    const TITLE: &'static str = "Connectors, status and operations";
    const PATHS: &'static [&'static str] = &[
        "/fairpool/v1/connectors",
        "/fairpool/v1/connectors/{name}",
        "/fairpool/v1/databases",
        "/fairpool/v1/projects",
        "/fairpool/v1/projects/{project}/apiProxies",
        "/fairpool/v1/status",
        "/fairpool/v1/status/connection-pools/{name}",
        "/fairpool/v1/status/database-pools/{name}",
        "/fairpool/v1/status/connections/{name}",
        "/fairpool/v1/status/connectors/{name}",
        "/fairpool/v1/connection-pools/{name}/clear",
        "/fairpool/v1/connection-pools/{name}/drain",
        "/fairpool/v1/connection-pools/{name}/pause",
        "/fairpool/v1/connection-pools/{name}/resume",
        "/fairpool/v1/database-pools/{name}/clear",
        "/fairpool/v1/database-pools/{name}/drain",
        "/fairpool/v1/database-pools/{name}/pause",
        "/fairpool/v1/database-pools/{name}/resume",
        "/fairpool/v1/database-pools/{name}/invalidate",
        "/fairpool/v1/connections/{name}/clear",
        "/fairpool/v1/connections/{name}/drain",
        "/fairpool/v1/connections/{name}/pause",
        "/fairpool/v1/connections/{name}/resume",
        "/fairpool/v1/connections/{name}/invalidate",
        "/fairpool/v1/connectors/{name}/clear",
        "/fairpool/v1/connectors/{name}/drain",
        "/fairpool/v1/connectors/{name}/pause",
        "/fairpool/v1/connectors/{name}/resume",
        "/fairpool/v1/connectors/{name}/invalidate",
    ];

    fn describe(call: Call) -> Description {
        let body = |name, required| Some((named_schema(name), required));
        let one = || named_schema("Connector");
        let named = || object(&["name"], [("name", text())]);
        let proxy = || {
            let names = ["name", "connection", "connector"];
            object(&names, names.map(|name| (name, text())))
        };
        let (summary, body, status, data): (_, _, _, _) = match call {
            Call::List => ("List connectors", None, 200, list(one())),
            Call::Create => ("Create a connector", body("Connector", true), 201, one()),
            Call::Show => ("Show a connector", None, 200, one()),
            Call::Change => ("Change what is given", body("ConnectorChange", true), 200, one()),
            Call::Delete => ("Delete a connector", None, 200, text()),
            Call::Databases => ("List managed databases", None, 200, list(named_schema("Database"))),
            Call::Projects => ("List projects", None, 200, list(named())),
            Call::Proxies => ("List the API proxies of a project", None, 200, list(proxy())),
            Call::Statuses => ("Everything live in numbers", None, 200, list(named_schema("Status"))),
            Call::Status => ("One of them", None, 200, named_schema("Status")),
            Call::Operate => (
                "Operate on what is live",
                body("Patience", false),
                200,
                named_schema("Report"),
            ),
        };
        let answer = match call {
            Call::Delete => object(&["message"], [("message", data)]),
            _ => object(&["data"], [("data", data)]),
        };
        let refusals: &[u16] = match call {
            Call::Change | Call::Delete | Call::Operate => &[409],
            _ => &[],
        };
        Description {
            summary,
            query: Vec::new(),
            body,
            answer: (status, answer),
            refusals,
        }
    }

    fn schemas() -> Value {
        let number = || json!({"type": "integer"});
        let fields = || {
            [
                ("connection", named(ConnectionName::new)),
                ("connection_pool_id", or_null(json!({"type": "integer", "minimum": 1}))),
                ("mode", ManagementType::schema()),
                ("size", PoolSize::schema()),
            ]
        };
        let name = ("name", named(ConnectorName::new));
        let counts = ["limit", "open", "idle", "in_use", "connecting", "pending", "generation"];
        let counts = counts.map(|name| (name, number()));
        let texts = ["kind", "name", "state", "reason"].map(|name| (name, text()));
        let others = [
            ("oldest_wait", json!({"type": "number"})),
            ("totals", json!({"type": "object"})),
        ];
        let status = counts.into_iter().chain(texts).chain(others);
        let report = [
            ("cleared", number()),
            ("completed", bool::schema()),
            ("still_out", number()),
            ("failed", number()),
            ("called_off", bool::schema()),
            ("took", json!({"type": "number"})),
        ];
        let server = object(
            &["version", "url"],
            [("version", named(EngineVersion::new)), ("url", text())],
        );
        let database = [
            ("id", named(DatabaseId::new)),
            ("name", named(RoleName::new)),
            ("engine", Engine::schema()),
            ("version", named(EngineVersion::new)),
            ("url", text()),
            ("servers", list(server)),
        ];
        json!({
            "Database": object(&["id", "name", "engine", "url", "servers"], database),
            "Connector": object(&["name", "connection"], [name].into_iter().chain(fields())),
            "ConnectorChange": object(&[], fields()),
            "Status": object(&["kind", "name", "in_use", "pending", "state", "totals"], status),
            "Patience": object(&[], [("patience", Bounded::<1, 3600>::schema())]),
            "Report": object(&[], report),
        })
    }
}
