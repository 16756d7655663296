//! Futures, guards and sessions dropped at any time, and servers that end a session: what is open then takes no effect, and
//! nobody waits for it.

use super::{Town, process, run, until};
use fairpool::drivers::postgres::{Abortion, Session, SessionError, SessionMode};
use std::time::Duration;
use tokio::time::timeout;

const SHARED: [SessionMode; 2] = [SessionMode::Transaction, SessionMode::Statement];

/// Long enough for a statement to arrive, and too short for it to end.
async fn cut_off(session: &mut Session, town: &Town) {
    let slow = session.query("SELECT pg_sleep(600)", &[]);
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND wait_event = 'PgSleep'",
        town.name
    );
    tokio::select! {
        _ = slow => panic!("it is too slow to end"),
        () = until("it sleeps", || town.server.psql(&sql) == "1") => {}
    }
}

#[test]
fn a_dropped_statement_is_called_off_and_its_connection_goes_to_the_next() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in SHARED {
            let sessions = town.sessions(mode);
            let (mut one, mut other) = (sessions.open(), sessions.open());
            let served = process(&mut one).await;
            cut_off(&mut one, &town).await;
            assert!(!one.is_holding());
            assert_eq!(process(&mut other).await, served, "cancelled, not waited for");
            assert_eq!(process(&mut one).await, served, "and the session goes on");
        }
    });
}

#[test]
fn a_request_dropped_in_the_line_leaves_it() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let sessions = town.sessions(SessionMode::Transaction);
        let (mut one, mut other) = (sessions.open(), sessions.open());
        one.batch_execute("BEGIN").await.unwrap();
        let waits = timeout(Duration::from_millis(20), other.query("SELECT 1", &[])).await;
        assert!(waits.is_err() && !other.is_holding());
        assert_eq!(town.pool.status().pending, 0);
        one.batch_execute("COMMIT").await.unwrap();
        assert_eq!(other.query("SELECT 1", &[]).await.unwrap().len(), 1);
    });
}

#[test]
fn of_a_transaction_in_which_a_statement_was_dropped_nothing_takes_effect() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let mut session = town.sessions(mode).open();
            session
                .batch_execute("SET LOCAL statement_timeout = 0; BEGIN")
                .await
                .unwrap();
            session.execute(&town.insert(1), &[]).await.unwrap();
            let slow = timeout(Duration::from_millis(30), session.query("SELECT pg_sleep(0.5)", &[])).await;
            assert!(slow.is_err());
            assert_eq!(session.is_holding(), mode == SessionMode::Session);
            assert!(session.is_in_transaction());
            for sql in [&town.insert(2), "COMMIT", "SELECT 1"] {
                let error = session.batch_execute(sql).await.unwrap_err();
                assert!(matches!(error, SessionError::Aborted(Abortion::Dropped)), "{error}");
            }
            session.batch_execute("ROLLBACK").await.unwrap();
            assert!(!session.is_in_transaction());
            assert_eq!(session.query("SELECT 1", &[]).await.unwrap().len(), 1);
            assert_eq!(town.rows(), 0);
        }
    });
}

#[test]
fn a_guard_does_not_commit_what_lost_a_statement_on_the_way() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let mut session = town.sessions(mode).open();
            let transaction = session.transaction().await.unwrap();
            transaction.execute(&town.insert(1), &[]).await.unwrap();
            assert!(
                timeout(
                    Duration::from_millis(20),
                    transaction.query("SELECT pg_sleep(0.2)", &[])
                )
                .await
                .is_err()
            );
            let error = transaction.commit().await.unwrap_err();
            assert!(matches!(error, SessionError::Aborted(Abortion::Dropped)), "{error}");
            assert_eq!(session.query("SELECT 1", &[]).await.unwrap().len(), 1);
            assert!(!session.is_in_transaction());
            assert_eq!(town.rows(), 0);
        }
    });
}

