//! Family 1, described.

use super::schema::{list, named, named_schema, object, or_null, set, text};
use super::{Described, Description};
use crate::resource::models::{ConnectionPoolChange, ListQuery, NewConnectionPool, PoolName};
use crate::server::pools::{Call, Pools};
use serde_json::{Value, json};

impl Described for Pools {
    const NAME: &'static str = "connection-pools";
    const TITLE: &'static str = "Connection pools";
    const PATHS: &'static [&'static str] = &[
        "/api/v1/connection-pools",
        "/api/v1/connection-pools/{connection_pool}",
        "/api/v1/connection-pools/{connection_pool}/clear",
    ];

    fn describe(call: Call) -> Description {
        let said = |summary, query, body: Option<&str>, answer, refusals| Description {
            summary,
            query,
            body: body.map(|name| (named_schema(name), true)),
            answer: (200, named_schema(answer)),
            refusals,
        };
        let (none, one) = (Vec::new, "PoolResponse");
        match call {
            Call::List => said("List connection pools", query(), None, "PoolList", &[]),
            Call::Create => said("Create a connection pool", none(), Some("NewPool"), one, &[]),
            Call::Show => said("Show a connection pool", query(), None, one, &[]),
            Call::Change => said("Change what is given", none(), Some("PoolChange"), one, &[]),
            Call::Delete => said("Delete a connection pool", none(), None, "Message", &[]),
            Call::Clear => said("Remove all pending requests", none(), None, "Cleared", &[]),
        }
    }

    fn schemas() -> Value {
        let number = || json!({"type": "integer"});
        let moment = || json!({"type": "string", "format": "date-time"});
        let uri = || json!({"type": "string", "format": "uri-reference"});
        let (name, limit) = (named(PoolName::new), set(ConnectionPoolChange::limit));
        let timeout = set(NewConnectionPool::timeout);
        let given = [
            ("limit", limit.clone()),
            ("timeout", or_null(timeout.clone())),
            ("name", name.clone()),
        ];
        let shown = ["id", "name", "limit", "created_at", "updated_at"];
        let pool = [
            ("id", number()),
            ("name", name),
            ("limit", limit),
            ("timeout", timeout),
            ("created_at", moment()),
            ("updated_at", moment()),
            ("connectors", list(named_schema("Connector"))),
        ];
        let system = object(
            &["name", "type", "queryHosts"],
            [
                ("name", text()),
                ("type", text()),
                ("title", text()),
                ("queryHosts", list(text())),
            ],
        );
        let connector = [
            ("id", number()),
            ("name", text()),
            ("mode", text()),
            ("size", number()),
            ("system", system),
        ];
        let meta = [
            ("current_page", number()),
            ("from", or_null(number())),
            ("last_page", number()),
            ("path", text()),
            ("per_page", number()),
            ("to", or_null(number())),
            ("total", number()),
        ];
        let links = [
            ("first", uri()),
            ("last", uri()),
            ("prev", or_null(uri())),
            ("next", or_null(uri())),
        ];
        let data = ["data", "links", "meta"];
        let page = [
            ("data", list(named_schema("Pool"))),
            ("links", object(&["first", "last", "prev", "next"], links)),
            ("meta", object(&meta.clone().map(|(name, _)| name), meta)),
        ];
        json!({
            "NewPool": object(&["limit", "name"], given.clone()),
            "PoolChange": object(&[], given),
            "Pool": object(&shown, pool),
            "Connector": object(&["id", "name", "mode"], connector),
            "PoolResponse": object(&["data"], [("data", named_schema("Pool"))]),
            "PoolList": object(&data, page),
            "Message": object(&["message"], [("message", text())]),
            "Cleared": object(&["cleared"], [("cleared", number())]),
        })
    }
}

fn query() -> Vec<Value> {
    let per_page = set(ListQuery::per_page);
    let parameters = [
        ("filter[name]", text(), "Names that contain it; commas mean any of"),
        (
            "include",
            text(),
            "Of `connectors` and `connectors.system`, with commas",
        ),
        (
            "sort",
            text(),
            "Of `name`, `limit`, `created_at`, with `-` to descend, with commas",
        ),
        ("page", set(ListQuery::page), "Which page"),
        ("per_page", per_page, "How many on a page"),
    ];
    let parameters = parameters.into_iter().map(|(name, schema, description)| {
        json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description})
    });
    parameters.collect()
}
