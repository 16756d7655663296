//! Each mode with a user and without one: who a session is, how long it keeps a connection, and how many there are at the server.

use super::{
    Counter, Failure, Outcome, as_anybody, as_app, name, one, orders, pool, process, registry, server, url, who,
};
use fairpool::drivers::postgres::{Login, Refusal, Session, SessionError, SessionMode};
use fairpool::resource::registry::DatabaseSessions;

const SIZE: u32 = 3;
const TASKS: usize = 9;

/// Longer than it takes to open a connection, so that all are wanted at once.
const LONG: &str = "SELECT pg_sleep(0.1)";

/// What a mode allows, done a few times over; the session's user is this one.
async fn work(mut session: Session, user: &str) -> Outcome {
    for _ in 0..2 {
        assert_eq!(who(&mut session).await?, user);
        match session.mode() {
            SessionMode::Session => {
                session.execute("SET search_path = mine", &[]).await?;
                session.execute(LONG, &[]).await?;
                assert_eq!(one::<String>(&mut session, "SHOW search_path").await?, "mine");
                assert!(session.is_holding(), "it keeps its connection until it leaves");
            }
            SessionMode::Transaction => {
                let transaction = session.transaction().await?;
                transaction.execute("SET LOCAL search_path = mine", &[]).await?;
                transaction.execute(LONG, &[]).await?;
                transaction.commit().await?;
                assert!(!session.is_holding(), "the transaction has ended");
            }
            _ => {
                session.execute(LONG, &[]).await?;
                assert!(!session.is_holding(), "the statement has ended");
                let refused = session.execute("BEGIN", &[]).await.unwrap_err();
                assert_eq!(refused.refusal(), Some(Refusal::Transaction));
            }
        }
    }
    Ok(())
}

async fn all(sessions: DatabaseSessions, has_user: bool) -> Outcome {
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        let (sessions, inbound) = (sessions.clone(), ["alice", "bob", "carol"][number % 3]);
        tasks.push(tokio::spawn(async move {
            let session = sessions.open_as(Login::new(inbound, format!("of {inbound}")));
            work(session, if has_user { "app" } else { inbound }).await
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok::<(), Failure>(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_is_whom_it_should_be_and_the_server_never_sees_more_than_the_size() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    for mode in ["session", "transaction", "statement"] {
        for has_user in [true, false] {
            let name = name();
            let registry = registry(orders(&url(server, &name), &[])).await;
            let body = if has_user {
                as_app(mode, SIZE)
            } else {
                as_anybody(mode, SIZE)
            };
            registry.create_database_pool("orders", pool("back", body)).await?;
            let counter = Counter::new(server, &name).await;
            let (done, most) = counter
                .most(all(registry.sessions_of("orders", "back")?, has_user))
                .await;
            done?;
            assert_eq!(most, i64::from(SIZE), "{mode}, with a user of its own: {has_user}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn in_session_mode_a_connection_is_kept_until_its_session_leaves() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let registry = registry(orders(&url(server, &name()), &[])).await;
    registry
        .create_database_pool("orders", pool("back", as_app("session", 1)))
        .await?;
    let sessions = registry.sessions_of("orders", "back")?;
    let mut first = sessions.open();
    let pid = process(&mut first).await?;
    let second = tokio::spawn({
        let sessions = sessions.clone();
        async move { process(&mut sessions.open()).await }
    });
    super::until("it waits", || {
        registry
            .status()
            .iter()
            .any(|live| live.name == "orders/back" && live.pending == 1)
    })
    .await;
    assert_eq!(process(&mut first).await?, pid);
    drop(first);
    assert_eq!(second.await??, pid, "the connection is lent on, clean");
    Ok(())
}

#[tokio::test]
async fn a_user_has_the_password_that_is_known_of_him_and_no_other() -> Outcome {
    let Some(server) = server() else { return Ok(()) };
    let registry = registry(orders(&url(server, &name()), &[])).await;
    for (user, is_known) in [("app", true), ("alice", true), ("carol", false)] {
        let mut body = as_app("transaction", 2);
        body["user"] = user.into();
        registry.create_database_pool("orders", pool(user, body)).await?;
        let sessions = registry.sessions_of("orders", user)?;
        let said = who(&mut sessions.open()).await;
        match is_known {
            true => assert_eq!(said?, user),
            false => {
                let error = said.unwrap_err();
                assert!(error.to_string().contains("password authentication failed"), "{error}");
            }
        }
        let all = format!("{sessions:?} {registry:?} {:?}", registry.databases());
        assert!(!all.contains("secret") && !all.contains("of alice"), "{all}");
    }

    // Nobody's session is that of the URL's user.
    registry
        .create_database_pool("orders", pool("any", as_anybody("transaction", 2)))
        .await?;
    let sessions = registry.sessions_of("orders", "any")?;
    let nobody = sessions.open().execute("SELECT 1", &[]).await.unwrap_err();
    assert!(matches!(nobody, SessionError::Nobody), "{nobody}");
    let wrong = sessions.log_in(Login::new("bob", "a guess")).await.unwrap_err();
    assert_eq!(wrong.code().unwrap().code(), "28P01");
    assert_eq!(
        who(&mut sessions.log_in(Login::new("bob", "of bob")).await?).await?,
        "bob"
    );
    Ok(())
}
