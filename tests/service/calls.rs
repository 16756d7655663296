//! What can be asked of the service, and what stands in the places of its names and values.

use axum::http::Method;

pub(super) const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
    Method::CONNECT,
];

/// What can be asked, with what fits it; `*` is a name, `KIND` something live, `DO` an operation.
pub(super) const CALLS: [(&str, &str, &str); 46] = [
    ("GET", "/api/v1/connection-pools", ""),
    (
        "POST",
        "/api/v1/connection-pools",
        r#"{"name": NAME, "limit": 3, "timeout": 5}"#,
    ),
    ("GET", "/api/v1/connection-pools/*", ""),
    ("PUT", "/api/v1/connection-pools/*", r#"{"name": NAME, "limit": 2}"#),
    ("PUT", "/api/v1/connection-pools/*", r#"{"limit": 1, "timeout": null}"#),
    ("DELETE", "/api/v1/connection-pools/*", ""),
    ("POST", "/api/v1/connection-pools/*/clear", ""),
    ("GET", "/api/v1/connections", ""),
    ("POST", "/api/v1/connections", CONNECTION),
    (
        "POST",
        "/api/v1/connections",
        r#"{"connection": {"name": NAME, "type": "http", "queryHosts": ["h:80"]}}"#,
    ),
    ("GET", "/api/v1/connections/*", ""),
    ("DELETE", "/api/v1/connections/*", ""),
    ("GET", SETTINGS, ""),
    (
        "PATCH",
        SETTINGS,
        r#"{"readTimeout": 60, "connectionPoolManagementType": "NONE"}"#,
    ),
    (
        "PATCH",
        "/apiops/projects/MyProject/apiProxies/MyAPI/settings/connection",
        r#"{"connectionSettingsEnabled": true, "connectionPoolManagementType": "CUSTOM", "customConnectionPoolSize": 2}"#,
    ),
    ("GET", "/fairpool/v1/connectors", ""),
    (
        "POST",
        "/fairpool/v1/connectors",
        r#"{"name": NAME, "connection": "backend", "connection_pool_id": 1}"#,
    ),
    ("GET", "/fairpool/v1/connectors/*", ""),
    ("PUT", "/fairpool/v1/connectors/*", r#"{"mode": "CUSTOM", "size": 2}"#),
    (
        "PUT",
        "/fairpool/v1/connectors/*",
        r#"{"connection_pool_id": null, "mode": "GENERAL", "connection": NAME}"#,
    ),
    ("DELETE", "/fairpool/v1/connectors/*", ""),
    ("DELETE", "/fairpool/v1/connectors/MyProject%2FMyAPI", ""),
    ("GET", "/fairpool/v1/projects", ""),
    ("GET", "/fairpool/v1/projects/*/apiProxies", ""),
    ("GET", "/fairpool/v1/databases", ""),
    ("GET", "/fairpool/v1/status", ""),
    ("GET", "/fairpool/v1/status/KIND/*", ""),
    ("POST", "/fairpool/v1/KIND/*/DO", ""),
    ("POST", "/fairpool/v1/KIND/*/drain", r#"{"patience": 5}"#),
    ("POST", "/fairpool/v1/connectors/till/DO", ""),
    ("GET", "/metrics", ""),
    ("GET", "/healthz", ""),
    ("GET", "/readyz", ""),
    ("GET", "/openapi/connections.json", ""),
    ("GET", "/v2/databases/*/pools", ""),
    ("POST", "/v2/databases/orders/pools", DATABASE_POOL),
    ("POST", "/v2/databases/orders/pools", DATABASE_POOL),
    ("GET", "/v2/databases/orders/pools/*", ""),
    (
        "PUT",
        "/v2/databases/orders/pools/*",
        r#"{"mode": "session", "size": 2, "db": "d", "user": NAME}"#,
    ),
    ("DELETE", "/v2/databases/orders/pools/*", ""),
    ("GET", "/v2/databases/*/eviction_policy", ""),
    (
        "PUT",
        "/v2/databases/*/eviction_policy",
        r#"{"eviction_policy": "allkeys_lru"}"#,
    ),
    ("PUT", "/v2/databases/*/sql_mode", r#"{"sql_mode": "ANSI"}"#),
    ("PUT", "/v2/databases/*/upgrade", r#"{"version": "16"}"#),
    ("GET", "/v2/databases/*/topics", ""),
    ("PUT", "/v2/databases/*/topics/*", r#"{"partition_count": 3}"#),
];
const DATABASE_POOL: &str = r#"{"name": NAME, "mode": "transaction", "size": 3, "db": "d", "user": "u"}"#;
const SETTINGS: &str = "/apiops/projects/*/apiProxies/*/settings/connection/";
const CONNECTION: &str = r#"{"connection": {"name": NAME, "type": "http", "queryHosts": ["http://me:SECRET@h:80", "g"],
    "timeout": 3, "protocol": "tls", "key": "SECRET", "passphrase": "SECRET", "sockHost": "s", "sockPassword": "SECRET"}}"#;

/// Of these, things are named: as they stand in a path, and as they stand in JSON.
pub(super) const NAMES: [(&str, &str); 17] = [
    ("orders", "orders"),
    ("pool-1", "pool-1"),
    ("orders%2Fpool-1", "orders/pool-1"),
    ("till", "till"),
    ("backend", "backend"),
    ("MyProject", "MyProject"),
    ("MyAPI", "MyAPI"),
    ("MyProject%2FMyAPI", "MyProject/MyAPI"),
    ("1", "1"),
    ("2", "2"),
    ("3", "3"),
    ("a%20b%2Fc%25", "a b/c%"),
    ("%C3%A9%2C", "é,"),
    ("0", "0"),
    ("18446744073709551616", "18446744073709551616"),
    ("%ff%00", "\\u0000"),
    (".", ".."),
];

pub(super) const KINDS: [&str; 5] = [
    "connection-pools",
    "connections",
    "connectors",
    "database-pools",
    "dragons",
];
pub(super) const OPERATIONS: [&str; 6] = ["clear", "drain", "pause", "resume", "invalidate", "melt"];
pub(super) const QUERIES: [&str; 16] = [
    "page=2",
    "page=0",
    "per_page=100",
    "per_page=99999999999999999999",
    "sort=-name,limit,created_at,-name,shade",
    "filter[name]=o,%2C,,",
    "filter%5Bname%5D=%zz%ff+",
    "include=connectors.system",
    "include=connectors",
    "pretty",
    "&&=&",
    "page=-1",
    "page=%31",
    "token=x",
    "sort=",
    "per_page=1",
];

/// In the place of a value.
pub(super) const VALUES: [&str; 26] = [
    "null",
    "true",
    "0",
    "1",
    "-1",
    "5.0",
    "5.5",
    "1e400",
    "-1e308",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "123456789012345678901234567890123456789012345678901234567890",
    "\"\"",
    "\"5\"",
    "\"********\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"CUSTOM\"",
    "\"GENERAL\"",
    "\"http\"",
    "\"druid\"",
    "[]",
    "{}",
    "[\"\", \"a:0\", \"[::1]:80\", \"http://\"]",
    "{\"name\": {\"name\": []}}",
];
