//! Pools that move to a server of another major version: no request fails, and a move that cannot be whole does not begin.

use super::{
    Counter, Failure, NEVER, Outcome, as_anybody, as_app, name, one, orders, other_server, pool, prepared, process,
    registry, rest, server, until, url,
};
use crate::servers::postgres::{ANOTHER, Postgres as Server};
use fairpool::drivers::postgres::Login;
use fairpool::resource::registry::{
    DatabaseSessions, Declared, Operation, Registry, RegistryBuilder, RegistryError, ResourceKind,
};
use fairpool::resource::store::sqlite::SqliteStore;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const TASKS: usize = 64;
const VERSION: &str = "SELECT current_setting('server_version_num')::int / 10000";

/// Tasks that ask all the time, and count; a failure is theirs.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Result<(), Failure>>>,
}

impl Load {
    /// Over all of these, in turn. Half of the tasks keep one session, the others open one each time.
    fn begin(pools: &[DatabaseSessions]) -> Load {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let task = |number: usize| {
            let (sessions, stop, done) = (pools[number % pools.len()].clone(), stop.clone(), done.clone());
            async move {
                let open = || sessions.open_as(Login::new("bob", "of bob"));
                let mut session = open();
                while !stop.load(Relaxed) {
                    if number % 2 == 0 || session.is_holding() {
                        session = open();
                    }
                    match number % 4 {
                        0 if session.mode() == fairpool::drivers::postgres::SessionMode::Transaction => {
                            let transaction = session.transaction().await?;
                            transaction.query_one("SELECT pg_sleep(0.001)", &[]).await?;
                            transaction.query_one("SELECT $1::text", &[&"tea"]).await?;
                            transaction.commit().await?;
                        }
                        _ => drop(session.query_one("SELECT $1::text", &[&"tea"]).await?),
                    }
                    done.fetch_add(1, Relaxed);
                }
                Ok(())
            }
        };
        let tasks = (0..TASKS).map(|number| tokio::spawn(task(number))).collect();
        Load { stop, done, tasks }
    }

    /// Until so many more are done.
    async fn goes_on(&self, more: u64) {
        let from = self.done.load(Relaxed);
        until("they go on", || {
            self.done.load(Relaxed) >= from + more || self.tasks.iter().any(|task| task.is_finished())
        })
        .await;
    }

    /// How many were done; the first failure, if there is one.
    async fn end(self) -> Result<u64, Failure> {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.done.load(Relaxed))
    }
}

/// A pool in each mode, with a user and without.
async fn pools(registry: &Registry) -> Result<Vec<DatabaseSessions>, Failure> {
    let mut all = Vec::new();
    for (name, body) in [
        ("session", as_app("session", 3)),
        ("transaction", as_app("transaction", 4)),
        ("statement", as_app("statement", 3)),
        ("inbound", as_anybody("transaction", 4)),
    ] {
        registry.create_database_pool("orders", pool(name, body)).await?;
        all.push(registry.sessions_of("orders", name)?);
    }
    Ok(all)
}