#[test]
fn a_dropped_guard_rolls_back_in_each_mode() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let sessions = town.sessions(mode);
            let mut session = sessions.open();
            let served = process(&mut session).await;
            let transaction = session.transaction().await.unwrap();
            transaction.execute(&town.insert(1), &[]).await.unwrap();
            drop(transaction);
            assert_eq!(session.is_holding(), mode == SessionMode::Session);
            assert_eq!(process(&mut session).await, served);
            assert!(!session.is_in_transaction());
            let transaction = session.transaction().await.unwrap();
            transaction.commit().await.unwrap();
            assert_eq!(town.rows(), 0);
        }
    });
}

#[test]
fn a_begin_dropped_at_any_poll_leaves_nothing_open() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let sessions = town.sessions(mode);
            for patience in 0..40 {
                let mut session = sessions.open();
                process(&mut session).await;
                let begun = timeout(Duration::from_micros(patience * 20), session.transaction()).await;
                drop(begun);
                session.execute(&town.insert(1), &[]).await.unwrap();
                assert!(!session.is_in_transaction());
            }
        }
        assert_eq!(town.rows(), 80, "each on its own");
    });
}

#[test]
fn a_session_whose_server_connection_dies_says_what_is_gone() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let kill = |process: i32| {
            town.server
                .psql(&format!("SELECT pg_terminate_backend({process}, 10000)"))
        };

        let mut session = town.sessions(SessionMode::Session).open();
        kill(process(&mut session).await);
        let error = session.query("SELECT 1", &[]).await.unwrap_err();
        assert!(
            matches!(error, SessionError::Lost { .. } | SessionError::Server { .. }),
            "{error}"
        );
        let error = session.query("SELECT 1", &[]).await.unwrap_err();
        assert!(matches!(error, SessionError::Lost { .. }), "{error}");
        assert!(!session.is_holding(), "its place is free");

        let mut session = town.sessions(SessionMode::Transaction).open();
        session.batch_execute("BEGIN").await.unwrap();
        session.execute(&town.insert(1), &[]).await.unwrap();
        kill(process(&mut session).await);
        session.execute(&town.insert(2), &[]).await.unwrap_err();
        let error = session.execute(&town.insert(3), &[]).await.unwrap_err();
        assert!(
            matches!(error, SessionError::Aborted(Abortion::Disconnected)),
            "{error}"
        );
        session.batch_execute("ROLLBACK").await.unwrap();
        session.execute(&town.insert(4), &[]).await.unwrap();
        assert_eq!(town.rows(), 1, "the last one");

        let transaction = session.transaction().await.unwrap();
        let process = transaction
            .query_one("SELECT pg_backend_pid()", &[])
            .await
            .unwrap()
            .get(0);
        kill(process);
        transaction.commit().await.unwrap_err();
        assert_eq!(
            session.query("SELECT 1", &[]).await.unwrap().len(),
            1,
            "a guard's end leaves nothing to roll back"
        );
    });
}

#[test]
fn a_session_that_discards_what_its_connection_needs_says_so_itself() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for sql in ["DISCARD ALL", "DEALLOCATE ALL"] {
            let mut session = town.sessions(SessionMode::Session).open();
            session.batch_execute(sql).await.unwrap();
            for _ in 0..2 {
                let error = session.query("SELECT 1", &[]).await.unwrap_err();
                assert!(matches!(error, SessionError::Discarded { .. }), "{error}");
                assert!(error.to_string().contains(sql), "{error}");
            }
            assert!(!session.is_holding(), "its place is free");
        }
        let mut session = town.sessions(SessionMode::Transaction).open();
        session.batch_execute("BEGIN").await.unwrap();
        session.batch_execute("DEALLOCATE ALL").await.unwrap();
        let error = session.execute(&town.insert(1), &[]).await.unwrap_err();
        assert!(matches!(error, SessionError::Aborted(Abortion::Discarded)), "{error}");
        session.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(session.query("SELECT 1", &[]).await.unwrap().len(), 1);
        assert_eq!(town.rows(), 0);
    });
}
