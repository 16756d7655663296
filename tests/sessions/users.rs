//! A user for each session: his connections are lent to nobody else, not even to one with his name and another password.

use super::{NEVER, run, server};
use crate::servers::postgres::Postgres as Server;
use fairpool::KeyedError;
use fairpool::drivers::postgres::{Login, Postgres, Session, SessionError, SessionMode, UserSessions};
use std::time::Duration;

/// Two users of this test alone, and sessions of users over so many connections.
fn users(name: &str, limit: u32, mode: SessionMode) -> Option<(&'static Server, [Login; 2], UserSessions)> {
    let server = server()?;
    let logins = ["a", "b"].map(|letter| Login::new(format!("{name}_{letter}"), format!("secret of {letter}")));
    for (login, letter) in logins.iter().zip(["a", "b"]) {
        let user = login.user();
        server.psql(&format!(
            "CREATE ROLE {user} LOGIN PASSWORD 'secret of {letter}'; GRANT app TO {user};"
        ));
    }
    let db = Postgres::from_url(&format!("postgresql://127.0.0.1:{}/app", server.port)).unwrap();
    let keyed = UserSessions::connections(db)
        .limit(limit)
        .acquire_timeout(NEVER)
        .build()
        .unwrap();
    Some((server, logins, UserSessions::new(keyed, mode)))
}

async fn who(session: &mut Session) -> String {
    session
        .query_one("SELECT current_user::text", &[])
        .await
        .unwrap()
        .get(0)
}

#[test]
fn each_session_is_its_user_under_one_bound() {
    run(async {
        for (mode, name) in [
            (SessionMode::Transaction, "bound_t"),
            (SessionMode::Statement, "bound_s"),
        ] {
            let Some((_, [a, b], sessions)) = users(name, 1, mode) else {
                return;
            };
            let (mut one, mut other) = (sessions.open_as(a.clone()), sessions.open_as(b.clone()));
            for _ in 0..3 {
                assert_eq!(who(&mut one).await, a.user());
                assert_eq!(who(&mut other).await, b.user());
            }
            let status = sessions.keyed().status();
            assert!(status.all.occupied() <= 1, "{status:?}");
            assert!(status.totals.opened >= 6, "with one connection they take turns");
        }
    });
}

#[test]
fn a_wrong_password_is_told_at_once_to_its_session_alone() {
    run(async {
        let Some((_, [a, b], sessions)) = users("wrong", 4, SessionMode::Transaction) else {
            return;
        };
        let mut right = sessions.log_in(a.clone()).await.unwrap();
        assert_eq!(who(&mut right).await, a.user());
        for _ in 0..3 {
            let mut wrong = sessions.open_as(Login::new(a.user(), "a guess"));
            let error = wrong.query("SELECT 1", &[]).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "28P01");
            assert!(
                matches!(
                    &error,
                    SessionError::Login {
                        error: KeyedError::Connect(_),
                        ..
                    }
                ),
                "{error}"
            );
            let text = format!("{error} {error:?} {wrong:?} {sessions:?}");
            assert!(text.starts_with("no server connection for wrong_a: "), "{text}");
            assert!(!text.contains("guess") && !text.contains("secret"), "{text}");
        }
        sessions.log_in(Login::new("nobody_at_all", "x")).await.unwrap_err();
        assert_eq!(who(&mut right).await, a.user());
        assert_eq!(
            sessions.keyed().status().totals.closed,
            0,
            "nobody has lost a connection"
        );
        assert_eq!(who(&mut sessions.open_as(b.clone())).await, b.user());
    });
}

#[test]
fn a_changed_password_ends_what_the_old_one_opened() {
    run(async {
        let Some((server, [a, _], sessions)) = users("changed", 4, SessionMode::Transaction) else {
            return;
        };
        assert_eq!(who(&mut sessions.open_as(a.clone())).await, a.user());
        server.psql("ALTER ROLE changed_a PASSWORD 'another'");
        let new = Login::new(a.user(), "another");
        assert_eq!(who(&mut sessions.open_as(new.clone())).await, a.user());
        let error = sessions.open_as(a.clone()).query("SELECT 1", &[]).await.unwrap_err();
        assert_eq!(
            error.code().unwrap().code(),
            "28P01",
            "the old password's connection is gone"
        );

        server.psql("ALTER ROLE changed_a PASSWORD 'a third'");
        assert_eq!(
            who(&mut sessions.open_as(new.clone())).await,
            a.user(),
            "nobody knows yet"
        );
        sessions.forget(a.user());
        sessions.open_as(new).query("SELECT 1", &[]).await.unwrap_err();
    });
}

#[test]
fn transactions_and_session_mode_work_for_users_too() {
    run(async {
        let Some((_, [a, b], sessions)) = users("modes", 2, SessionMode::Transaction) else {
            return;
        };
        let (mut one, mut other) = (sessions.open_as(a.clone()), sessions.open_as(b.clone()));
        let transaction = one.transaction().await.unwrap();
        assert_eq!(who(&mut other).await, b.user());
        let row = transaction.query_one("SELECT current_user::text", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), a.user());
        transaction.rollback().await.unwrap();

        let kept = UserSessions::new(sessions.keyed().clone(), SessionMode::Session);
        let mut keeps = kept.log_in(a.clone()).await.unwrap();
        assert!(keeps.is_holding());
        keeps.batch_execute("SET search_path = nowhere").await.unwrap();
        let row = keeps.query_one("SHOW search_path", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "nowhere");
        let report = sessions.drain(Duration::from_millis(50)).await;
        assert_eq!(report.still_out, 1, "{report}");
    });
}
