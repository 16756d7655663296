//! What a mode cannot keep is refused before it is sent, or allowed and lost, or found by an audit.

use super::{Town, run};
use fairpool::drivers::postgres::{Losses, Refusal, SessionError, SessionMode, SessionState};
use futures::StreamExt;
use std::sync::{Arc, Mutex};

const SHARED: [SessionMode; 2] = [SessionMode::Transaction, SessionMode::Statement];

const LOST: [(&str, SessionState); 7] = [
    ("SET search_path = nowhere", SessionState::Parameter),
    ("LISTEN a", SessionState::Listen),
    ("PREPARE a AS SELECT 1", SessionState::PreparedStatement),
    ("CREATE TEMP TABLE a (b int)", SessionState::TemporaryObject),
    ("SELECT pg_advisory_lock(1)", SessionState::AdvisoryLock),
    (
        "BEGIN; DECLARE a CURSOR WITH HOLD FOR SELECT 1; COMMIT",
        SessionState::HeldCursor,
    ),
    ("LOAD 'auto_explain'", SessionState::Library),
];

#[test]
fn statement_mode_refuses_a_transaction_of_several_statements_before_it_begins() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let mut session = town.sessions(SessionMode::Statement).open();
        for sql in [
            "BEGIN",
            "START TRANSACTION",
            "begin; ",
            &format!("{}; BEGIN", town.insert(1)),
        ] {
            let error = session.batch_execute(sql).await.unwrap_err();
            assert_eq!(error.refusal(), Some(Refusal::Transaction), "{sql}");
            assert!(!session.is_holding() && !session.is_in_transaction());
        }
        assert_eq!(
            session.execute("BEGIN", &[]).await.unwrap_err().refusal(),
            Some(Refusal::Transaction)
        );
        assert_eq!(
            session.transaction().await.unwrap_err().refusal(),
            Some(Refusal::Transaction)
        );
        assert_eq!((town.connections(), town.rows()), (0, 0), "nothing was sent");
    });
}

#[test]
fn a_transaction_that_no_text_gave_away_is_refused_by_the_wire_and_rolled_back() {
    run(async {
        let Some(town) = Town::with(1, |db| db.parameter("standard_conforming_strings", "off")) else {
            return;
        };
        let mut session = town.sessions(SessionMode::Statement).open();
        // With the setting off the backslash escapes the quote, so the text reads as one string and is three statements.
        let sql = format!(r"SELECT 'a\''; BEGIN; {}; --'", town.insert(1));
        let error = session.batch_execute(&sql).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Transaction), "{error}");
        assert_eq!(session.query("SELECT 1", &[]).await.unwrap().len(), 1);
        assert_eq!(town.rows(), 0);
    });
}

#[test]
fn state_that_would_be_lost_is_refused_with_what_to_use_instead() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in SHARED {
            let mut session = town.sessions(mode).open();
            for (sql, state) in LOST {
                let error = session.batch_execute(sql).await.unwrap_err();
                assert_eq!(error.refusal(), Some(Refusal::State(state)), "{sql}");
                let text = error.to_string();
                assert!(text.starts_with(&format!("refused in {mode} mode: {state}")), "{text}");
                assert!(text.ends_with(state.instead()), "{text}");
            }
        }
        assert_eq!(town.connections(), 0, "nothing was sent");
        let mut session = town.sessions(SessionMode::Transaction).open();
        let transaction = session.transaction().await.unwrap();
        assert!(
            transaction
                .batch_execute("LISTEN a")
                .await
                .unwrap_err()
                .refusal()
                .is_some()
        );
        transaction
            .batch_execute("SET LOCAL search_path = nowhere")
            .await
            .unwrap();
        transaction
            .batch_execute("SELECT pg_advisory_xact_lock(1)")
            .await
            .unwrap();
        transaction
            .batch_execute("CREATE TEMP TABLE a (b int) ON COMMIT DROP")
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    });
}

#[test]
fn a_copy_that_no_call_can_serve_is_refused_and_a_guards_connection_serves_it() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in [SessionMode::Session, SessionMode::Transaction] {
            let mut session = town.sessions(mode).open();
            let copy = format!("COPY {} TO STDOUT", town.name);
            let error = session.simple_query(&copy).await.unwrap_err();
            assert_eq!(error.refusal(), Some(Refusal::Copy));
            let transaction = session.transaction().await.unwrap();
            transaction.execute(&town.insert(7), &[]).await.unwrap();
            let rows = transaction.connection().copy_out(&copy).await.unwrap();
            let rows: Vec<_> = rows.map(|part| part.unwrap()).collect().await;
            assert_eq!(rows.concat(), b"7\n");
            transaction.rollback().await.unwrap();
        }
    });
}

