//! Managed databases as services and operators meet them: a pool that HTTP makes lends on a real PostgreSQL, and what is declared
//! and live is seen without a secret.

use crate::databases::{ORDERS, ask, done, look, refused, registry};
use crate::kit::{get, keys, post};
use crate::servers::postgres::Postgres;
use axum::Router;
use axum::http::Method;
use fairpool::drivers::postgres::Session;
use fairpool::resource::models::DatabaseDefinition;
use fairpool::resource::registry::{Declared, Registry};
use fairpool::server::{RouterOptions, databases, operations};
use serde_json::{Value, json};

const POOLS: &str = "/v2/databases/it/pools";
const WEB: &str = "/v2/databases/it/pools/web";
const UPGRADE: &str = "/v2/databases/it/upgrade";
const STATUS: &str = "/fairpool/v1/status/database-pools/it%2Fweb";

/// A database on the first of these servers, which can move to the second.
async fn family(first: &Postgres, second: Option<&Postgres>) -> (Registry, Router) {
    let nobody = json!({"version": "98", "url": "postgres://app:hush@127.0.0.1:1/app"});
    let mut servers = vec![nobody];
    if let Some(second) = second {
        servers.push(json!({"version": "15", "url": second.url()}));
        servers.push(json!({"version": "97", "url": second.url()}));
    }
    let database = json!({"id": "it", "engine": "pg", "url": first.url(), "server": servers});
    let database = DatabaseDefinition::try_from(&database).expect("a database");
    let registry = Registry::builder().fixed(Declared::new().database(database));
    let registry = registry.open().await.expect("a registry");
    let options = RouterOptions::new;
    let router = databases(&registry, keys(), options()).merge(operations(&registry, keys(), options()));
    (registry, router)
}

async fn asked(session: &mut Session, sql: &str) -> String {
    let row = session.query_one(sql, &[]).await.expect("a row");
    row.get(0)
}

async fn status(router: &Router) -> Value {
    let answered = get(router, STATUS).await;
    assert_eq!(answered.status, 200, "{}", answered.json());
    answered.json()["data"].clone()
}

