//! Settings of engines over HTTP, on real servers: every documented answer.

use crate::databases::{ask, done, look, refused};
use crate::kit::keys;
use crate::servers::mysql::Mysql;
use crate::servers::redis::Redis;
use axum::Router;
use axum::http::Method;
use fairpool::resource::models::DatabaseDefinition;
use fairpool::resource::registry::{Declared, Registry};
use fairpool::server::{RouterOptions, databases};
use serde_json::json;

const POLICY: &str = "/v2/databases/it/eviction_policy";
const MODES: &str = "/v2/databases/it/sql_mode";

async fn family(engine: &str, url: &str) -> Router {
    let database = json!({"id": "it", "engine": engine, "url": url, "name": "it"});
    let database = DatabaseDefinition::try_from(&database).expect("a database");
    let registry = Registry::builder().fixed(Declared::new().database(database));
    let registry = registry.open().await.expect("a registry");
    databases(&registry, keys(), RouterOptions::new())
}

#[tokio::test]
async fn an_eviction_policy_is_asked_of_redis_and_set_on_it() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let router = family("redis", &server.url()).await;
    let own = || server.cli(&["CONFIG", "GET", "maxmemory-policy"]);
    let first = look(&router, POLICY).await;
    assert_eq!(
        (first.status, first.json()),
        (200, json!({"eviction_policy": "noeviction"}))
    );
    for policy in [
        "allkeys_lru",
        "allkeys_random",
        "volatile_lru",
        "volatile_random",
        "volatile_ttl",
        "noeviction",
    ] {
        let body = json!({"eviction_policy": policy});
        done(&ask(&router, Method::PUT, POLICY, body.clone()).await);
        assert_eq!(own(), format!("maxmemory-policy\n{}", policy.replace('_', "-")));
        assert_eq!(look(&router, POLICY).await.json(), body);
    }
    let lfu = json!({"eviction_policy": "allkeys_lfu"});
    assert_eq!(ask(&router, Method::PUT, POLICY, lfu).await.status, 422);
    assert_eq!(own(), "maxmemory-policy\nnoeviction");
    server.cli(&["CONFIG", "SET", "maxmemory-policy", "volatile-lfu"]);
    let message = "the server's eviction policy is volatile-lfu, which is not supported";
    refused(&look(&router, POLICY).await, 422, "unprocessable_entity", message);

    server.keeper.freeze();
    let body = json!({"eviction_policy": "noeviction"});
    for answered in [
        look(&router, POLICY).await,
        ask(&router, Method::PUT, POLICY, body).await,
    ] {
        refused(&answered, 503, "service_unavailable", "The service is unavailable.");
    }
}

#[tokio::test]
async fn sql_modes_are_asked_of_mysql_and_set_on_it() {
    let Some(server) = Mysql::start(&["--sql-mode=NO_ZERO_DATE"]) else {
        return;
    };
    let router = family("mysql", &server.url()).await;
    let own = || server.sql("SELECT @@GLOBAL.sql_mode");
    let first = look(&router, MODES).await;
    assert_eq!((first.status, first.json()), (200, json!({"sql_mode": "NO_ZERO_DATE"})));
    let sample =
        "ANSI,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,STRICT_ALL_TABLES";
    let body = json!({ "sql_mode": sample });
    let answered = ask(&router, Method::PUT, MODES, body.clone()).await;
    assert_eq!((answered.status, own()), (422, "NO_ZERO_DATE".to_owned()));
    server.sql("GRANT SUPER ON *.* TO app@'127.0.0.1'");
    done(&ask(&router, Method::PUT, MODES, body).await);
    let now = look(&router, MODES).await.json();
    assert_eq!(now, json!({ "sql_mode": own() }));
    let now = now["sql_mode"].as_str().expect("a text").to_owned();
    assert!(
        sample.split(',').all(|mode| now.split(',').any(|known| known == mode)),
        "{now}"
    );
    done(&ask(&router, Method::PUT, MODES, json!({"sql_mode": ""})).await);
    assert_eq!(
        (own(), look(&router, MODES).await.json()),
        (String::new(), json!({"sql_mode": ""}))
    );

    let unknown = ask(&router, Method::PUT, MODES, json!({"sql_mode": "no_such_mode"})).await;
    let message = "the server refuses: Variable 'sql_mode' can't be set to the value of 'NO_SUCH_MODE'";
    refused(&unknown, 422, "unprocessable_entity", message);
    server.keeper.kill();
    for answered in [
        look(&router, MODES).await,
        ask(&router, Method::PUT, MODES, json!({"sql_mode": "ANSI"})).await,
    ] {
        refused(&answered, 503, "service_unavailable", "The service is unavailable.");
    }
}
