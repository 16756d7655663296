//! How long a session keeps its connection, in each mode.

use super::{Town, process, run};
use fairpool::drivers::postgres::tokio_postgres::SimpleQueryMessage;
use fairpool::drivers::postgres::{Abortion, Refusal, SessionError, SessionMode};

#[test]
fn an_open_session_holds_nothing_until_it_asks_for_something() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction, SessionMode::Statement] {
            let sessions = town.sessions(mode);
            let some: Vec<_> = (0..100).map(|_| sessions.open()).collect();
            assert_eq!(sessions.open_sessions(), 100);
            assert!(some.iter().all(|session| !session.is_holding()));
        }
        assert_eq!(town.connections(), 0);
    });
}

#[test]
fn session_mode_keeps_one_connection_and_everything_in_it() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let mut session = town.sessions(SessionMode::Session).open();
        let first = process(&mut session).await;
        session
            .batch_execute("SET search_path = nowhere; CREATE TEMP TABLE t (a int); LISTEN b; PREPARE c AS SELECT 7")
            .await
            .unwrap();
        session.execute("SELECT pg_advisory_lock(4711)", &[]).await.unwrap();
        assert_eq!(process(&mut session).await, first);
        let row = session
            .query_one("SELECT current_setting('search_path')", &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), "nowhere");
        assert!(matches!(
            &session.simple_query("EXECUTE c").await.unwrap()[..],
            [.., SimpleQueryMessage::CommandComplete(1)]
        ));
        session
            .batch_execute("BEGIN; INSERT INTO t VALUES (1); COMMIT")
            .await
            .unwrap();
        assert!(session.is_holding() && !session.is_in_transaction());
        assert_eq!(town.pool.status().in_use, 1);
        drop(session);
        let mut next = town.sessions(SessionMode::Session).open();
        assert_eq!(process(&mut next).await, first, "cleaned, not closed");
        assert!(next.query("SELECT * FROM t", &[]).await.is_err());
    });
}

#[test]
fn transaction_mode_keeps_a_connection_from_begin_to_commit_and_no_longer() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let sessions = town.sessions(SessionMode::Transaction);
        let (mut one, mut other) = (sessions.open(), sessions.open());
        assert_eq!(one.execute(&town.insert(1), &[]).await.unwrap(), 1);
        assert!(!one.is_holding());

        one.execute("BEGIN", &[]).await.unwrap();
        assert!(one.is_holding() && one.is_in_transaction());
        one.execute(&town.insert(2), &[]).await.unwrap();
        assert_eq!(town.rows(), 1, "nobody else sees the second");
        let waits = tokio::spawn(async move { process(&mut other).await });
        one.batch_execute("SAVEPOINT a").await.unwrap();
        one.batch_execute("SELECT 1/0").await.unwrap_err();
        one.batch_execute("ROLLBACK TO a").await.unwrap();
        assert!(one.is_holding(), "a savepoint ends nothing");
        one.batch_execute("COMMIT AND CHAIN").await.unwrap();
        assert!(one.is_holding() && !waits.is_finished(), "a chain goes on");
        one.batch_execute("COMMIT").await.unwrap();
        assert!(!one.is_holding());
        waits.await.unwrap();
        assert_eq!(town.rows(), 2);
    });
}

#[test]
fn a_failed_transaction_keeps_its_connection_until_it_is_rolled_back() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let mut session = town.sessions(SessionMode::Transaction).open();
        session.batch_execute("BEGIN").await.unwrap();
        session.execute(&town.insert(1), &[]).await.unwrap();
        let error = session.query("SELECT 1/0", &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22012");
        assert!(error.to_string().starts_with("app on 127.0.0.1:"), "{error}");
        assert!(session.is_holding() && session.is_in_transaction());
        assert_eq!(
            session
                .execute("SELECT 1", &[])
                .await
                .unwrap_err()
                .code()
                .unwrap()
                .code(),
            "25P02"
        );
        session.execute("ROLLBACK", &[]).await.unwrap();
        assert!(!session.is_holding());
        assert_eq!(town.rows(), 0);
        session.query("SELECT 1/0", &[]).await.unwrap_err();
        assert!(
            !session.is_holding(),
            "outside of a transaction an error ends the lease"
        );
    });
}

#[test]
fn statement_mode_gives_the_connection_back_after_each_call() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let sessions = town.sessions(SessionMode::Statement);
        let (mut one, mut other) = (sessions.open(), sessions.open());
        for id in 0..5 {
            one.execute(&town.insert(id), &[]).await.unwrap();
            other.execute(&town.insert(id), &[]).await.unwrap();
            assert!(!one.is_holding() && !other.is_holding());
        }
        // One request is one statement to PgBouncer, and so it is here.
        one.batch_execute(&format!("BEGIN; {}; {}; COMMIT", town.insert(5), town.insert(6)))
            .await
            .unwrap();
        assert_eq!(town.rows(), 12);
    });
}