fn builder(old: &str, servers: &[(&str, &str)]) -> RegistryBuilder {
    Registry::builder().fixed(Declared::new().database(orders(old, servers)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_fails_and_every_connection_is_on_the_new_server() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("fairpool.db");
    let (from, to) = (url(old, &name), url(new, &name));
    let version = ANOTHER.to_string();
    let builder = || builder(&from, &[(&version, &to)]);
    let registry = builder().store(SqliteStore::open(&file).await?).open().await?;
    let pools = pools(&registry).await?;
    let (at_old, at_new) = (Counter::new(old, &name).await, Counter::new(new, &name).await);
    let load = Load::begin(&pools);
    load.goes_on(500).await;
    assert!(at_old.count().await > 0);
    assert_eq!(at_new.count().await, 0);

    registry.upgrade("orders", version.parse()?).await?;
    load.goes_on(500).await;
    let done = load.end().await?;
    assert!(done >= 1000, "{done}");
    at_old.until(0).await;
    assert!(at_new.count().await > 0);
    assert_eq!(
        registry.database("orders")?.version().map(|version| version.as_str()),
        Some(&*version)
    );
    assert_eq!(registry.database_connection("orders", "inbound")?.port, new.port);
    registry.close().await;
    drop((registry, pools));

    let again = builder().store(SqliteStore::open(&file).await?).open().await?;
    let mut session = again.sessions_of("orders", "statement")?.open();
    assert_eq!(
        one::<i32>(&mut session, VERSION).await?,
        ANOTHER as i32,
        "it is kept over a restart"
    );
    Ok(())
}

/// What has to be as before after a move that was refused: the load has gone on, all of it at the old server.
async fn refused(old: &Server, builder: RegistryBuilder, name: &str, version: &str) -> Result<String, Failure> {
    let registry = builder.open().await?;
    let before = registry.database("orders")?;
    let pools = pools(&registry).await?;
    let load = Load::begin(&pools);
    load.goes_on(200).await;
    let refusal = registry.upgrade("orders", version.parse()?).await.unwrap_err();
    let RegistryError::Unsupported(reason) = refusal else {
        panic!("{refusal:?}")
    };
    load.goes_on(200).await;
    load.end().await?;
    assert_eq!(registry.database("orders")?, before);
    for live in registry.status() {
        assert_eq!((live.state, live.generation), ("open", Some(0)), "{live:?}");
    }
    assert!(Counter::new(old, name).await.count().await > 0);
    Ok(reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_fit_changes_nothing() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let (from, to) = (url(old, &name), url(new, &name));
    let down = "postgresql://app:secret@127.0.0.1:1/app";
    let lies = format!("{}", ANOTHER + 1);
    let reason = refused(old, builder(&from, &[("14", down)]), &name, "14").await?;
    assert!(
        reason.starts_with("the server of version 14 does not take over: cannot connect"),
        "{reason}"
    );
    let reason = refused(old, builder(&from, &[(&lies, &to)]), &name, &lies).await?;
    assert!(reason.ends_with(&format!("it reports version {ANOTHER}")), "{reason}");
    let reason = refused(old, builder(&from, &[(&lies, &to)]), &name, "9").await?;
    assert_eq!(reason, "no server of version 9 is declared for this database");
    let wrong = to.replace("secret", "a-guess");
    let reason = refused(old, builder(&from, &[("16", &wrong)]), &name, "16.4").await?;
    assert!(
        reason.contains("password authentication failed") && !reason.contains("a-guess"),
        "{reason}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_pools_database_changes_nothing() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    old.psql("CREATE DATABASE third OWNER app");
    let name = name();
    let registry = registry(orders(&url(old, &name), &[("16", &url(new, &name))])).await;
    let mut body = as_app("transaction", 1);
    body["db"] = "third".into();
    registry.create_database_pool("orders", pool("back", body)).await?;
    let refused = registry.upgrade("orders", "16".parse()?).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("it has no database \"third\""),
        "{refused}"
    );
    process(&mut registry.sessions_of("orders", "back")?.open()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_changes_nothing() -> Outcome {
    let (Some(old), Some(new)) = (server(), prepared(Server::another(&[]))) else {
        return Ok(());
    };
    let name = name();
    // It has to be up while the clients of the counter are.
    new.keeper.freeze();
    let to = format!("{}&connect_timeout=1", url(&new, &name));
    let reason = refused(old, builder(&url(old, &name), &[("16", &to)]), &name, "16").await;
    new.keeper.thaw();
    let reason = reason?;
    assert!(reason.contains("no answer within"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn leases_that_do_not_come_back_change_nothing_and_fail_nobody() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let builder = builder(&url(old, &name), &[("16", &url(new, &name))]);
    let registry = builder.upgrade_patience(Duration::from_millis(200)).open().await?;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 2)))
        .await?;
    registry
        .create_database_pool("orders", pool("other", as_app("transaction", 2)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut stuck = sessions.open();
    let transaction = stuck.transaction().await?;
    let upgrade = tokio::spawn({
        let registry = registry.clone();
        async move { registry.upgrade("orders", "16".parse().unwrap()).await }
    });
    let state = |name| registry.status_of(ResourceKind::DatabasePool, name).unwrap().state;
    until("both are held", || {
        state("orders/back") == "paused" && state("orders/other") == "paused"
    })
    .await;
    let waiting = tokio::spawn(async move { one::<i32>(&mut sessions.open(), VERSION).await });
    let second = registry.upgrade("orders", "16".parse()?).await.unwrap_err();
    assert!(second.to_string().contains("already"), "{second}");
    let refused = upgrade.await?.unwrap_err().to_string();
    assert!(
        refused.ends_with("1 connections did not come back within 200ms"),
        "{refused}"
    );
    assert_ne!(
        waiting.await??,
        ANOTHER as i32,
        "whoever waited goes on, to the old server"
    );
    transaction.commit().await?;
    assert_eq!((state("orders/back"), state("orders/other")), ("open", "open"));

    // With the transaction at its end, it goes.
    registry.upgrade("orders", "16".parse()?).await?;
    assert_eq!(one::<i32>(&mut stuck, VERSION).await?, ANOTHER as i32);
    Ok(())
}

#[tokio::test]
async fn it_moves_back_where_the_first_servers_version_is_declared_and_keeps_an_operators_pause() -> Outcome {
    let (Some(old), Some(new)) = (server(), other_server()) else {
        return Ok(());
    };
    let name = name();
    let old_version: u32 = old.psql(VERSION).parse()?;
    let definition = orders(&url(old, &name), &[("16", &url(new, &name))]);
    let definition = definition.version(old_version.to_string().parse()?);
    let registry = registry(definition).await;
    registry
        .create_database_pool("orders", pool("back", as_app("transaction", 2)))
        .await?;
    let mut session = registry.sessions_of("orders", "back")?.open();
    for version in [ANOTHER, old_version, ANOTHER] {
        registry.upgrade("orders", version.to_string().parse()?).await?;
        // Where it is already, it stays.
        registry.upgrade("orders", version.to_string().parse()?).await?;
        assert_eq!(one::<i32>(&mut session, VERSION).await?, version as i32);
    }
    let back = |operation| registry.operate(ResourceKind::DatabasePool, "orders/back", operation);
    back(Operation::Pause).await?;
    registry.upgrade("orders", old_version.to_string().parse()?).await?;
    assert_eq!(
        registry.status_of(ResourceKind::DatabasePool, "orders/back")?.state,
        "paused"
    );
    back(Operation::Resume).await?;
    assert_eq!(one::<i32>(&mut session, VERSION).await?, old_version as i32);

    // A drained pool has no line; it comes back on the new server.
    back(Operation::Drain { patience: NEVER }).await?;
    registry.upgrade("orders", "16".parse()?).await?;
    back(Operation::Resume).await?;
    assert_eq!(one::<i32>(&mut session, VERSION).await?, ANOTHER as i32);
    registry
        .replace_database_pool("orders", "back", rest(as_app("session", 2)))
        .await?;
    assert_eq!(one::<i32>(&mut session, VERSION).await?, ANOTHER as i32);
    Ok(())
}
