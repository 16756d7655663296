//! Settings of engines on real servers: read from them, set on them, and seen by every lease from the answer on.
#![cfg(all(feature = "resource", feature = "redis", feature = "mysql"))]

mod registry;
mod servers;

use fairpool::drivers::mysql::Mysql;
use fairpool::drivers::mysql::mysql_async::prelude::Queryable;
use fairpool::resource::models::{DatabaseDefinition, EvictionPolicy, SqlMode};
use fairpool::resource::registry::{Declared, Handle, Registry, RegistryError, ResourceKind};
use registry::{Outcome, connector, definition};
use serde_json::json;
use servers::mysql::Mysql as MysqlServer;
use servers::redis::Redis as RedisServer;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// A registry of one database.
async fn open(engine: &str, url: &str) -> Registry {
    let database = json!({"id": "it", "engine": engine, "url": url, "name": "it"});
    let database = DatabaseDefinition::try_from(&database).expect("a database");
    let registry = Registry::builder().fixed(Declared::new().database(database));
    registry.open().await.expect("a registry")
}

/// Longer than a server has to answer; the machine may be busy.
const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_eviction_policy_is_the_servers_own() -> Outcome {
    let Some(server) = RedisServer::start(&[]) else {
        return Ok(());
    };
    let registry = open("redis", &server.url()).await;
    let own = |policy: &str| server.cli(&["CONFIG", "SET", "maxmemory-policy", policy]);
    for policy in EvictionPolicy::ALL {
        registry.set_eviction_policy("it", *policy).await?;
        let said = server.cli(&["CONFIG", "GET", "maxmemory-policy"]);
        assert_eq!(said, format!("maxmemory-policy\n{}", policy.as_redis()));
        own("noeviction");
        own(policy.as_redis());
        assert_eq!(registry.eviction_policy("it").await?, *policy);
    }
    for unlisted in ["allkeys-lfu", "volatile-lfu"] {
        own(unlisted);
        let refused = registry.eviction_policy("it").await.unwrap_err();
        assert!(matches!(refused, RegistryError::Unsupported(_)));
        let expected = format!("the server's eviction policy is {unlisted}, which is not supported");
        assert_eq!(refused.to_string(), expected);
    }
    let newer = open("redis", &format!("{}?protocol=resp3", server.url())).await;
    newer.set_eviction_policy("it", EvictionPolicy::VolatileTtl).await?;
    assert_eq!(newer.eviction_policy("it").await?, EvictionPolicy::VolatileTtl);
    // Nothing of it stays connected.
    assert_eq!(server.sessions(), 0);

    // Some that are hired know no such command.
    let without = RedisServer::start(&["--rename-command", "CONFIG", "hidden"]).expect("installed");
    let refused = open("redis", &without.url())
        .await
        .eviction_policy("it")
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::Unsupported(_)), "{refused:?}");
    let expected = "the server refuses: ERR unknown command 'CONFIG'";
    assert!(refused.to_string().starts_with(expected), "{refused}");

    server.cli(&["ACL", "SETUSER", "app", "-config"]);
    for refused in [
        registry.eviction_policy("it").await.map(drop),
        registry.set_eviction_policy("it", EvictionPolicy::NoEviction).await,
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, RegistryError::Unsupported(_)), "{refused:?}");
        assert_eq!(
            refused.to_string(),
            "the database's user may not run CONFIG on its server"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_not_waited_for() -> Outcome {
    let (Some(redis), Some(mysql)) = (RedisServer::start(&[]), MysqlServer::start(&[])) else {
        return Ok(());
    };
    let (cache, shop) = (open("redis", &redis.url()).await, open("mysql", &mysql.url()).await);
    cache.eviction_policy("it").await?;
    shop.sql_mode("it").await?;
    // The first time they take connections and say nothing, the second time they are gone.
    for is_frozen in [true, false] {
        if is_frozen {
            redis.keeper.freeze();
            mysql.keeper.freeze();
        } else {
            redis.keeper.kill();
            mysql.keeper.kill();
        }
        let ansi: SqlMode = "ANSI".parse()?;
        let all = async {
            tokio::join!(
                cache.eviction_policy("it"),
                cache.set_eviction_policy("it", EvictionPolicy::NoEviction),
                shop.sql_mode("it"),
                shop.set_sql_mode("it", ansi),
            )
        };
        let (one, two, three, four) = tokio::time::timeout(BOUND, all).await?;
        let outcomes = [one.map(drop), two, three.map(drop), four];
        for outcome in outcomes {
            let said = outcome.unwrap_err();
            assert!(matches!(said, RegistryError::Unavailable(_)), "{said:?}");
            let text = format!("{said} {said:?}");
            assert!(text.contains("database \"it\"") && !text.contains("secret"), "{text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn modes_that_the_server_refuses_are_refused_with_its_reason() -> Outcome {
    let Some(server) = MysqlServer::start(&[]) else {
        return Ok(());
    };
    let registry = open("mysql", &server.url()).await;
    let modes = |text: &str| text.parse::<SqlMode>().expect("names");
    let before = registry.sql_mode("it").await?;
    assert!(before.modes().any(|mode| mode == "STRICT_TRANS_TABLES"), "{before}");
    let refused = registry.set_sql_mode("it", modes("ANSI")).await.unwrap_err();
    assert!(matches!(refused, RegistryError::Unsupported(_)), "{refused:?}");
    assert!(refused.to_string().contains("SUPER"), "{refused}");

    server.sql("GRANT SUPER ON *.* TO app@'127.0.0.1'");
    let refused = registry
        .set_sql_mode("it", modes("ANSI,NO_SUCH_MODE"))
        .await
        .unwrap_err();
    assert!(matches!(refused, RegistryError::Unsupported(_)), "{refused:?}");
    let expected = "the server refuses: Variable 'sql_mode' can't be set to the value of 'NO_SUCH_MODE'";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(registry.sql_mode("it").await?, before);

    for text in [
        "",
        "NO_ZERO_DATE",
        "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO",
    ] {
        registry.set_sql_mode("it", modes(text)).await?;
        let sorted = |modes: &SqlMode| {
            let mut names: Vec<_> = modes.modes().map(str::to_owned).collect();
            names.sort();
            names
        };
        assert_eq!(sorted(&registry.sql_mode("it").await?), sorted(&modes(text)));
        assert_eq!(
            modes(&server.sql("SELECT @@GLOBAL.sql_mode")),
            registry.sql_mode("it").await?
        );
    }
    assert_eq!(server.sessions(), 0);
    Ok(())
}

/// Modes that servers give back as they take them.
const MODES: [&str; 12] = [
    "ANSI_QUOTES",
    "PIPES_AS_CONCAT",
    "NO_ZERO_DATE",
    "NO_BACKSLASH_ESCAPES",
    "IGNORE_SPACE",
    "STRICT_ALL_TABLES",
    "NO_UNSIGNED_SUBTRACTION",
    "",
    "HIGH_NOT_PRECEDENCE",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
    "NO_AUTO_VALUE_ON_ZERO",
    "STRICT_TRANS_TABLES",
];

async fn session_modes(handle: &Handle<Mysql>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut conn = handle.acquire().await?;
    let modes = conn.query_first("SELECT @@SESSION.sql_mode").await?;
    Ok(modes.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lease_after_the_answer_has_the_new_modes_under_load() -> Outcome {
    let (Some(server), Some(other)) = (MysqlServer::start(&[]), MysqlServer::start(&[])) else {
        return Ok(());
    };
    server.sql("GRANT SUPER ON *.* TO app@'127.0.0.1'");
    let registry = open("mysql", &server.url()).await;
    let named = server.url().replace("127.0.0.1", "localhost");
    for (name, url) in [("plain", server.url()), ("named", named), ("other", other.url())] {
        let hosts = json!({"name": name, "type": "mysql", "queryHosts": [url]});
        registry.put_connection(definition(hosts)).await?;
    }
    for (name, connection, mode) in [
        ("shared", "plain", "GENERAL"),
        ("own", "plain", "CUSTOM"),
        ("far", "named", "GENERAL"),
        ("other", "other", "GENERAL"),
    ] {
        let fields = json!({"name": name, "connection": connection, "mode": mode, "size": 12});
        registry.create_connector(connector(fields)).await?;
    }
    let handles: Vec<Handle<Mysql>> = ["shared", "own", "far"]
        .map(|name| registry.handle(name))
        .into_iter()
        .collect::<Result<_, _>>()?;
    drop(registry.handle::<Mysql>("other")?.acquire().await?);
    let untouched = registry.status_of(ResourceKind::Connection, "other")?;
    let mut held = handles[0].acquire().await?;
    let before: Option<String> = held.query_first("SELECT @@SESSION.sql_mode").await?;

    // How many changes were begun, and how many were answered.
    let (begun, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    registry.set_sql_mode("it", MODES[0].parse()?).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let users: Vec<_> = (0..24)
        .map(|user| {
            let handle = handles[user % handles.len()].clone();
            let (begun, answered, stop) = (begun.clone(), answered.clone(), stop.clone());
            tokio::spawn(async move {
                let mut leases = 0;
                while !stop.load(SeqCst) {
                    let first = answered.load(SeqCst);
                    let seen = session_modes(&handle).await.map_err(|error| error.to_string())?;
                    let last = begun.load(SeqCst);
                    if !MODES[first..=last].contains(&&*seen) {
                        return Err(format!("{seen:?} is none of {:?}", &MODES[first..=last]));
                    }
                    leases += 1;
                    // Some connections are idle at every moment.
                    tokio::time::sleep(Duration::from_millis(user as u64 % 4)).await;
                }
                Ok::<u64, String>(leases)
            })
        })
        .collect();
    for (change, modes) in MODES.iter().enumerate().skip(1) {
        begun.store(change, SeqCst);
        registry.set_sql_mode("it", modes.parse()?).await?;
        answered.store(change, SeqCst);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    stop.store(true, SeqCst);
    let mut leases = 0;
    for user in users {
        leases += user.await??;
    }
    assert!(leases > 24 * 11, "only {leases} leases");
    for handle in &handles {
        assert_eq!(
            session_modes(handle).await.map_err(|error| error.to_string())?,
            MODES[11]
        );
    }
    // What was lent goes on as it began, and what leads elsewhere was left alone.
    let still: Option<String> = held.query_first("SELECT @@SESSION.sql_mode").await?;
    assert_eq!(still, before);
    drop(held);
    let other = registry.status_of(ResourceKind::Connection, "other")?;
    assert_eq!((other.generation, other.idle), (untouched.generation, untouched.idle));
    Ok(())
}