#[test]
fn a_guard_commits_rolls_back_and_never_takes_one_for_the_other() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            town.server.psql(&format!("\\c app\nTRUNCATE {}", town.name));
            let mut session = town.sessions(mode).open();
            let keeps = mode == SessionMode::Session;

            let transaction = session.transaction().await.unwrap();
            let (a, b) = (town.insert(1), town.insert(2));
            let both = tokio::join!(transaction.execute(&a, &[]), transaction.execute(&b, &[]));
            assert_eq!((both.0.unwrap(), both.1.unwrap()), (1, 1));
            assert_eq!(town.rows(), 0);
            transaction.commit().await.unwrap();
            assert_eq!((town.rows(), session.is_holding()), (2, keeps));

            let transaction = session.transaction().await.unwrap();
            transaction.execute(&town.insert(3), &[]).await.unwrap();
            transaction.rollback().await.unwrap();
            assert_eq!((town.rows(), session.is_holding()), (2, keeps));

            let transaction = session.transaction().await.unwrap();
            transaction.execute(&town.insert(4), &[]).await.unwrap();
            transaction.query("SELECT 1/0", &[]).await.unwrap_err();
            let error = transaction.commit().await.unwrap_err();
            assert!(matches!(error, SessionError::Aborted(Abortion::Failed)), "{error}");

            let transaction = session.transaction().await.unwrap();
            let refused = transaction.batch_execute("COMMIT").await.unwrap_err();
            assert_eq!(refused.refusal(), Some(Refusal::Control));
            transaction.connection().batch_execute("COMMIT").await.unwrap();
            let error = transaction.commit().await.unwrap_err();
            assert!(matches!(error, SessionError::Aborted(Abortion::Ended)), "{error}");

            let deferred = format!(
                "CREATE TABLE IF NOT EXISTS {0}_u (id int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO {0}_u VALUES (1), (1)",
                town.name
            );
            let transaction = session.transaction().await.unwrap();
            transaction.batch_execute(&deferred).await.unwrap();
            assert_eq!(transaction.commit().await.unwrap_err().code().unwrap().code(), "23505");
            assert_eq!((town.rows(), session.is_in_transaction()), (2, false));

            session.batch_execute("BEGIN").await.unwrap();
            let nested = session.transaction().await.unwrap_err();
            assert_eq!(nested.refusal(), Some(Refusal::Nested));
            assert!(session.is_in_transaction(), "a refusal changes nothing");
        }
    });
}

#[test]
fn a_transaction_is_begun_as_it_was_built() {
    run(async {
        use fairpool::drivers::postgres::tokio_postgres::IsolationLevel;
        let Some(town) = Town::new(1) else { return };
        let mut session = town.sessions(SessionMode::Transaction).open();
        let build = session
            .build_transaction()
            .isolation_level(IsolationLevel::Serializable);
        let transaction = build.read_only(true).deferrable(true).start().await.unwrap();
        for (name, value) in [("isolation", "serializable"), ("read_only", "on"), ("deferrable", "on")] {
            let sql = format!("SELECT current_setting('transaction_{name}')");
            assert_eq!(transaction.query_one(&sql, &[]).await.unwrap().get::<_, &str>(0), value);
        }
        let error = transaction.execute(&town.insert(1), &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "25006");
    });
}

#[test]
fn statements_are_prepared_wherever_they_run_and_anew_when_the_schema_changes() {
    run(async {
        let Some(town) = Town::new(3) else { return };
        let sessions = town.sessions(SessionMode::Transaction);
        let sql = format!("SELECT * FROM {} WHERE id >= $1", town.name);
        let mut open: Vec<_> = (0..3).map(|_| sessions.open()).collect();
        for session in &mut open {
            session.batch_execute("BEGIN").await.unwrap();
            assert_eq!(session.query(&sql, &[&0]).await.unwrap().len(), 0);
        }
        for session in &mut open {
            session.batch_execute("COMMIT").await.unwrap();
        }
        town.server.psql(&format!(
            "\\c app\nALTER TABLE {} ADD COLUMN more int DEFAULT 3",
            town.name
        ));
        for session in &mut open {
            session
                .execute(&town.insert(1).replace("VALUES", "(id) VALUES"), &[])
                .await
                .unwrap();
            for _ in 0..3 {
                let rows = session.query(&sql, &[&0]).await.unwrap();
                assert_eq!(rows[0].len(), 2);
            }
        }
    });
}
