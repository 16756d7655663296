//! Family 2, described.

use super::schema::{Schema, list, named, named_schema, object, or_null, set, text};
use super::{Described, Description};
use crate::resource::models::{
    DatabasePoolName, EngineVersion, EvictionPolicy, PoolMode, PoolSize, RoleName, SqlMode, TopicChange, TopicName,
};
use crate::server::databases::{Call, Databases};
use serde_json::{Value, json};

impl Described for Databases {
    const NAME: &'static str = "databases";
    const TITLE: &'static str = "Managed databases";
    const PATHS: &'static [&'static str] = &[
        "/v2/databases/{database_cluster_uuid}/pools",
        "/v2/databases/{database_cluster_uuid}/pools/{pool_name}",
        "/v2/databases/{database_cluster_uuid}/eviction_policy",
        "/v2/databases/{database_cluster_uuid}/sql_mode",
        "/v2/databases/{database_cluster_uuid}/upgrade",
        "/v2/databases/{database_cluster_uuid}/topics",
        "/v2/databases/{database_cluster_uuid}/topics/{topic_name}",
    ];
    const IS_COUNTED: bool = true;

    fn describe(call: Call) -> Description {
        let said = |summary, body: Option<&str>, status, answer: Option<&str>, refusals| Description {
            summary,
            query: Vec::new(),
            body: body.map(|name| (named_schema(name), true)),
            answer: (status, answer.map_or(Value::Null, named_schema)),
            refusals,
        };
        let read = |summary, answer, refusals| said(summary, None, 200, Some(answer), refusals);
        let done = |summary, body, refusals| said(summary, body, 204, None, refusals);
        let ruled: &[u16] = &[422];
        match call {
            Call::Pools => read("List connection pools", "Pools", &[]),
            Call::CreatePool => said("Create a connection pool", Some("NewPool"), 201, Some("OnePool"), ruled),
            Call::Pool => read("Show a connection pool", "OnePool", &[]),
            Call::ReplacePool => done("Replace all of a pool but its name", Some("PoolReplacement"), ruled),
            Call::DeletePool => done("Delete a connection pool", None, ruled),
            Call::Policy => read("Ask a Redis server for its eviction policy", "EvictionPolicy", ruled),
            Call::SetPolicy => done("Set a Redis server's eviction policy", Some("EvictionPolicy"), ruled),
            Call::Modes => read("Ask a MySQL server for its SQL modes", "SqlMode", ruled),
            Call::SetModes => done("Set a MySQL server's SQL modes", Some("SqlMode"), ruled),
            Call::Upgrade => done("Move to the server of another major version", Some("Version"), ruled),
            Call::Topics => read("List topics: not supported yet", "Topics", ruled),
            Call::CreateTopic => said(
                "Create a topic: not supported yet",
                Some("NewTopic"),
                201,
                Some("OneTopic"),
                ruled,
            ),
            Call::Topic => read("Show a topic: not supported yet", "OneTopic", ruled),
            Call::ChangeTopic => said(
                "Change a topic: not supported yet",
                Some("TopicChange"),
                200,
                Some("OneTopic"),
                ruled,
            ),
            Call::DeleteTopic => done("Delete a topic: not supported yet", None, ruled),
        }
    }

    fn schemas() -> Value {
        let number = || json!({"type": "integer"});
        let name = || ("name", named(DatabasePoolName::new));
        let given = || {
            [
                ("mode", PoolMode::schema()),
                ("size", PoolSize::schema()),
                ("db", named(RoleName::new)),
                ("user", or_null(named(RoleName::new))),
            ]
        };
        let required = ["name", "mode", "size", "db"];
        let connection = [
            ("host", text()),
            ("port", number()),
            ("database", text()),
            ("user", text()),
            ("ssl", bool::schema()),
            ("uri", text()),
        ];
        let connection = object(&["host", "database", "ssl", "uri"], connection);
        let pool = [name()].into_iter().chain(given()).chain([("connection", connection)]);
        let one = |field: &'static str, schema| object(&[field], [(field, schema)]);
        let topic = || {
            [
                ("partition_count", or_null(set(TopicChange::partition_count))),
                ("replication_factor", or_null(set(TopicChange::replication_factor))),
                ("config", or_null(object(&[], []))),
            ]
        };
        let topic_name = || ("name", named(TopicName::new));
        let row = [
            topic_name(),
            ("replication_factor", number()),
            ("partition_count", number()),
            ("state", text()),
        ];
        let details = [
            topic_name(),
            ("state", text()),
            ("replication_factor", number()),
            ("partitions", list(object(&["id"], [("id", number())]))),
            ("config", object(&[], [])),
        ];
        let details = object(
            &["name", "state", "replication_factor", "partitions", "config"],
            details,
        );
        json!({
            "NewPool": object(&required, [name()].into_iter().chain(given())),
            "PoolReplacement": object(&required[1..], given()),
            "Pool": object(&["name", "mode", "size", "db", "connection"], pool),
            "OnePool": one("pool", named_schema("Pool")),
            "Pools": one("pools", list(named_schema("Pool"))),
            "EvictionPolicy": one(EvictionPolicy::FIELD, EvictionPolicy::schema()),
            "SqlMode": one(SqlMode::FIELD, text()),
            "Version": one(EngineVersion::FIELD, named(EngineVersion::new)),
            "NewTopic": object(&["name"], [topic_name()].into_iter().chain(topic())),
            "TopicChange": object(&[], topic()),
            "OneTopic": one("topic", details),
            "Topics": one("topics", list(object(&["name", "replication_factor", "partition_count", "state"], row))),
        })
    }
}