#[tokio::test]
async fn a_pool_lends_from_its_answer_on_and_follows_every_change() {
    let Some(server) = Postgres::start(&[]) else {
        return;
    };
    let (registry, router) = family(&server, None).await;
    let pool = json!({"name": "web", "mode": "transaction", "size": 2, "db": "app", "user": "app"});
    let made = ask(&router, Method::POST, POOLS, pool).await;
    assert_eq!(made.status, 201);
    assert!(!String::from_utf8_lossy(&made.bytes).contains("secret"));

    let sessions = registry.sessions_of("it", "web").expect("live");
    let mut session = sessions.open();
    assert_eq!(asked(&mut session, "SELECT current_database()::text").await, "app");
    let now = status(&router).await;
    assert_eq!(
        (&now["kind"], &now["name"]),
        (&json!("database-pools"), &json!("it/web"))
    );
    assert_eq!(
        [&now["limit"], &now["open"], &now["in_use"]],
        [&json!(2), &json!(1), &json!(0)]
    );

    let body = json!({"mode": "session", "size": 1, "db": "postgres", "user": "app"});
    done(&ask(&router, Method::PUT, WEB, body).await);
    assert_eq!(asked(&mut session, "SELECT current_database()::text").await, "postgres");
    let now = status(&router).await;
    assert_eq!(
        [&now["limit"], &now["in_use"]],
        [&json!(1), &json!(1)],
        "a session keeps its connection"
    );
    drop(session);

    for (operation, state) in [
        ("pause", "paused"),
        ("resume", "open"),
        ("clear", "open"),
        ("invalidate", "open"),
    ] {
        let path = format!("/fairpool/v1/database-pools/it%2Fweb/{operation}");
        assert_eq!(post(&router, &path, json!({})).await.status, 200, "{operation}");
        assert_eq!(status(&router).await["state"], state);
    }
    done(&ask(&router, Method::DELETE, WEB, json!(null)).await);
    assert_eq!(get(&router, STATUS).await.status, 404);
    assert!(
        sessions.open().query("SELECT 1", &[]).await.is_err(),
        "it lends no more"
    );
    let mut looks = 0;
    while server.sessions() > 0 {
        looks += 1;
        assert!(looks < 600, "its connections are still there");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_database_moves_or_nothing_changes() {
    let (Some(first), Some(second)) = (Postgres::start(&[]), Postgres::start(&[])) else {
        return;
    };
    let (registry, router) = family(&first, Some(&second)).await;
    let pool = json!({"name": "web", "mode": "transaction", "size": 2, "db": "app", "user": "app"});
    assert_eq!(ask(&router, Method::POST, POOLS, pool).await.status, 201);
    let mut session = registry.sessions_of("it", "web").expect("live").open();
    let port = "SELECT current_setting('port')";
    assert_eq!(asked(&mut session, port).await, first.port.to_string());
    let before = look(&router, WEB).await.json();

    for (version, reason) in [("12", "is declared"), ("98", "98"), ("97", "97")] {
        let answered = ask(&router, Method::PUT, UPGRADE, json!({"version": version})).await;
        let message = answered.json()["message"].as_str().expect("a text").to_owned();
        refused(&answered, 422, "unprocessable_entity", &message);
        assert!(message.contains(reason) && !message.contains("hush"), "{message}");
        assert_eq!(asked(&mut session, port).await, first.port.to_string());
        assert_eq!(look(&router, WEB).await.json(), before);
    }
    for (body, message) in [
        (json!({}), "version is required"),
        (json!({"version": 15}), "version must be a string"),
        (json!({"version": "x"}), "version must be digits and dots"),
    ] {
        let answered = ask(&router, Method::PUT, UPGRADE, body).await;
        refused(&answered, 422, "unprocessable_entity", message);
    }
    done(&ask(&router, Method::PUT, UPGRADE, json!({"version": "15"})).await);
    assert_eq!(asked(&mut session, port).await, second.port.to_string());
    let now = look(&router, WEB).await.json();
    assert_eq!(now["pool"]["connection"]["port"], second.port);
    let listed = get(&router, "/fairpool/v1/databases").await.json();
    assert_eq!(listed["data"][0]["version"], "15");
}

#[tokio::test]
async fn operators_see_all_databases_and_pools_without_secrets() {
    let registry = registry().await;
    let options = RouterOptions::new;
    let router = databases(&registry, keys(), options()).merge(operations(&registry, keys(), options()));
    let pools = format!("/v2/databases/{ORDERS}/pools");
    let pool = json!({"name": "web", "mode": "session", "size": 5, "db": "a"});
    assert_eq!(ask(&router, Method::POST, &pools, pool).await.status, 201);

    let listed = get(&router, "/fairpool/v1/databases").await;
    assert_eq!(listed.status, 200);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains("hush"));
    let listed = listed.json()["data"].clone();
    let seen: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (&one["id"], &one["engine"]))
        .collect();
    let (orders, cache, shop, log) = (json!(ORDERS), json!("cache"), json!("shop"), json!("log"));
    let (pg, redis, mysql, kafka) = (json!("pg"), json!("redis"), json!("mysql"), json!("kafka"));
    assert_eq!(
        seen,
        [(&orders, &pg), (&cache, &redis), (&log, &kafka), (&shop, &mysql)]
    );
    assert_eq!(
        listed[0]["url"],
        "postgres://***@db.example:25060/defaultdb?sslmode=require"
    );

    let all = get(&router, "/fairpool/v1/status").await.json();
    let live = all["data"].as_array().expect("a list").iter();
    let names: Vec<_> = live
        .filter(|one| one["kind"] == "database-pools")
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, [&json!(format!("{ORDERS}/web"))]);
    for name in [
        "nowhere",
        "nowhere%2Fweb",
        &format!("{ORDERS}%2Fno"),
        "cache%2Fweb",
        "%2F",
    ] {
        let path = format!("/fairpool/v1/status/database-pools/{name}");
        assert_eq!(get(&router, &path).await.status, 404, "{name}");
        let path = format!("/fairpool/v1/database-pools/{name}/pause");
        assert_eq!(post(&router, &path, json!({})).await.status, 404, "{name}");
    }
}