#[test]
fn a_copy_that_no_text_gave_away_costs_its_connection_and_holds_up_nobody() {
    run(async {
        let Some(town) = Town::with(1, |db| db.parameter("standard_conforming_strings", "off")) else {
            return;
        };
        for mode in [SessionMode::Session, SessionMode::Transaction, SessionMode::Statement] {
            let sessions = town.sessions(mode);
            let mut session = sessions.open();
            let sql = format!(r"SELECT 'a\''; COPY {} FROM STDIN; --'", town.name);
            session.batch_execute(&sql).await.unwrap_err();
            assert!(!session.is_holding());
            let mut other = sessions.open();
            assert_eq!(other.query("SELECT 1", &[]).await.unwrap().len(), 1);
        }
    });
}

#[test]
fn session_mode_refuses_no_state() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let mut session = town.sessions(SessionMode::Session).open();
        for (sql, _) in LOST {
            session.batch_execute(sql).await.unwrap();
        }
    });
}

#[test]
fn losses_that_are_allowed_happen_and_are_told() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in SHARED {
            let told = Arc::new(Mutex::new(Vec::new()));
            let seen = told.clone();
            let sessions = town.sessions(mode).losses(Losses::Allow);
            let sessions = sessions.on_loss(move |state| seen.lock().unwrap().push(state));
            let mut session = sessions.open();
            for (sql, state) in LOST {
                session.batch_execute(sql).await.unwrap();
                assert_eq!(told.lock().unwrap().pop(), Some(state));
                assert!(!session.is_holding());
            }
            let error = session.batch_execute("EXECUTE a").await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "26000");
            let row = session
                .query_one("SELECT to_regclass('pg_temp.a') IS NULL", &[])
                .await
                .unwrap();
            assert!(row.get::<_, bool>(0));
        }
    });
}

#[test]
fn a_loss_that_text_and_audit_both_see_is_told_once() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        for mode in SHARED {
            let told = Arc::new(Mutex::new(Vec::new()));
            let seen = told.clone();
            let sessions = town.sessions(mode).losses(Losses::Allow).audit(true);
            let sessions = sessions.on_loss(move |state| seen.lock().unwrap().push(state));
            let mut session = sessions.open();
            for (sql, state) in LOST {
                session.batch_execute(sql).await.unwrap();
                assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [state], "{sql}");
            }
        }
    });
}

#[test]
fn an_audit_finds_what_no_text_tells() {
    run(async {
        let Some(town) = Town::new(1) else { return };
        let hidden = [
            ("SET search_path = nowhere", SessionState::Parameter, "search_path"),
            ("LISTEN a", SessionState::Listen, "a"),
            ("PREPARE a AS SELECT 1", SessionState::PreparedStatement, "a"),
            ("CREATE TEMP TABLE a (b int)", SessionState::TemporaryObject, "a"),
            ("PERFORM pg_advisory_lock(2, 3)", SessionState::AdvisoryLock, "2, 3"),
            ("SET ROLE app", SessionState::Parameter, "role"),
        ];
        for mode in SHARED {
            let mut session = town.sessions(mode).audit(true).open();
            for (sql, state, name) in hidden {
                let sql = match sql.starts_with("PREPARE") || sql.starts_with("LISTEN") {
                    true => format!("DO $$ BEGIN EXECUTE '{sql}'; END $$"),
                    false => format!("DO $$ BEGIN {sql}; END $$"),
                };
                let error = session.batch_execute(&sql).await.unwrap_err();
                let SessionError::LeftBehind { found, .. } = &error else {
                    panic!("{error}");
                };
                assert_eq!(found[..], [(state, name.to_owned())], "{sql}");
                assert!(!session.is_holding());
            }
            session.execute(&town.insert(1), &[]).await.unwrap();
        }
        let mut session = town.sessions(SessionMode::Transaction).audit(true).open();
        let transaction = session.transaction().await.unwrap();
        transaction
            .batch_execute("DO $$ BEGIN PERFORM pg_advisory_lock(7); END $$")
            .await
            .unwrap();
        let error = transaction.commit().await.unwrap_err().to_string();
        let said = "lost in transaction mode, though what made it took effect: an advisory lock of the session (0, 7)";
        assert_eq!(error, said);
    });
}
